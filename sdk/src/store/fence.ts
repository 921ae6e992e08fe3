/**
 * Who may keep what a server says: the context that leads, and no earlier one. A lock is no fence: a frozen holder goes
 * on writing when it thaws, after another context has taken over. So every leader begins with an epoch of its own, in
 * the database, and every transaction of its store compares that first: one of an earlier leader is aborted whole.
 *
 * What a page writes does not pass here: local writes are everybody's.
 */
import { wrap } from 'idb';

import { META } from './layout.ts';
import { platformRandom } from './platform-random.ts';

/** One leadership's right to the store. */
export interface Fence {
  /** Null until its first connection has begun it. A connection that is opened again goes on with it. */
  epoch: number | null;
  /** Called once: a later leader has begun. */
  readonly onLost: () => void;
}

export function createFence(onLost: () => void): Fence {
  let isLost = false;
  const lose = (): void => {
    if (isLost) return;
    isLost = true;
    onLost();
  };
  return { epoch: null, onLost: lose };
}

/** The row of the database that says who leads. */
export interface LeaderRow {
  readonly key: 'leader';
  readonly epoch: number;
  /** Where there are no Web Locks: who holds the lease, and how often it was renewed. */
  readonly lease?: { readonly holder: string; readonly beat: number };
}

export const NOBODY: LeaderRow = { key: 'leader', epoch: 0 };

/** Begins the epoch on the first connection, and makes every transaction of this connection look at it first. */
export async function fenceConnection(db: IDBDatabase, fence: Fence): Promise<void> {
  fence.epoch ??= await beginEpoch(db);
  const { epoch } = fence;
  const begin = db.transaction.bind(db);
  const fenced: IDBDatabase['transaction'] = (stores, mode, options) => {
    const names = typeof stores === 'string' ? [stores] : [...stores];
    const tx = begin(names.includes(META) ? names : [...names, META], mode, options);
    // Who asked for one store finds one: idb has shortcuts for that.
    if (!names.includes(META)) Object.defineProperty(tx, 'objectStoreNames', { value: names });
    const reading = tx.objectStore(META).get('leader') as IDBRequest<LeaderRow | undefined>;
    // Requests run in order, so nothing of the transaction is durable before this one was answered.
    reading.addEventListener('success', () => {
      if (reading.result?.epoch === epoch) return;
      fence.onLost();
      tx.abort();
    });
    // Who waits for a request of it hears of the abort there, and nobody else need.
    wrap(tx).done.catch(() => undefined);
    return tx;
  };
  db.transaction = fenced;
}

/**
 * A database that was cleared counts anew, and a leader of the old one may still be frozen: it must not find its own
 * number again.
 */
function firstEpoch(): number {
  return Math.floor(platformRandom.fraction() * 2 ** 48);
}

function beginEpoch(db: IDBDatabase): Promise<number> {
  return new Promise((resolve, reject) => {
    const tx = db.transaction(META, 'readwrite');
    let epoch = 0;
    const meta = tx.objectStore(META);
    const reading = meta.get('leader') as IDBRequest<LeaderRow | undefined>;
    reading.addEventListener('success', () => {
      const before = reading.result ?? NOBODY;
      epoch = (before.epoch || firstEpoch()) + 1;
      meta.put({ ...before, epoch } satisfies LeaderRow);
    });
    tx.addEventListener('complete', () => resolve(epoch));
    tx.addEventListener('abort', () => reject(tx.error ?? new Error('The epoch could not be begun.')));
  });
}
