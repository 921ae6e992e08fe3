/**
 * The row that the app reads and the conflicts that are open: pure functions of a record's state, so that every
 * replica with the same state shows the same.
 */
import { canonicalJson, type Json } from '../lib/json.ts';
import { openConflicts, registerFields, type OpenConflict } from './conflict.ts';
import { addCounts, countBetween } from './count.ts';
import { counterPath, parsePath, VERSION_PATH, zeroPath, type Path } from './paths.ts';
import { MANY_SIBLINGS, MIGRATE, type PolicyProblem } from './policy-problem.ts';
import { compareMarks, isCreated, lifeStatus, type RecordState } from './record.ts';
import type { CollectionSchema, FieldPlace } from './schema.ts';
import { shapeMark, shownShape, type Shape } from './shape.ts';

/** A row as the app reads it; `id` is among its fields. */
export type Row = Readonly<Record<string, Json>>;

export interface RecordView {
  /** null: deleted, or never there. */
  readonly row: Row | null;
  readonly conflicts: readonly OpenConflict[];
  readonly problems?: readonly PolicyProblem[];
}

export function viewRecord(schema: CollectionSchema, id: string, record: RecordState): RecordView {
  const isShown = isVisible(schema, record);
  const shape = isShown ? readShape(schema, id, record) : null;
  const problems = isShown ? policyProblems(schema, id, record) : [];
  if (shape?.reason !== undefined)
    problems.push({
      collection: schema.name,
      rowId: id,
      field: VERSION_PATH,
      type: 'policy-failed',
      policy: MIGRATE,
      reason: shape.reason,
    });
  return {
    row: shape?.row ?? null,
    conflicts: openConflicts(schema, id, record),
    ...(problems.length > 0 ? { problems } : {}),
  };
}

function policyProblems(schema: CollectionSchema, rowId: string, record: RecordState): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  for (const [path, entries] of record.cells) {
    if (entries.length < 2) continue;
    const [field] = registerFields(path);
    if (field === undefined) continue;
    const about = { collection: schema.name, rowId, field };
    const { problem } = schema.read(path, entries);
    if (problem) problems.push({ ...about, ...problem });
    if (entries.length > MANY_SIBLINGS) problems.push({ ...about, type: 'many-siblings', siblings: entries.length });
  }
  return problems;
}

export function isVisible(schema: CollectionSchema, record: RecordState): boolean {
  if (!isCreated(record)) return false;
  const status = lifeStatus(record);
  return status === 'live' || (status === 'contested' && schema.onDeleteVsEdit !== 'delete-wins');
}

/** The row as this version of the app shows it, without regard to whether the record is deleted. */
export function readRow(schema: CollectionSchema, id: string, record: RecordState): Row {
  return readShape(schema, id, record).row;
}

function readShape(schema: CollectionSchema, id: string, record: RecordState): Shape {
  return shownShape(schema, readCellRow(schema, id, record), shapeMark(record));
}

/** The row as the cells have it, whatever version of the app wrote them. */
export function readCellRow(schema: CollectionSchema, id: string, record: RecordState): Row {
  const values = readCells(schema, record);
  const row: Record<string, Json> = { id, ...schema.empty };
  const decided = new Set<string>();
  for (const { field, value, isCurrent } of values) {
    if (!isCurrent) continue;
    decided.add(field);
    if (value !== undefined) row[field] = value;
  }
  // Where today's schema has nothing, what another version of the app wrote under another path shows through, if it fits.
  for (const { field, value, isCurrent } of values) {
    if (isCurrent || value === undefined) continue;
    const { kind } = schema.placeOf(field);
    if (kind === 'counter') {
      if (Number.isSafeInteger(value)) row[field] = addCounts(row[field] as number, value as number);
    } else if (!decided.has(field) && fits(kind, value)) {
      row[field] = value;
      decided.add(field);
    }
  }
  return row;
}

