/**
 * Requests below `idb`, which makes a promise, two listeners and three entries of maps for each of them: a page of the log makes thousands, and
 * nobody waits for a single write. One that fails aborts its transaction, which tells why.
 */
import { unwrap, type IDBPTransaction } from 'idb';

export type AnyTransaction = IDBPTransaction<unknown, string[], IDBTransactionMode>;

/** The platform's own store. */
export function plainStore(tx: AnyTransaction, name: string): IDBObjectStore {
  return unwrap(tx).objectStore(name);
}

export function answerOf<T>(request: IDBRequest): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result as T));
    request.addEventListener('error', () => reject(request.error!));
  });
}

/** Nothing follows, so the browser need not wait for the answers to see that. */
export function commit(tx: AnyTransaction): void {
  try {
    unwrap(tx).commit();
  } catch {
    // It was aborted; whoever waits for it hears why.
  }
}
