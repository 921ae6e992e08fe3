/**
 * The row that the app reads and the conflicts that are open: pure functions of a record's state, so that every
 * replica with the same state shows the same.
 */
import { canonicalJson, type Json } from '../lib/json.ts';
import { openConflicts, type OpenConflict } from './conflict.ts';
import { addCounts, countBetween } from './count.ts';
import { parsePath, zeroPath, type Path } from './paths.ts';
import { compareMarks, lifeStatus, type RecordState } from './record.ts';
import type { CollectionSchema } from './schema.ts';

/** A row as the app reads it; `id` is among its fields. */
export type Row = Readonly<Record<string, Json>>;

export interface RecordView {
  /** null: deleted, or never there. */
  readonly row: Row | null;
  readonly conflicts: readonly OpenConflict[];
}

export function viewRecord(schema: CollectionSchema, id: string, record: RecordState): RecordView {
  return {
    row: isVisible(schema, record) ? readRow(schema, id, record) : null,
    conflicts: openConflicts(schema, id, record),
  };
}

export function isVisible(schema: CollectionSchema, record: RecordState): boolean {
  const status = lifeStatus(record);
  return status === 'live' || (status === 'contested' && schema.onDeleteVsEdit !== 'delete-wins');
}

/** The row without regard to whether the record is deleted. */
export function readRow(schema: CollectionSchema, id: string, record: RecordState): Row {
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
    } else if (!decided.has(field) && (kind !== 'set' || Array.isArray(value))) {
      row[field] = value;
      decided.add(field);
    }
  }
  return row;
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
  for (const [path, entries] of record.cells) {
    const parsed = parsePath(path);
    if (parsed.kind === 'element') elementsOf(sets, parsed.field).push(parsed.element);
    if (parsed.kind !== 'register' && parsed.kind !== 'group') continue;
    const { v } = schema.read(path, entries).shown;
    if (parsed.kind === 'register') push(parsed.field, v, isPlace(schema, parsed.field, path));
    else for (const field of parsed.fields) push(field, groupField(v, field), isPlace(schema, field, path));
  }
  for (const [field, elements] of sets) push(field, inCanonicalOrder(elements), schema.placeOf(field).kind === 'set');
  for (const [path, count] of record.counters) {
    const parsed = parsePath(path);
    if (parsed.kind === 'counter')
      push(parsed.field, countBetween(zeroOf(record, parsed.field), count), isPlace(schema, parsed.field, path));
  }
  return values;
}

/** Where a counter stood when its row was made again; of several who did that at once, the latest says it. */
export function zeroOf(record: RecordState, field: string): number {
  const [zero] = (record.cells.get(zeroPath(field)) ?? []).toSorted(compareMarks).slice(-1);
  return Number.isSafeInteger(zero?.v) ? (zero!.v as number) : 0;
}

function isPlace(schema: CollectionSchema, field: string, path: Path): boolean {
  const place = schema.placeOf(field);
  return place.kind !== 'set' && place.path === path;
}

/** One field out of a group's value. */
export function groupField(value: Json | undefined, field: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, field) ? (value as { readonly [key: string]: Json })[field] : undefined;
}

function elementsOf(sets: Map<string, Json[]>, field: string): Json[] {
  const elements = sets.get(field) ?? [];
  sets.set(field, elements);
  return elements;
}

/** A set has no order of its own; every replica reads it in this one. */
function inCanonicalOrder(elements: readonly Json[]): Json[] {
  if (elements.every((element) => typeof element === 'string')) return elements.toSorted();
  const keyed = elements.map((element) => ({ key: canonicalJson(element), element }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ element }) => element);
}
