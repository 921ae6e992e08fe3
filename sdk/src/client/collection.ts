/** The calls of one collection: reads and writes of rows over the tracked Dexie table. */
import { Dexie } from 'dexie';

import { SkerryError } from '../lib/errors.ts';
import type { Json } from '../lib/json.ts';
import { uuidV7 } from '../lib/ids.ts';
import { checkId } from '../store/check-row.ts';
import type { LocalDatabase, SeenRecord } from '../store/local-database.ts';
import { platformRandom } from '../store/platform-random.ts';
import { copyFields, copyValue, describe, type Fields } from './copy.ts';
import { checkRevision, readRevisions, readRowMeta, restoreRow } from './history.ts';
import type { LiveQueries } from './live.ts';
import type { AnyRow } from './query-order.ts';
import { countRows, findRows, type RowTable } from './query-run.ts';
import { checkQuery, queryKey } from './query.ts';
import type { OnScan } from './scan-warnings.ts';
import type { ClaimState, Collection, Id, LiveQuery, New, Query, ReadToken, RowMeta, Stored } from './types.ts';
import { guarded, isPromise, type UserCode, type WriteScope } from './write-scope.ts';

type Calls = Omit<Collection<AnyRow>, 'live' | 'liveOne' | 'claims' | 'meta'>;

/** What readToken() gives: which row, and the record as it was then. */
interface RowToken extends ReadToken {
  readonly collection: string;
  readonly id: Id;
  readonly seen: SeenRecord;
}

/** The calls that a transaction has too. */
export function collectionCalls(local: LocalDatabase, name: string, scope: WriteScope, onScan: OnScan): Calls {
  const table = local.dexie.table(name) as RowTable;
  const rowOf = async (id: Id): Promise<AnyRow> => {
    const row = await table.get(id);
    if (!row) throw new SkerryError('NOT_FOUND', `There is no row ${id} in ${name}.`);
    return row;
  };

  return {
    insert: (row) =>
      guarded(scope, async () => {
        const added = newRow(name, row);
        const add = (): Promise<unknown> =>
          table.add(added).catch((error: unknown) => {
            throw error instanceof Dexie.ConstraintError ? alreadyExists(name, added.id, error) : error;
          });
        await (Dexie.currentTransaction ? add() : scope.write(name, add));
        return added.id;
      }),

    insertMany: (rows) =>
      guarded(scope, async () => {
        if (!Array.isArray(rows)) throw invalidRow(name, `insertMany() takes an array; got ${describe(rows)}`);
        const added = rows.map((row) => newRow(name, row));
        const brought = rows.flatMap((row, i) => (row.id === undefined ? [] : [added[i]!.id]));
        const write = async (): Promise<void> => {
          // A bulk write of Dexie would keep the rows that can be added.
          await assertFree(table, name, brought);
          local.handOver(added);
          await table.bulkAdd(added);
        };
        if (added.length > 0) await scope.write(name, write, true);
        return added.map((row) => row.id);
      }),

    update: (id, patch, options) =>
      guarded(scope, async (user) => {
        checkId(name, id);
        const fields = typeof patch === 'function' ? null : copyFields(patch, `The patch of ${name}/${id}`);
        const token = options?.seen === undefined ? null : checkToken(name, id, options.seen);
        await scope.write(name, async () => {
          local.expectWrite(name, id);
          // A form that was opened earlier starts from what it showed, also when the row has been deleted meanwhile.
          const row = token ? (local.writeAsSeen(name, id, token.seen) as AnyRow) : await rowOf(id);
          const next = fields ? patched(row, fields) : drafted(row, patch as (draft: Fields) => void, user);
          if (next['id'] !== id) throw new SkerryError('INVALID_ID', `The id of ${name}/${id} cannot be changed.`);
          await table.put(next as AnyRow);
        });
      }),

    delete: (id) =>
      guarded(scope, async () => {
        checkId(name, id);
        await scope.write(name, async () => {
          local.expectWrite(name, id);
          await rowOf(id);
          await table.delete(id);
        });
      }),

    get: (id) =>
      guarded(scope, async () => {
        const there = checkId(name, id);
        return scope.read(() => table.get(there));
      }),
    find: (query) =>
      guarded(scope, async () => {
        const checked = checkQuery(query);
        return scope.read(() => findRows(table, checked, onScan));
      }),
    count: (query) =>
      guarded(scope, async () => {
        const checked = checkQuery(query);
        return scope.read(() => countRows(table, checked, onScan));
      }),

    history: (id, options) => guarded(scope, () => readRevisions(local, name, id, options)),

    restore: (id, revision) =>
      guarded(scope, async () => {
        checkId(name, id);
        const revisionId = checkRevision(name, revision);
        await scope.write(name, () => restoreRow(local, name, id, revisionId));
      }),

    readToken: (id) =>
      guarded(scope, async () => {
        const there = checkId(name, id);
        await scope.read(() => rowOf(there));
        const token: RowToken = {
          __readToken: true,
          collection: name,
          id,
          seen: await local.readSeen(name, id),
        };
        return token;
      }),
  };
}

