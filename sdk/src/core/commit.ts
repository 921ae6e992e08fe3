/**
 * From what the app wants a row to be to the operations that say so: only what changes, and for each cell the dots
 * that the writer saw (`pred`).
 */
import { canonicalJson, jsonEqual, type Json } from '../lib/json.ts';
import type { Base, Op, RecordChange } from './change.ts';
import type { Dot } from './dot.ts';
import { elementPath, parsePath, zeroPath, type Path } from './paths.ts';
import { compareMarks, lifeStatus, type Entry, type Mark, type RecordState } from './record.ts';
import type { CollectionSchema, FieldPlace } from './schema.ts';
import { groupField, isVisible, readRow, zeroOf, type Row } from './view.ts';

export interface RecordWrite {
  readonly schema: CollectionSchema;
  readonly id: string;
  /** The record as the writer saw it: undefined when there was none. */
  readonly current: RecordState | undefined;
  /** The record as the server's log gives it: where carried bases come from. */
  readonly confirmed: RecordState | undefined;
  /** The row as it should be; null deletes it. */
  readonly next: Row | null;
}

/** A write names at most so many dots of one cell, the latest; what it does not name stays as a sibling. */
export const MAX_PRED = 1_000;

const ABSENT: readonly Entry[] = [];

/** The change of one record, or null when there is nothing to write. */
export function writeRecord(write: RecordWrite): RecordChange | null {
  const ops = write.next === null ? deleteOps(write) : rowOps(write, write.next);
  if (ops.length === 0) return null;
  return { c: write.schema.name, id: write.id, rv: named(write.current?.rv ?? ABSENT), ops };
}

function deleteOps({ current }: RecordWrite): Op[] {
  if (!current || lifeStatus(current) === 'dead') return [];
  return [{ t: 'life', v: 'dead', pred: named(current.life) }];
}

function rowOps(write: RecordWrite, next: Row): Op[] {
  const { schema, id, current } = write;
  const isNew = !current || lifeStatus(current) === 'dead';
  const shown: Row = isNew ? { id, ...schema.empty } : readRow(schema, id, current);
  const ops = [
    ...registerOps(write, shown, next, isNew),
    ...setOps(write, shown, next, isNew),
    ...counterOps(write, shown, next, isNew),
  ];
  // Whoever edits a record whose life is in doubt, or writes one that is not shown, wants it to live.
  const revives = isNew || !isVisible(schema, current) || (lifeStatus(current) === 'contested' && ops.length > 0);
  return revives ? [{ t: 'life', v: 'live', pred: named(current?.life ?? ABSENT) }, ...ops] : ops;
}

/** Writes the places whose fields are not as shown; what another version of the app has under other paths stays. */
function registerOps(write: RecordWrite, shown: Row, next: Row, isNew: boolean): Op[] {
  const { schema, current } = write;
  const places = new Map<Path, FieldPlace>();
  for (const field of [...Object.keys(shown), ...Object.keys(next)]) {
    const place = field === 'id' ? null : schema.placeOf(field);
    if (place?.kind === 'register' || place?.kind === 'group') places.set(place.path, place);
  }
  const ops: Op[] = [];
  for (const [path, place] of places) {
    const value = placeValue(place, path, next);
    const isWritten = !jsonEqual(placeValue(place, path, shown), value) || (isNew && current?.cells.has(path));
    if (isWritten) ops.push(setOp(write, path, value));
  }
  if (!isNew || !current) return ops;
  // A row that is made again has nothing of the old one.
  for (const path of current.cells.keys()) {
    const { kind } = parsePath(path);
    if ((kind === 'register' || kind === 'group') && !places.has(path)) ops.push(setOp(write, path, undefined));
  }
  return ops;
}

function placeValue(place: FieldPlace, path: Path, row: Row): Json | undefined {
  if (place.kind === 'group') return groupValue(place.fields, row);
  return Object.hasOwn(row, path) ? row[path] : undefined;
}

function groupValue(fields: readonly string[], row: Row): Json | undefined {
  const present = fields.filter((field) => Object.hasOwn(row, field));
  if (present.length === 0) return undefined;
  return Object.fromEntries(present.map((field) => [field, row[field]!]));
}

function setOp(write: RecordWrite, path: Path, value: Json | undefined): Op {
  const entries = write.current?.cells.get(path) ?? ABSENT;
  const base = carriedBase(write, path);
  const first = inheritedClaim(write, path);
  return {
    t: 'set',
    p: path,
    ...(value === undefined ? {} : { v: value }),
    pred: named(entries),
    ...(base ? { base } : {}),
    ...(first === null ? {} : { first }),
    ...(write.schema.isClaim(path) ? { claim: 'home' } : {}),
  };
}

/** When the earliest of the replaced values was claimed. */
function inheritedClaim({ schema, current }: RecordWrite, path: Path): number | null {
  const replaced = current?.cells.get(path);
  if (!replaced || !schema.inheritsClaim(path)) return null;
  return Math.min(...replaced.map((entry) => entry.first ?? entry.hlc));
}

