/**
 * A record's state as JSON: in snapshots, in servers' storages and in digests. Marks are written once and named by
 * their place, because most entries of a record come from few changes.
 */
import { canonicalJson, type Json } from '../lib/json.ts';
import type { Base, Life } from './change.ts';
import type { Hlc } from './clock.ts';
import { compareDots, type Dot } from './dot.ts';
import type { Path } from './paths.ts';
import type { Entry, LifeEntry, Mark, RecordState } from './record.ts';
import type { Stamp } from './version-vector.ts';

/** Numbers are places in `marks`. */
export interface RecordJson {
  readonly marks: readonly (readonly [dot: Dot, hlc: Hlc])[];
  readonly rv: readonly number[];
  readonly life: readonly LifeJson[];
  readonly cells: Readonly<Record<Path, readonly EntryJson[]>>;
  readonly counters?: Readonly<Record<Path, number>>;
  readonly hot?: Readonly<Record<Path, EntryJson>>;
}

export interface LifeJson {
  readonly m: number;
  readonly v: Life;
  readonly of?: string;
  readonly stamp?: Stamp;
  readonly more?: Readonly<Record<string, Json>>;
}

export interface EntryJson {
  readonly m: number;
  readonly v?: Json;
  readonly base?: Base;
  readonly first?: Hlc;
  readonly over?: Hlc;
  readonly stamps?: readonly Stamp[];
  readonly more?: Readonly<Record<string, Json>>;
}

/** The same text for the same state, in whatever order its entries were applied. */
export function recordToJson(record: RecordState): RecordJson {
  const marks = marksOf(record);
  const places = new Map(marks.map(({ dot }, i) => [dot, i]));
  const place = ({ dot }: Mark): number => places.get(dot)!;
  const placed = (entry: Entry): EntryJson => entryJson(entry, place(entry));
  const cells = [...record.cells].sort(byKey).map(([path, entries]) => [path, inOrder(entries.map(placed))] as const);
  const hot = [...(record.hot ?? [])].sort(byKey).map(([path, entry]) => [path, placed(entry)] as const);
  return {
    marks: marks.map(({ dot, hlc }) => [dot, hlc]),
    rv: record.rv.map(place).sort((a, b) => a - b),
    life: inOrder(record.life.map(({ dot, hlc: _hlc, ...rest }): LifeJson => ({ m: places.get(dot)!, ...rest }))),
    cells: Object.fromEntries(cells),
    ...(record.counters.size === 0 ? {} : { counters: Object.fromEntries([...record.counters].sort(byKey)) }),
    ...(hot.length === 0 ? {} : { hot: Object.fromEntries(hot) }),
  };
}

/** Each once, in the order of their dots. */
function marksOf({ rv, life, cells, hot }: RecordState): readonly Mark[] {
  const byDot = new Map<Dot, Mark>();
  for (const mark of rv) byDot.set(mark.dot, mark);
  for (const mark of life) byDot.set(mark.dot, mark);
  for (const entries of cells.values()) for (const mark of entries) byDot.set(mark.dot, mark);
  for (const mark of hot?.values() ?? []) byDot.set(mark.dot, mark);
  return [...byDot.values()].sort((a, b) => compareDots(a.dot, b.dot));
}

function inOrder<T extends { readonly m: number }>(entries: T[]): readonly T[] {
  return entries.sort((a, b) => a.m - b.m);
}

function entryJson({ dot: _dot, hlc: _hlc, ...rest }: Entry, m: number): EntryJson {
  return { m, ...rest };
}

/** Throws a RangeError when a place names no mark. */
export function recordFromJson(json: RecordJson): RecordState {
  const marks = json.marks.map(([dot, hlc]): Mark => ({ dot, hlc }));
  const at = (place: number): Mark => {
    const mark = marks[place];
    if (!mark) throw new RangeError(`there is no mark ${place}`);
    return mark;
  };
  const entryOf = ({ m, ...rest }: EntryJson): Entry => ({ ...at(m), ...rest });
  return {
    rv: json.rv.map(at),
    life: json.life.map(({ m, ...rest }): LifeEntry => ({ ...at(m), ...rest })),
    cells: new Map(Object.entries(json.cells).map(([path, entries]) => [path, entries.map(entryOf)])),
    counters: new Map(Object.entries(json.counters ?? {})),
    ...(json.hot ? { hot: new Map(Object.entries(json.hot).map(([path, entry]) => [path, entryOf(entry)])) } : {}),
  };
}

/**
 * What two replicas with the same content agree on. Under which number a delete or a claim came is not part of it: a
 * replica may have got it by another server's number. The text is `canonicalJson` of the JSON, written straight away:
 * every change of every replica asks for it.
 */
export function contentOfRecord(record: RecordState): string {
  const marks = marksOf(record);
  const places = new Map(marks.map(({ dot }, i) => [dot, i]));
  const place = ({ dot }: Mark): number => places.get(dot)!;
  const all = (entries: readonly Entry[]): string => {
    if (entries.length === 1) return contentOfEntry(entries[0]!, place(entries[0]!));
    const placed = entries.map((entry) => ({ m: place(entry), entry })).sort((a, b) => a.m - b.m);
    return placed.map(({ m, entry }) => contentOfEntry(entry, m)).join();
  };
  const cells = [...record.cells].sort(byKey).map(([path, entries]) => `${JSON.stringify(path)}:[${all(entries)}]`);
  const life = record.life.map(({ dot, hlc: _hlc, stamp: _stamp, ...rest }) => ({ m: places.get(dot)!, ...rest }));
  const counters = [...record.counters].sort(byKey).map(([path, n]) => `${JSON.stringify(path)}:${JSON.stringify(n)}`);
  const hot = [...(record.hot ?? [])]
    .sort(byKey)
    .map(([path, entry]) => `${JSON.stringify(path)}:${contentOfEntry(entry, place(entry))}`);
  const rv = record.rv.map(place).sort((a, b) => a - b);
  return (
    `{"cells":{${cells.join()}}` +
    (counters.length > 0 ? `,"counters":{${counters.join()}}` : '') +
    (hot.length > 0 ? `,"hot":{${hot.join()}}` : '') +
    `,"life":${canonicalJson(inOrder(life) as unknown as Json)}` +
    `,"marks":[${marks.map(({ dot, hlc }) => `[${JSON.stringify(dot)},${hlc}]`).join()}]` +
    `,"rv":[${rv.join()}]}`
  );
}

/** Most entries have a value and nothing else. */
function contentOfEntry({ dot: _dot, hlc: _hlc, v, stamps: _stamps, ...rest }: Entry, m: number): string {
  if (Object.keys(rest).length > 0) {
    return canonicalJson({ m, ...(v === undefined ? {} : { v }), ...rest } as unknown as Json);
  }
  return v === undefined ? `{"m":${m}}` : `{"m":${m},"v":${canonicalJson(v)}}`;
}

/** Whether it says under which numbers something came. */
export function hasNumbers({ life, cells }: RecordState): boolean {
  if (life.some(({ stamp }) => stamp !== undefined)) return true;
  for (const entries of cells.values()) if (entries.some(({ stamps }) => stamps !== undefined)) return true;
  return false;
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}
