/**
 * Rows of several versions of an app, in one record.
 *
 * A collection has a version, and migrate() makes a row of today's version of an older one. That is a view: nothing is
 * written because a version was released, so a thousand devices that are updated send nothing, and none of them can take
 * a row from another. The cells of a record stay as the version that made it wrote them; an older version of the app goes
 * on reading and writing them.
 *
 * When a newer version edits such a row, it writes the fields that the person changed, and beside them a mark, in a cell that
 * no app can name: which version the row is now shown in, what migrate() had made (`row`) of what (`was`). What is in `was`
 * is not shown any more. Where an older version writes one of those fields later, or had not seen the edit, the mark tells:
 * the field is not what it was, and what migrate() makes of the difference is laid over the row.
 */
import { jsonEqual, type Json } from '../lib/json.ts';
import type { Op } from './change.ts';
import { VERSION_PATH } from './paths.ts';
import { ABSENT, named } from './record-write.ts';
import { compareMarks, type RecordState } from './record.ts';
import type { CollectionSchema } from './schema.ts';
import type { Row } from './view.ts';

/** Of a collection that says nothing else. */
export const FIRST_VERSION = 1;

/** Throws what migrate() throws, or what is wrong with its answer. */
export type Migrate = (old: Row, from: number) => Row;

/** What versions of the app agree on about one record. */
export interface ShapeMark {
  /** The version that has written the row last, of those that have a version. */
  readonly v: number;
  /** The version of the cells that no later version has written; absent: that of `v`. */
  readonly from?: number;
  /** Cells that migrate() has replaced, as they were then. */
  readonly was?: Row;
  /** What it made of them. A cell of its own, and the field is in neither. */
  readonly row?: Row;
}

export interface Shape {
  readonly row: Row;
  /** Why migrate() could not be used. */
  readonly reason?: string;
}

/** Devices that had not seen each other's marks agree on what all of them say. */
export function shapeMark(record: RecordState): ShapeMark | null {
  const entries = record.cells.get(VERSION_PATH);
  if (!entries) return null;
  const marks = entries.toSorted(compareMarks).flatMap<ShapeMark>(({ v }) => (isMark(v) ? [v] : []));
  const latest = marks.at(-1);
  if (!latest || marks.length === 1) return latest ?? null;
  const v = Math.max(...marks.map((mark) => mark.v));
  const newest = marks.findLast((mark) => mark.v === v)!;
  return {
    ...newest,
    ...(newest.was ? { was: common(newest.was, marks, 'was') } : {}),
    ...(newest.row ? { row: common(newest.row, marks, 'row') } : {}),
  };
}

/** `cells`: the row as its cells have it. `mark`: of the record. */
export function shownShape(schema: CollectionSchema, cells: Row, mark: ShapeMark | null): Shape {
  const { version = FIRST_VERSION, migrate } = schema;
  const from = mark?.v ?? FIRST_VERSION;
  try {
    if (from > version) return { row: between(mark!) };
    const laid = mark ? laidOver(schema, cells, mark) : cells;
    const row = from < version ? migrated(laid, from) : laid;
    return { row: mark?.from !== undefined && mark.from < version ? withLater(row, mark.was ?? {}, mark.from) : row };
  } catch (error) {
    return { row: cells, reason: error instanceof Error ? error.message : String(error) };
  }

  function migrated(old: Row, of: number): Row {
    return migrate ? counted(schema, old, migrate(old, of)) : old;
  }

  /** A version between the one that made the row and the one that edited it last: what the latter wrote is shown as it is. */
  function between({ from: of = version, was = {} }: ShapeMark): Row {
    if (of >= version) return cells;
    const own = Object.keys(cells).filter((field) => !Object.hasOwn(was, field));
    return replaced(migrated(cells, of), cells, own);
  }

  /**
   * What an older version wrote into a field that had been migrated is migrated again, by the first step that makes something
   * of it; where none does, the field is shown as it is.
   */
  function withLater(row: Row, was: Row, of: number): Row {
    const later = Object.keys(was).filter((field) => !jsonEqual(valueOf(cells, field), was[field]));
    if (later.length === 0) return row;
    for (let step = of; step < version; step++) {
      const [before, after] = [attempt({ ...cells, ...was }, step), attempt(cells, step)];
      if (!before || !after) continue;
      const changed = differing(before, after);
      if (changed.length > 0) return replaced(row, after, changed);
    }
    return replaced(row, cells, later);
  }

  function attempt(old: Row, of: number): Row | null {
    try {
      return migrated(old, of);
    } catch {
      return null;
    }
  }
}