function carriedBase({ schema, confirmed }: RecordWrite, path: Path): Base | null {
  const entries = confirmed?.cells.get(path);
  const most = schema.baseLength(path);
  if (!entries || most === 0) return null;
  const { hlc: latest, v } = schema.read(path, entries).shown;
  // What merges several versions is later than each of them.
  const hlc = latest + entries.length - 1;
  if (v === undefined) return { hlc };
  return canonicalJson(v).length <= most ? { hlc, v } : null;
}

function setOps(write: RecordWrite, shown: Row, next: Row, isNew: boolean): Op[] {
  const { schema, current } = write;
  const present = elementsByField(current);
  const ops: Op[] = [];
  for (const field of new Set([...Object.keys(next), ...Object.keys(shown), ...present.keys()])) {
    if (field === 'id') continue;
    const mine = present.get(field) ?? [];
    const remove = (path: Path): Op => ({ t: 'rm', p: path, pred: cellPred(write, path) });
    if (schema.placeOf(field).kind !== 'set') {
      if (!Object.hasOwn(next, field)) ops.push(...mine.map(remove));
      continue;
    }
    const wanted = elementPaths(field, next);
    const before = elementPaths(field, shown);
    if (!isNew && wanted.size === before.size && [...wanted].every((path) => before.has(path))) continue;
    for (const path of wanted) {
      if (!current?.cells.has(path)) ops.push({ t: 'add', p: path, pred: cellPred(write, path) });
    }
    ops.push(...mine.filter((path) => !wanted.has(path)).map(remove));
    // Elements taken over from a register of an older app: it would show through again when the last of them goes.
    const older = isNew ? undefined : current?.cells.get(field);
    if (older && schema.read(field, older).shown.v !== undefined) ops.push(setOp(write, field, undefined));
  }
  return ops;
}

function elementsByField(current: RecordState | undefined): Map<string, Path[]> {
  const present = new Map<string, Path[]>();
  for (const path of current?.cells.keys() ?? []) {
    const parsed = parsePath(path);
    if (parsed.kind === 'element') present.set(parsed.field, [...(present.get(parsed.field) ?? []), path]);
  }
  return present;
}

function elementPaths(field: string, row: Row): Set<Path> {
  const elements = Object.hasOwn(row, field) ? (row[field] as readonly Json[]) : [];
  return new Set(elements.map((element) => elementPath(field, element)));
}

function counterOps(write: RecordWrite, shown: Row, next: Row, isNew: boolean): Op[] {
  const { schema, current } = write;
  const ops: Op[] = [];
  for (const field of new Set([...Object.keys(schema.empty), ...Object.keys(next)])) {
    const place = field === 'id' ? null : schema.placeOf(field);
    if (place?.kind !== 'counter') continue;
    const wanted = Object.hasOwn(next, field) ? (next[field] as number) : 0;
    const counted = isNew ? 0 : (shown[field] as number);
    if (wanted !== counted) ops.push({ t: 'inc', p: place.path, n: wanted - counted });
    // A row that is made again counts from where it stands: said once, however many make it again.
    if (!isNew || !current) continue;
    const stand = current.counters.get(place.path) ?? 0;
    if (stand !== zeroOf(current, field)) ops.push(setOp(write, zeroPath(field), stand));
  }
  return ops;
}

function cellPred({ current }: RecordWrite, path: Path): readonly Dot[] {
  return named(current?.cells.get(path) ?? ABSENT);
}

/** The dots of what is replaced: all of them, unless there are more than a change may name. */
function named(marks: readonly Mark[]): readonly Dot[] {
  const latest = marks.length <= MAX_PRED ? marks : marks.toSorted(compareMarks).slice(-MAX_PRED);
  return latest.map((mark) => mark.dot);
}

/** Settles a register: the value replaces exactly the entries that are live in `current`. */
export function resolveRegister(write: Omit<RecordWrite, 'next'>, path: Path, value: Json | undefined): RecordChange {
  const op = setOp({ ...write, next: null }, path, value);
  return { c: write.schema.name, id: write.id, rv: named(write.current?.rv ?? ABSENT), ops: [op] };
}

/** Settles a delete against an edit: `live` keeps the whole record, `dead` deletes all that was edited. */
export function resolveLife(
  schema: CollectionSchema,
  id: string,
  current: RecordState,
  v: 'live' | 'dead',
): RecordChange {
  return { c: schema.name, id, rv: named(current.rv), ops: [{ t: 'life', v, pred: named(current.life) }] };
}

/** The part of a row that a register holds: the group's object, or the field's value. */
export function registerValue(path: Path, fields: readonly string[], row: Row): Json | undefined {
  if (parsePath(path).kind === 'group') return groupValue(fields, row);
  return Object.hasOwn(row, fields[0]!) ? row[fields[0]!] : undefined;
}

/** The fields of a register's value as a partial row. */
export function registerRow(path: Path, fields: readonly string[], value: Json | undefined): Row {
  const isGroup = parsePath(path).kind === 'group';
  const entries = fields.map((field) => [field, isGroup ? groupField(value, field) : value] as const);
  return Object.fromEntries(entries.filter((entry): entry is readonly [string, Json] => entry[1] !== undefined));
}
