/**
 * Keeps an IndexedDB transaction open while its function runs. IndexedDB commits as soon as nobody asks it for
 * anything, so a function that awaited something else would find the first half of its writes committed; held open,
 * the transaction commits when the function is done and is undone when it fails.
 */
import { SkerryError } from '../lib/errors.ts';
import { META } from './layout.ts';

/** A transaction holds up every other write on this device; one that takes longer is undone. */
export const MAX_TRANSACTION_MS = 10_000;

/** Throws TIMEOUT, with everything undone, when `fn` takes longer than MAX_TRANSACTION_MS. */
export async function heldOpen<R>(trans: IDBTransaction, fn: () => Promise<R>): Promise<R> {
  const startedMs = performance.now();
  const store = trans.objectStore(META);
  let isHeld = true;
  let isTooLong = false;
  const ask = (): void => {
    if (!isHeld) return;
    isTooLong = performance.now() - startedMs > MAX_TRANSACTION_MS;
    if (isTooLong) trans.abort();
    else store.getKey('replica').onsuccess = ask;
  };
  ask();
  try {
    const result = await fn();
    if (isTooLong) throw tooLong();
    return result;
  } catch (error) {
    throw isTooLong ? tooLong() : error;
  } finally {
    isHeld = false;
  }
}

function tooLong(): SkerryError {
  return new SkerryError(
    'TIMEOUT',
    `A transaction awaited something other than the database for ${MAX_TRANSACTION_MS / 1000} s. Nothing was written.`,
  );
}
