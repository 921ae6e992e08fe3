/**
 * From what the app wants a row to be to the operations that say so: only what changes, and for each cell the dots
 * that the writer saw (`pred`).
 */
import { canonicalJson, jsonEqual, type Json } from '../lib/json.ts';
import type { Base, Op, RecordChange } from './change.ts';
import type { Dot } from './dot.ts';
import { dotsOf, lifeStatus, type Entry, type RecordState } from './record.ts';
import { elementPath, parsePath, type Path } from './paths.ts';
import type { CollectionSchema, FieldPlace } from './schema.ts';
import { groupField, type Row } from './view.ts';

export interface RecordWrite {
  readonly schema: CollectionSchema;
  readonly id: string;
  /** The record as this device shows it (base and outbox), before the transaction; undefined when there is none. */
  readonly current: RecordState | undefined;
  /** The record as the server's log gives it: where carried bases come from. */
  readonly confirmed: RecordState | undefined;
  /** The row as it should be; null deletes it. */
  readonly next: Row | null;
  /** Writes what was shown then instead of what is shown now: a write made since then becomes a sibling. */
  readonly seen?: SeenDots;
}

/** The dots that a reader was shown of one record. */
export interface SeenDots {
  readonly rv: readonly Dot[];
  readonly life: readonly Dot[];
  readonly cells: ReadonlyMap<Path, readonly Dot[]>;
}

const ABSENT: readonly Entry[] = [];

/** The change of one record, or null when there is nothing to write. */
export function writeRecord(write: RecordWrite): RecordChange | null {
  const ops = write.next === null ? deleteOps(write) : rowOps(write, write.next);
  if (ops.length === 0) return null;
  const rv = write.seen?.rv ?? dotsOf(write.current?.rv ?? []);
  return { c: write.schema.name, id: write.id, rv, ops };
}

function deleteOps(write: RecordWrite): Op[] {
  const { current } = write;
  if (!current || lifeStatus(current) === 'dead') return [];
  return [{ t: 'life', v: 'dead', pred: lifePred(write) }];
}

function rowOps(write: RecordWrite, next: Row): Op[] {
  const status = write.current ? lifeStatus(write.current) : 'dead';
  const isNew = status === 'dead';
  const ops = [...registerOps(write, next, isNew), ...setOps(write, next), ...counterOps(write, next)];
  // Whoever edits a record whose life is in doubt wants it to live.
  const revives = isNew || (status === 'contested' && ops.length > 0);
  return revives ? [{ t: 'life', v: 'live', pred: lifePred(write) }, ...ops] : ops;
}

function registerOps(write: RecordWrite, next: Row, isNew: boolean): Op[] {
  const ops: Op[] = [];
  for (const [path, value] of wantedRegisters(write, next)) {
    const entries = write.current?.cells.get(path) ?? ABSENT;
    const shown = entries.length === 0 ? undefined : write.schema.read(path, entries).shown.v;
    const isWritten = isNew ? value !== undefined || entries.length > 0 : !jsonEqual(shown, value);
    if (isWritten) ops.push(setOp(write, path, value, cellPred(write, path)));
  }
  return ops;
}

/** The value that every register should have: those of the row and, absent, those that the record has beyond it. */
function wantedRegisters(write: RecordWrite, next: Row): Map<Path, Json | undefined> {
  const wanted = new Map<Path, Json | undefined>();
  for (const path of write.current?.cells.keys() ?? []) {
    const kind = parsePath(path).kind;
    if (kind === 'register' || kind === 'group') wanted.set(path, undefined);
  }
  for (const field of Object.keys(next)) {
    if (field === 'id') continue;
    const place = write.schema.placeOf(field);
    if (place.kind === 'register') wanted.set(place.path, next[field]);
    else if (place.kind === 'group') wanted.set(place.path, groupValue(place.fields, next));
  }
  return keepShadowed(write.schema, wanted, next);
}

/**
 * A cell under another kind of path than today's schema has for its fields was written by another version of the
 * app. It stays as it is while the row still shows its fields.
 */
function keepShadowed(
  schema: CollectionSchema,
  wanted: Map<Path, Json | undefined>,
  next: Row,
): Map<Path, Json | undefined> {
  for (const path of wanted.keys()) {
    const parsed = parsePath(path);
    const fields = parsed.kind === 'register' ? [parsed.field] : parsed.kind === 'group' ? parsed.fields : [];
    const isCurrent = fields.some((field) => pathOf(schema.placeOf(field)) === path);
    if (!isCurrent && fields.some((field) => Object.hasOwn(next, field))) wanted.delete(path);
  }
  return wanted;
}

function pathOf(place: FieldPlace): Path | null {
  return place.kind === 'register' || place.kind === 'group' ? place.path : null;
}

function groupValue(fields: readonly string[], row: Row): Json | undefined {
  const present = fields.filter((field) => Object.hasOwn(row, field));
  if (present.length === 0) return undefined;
  return Object.fromEntries(present.map((field) => [field, row[field]!]));
}

