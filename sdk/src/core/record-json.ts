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
}

export interface LifeJson {
  readonly m: number;
  readonly v: Life;
  readonly of?: string;
  readonly stamp?: Stamp;
}

export interface EntryJson {
  readonly m: number;
  readonly v?: Json;
  readonly base?: Base;
  readonly first?: Hlc;
}

/** The same text for the same state, in whatever order its entries were applied. */
export function recordToJson(record: RecordState): RecordJson {
  const all = [...record.rv, ...record.life, ...[...record.cells.values()].flat()];
  const byDot = new Map(all.map((mark): readonly [Dot, Mark] => [mark.dot, mark]));
  const marks = [...byDot.values()].sort((a, b) => compareDots(a.dot, b.dot));
  const places = new Map(marks.map((mark, i) => [mark.dot, i]));
  const placed = <M extends Mark, T extends { readonly m: number }>(entries: readonly M[], make: (e: M) => T): T[] =>
    entries.map(make).sort((a, b) => a.m - b.m);
  const m = (mark: Mark): number => places.get(mark.dot)!;
  const cells = [...record.cells].sort(byKey).map(([path, entries]) => [
    path,
    placed(entries, ({ v, base, first, ...mark }): EntryJson => ({
      m: m(mark),
      ...(v === undefined ? {} : { v }),
      ...(base === undefined ? {} : { base }),
      ...(first === undefined ? {} : { first }),
    })),
  ]);
  return {
    marks: marks.map(({ dot, hlc }) => [dot, hlc]),
    rv: record.rv.map(m).sort((a, b) => a - b),
    life: placed(record.life, ({ v, of, stamp, ...mark }): LifeJson => ({
      m: m(mark),
      v,
      ...(of === undefined ? {} : { of }),
      ...(stamp === undefined ? {} : { stamp }),
    })),
    cells: Object.fromEntries(cells) as RecordJson['cells'],
    ...(record.counters.size === 0 ? {} : { counters: Object.fromEntries([...record.counters].sort(byKey)) }),
  };
}

/** Throws a RangeError when a place names no mark. */
export function recordFromJson(json: RecordJson): RecordState {
  const marks = json.marks.map(([dot, hlc]): Mark => ({ dot, hlc }));
  const at = (place: number): Mark => {
    const mark = marks[place];
    if (!mark) throw new RangeError(`there is no mark ${place}`);
    return mark;
  };
  return {
    rv: json.rv.map(at),
    life: json.life.map(({ m, ...rest }): LifeEntry => ({ ...at(m), ...rest })),
    cells: new Map(
      Object.entries(json.cells).map(([path, entries]) => [
        path,
        entries.map(({ m, ...rest }): Entry => ({ ...at(m), ...rest })),
      ]),
    ),
    counters: new Map(Object.entries(json.counters ?? {})),
  };
}

/**
 * What two replicas with the same content agree on. Under which number a delete came is not part of it: a replica may
 * have got it by another server's number.
 */
export function contentOfRecord(record: RecordState): string {
  const { life, ...rest } = recordToJson(record);
  const unnumbered = life.map(({ stamp: _stamp, ...entry }) => entry);
  return canonicalJson({ ...rest, life: unnumbered } as unknown as Json);
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}
