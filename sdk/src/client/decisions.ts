/**
 * Open conflicts as people decide about them: who wrote what, when and where, and the call that settles it. Loaded when
 * there is something to decide (`conflicts.ts`).
 */
import { msOf } from '../core/clock.ts';
import { registerRow } from '../core/commit.ts';
import type { OpenConflict, OpenDeleteConflict, OpenFieldConflict, OpenRecoveredCopy } from '../core/conflict.ts';
import type { ConflictRow, RejectedRow } from '../store/layout.ts';
import { describeConstraintConflict } from './constraint-conflicts.ts';
import { incOf, type Inc } from '../core/dot.ts';
import { parsePath } from '../core/paths.ts';
import type { Writer } from '../core/change.ts';
import type { Entry, Mark } from '../core/record.ts';
import type { Row } from '../core/view.ts';
import { SkerryError } from '../lib/errors.ts';
import { findJsonProblem } from '../lib/json.ts';
import { keepVersion } from '../policies/merge-text.ts';
import type { LocalDatabase } from '../store/local-database.ts';
import { commitOf } from './commit.ts';
import { assertFits } from './fit-choice.ts';
import { copyFields, describe, isPlainObject, type Fields } from './copy.ts';
import type { Place } from './place.ts';
import type { Commit, Conflict, DeleteConflict, FieldConflict, RecoveredCopy, Version } from './types.ts';
import { rejectedWrite } from './rejected-write.ts';
import { guarded } from './write-scope.ts';

type Choice = Parameters<LocalDatabase['resolve']>[1];
type Writers = ReadonlyMap<Inc, Writer>;

/** What is known of a conflict beyond the conflict itself. */
interface Context extends Place {
  readonly writers: Writers;
}

/** As decided about, oldest first. */
export async function describeConflicts(
  place: Place,
  open: readonly ConflictRow[],
  rejected: readonly RejectedRow[],
): Promise<readonly Conflict[]> {
  const writers = await place.local.readWriters([...new Set(open.flatMap(dotsOf).map(incOf))]);
  const context: Context = { ...place, writers };
  const conflicts = await Promise.all([
    ...open.map(async (conflict) => ({ hlc: conflict.hlc, conflict: await describeConflict(context, conflict) })),
    ...rejected.map(async (row) => ({ hlc: row.hlc, conflict: await rejectedWrite(context, row) })),
  ]);
  return conflicts
    .sort((a, b) => a.hlc - b.hlc || (a.conflict.id < b.conflict.id ? -1 : 1))
    .map(({ conflict }) => conflict);
}

function describeConflict(context: Context, conflict: ConflictRow): Promise<Conflict> | Conflict {
  switch (conflict.kind) {
    case 'field':
      return fieldConflict(context, conflict);
    case 'delete':
      return deleteConflict(context, conflict);
    case 'recovered':
      return recoveredCopy(context, conflict);
    case 'constraint':
      return describeConstraintConflict(context, conflict);
  }
}

function fieldConflict(context: Context, conflict: OpenFieldConflict): FieldConflict {
  const { id, collection, rowId, hlc, path, fields, versions, shown, base, hunks } = conflict;
  const key = keyOf(conflict);
  const rowOf = (value: Entry['v']): Row => registerRow(path, fields, value);
  return {
    kind: 'field',
    id,
    collection,
    rowId,
    detectedAt: new Date(msOf(hlc)),
    fields,
    ...(key === null ? {} : { key }),
    base: rowOf(base?.v),
    versions: versions.map((entry) => version(context, entry, rowOf(entry.v))),
    provisional: rowOf(shown.v),
    ...(hunks ? { hunks } : {}),
    resolve: (choice) =>
      settle(context, conflict, async () => {
        const row = chosenRow(conflict, choice);
        if ('value' in choice)
          await assertFits(context.local, collection, rowId, await fieldsOf(context, conflict, row));
        return { row };
      }),
  };
}

async function deleteConflict(context: Context, conflict: OpenDeleteConflict): Promise<DeleteConflict> {
  const { id, collection, rowId, hlc, deleted, edited } = conflict;
  const row = await context.local.readRecord(collection, rowId);
  return {
    kind: 'delete',
    id,
    collection,
    rowId,
    detectedAt: new Date(msOf(hlc)),
    deleted: version(context, deleted, null),
    edited: version(context, edited, row ?? { id: rowId }),
    resolve: (choice) => settle(context, conflict, () => ({ life: chosenLife(choice) })),
  };
}

async function recoveredCopy(context: Context, conflict: OpenRecoveredCopy): Promise<RecoveredCopy> {
  const { id, collection, rowId, hlc, recoveredFrom, made } = conflict;
  const row = (await context.local.readRecord(collection, rowId)) ?? { id: rowId };
  return {
    kind: 'recovered',
    id,
    collection,
    rowId,
    detectedAt: new Date(msOf(hlc)),
    recoveredFrom,
    row,
    edited: version(context, made, row),
    resolve: (choice) => settle(context, conflict, () => ({ life: chosenFate(choice) })),
  };
}

