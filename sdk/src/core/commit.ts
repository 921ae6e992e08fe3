/**
 * From what the app wants a row to be to the operations that say so: only what changes, and for each cell the dots
 * that the writer saw (`pred`).
 */
import { jsonEqual, type Json } from '../lib/json.ts';
import { entersFrontier } from './apply.ts';
import type { Op, RecordChange } from './change.ts';
import { hotOps } from './commit-hot.ts';
import { mapOps } from './commit-map.ts';
import { countBetween } from './count.ts';
import { elementPath, mapOfPath, parsePath, zeroPath, type Path } from './paths.ts';
import { isGone, lifeStatus, type RecordState } from './record.ts';
import { ABSENT, cellPred, named, setOp, type RecordWrite } from './record-write.ts';
import type { CollectionSchema, FieldPlace } from './schema.ts';
import { newShape, shapeMark, shapeOps, shownShape, writtenShape } from './shape.ts';
import { groupField, isVisible, readCellRow, zeroOf, type Row } from './view.ts';

/** The change of one record, or null when there is nothing to write. */
export function writeRecord(write: RecordWrite): RecordChange | null {
  const ops = write.next === null ? deleteOps(write) : rowOps(write, write.next);
  if (ops.length === 0) return null;
  // What does not enter the frontier replaces nothing of it.
  const rv = entersFrontier({ ops }) ? named(write.current?.rv ?? ABSENT) : [];
  return { c: write.schema.name, id: write.id, rv, ops };
}

function deleteOps({ current }: RecordWrite): Op[] {
  if (isGone(current)) return [];
  return [{ t: 'life', v: 'dead', pred: named(current!.life) }];
}

function rowOps(write: RecordWrite, wanted: Row): Op[] {
  const { schema, id, current } = write;
  const isNew = !current || isGone(current);
  const shown: Row = isNew ? { id, ...schema.empty } : readCellRow(schema, id, current);
  const { row: next, mark } = isNew
    ? { row: wanted, mark: newShape(schema, current) }
    : writtenOver(schema, current, shown, wanted);
  const ops = [
    ...registerOps(write, shown, next, isNew),
    ...setOps(write, shown, next, isNew),
    ...mapOps(write, shown, next, isNew),
    ...counterOps(write, shown, next, isNew),
    ...hotOps(write, shown, next, isNew),
    ...shapeOps(current, mark),
  ];
  // Whoever edits a record whose life is in doubt, or writes one that is not shown, wants it to live. A hot register says
  // nothing about that.
  const isInDoubt = !isNew && lifeStatus(current) === 'contested';
  const revives = isNew || !isVisible(schema, current) || (isInDoubt && entersFrontier({ ops }));
  return revives ? [{ t: 'life', v: 'live', pred: named(current?.life ?? ABSENT) }, ...ops] : ops;
}

/** In terms of the cells, which another version of the app may have written. */
function writtenOver(
  schema: CollectionSchema,
  current: RecordState,
  cells: Row,
  next: Row,
): ReturnType<typeof writtenShape> {
  const mark = shapeMark(current);
  return writtenShape(schema, { cells, shown: shownShape(schema, cells, mark).row, mark, next });
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
    if (wanted !== counted) ops.push({ t: 'inc', p: place.path, n: countBetween(counted, wanted) });
    // A row that is made again counts from where it stands: said once, however many make it again.
    if (!isNew || !current) continue;
    const stand = current.counters.get(place.path) ?? 0;
    if (stand !== zeroOf(current, field)) ops.push(setOp(write, zeroPath(field), stand));
  }
  return ops;
}

/** Settles a register: the value replaces exactly the entries that are live in `current`. */
export function resolveRegister(write: Omit<RecordWrite, 'next'>, path: Path, value: Json | undefined): RecordChange {
  const whole = { ...write, next: null };
  const isRemoval = value === undefined && mapOfPath(path) !== null;
  const op: Op = isRemoval ? { t: 'rm', p: path, pred: cellPred(whole, path) } : setOp(whole, path, value);
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

/** The part of a row that a register holds: the group's object, the key's value, or the field's. */
export function registerValue(path: Path, fields: readonly string[], row: Row): Json | undefined {
  const parsed = parsePath(path);
  if (parsed.kind === 'group') return groupValue(fields, row);
  if (parsed.kind === 'key') return groupField(row[parsed.field], parsed.key);
  return Object.hasOwn(row, fields[0]!) ? row[fields[0]!] : undefined;
}

/** The fields of a register's value as a partial row; of a key of a map, the map with this key alone. */
export function registerRow(path: Path, fields: readonly string[], value: Json | undefined): Row {
  const parsed = parsePath(path);
  if (parsed.kind === 'key') return { [parsed.field]: value === undefined ? {} : { [parsed.key]: value } };
  const isGroup = parsed.kind === 'group';
  const entries = fields.map((field) => [field, isGroup ? groupField(value, field) : value] as const);
  return Object.fromEntries(entries.filter((entry): entry is readonly [string, Json] => entry[1] !== undefined));
}