/** What a write of `next`, over a row that is shown as `shown`, makes of the cells and of the mark. */
export function writtenShape(
  schema: CollectionSchema,
  {
    cells,
    shown,
    mark,
    next,
  }: { readonly cells: Row; readonly shown: Row; readonly mark: ShapeMark | null; readonly next: Row },
): { readonly row: Row; readonly mark: ShapeMark | null } {
  const { version = FIRST_VERSION } = schema;
  const from = mark?.v ?? FIRST_VERSION;
  if (from === version && mark?.from === undefined) return { row: next, mark };
  const changed = differing(shown, next);
  const row = replaced(cells, next, changed);
  if (changed.length === 0) return { row, mark };
  // What a version between writes is no older one's: it counts as it is.
  if (from > version)
    return { row, mark: mark!.from !== undefined && mark!.from < version ? without(mark!, changed) : mark };
  const apart = differing(row, next);
  const was = picked(row, apart);
  const made = picked(next, apart);
  const kept = apart.length > 0 ? { from: mark?.from ?? from, was, row: made } : {};
  return { row, mark: { v: version, ...kept } };
}

/** The mark of a row that is written as a new one. */
export function newShape(
  { version = FIRST_VERSION }: CollectionSchema,
  record: RecordState | undefined,
): ShapeMark | null {
  return version > FIRST_VERSION || record?.cells.has(VERSION_PATH) ? { v: version } : null;
}

/** The operation that puts a mark down; none when it is there. */
export function shapeOps(record: RecordState | undefined, mark: ShapeMark | null): Op[] {
  const entries = record?.cells.get(VERSION_PATH) ?? ABSENT;
  if (!mark || (entries.length === 1 && jsonEqual(entries[0]!.v, mark as unknown as Json))) return [];
  return [{ t: 'set', p: VERSION_PATH, v: mark as unknown as Json, pred: named(entries) }];
}

function laidOver(schema: CollectionSchema, cells: Row, { was = {}, row = {} }: ShapeMark): Row {
  const laid: Record<string, Json> = {};
  for (const [field, value] of Object.entries(cells)) if (!Object.hasOwn(was, field)) laid[field] = value;
  for (const [field, value] of Object.entries(row)) {
    const own = valueOf(laid, field);
    if (own === undefined || jsonEqual(own, valueOf(schema.empty, field))) laid[field] = value;
  }
  return laid;
}

/** Two devices that migrate a counter would each count it: it stays what it is. */
function counted(schema: CollectionSchema, old: Row, row: Row): Row {
  const counters = Object.keys(schema.empty).filter((field) => schema.placeOf(field).kind === 'counter');
  return replaced(row, old, [...counters, 'id']);
}

function common(chosen: Row, marks: readonly ShapeMark[], part: 'was' | 'row'): Row {
  const isEverywhere = (field: string): boolean => marks.every((mark) => Object.hasOwn(mark[part] ?? {}, field));
  return picked(chosen, Object.keys(chosen).filter(isEverywhere));
}

function replaced(row: Row, by: Row, fields: readonly string[]): Row {
  const copy: Record<string, Json> = { ...row };
  for (const field of fields) {
    if (Object.hasOwn(by, field)) copy[field] = by[field]!;
    else delete copy[field];
  }
  return copy;
}

function picked(row: Row, fields: readonly string[]): Row {
  return Object.fromEntries(fields.flatMap((field) => (Object.hasOwn(row, field) ? [[field, row[field]!]] : [])));
}

/** Fields that the rows do not hold alike. */
function differing(a: Row, b: Row): string[] {
  const fields = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return fields.filter((field) => !jsonEqual(valueOf(a, field), valueOf(b, field)));
}

function without({ was = {}, row = {}, ...mark }: ShapeMark, fields: readonly string[]): ShapeMark {
  return { ...mark, was: replaced(was, {}, fields), row: replaced(row, {}, fields) };
}

function valueOf(row: Row, field: string): Json | undefined {
  return Object.hasOwn(row, field) ? row[field] : undefined;
}

/** A peer may have written anything there. */
function isMark(value: Json | undefined): value is Json & ShapeMark {
  if (!isRow(value) || !Number.isSafeInteger(value['v'])) return false;
  const { from, was, row } = value;
  return (
    (from === undefined || Number.isSafeInteger(from)) &&
    (was === undefined || isRow(was)) &&
    (row === undefined || isRow(row))
  );
}

function isRow(value: Json | undefined): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
