/**
 * Answers what constraints ask, inside the IndexedDB transaction that changes rows: through Dexie's core in the page,
 * through `idb` where pages of the log come in. What was written in the transaction is found by what is asked later.
 */
import { Dexie, type DBCore, type DBCoreIndex } from 'dexie';
import type { IDBPTransaction } from 'idb';

import type { Answers, Ask, IndexWrites, Lookup } from '../constraints/ask.ts';
import { CLAIMS, COMPONENTS, CONFLICTS } from './layout.ts';
import type { CoreTransaction } from './step-io.ts';

const PLACES = '[name+bucket+width+from]';
/** DBCoreRangeType, which Dexie exports as a type only. */
const EQUAL = 1;
const WITHIN = 2;
/** Greater than every number, as a key of IndexedDB. */
const BEHIND_NUMBERS = '';

/** The keys of `$claims` that a question is about; the lower end of 'wider' is not one of them. */
function boundsOf(ask: Extract<Ask, { of: 'wider' | 'range' }>): {
  readonly lower: unknown[];
  readonly upper: unknown[];
} {
  const { name, bucket, width } = ask;
  if (ask.of === 'range') return { lower: [name, bucket, width, ask.lower], upper: [name, bucket, width, ask.upper] };
  return { lower: [name, bucket, width, BEHIND_NUMBERS], upper: [name, bucket, BEHIND_NUMBERS] };
}

/** Inside a transaction of Dexie: only its own promises are chained. */
export function runOnCore<R>(core: DBCore, trans: CoreTransaction, lookup: Lookup<R>): PromiseLike<R> {
  const go = (answers: Answers): PromiseLike<R> => {
    const step = lookup.next(answers);
    if (step.done) return Dexie.Promise.resolve(step.value);
    if (step.value.type === 'read') return answerOnCore(core, trans, step.value.asks).then(go);
    return writeOnCore(core, trans, step.value.writes).then(() => go([]));
  };
  return go([]);
}

function answerOnCore(core: DBCore, trans: CoreTransaction, asks: readonly Ask[]): PromiseLike<Answers> {
  const claims = asks.flatMap((ask) => (ask.of === 'claim' ? [[ask.name, ask.id]] : []));
  const found = claims.length > 0 ? core.table(CLAIMS).getMany({ trans, keys: claims }) : Dexie.Promise.resolve([]);
  const others = asks.map((ask) => (ask.of === 'claim' ? null : queryCore(core, trans, ask)));
  return Dexie.Promise.all([found, Dexie.Promise.all(others)]).then(([rows, lists]) => {
    const left = [...rows] as unknown[];
    return lists.map((list) => list ?? [left.shift()].filter((row) => row !== undefined)) as Answers;
  });
}

function queryCore(core: DBCore, trans: CoreTransaction, ask: Exclude<Ask, { of: 'claim' }>): PromiseLike<unknown[]> {
  const query = (
    store: string,
    index: DBCoreIndex,
    lower: unknown,
    upper: unknown,
    limit?: number,
  ): PromiseLike<unknown[]> =>
    core
      .table(store)
      .query({
        trans,
        values: true,
        ...(limit === undefined ? {} : { limit }),
        query: { index, range: { type: lower === upper ? EQUAL : WITHIN, lower, upper } },
      })
      .then(({ result }) => result as unknown[]);
  if (ask.of === 'component') return query(COMPONENTS, core.table(COMPONENTS).schema.primaryKey, ask.id, ask.id);
  if (ask.of === 'components')
    return query(COMPONENTS, core.table(COMPONENTS).schema.getIndexByKeyPath('members')!, ask.member, ask.member);
  const places = core.table(CLAIMS).schema.getIndexByKeyPath(['name', 'bucket', 'width', 'from'])!;
  const { lower, upper } = boundsOf(ask);
  return query(CLAIMS, places, lower, upper, ask.of === 'wider' ? 1 : undefined);
}

function writeOnCore(core: DBCore, trans: CoreTransaction, writes: IndexWrites): PromiseLike<unknown> {
  const done: PromiseLike<unknown>[] = [];
  for (const { store, puts, deletes } of storesOf(writes)) {
    if (deletes.length > 0) done.push(core.table(store).mutate({ type: 'delete', trans, keys: deletes }));
    if (puts.length > 0) done.push(core.table(store).mutate({ type: 'put', trans, values: puts }));
  }
  return Dexie.Promise.all(done);
}

/** Inside a transaction of `idb`. */
export async function runOnIdb<R>(tx: IDBPTransaction<unknown, string[], 'readwrite'>, lookup: Lookup<R>): Promise<R> {
  const claims = tx.objectStore(CLAIMS);
  const components = tx.objectStore(COMPONENTS);
  const answer = async (ask: Ask): Promise<readonly unknown[]> => {
    switch (ask.of) {
      case 'claim':
        return claims.getAll([ask.name, ask.id], 1);
      case 'component':
        return components.getAll(ask.id, 1);
      case 'components':
        return components.index('members').getAll(ask.member);
      case 'wider':
      case 'range': {
        const { lower, upper } = boundsOf(ask);
        const range = IDBKeyRange.bound(lower, upper);
        return claims.index(PLACES).getAll(range, ask.of === 'wider' ? 1 : undefined);
      }
    }
  };
  let step = lookup.next([]);
  while (!step.done) {
    const { value } = step;
    if (value.type === 'write') await Promise.all(storesOf(value.writes).flatMap((stores) => writeOnIdb(tx, stores)));
    step = lookup.next(value.type === 'read' ? await Promise.all(value.asks.map(answer)) : []);
  }
  return step.value;
}

interface StoreWrites {
  readonly store: string;
  readonly puts: readonly unknown[];
  readonly deletes: (string | string[])[];
}

/** Deletes come first: what is put again is there. */
function storesOf(writes: IndexWrites): readonly StoreWrites[] {
  const { claims, droppedClaims, components, droppedComponents, conflicts, closedConflicts } = writes;
  return [
    { store: CLAIMS, puts: claims, deletes: droppedClaims.map((key) => [...key]) },
    { store: COMPONENTS, puts: components, deletes: [...droppedComponents] },
    { store: CONFLICTS, puts: conflicts, deletes: [...closedConflicts] },
  ];
}

function writeOnIdb(
  tx: IDBPTransaction<unknown, string[], 'readwrite'>,
  { store, puts, deletes }: StoreWrites,
): Promise<unknown>[] {
  const rows = tx.objectStore(store);
  return [...deletes.map((key) => rows.delete(key)), ...puts.map((row) => rows.put(row))];
}