function version<V>({ local, writers }: Context, mark: Mark, value: V): Version<V> {
  const writer = writers.get(incOf(mark.dot));
  return {
    value,
    user: writer?.user ?? null,
    device: writer?.device ?? null,
    at: new Date(msOf(mark.hlc)),
    here: writer?.device.id === local.deviceId,
  };
}

function settle(
  context: Context,
  conflict: OpenConflict,
  choose: () => Choice | Promise<Choice>,
): Promise<Commit<void>> {
  const { local, lifetime } = context;
  return guarded(lifetime, async () => commitOf(context, undefined, await local.resolve(conflict, await choose())));
}

/** The conflict's fields as the row would have them; a decision about a key leaves the rest of its map. */
async function fieldsOf({ local }: Context, conflict: OpenFieldConflict, row: Row): Promise<Fields> {
  const [field] = conflict.fields;
  if (keyOf(conflict) === null) return Object.fromEntries(conflict.fields.map((name) => [name, row[name]]));
  const shown = (await local.readRecord(conflict.collection, conflict.rowId))?.[field!];
  return { [field!]: { ...(shown as Fields | undefined), ...(row[field!] as Fields) } };
}

/** The values of the conflict's fields as they should be. */
function chosenRow(conflict: OpenFieldConflict, choice: unknown): Row {
  if (isPlainObject(choice) && 'version' in choice && 'value' in choice)
    throw invalid('resolve() takes { version } or { value }, not both');
  if (isPlainObject(choice) && 'version' in choice) return versionAt(conflict, choice['version']);
  if (isPlainObject(choice) && 'value' in choice) return valueFor(conflict, choice['value']);
  throw invalid(`resolve() takes { version } or { value }; got ${describe(choice)}`);
}

function versionAt({ path, fields, versions, shown, hunks }: OpenFieldConflict, index: unknown): Row {
  const entry = Number.isInteger(index) ? versions[index as number] : undefined;
  if (!entry) throw invalid(`version must be a number from 0 to ${versions.length - 1}; got ${describe(index)}`);
  const value = hunks && typeof shown.v === 'string' ? keepVersion({ text: shown.v, hunks }, index as number) : entry.v;
  return registerRow(path, fields, value);
}

/** The key that a conflict in a map is about. */
function keyOf({ path }: OpenFieldConflict): string | null {
  const parsed = parsePath(path);
  return parsed.kind === 'key' ? parsed.key : null;
}

/** Of a key of a map: the map with this key, undefined to take it away. */
function keyRow({ path, fields }: OpenFieldConflict, key: string, given: Fields): Row {
  const [field] = fields as [string];
  const keys = given[field];
  if (!isPlainObject(keys) || !Object.hasOwn(keys, key) || Object.keys(keys).length > 1)
    throw invalid(`${field} must be an object with the key ${JSON.stringify(key)} and no other; got ${describe(keys)}`);
  const problem = keys[key] === undefined ? null : findJsonProblem(keys[key], field);
  if (problem) throw invalid(`${problem.path}: ${problem.reason}`);
  return registerRow(path, fields, keys[key] as Entry['v']);
}

/** What is shown now with the given fields in it: only an explicit undefined removes one. */
function valueFor(conflict: OpenFieldConflict, value: unknown): Row {
  const { path, fields, shown } = conflict;
  const given = copyFields(value, 'The value of resolve()');
  const key = keyOf(conflict);
  if (Object.keys(given).length === 0) throw invalid(`value names none of the fields ${fields.join(', ')}`);
  for (const [field, part] of Object.entries(given)) {
    if (!fields.includes(field)) throw invalid(`the conflict is about ${fields.join(', ')}, not about ${field}`);
    if (key !== null) continue;
    const problem = part === undefined ? null : findJsonProblem(part, field);
    if (problem) throw invalid(`${problem.path}: ${problem.reason}`);
  }
  if (key !== null) return keyRow(conflict, key, given);
  const row = { ...registerRow(path, fields, shown.v), ...given };
  return Object.fromEntries(Object.entries(row).filter(([, part]) => part !== undefined)) as Row;
}

function chosenLife(choice: unknown): 'live' | 'dead' {
  if (choice === 'keep') return 'live';
  if (choice === 'delete') return 'dead';
  throw invalid(`resolve() takes 'keep' or 'delete'; got ${describe(choice)}`);
}

function chosenFate(choice: unknown): 'live' | 'dead' {
  if (choice === 'restore') return 'live';
  if (choice === 'discard') return 'dead';
  throw invalid(`resolve() takes 'restore' or 'discard'; got ${describe(choice)}`);
}

function dotsOf(conflict: ConflictRow): string[] {
  return marksOf(conflict).map((mark) => mark.dot);
}

function marksOf(conflict: ConflictRow): readonly Mark[] {
  switch (conflict.kind) {
    case 'field':
      return conflict.versions;
    case 'delete':
      return [conflict.deleted, conflict.edited];
    case 'recovered':
      return [conflict.made];
    case 'constraint':
      return [];
  }
}

function invalid(reason: string): SkerryError {
  return new SkerryError('INVALID_VALUE', `The conflict was not settled: ${reason}.`);
}
