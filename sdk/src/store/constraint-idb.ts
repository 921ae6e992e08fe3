/**
 * Answers what constraints ask through `idb`, inside the transaction that takes in a page of the log. What was written
 * in the transaction is found by what is asked later.
 */
import type { IDBPTransaction } from 'idb';

import type { Ask, Lookup } from '../constraints/ask.ts';
import { boundsOf, storesOf, type StoreWrites } from './constraint-keys.ts';
import { CLAIMS, COMPONENTS } from './layout.ts';

const PLACES = '[name+bucket+width+from]';

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

function writeOnIdb(
  tx: IDBPTransaction<unknown, string[], 'readwrite'>,
  { store, puts, deletes }: StoreWrites,
): Promise<unknown>[] {
  const rows = tx.objectStore(store);
  return [...deletes.map((key) => rows.delete(key)), ...puts.map((row) => rows.put(row))];
}
