/**
 * Open conflicts, derived from a record's state: nothing about them is sent, yet every replica has the same set
 * with the same ids.
 */
import { hash128 } from '../lib/hash.ts';
import { canonicalJson } from '../lib/json.ts';
import type { Base } from './change.ts';
import {
  compareMarks,
  dotsOf,
  lifeStatus,
  unseenByDeletes,
  type Entry,
  type Mark,
  type RecordState,
} from './record.ts';
import { parsePath, type Path } from './paths.ts';
import type { CollectionSchema, Hunk } from './schema.ts';

export type OpenConflict = OpenFieldConflict | OpenDeleteConflict | OpenRecoveredCopy;

interface OpenConflictBase {
  /** The same on every replica with the same live entries. */
  readonly id: string;
  readonly collection: string;
  readonly rowId: string;
  /** The clock of the write that completed the conflict. */
  readonly hlc: number;
}

export interface OpenFieldConflict extends OpenConflictBase {
  readonly kind: 'field';
  readonly path: Path;
  /** One field, or those of a group. */
  readonly fields: readonly string[];
  /** Distinct values, the oldest first; of equal ones the first written. */
  readonly versions: readonly Entry[];
  readonly shown: Entry;
  readonly base: Base | null;
  /** Where versions of a text clash. */
  readonly hunks?: readonly Hunk[];
}

export interface OpenDeleteConflict extends OpenConflictBase {
  readonly kind: 'delete';
  readonly deleted: Mark;
  readonly edited: Mark;
}

/** Somebody edited a record that had been deleted and forgotten everywhere: what they had is kept beside the collection. */
export interface OpenRecoveredCopy extends OpenConflictBase {
  readonly kind: 'recovered';
  readonly recoveredFrom: string;
  /** The change that made the copy. */
  readonly made: Mark;
}

export function openConflicts(schema: CollectionSchema, rowId: string, record: RecordState): OpenConflict[] {
  const status = lifeStatus(record);
  if (status === 'dead') return [];
  if (status === 'recovered') return [recoveredCopy(schema, rowId, record)];
  const conflicts: OpenConflict[] = [];
  if (status === 'contested') {
    if (schema.onDeleteVsEdit === 'delete-wins') return [];
    if (schema.onDeleteVsEdit === 'ask') conflicts.push(deleteConflict(schema, rowId, record));
  }
  for (const [path, entries] of record.cells) {
    if (entries.length < 2) continue;
    const conflict = fieldConflict(schema, rowId, path, entries);
    if (conflict) conflicts.push(conflict);
  }
  return conflicts;
}

function fieldConflict(
  schema: CollectionSchema,
  rowId: string,
  path: Path,
  entries: readonly Entry[],
): OpenFieldConflict | null {
  const fields = registerFields(path);
  if (fields.length === 0 || schema.placeOf(fields[0]!).kind === 'local') return null;
  const reading = schema.read(path, entries);
  if (!reading.isConflict) return null;
  const versions = distinctVersions(entries);
  return {
    kind: 'field',
    id: conflictId(schema.name, rowId, path, dotsOf(entries)),
    collection: schema.name,
    rowId,
    hlc: versions.at(-1)!.hlc,
    path,
    fields,
    versions,
    shown: reading.shown,
    base: oldestBase(entries),
    ...(reading.hunks ? { hunks: reading.hunks } : {}),
  };
}

function deleteConflict(schema: CollectionSchema, rowId: string, record: RecordState): OpenDeleteConflict {
  const deleted = record.life
    .filter((entry) => entry.v === 'dead')
    .toSorted(compareMarks)
    .at(-1)!;
  const lives = record.life.filter((entry) => entry.v === 'live');
  const edited = [...unseenByDeletes(record), ...lives].toSorted(compareMarks).at(-1)!;
  const dots = [...new Set([...dotsOf(record.life), ...dotsOf(record.rv)])];
  return {
    kind: 'delete',
    id: conflictId(schema.name, rowId, '$life', dots),
    collection: schema.name,
    rowId,
    hlc: Math.max(deleted.hlc, edited.hlc),
    deleted: { dot: deleted.dot, hlc: deleted.hlc },
    edited: { dot: edited.dot, hlc: edited.hlc },
  };
}

function recoveredCopy(schema: CollectionSchema, rowId: string, record: RecordState): OpenRecoveredCopy {
  const made = record.life
    .filter((entry) => entry.v === 'zombie')
    .toSorted(compareMarks)
    .at(-1)!;
  const dots = [...new Set([...dotsOf(record.life), ...dotsOf(record.rv)])];
  return {
    kind: 'recovered',
    id: conflictId(schema.name, rowId, '$life', dots),
    collection: schema.name,
    rowId,
    hlc: made.hlc,
    recoveredFrom: made.of ?? rowId,
    made: { dot: made.dot, hlc: made.hlc },
  };
}

/** The fields that a register path stands for, of a key of a map the map; none for paths that are not registers. */
export function registerFields(path: Path): readonly string[] {
  const parsed = parsePath(path);
  if (parsed.kind === 'register' || parsed.kind === 'key') return [parsed.field];
  return parsed.kind === 'group' ? parsed.fields : [];
}

/** Entries with different values, oldest first. */
export function distinctVersions(entries: readonly Entry[]): Entry[] {
  const byValue = new Map<string, Entry>();
  for (const entry of entries.toSorted(compareMarks)) {
    const key = entry.v === undefined ? '' : canonicalJson(entry.v);
    if (!byValue.has(key)) byValue.set(key, entry);
  }
  return [...byValue.values()];
}

/** The ancestor of siblings: the carried base with the smallest clock, of the first writer's; the same on every replica. */
export function oldestBase(entries: readonly Entry[]): Base | null {
  const bases = entries.toSorted(compareMarks).flatMap((entry) => (entry.base ? [entry.base] : []));
  return bases.length === 0 ? null : bases.reduce((oldest, base) => (base.hlc < oldest.hlc ? base : oldest));
}

function conflictId(collection: string, rowId: string, path: Path, dots: readonly string[]): string {
  return hash128(canonicalJson([collection, rowId, path, dots.toSorted()]));
}