function setOp(write: RecordWrite, path: Path, value: Json | undefined, pred: readonly Dot[]): Op {
  const base = carriedBase(write, path);
  const first = inheritedClaim(write, path, pred);
  return {
    t: 'set',
    p: path,
    ...(value === undefined ? {} : { v: value }),
    pred,
    ...(base ? { base } : {}),
    ...(first === null ? {} : { first }),
  };
}

/** When the earliest of the replaced values was claimed. */
function inheritedClaim(write: RecordWrite, path: Path, pred: readonly Dot[]): number | null {
  if (!write.schema.inheritsClaim(path)) return null;
  const replaced = (write.current?.cells.get(path) ?? ABSENT).filter((entry) => pred.includes(entry.dot));
  return replaced.length === 0 ? null : Math.min(...replaced.map((entry) => entry.first ?? entry.hlc));
}

function carriedBase(write: RecordWrite, path: Path): Base | null {
  const entries = write.confirmed?.cells.get(path);
  const most = write.schema.baseLength(path);
  if (!entries || most === 0) return null;
  const { hlc, v } = write.schema.read(path, entries).shown;
  if (v === undefined) return { hlc };
  return canonicalJson(v).length <= most ? { hlc, v } : null;
}

function setOps(write: RecordWrite, next: Row): Op[] {
  const present = new Map<Path, string>();
  for (const path of write.current?.cells.keys() ?? []) {
    const parsed = parsePath(path);
    if (parsed.kind === 'element') present.set(path, parsed.field);
  }
  const wanted = new Set<Path>();
  for (const field of Object.keys(next)) {
    if (field === 'id' || write.schema.placeOf(field).kind !== 'set') continue;
    for (const element of next[field] as readonly Json[]) wanted.add(elementPath(field, element));
  }
  const added = [...wanted].filter((path) => !present.has(path));
  const removed = [...present].flatMap(([path, field]) => (isGone(write, next, path, field, wanted) ? [path] : []));
  return [
    ...added.map((path): Op => ({ t: 'add', p: path, pred: cellPred(write, path) })),
    ...removed.map((path): Op => ({ t: 'rm', p: path, pred: cellPred(write, path) })),
  ];
}

function isGone(write: RecordWrite, next: Row, path: Path, field: string, wanted: ReadonlySet<Path>): boolean {
  const isSet = write.schema.placeOf(field).kind === 'set';
  return isSet ? !wanted.has(path) : !Object.hasOwn(next, field);
}

function counterOps(write: RecordWrite, next: Row): Op[] {
  const ops: Op[] = [];
  for (const field of Object.keys(next)) {
    if (field === 'id') continue;
    const place = write.schema.placeOf(field);
    if (place.kind !== 'counter') continue;
    const n = (next[field] as number) - (write.current?.counters.get(place.path) ?? 0);
    if (n !== 0) ops.push({ t: 'inc', p: place.path, n });
  }
  return ops;
}

function lifePred(write: RecordWrite): readonly Dot[] {
  return write.seen?.life ?? dotsOf(write.current?.life ?? []);
}

function cellPred(write: RecordWrite, path: Path): readonly Dot[] {
  return write.seen ? (write.seen.cells.get(path) ?? []) : dotsOf(write.current?.cells.get(path) ?? ABSENT);
}

/** What a reader is shown of a record now, for a write that is made later. */
export function seenDots(record: RecordState): SeenDots {
  const cells = new Map([...record.cells].map(([path, entries]) => [path, dotsOf(entries)]));
  return { rv: dotsOf(record.rv), life: dotsOf(record.life), cells };
}

/** Settles a register: the value replaces exactly the entries that are live in `current`. */
export function resolveRegister(
  write: Omit<RecordWrite, 'next' | 'seen'>,
  path: Path,
  value: Json | undefined,
): RecordChange {
  const current = write.current!;
  const op = setOp({ ...write, next: null }, path, value, dotsOf(current.cells.get(path) ?? ABSENT));
  return { c: write.schema.name, id: write.id, rv: dotsOf(current.rv), ops: [op] };
}

/** Settles a delete against an edit: `live` keeps the whole record, `dead` deletes all that was edited. */
export function resolveLife(
  schema: CollectionSchema,
  id: string,
  current: RecordState,
  v: 'live' | 'dead',
): RecordChange {
  return { c: schema.name, id, rv: dotsOf(current.rv), ops: [{ t: 'life', v, pred: dotsOf(current.life) }] };
}

/** The part of a row that a register holds: the group's object, or the field's value. */
export function registerValue(path: Path, fields: readonly string[], row: Row): Json | undefined {
  return parsePath(path).kind === 'group' ? groupValue(fields, row) : row[fields[0]!];
}

/** The fields of a register's value as a partial row. */
export function registerRow(path: Path, fields: readonly string[], value: Json | undefined): Row {
  const isGroup = parsePath(path).kind === 'group';
  const entries = fields.map((field) => [field, isGroup ? groupField(value, field) : value] as const);
  return Object.fromEntries(entries.filter((entry): entry is readonly [string, Json] => entry[1] !== undefined));
}