/** A collection as the handle has it: with live queries. */
export function openCollection(
  local: LocalDatabase,
  name: string,
  scope: WriteScope,
  queries: LiveQueries,
  onScan: OnScan,
): Collection<AnyRow> {
  const table = local.dexie.table(name) as RowTable;
  return {
    ...collectionCalls(local, name, scope, onScan),
    live: (query?: Query<AnyRow>): LiveQuery<Stored<AnyRow>[]> => {
      const checked = checkQuery(query);
      const key = queryKey(checked);
      return queries.live(key && `${name}?${key}`, () => findRows(table, checked, onScan));
    },
    liveOne: (id: Id): LiveQuery<Stored<AnyRow> | null> => {
      checkId(name, id);
      return queries.live(`${name}/${id}`, () => table.get(id).then((row) => row ?? null));
    },
    meta: (id: Id): LiveQuery<RowMeta> => {
      checkId(name, id);
      return queries.live(`${name}/${id}#meta`, () => readRowMeta(local, name, id));
    },
    claims: (id: Id): LiveQuery<readonly ClaimState[]> => {
      checkId(name, id);
      return queries.live(`${name}/${id}#claims`, () => local.readClaims(name, id));
    },
  };
}

/** Made of the copy: of many rows, each copy more would be felt. */
function newRow(name: string, row: New<AnyRow>): AnyRow & { readonly id: Id } {
  const fields = copyFields(row, `A row of ${name}`);
  const id = fields['id'] === undefined ? uuidV7(Date.now(), platformRandom) : checkId(name, fields['id']);
  for (const field of Object.keys(fields)) if (fields[field] === undefined) delete fields[field];
  return Object.assign(fields as Record<string, Json>, { id });
}

async function assertFree(table: RowTable, name: string, ids: readonly Id[]): Promise<void> {
  if (ids.length === 0) return;
  const seen = new Set<Id>();
  const twice = ids.find((id) => seen.size === seen.add(id).size);
  const taken = twice ?? (await firstTaken(table, ids));
  if (taken !== undefined) throw alreadyExists(name, taken);
}

/** One look at the range of the ids tells, as a rule, that none of them is there. */
async function firstTaken(table: RowTable, ids: readonly Id[]): Promise<Id | undefined> {
  const sorted = [...ids].sort();
  const limit = ids.length * 2;
  const range = table.where(':id').between(sorted[0]!, sorted.at(-1)!, true, true);
  const there = await range.limit(limit).primaryKeys();
  if (there.length < limit) {
    const known = new Set(there);
    return ids.find((id) => known.has(id));
  }
  for (let i = 0; i < ids.length; i += ASKED_AT_ONCE) {
    const rows = await table.bulkGet(ids.slice(i, i + ASKED_AT_ONCE));
    const row = rows.find((found) => found !== undefined);
    if (row) return row.id;
  }
  return undefined;
}

const ASKED_AT_ONCE = 200;

/** undefined in a patch removes the field. */
function patched(row: AnyRow, patch: Fields): Fields {
  return definedFields({ ...row, ...patch });
}

function drafted(row: AnyRow, change: (draft: Fields) => unknown, user: UserCode): Fields {
  const draft = structuredClone(row) as Fields;
  const answer = user(() => change(draft));
  if (!isPromise(answer)) return definedFields(copyValue(draft, 0) as Fields);
  answer.then(undefined, () => {});
  throw invalidRow(
    'update()',
    'the function that changes the draft must not be async: what it does later would be lost',
  );
}

function definedFields<F extends Fields>(fields: F): Record<string, Json> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Record<string, Json>;
}

function checkToken(name: string, id: Id, token: ReadToken): RowToken {
  const { collection, id: of, seen } = (token ?? {}) as Partial<RowToken>;
  if (collection === name && of === id && seen) return token as RowToken;
  throw invalidRow(name, `seen must come from readToken('${id}') of this collection`);
}

function alreadyExists(name: string, id: string, cause?: unknown): SkerryError {
  return new SkerryError('ALREADY_EXISTS', `A row ${id} exists in ${name}.`, { cause });
}

function invalidRow(name: string, reason: string): SkerryError {
  return new SkerryError('INVALID_VALUE', `${name}: ${reason}.`);
}
