/**
 * Answers what constraints ask through Dexie's core, inside the transaction that writes rows in the page. What was written
 * in the transaction is found by what is asked later.
 */
import { Dexie, type DBCore, type DBCoreIndex } from 'dexie';

import type { Answers, Ask, IndexWrites, Lookup } from '../constraints/ask.ts';
import { boundsOf, storesOf } from './constraint-keys.ts';
import { CLAIMS, COMPONENTS } from './layout.ts';
import type { CoreTransaction } from './step-io.ts';

/** DBCoreRangeType, which Dexie exports as a type only. */
const EQUAL = 1;
const WITHIN = 2;

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