/** Whether a field of this kind can show what another version of the app wrote elsewhere. */
function fits(kind: FieldPlace['kind'], value: Json): boolean {
  if (kind === 'set') return Array.isArray(value);
  if (kind === 'map') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return kind !== 'local';
}

interface FieldValue {
  readonly field: string;
  readonly value: Json | undefined;
  readonly isCurrent: boolean;
}

function readCells(schema: CollectionSchema, record: RecordState): FieldValue[] {
  const values: FieldValue[] = [];
  const push = (field: string, value: Json | undefined, isCurrent: boolean): void => {
    if (field !== 'id') values.push({ field, value, isCurrent });
  };
  const sets = new Map<string, Json[]>();
  const maps = new Map<string, [key: string, value: Json][]>();
  for (const [path, entries] of record.cells) {
    const parsed = parsePath(path);
    if (parsed.kind === 'element') listOf(sets, parsed.field).push(parsed.element);
    if (parsed.kind === 'key') {
      const { v } = schema.read(path, entries).shown;
      if (v !== undefined) listOf(maps, parsed.field).push([parsed.key, v]);
    }
    if (parsed.kind !== 'register' && parsed.kind !== 'group') continue;
    const { v } = schema.read(path, entries).shown;
    if (parsed.kind === 'register') push(parsed.field, v, isPlace(schema, parsed.field, path));
    else for (const field of parsed.fields) push(field, groupField(v, field), isPlace(schema, field, path));
  }
  for (const [field, elements] of sets) push(field, inCanonicalOrder(elements), schema.placeOf(field).kind === 'set');
  for (const [field, keys] of maps) push(field, inKeyOrder(keys), schema.placeOf(field).kind === 'map');
  for (const [path, { v }] of record.hot ?? []) {
    const parsed = parsePath(path);
    if (parsed.kind === 'hot') push(parsed.field, v, isPlace(schema, parsed.field, path));
  }
  for (const [path, count] of countersOf(record)) {
    const parsed = parsePath(path);
    if (parsed.kind === 'counter')
      push(parsed.field, countBetween(zeroOf(record, parsed.field), count), isPlace(schema, parsed.field, path));
  }
  return values;
}

/** What was counted, by path; also where nobody has counted yet, and there is only a place to count from. */
export function countersOf({ cells, counters }: RecordState): ReadonlyMap<Path, number> {
  let all = counters;
  for (const path of cells.keys()) {
    const parsed = parsePath(path);
    if (parsed.kind !== 'zero' || counters.has(counterPath(parsed.field))) continue;
    if (all === counters) all = new Map(counters);
    all.set(counterPath(parsed.field), 0);
  }
  return all;
}

/** Where a counter stood when its row was made again; of several who did that at once, the latest says it. */
export function zeroOf(record: RecordState, field: string): number {
  const [zero] = (record.cells.get(zeroPath(field)) ?? []).toSorted(compareMarks).slice(-1);
  return Number.isSafeInteger(zero?.v) ? (zero!.v as number) : 0;
}

function isPlace(schema: CollectionSchema, field: string, path: Path): boolean {
  const place = schema.placeOf(field);
  return 'path' in place && place.path === path;
}

/** One field out of a group's value. */
export function groupField(value: Json | undefined, field: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, field) ? (value as { readonly [key: string]: Json })[field] : undefined;
}

function listOf<T>(lists: Map<string, T[]>, field: string): T[] {
  const list = lists.get(field) ?? [];
  lists.set(field, list);
  return list;
}

/** Every replica lists the keys of a map alike. */
function inKeyOrder(keys: readonly (readonly [key: string, value: Json])[]): Json {
  return Object.fromEntries(keys.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** A set has no order of its own; every replica reads it in this one. */
function inCanonicalOrder(elements: readonly Json[]): Json[] {
  if (elements.every((element) => typeof element === 'string')) return elements.toSorted();
  const keyed = elements.map((element) => ({ key: canonicalJson(element), element }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ element }) => element);
}
