/**
 * The device's storage as the engine uses it: one call at a time, in the order they were asked for. A call that does not
 * come back (a browser's disk that is full, a tab that was frozen in a transaction) fails after a while, and its
 * connection is given up: what it may still do is one transaction, whole, which the next reading of the identity sees.
 */
import { SkerryError } from '../lib/errors.ts';
import type { DeviceStore } from '../store/device-store.ts';
import type { Clock } from './clock.ts';

export interface StoreQueue {
  /** The open store, for what needs no turn; null when there is none. */
  readonly current: DeviceStore | null;
  /** Rejects with TIMEOUT when it takes longer than `limitMs`, STORE_CALL_MS if not given. */
  use<T>(use: (opened: DeviceStore) => Promise<T>, limitMs?: number): Promise<T>;
  /** Resolves when the running call is done and the store is closed. */
  close(): Promise<void>;
}

/** Most time for one call, opening included. */
export const STORE_CALL_MS = 30_000;
/** Going over to a snapshot rewrites everything. */
export const SNAPSHOT_CALL_MS = 600_000;

/** A store that could not be opened, or did not answer, is opened again by the next call. */
export function createStoreQueue(open: () => Promise<DeviceStore>, clock: Clock): StoreQueue {
  let opened: Promise<DeviceStore> | null = null;
  let current: DeviceStore | null = null;
  let tail: Promise<unknown> = Promise.resolve();
  const get = (): Promise<DeviceStore> => {
    if (opened !== null) return opened;
    const opening = open();
    opened = opening;
    opening.then(
      (store) => {
        if (opened === opening) current = store;
      },
      () => {
        if (opened === opening) opened = null;
      },
    );
    return opening;
  };
  const giveUp = (): void => {
    opened?.then(
      (hung) => hung.close(),
      () => undefined,
    );
    opened = null;
    current = null;
  };
  const within = <T>(limitMs: number, call: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const cancel = clock.after(limitMs, () => {
        giveUp();
        reject(new SkerryError('TIMEOUT', `The storage did not answer for ${limitMs / 1000} s.`));
      });
      call.then(resolve, reject).finally(cancel);
    });
  return {
    get current() {
      return current;
    },
    use(use, limitMs = STORE_CALL_MS) {
      const result = tail.then(() => within(limitMs, get().then(use)));
      tail = result.catch(() => undefined);
      return result;
    },
    async close() {
      await tail;
      const last = await opened?.catch(() => null);
      last?.close();
    },
  };
}
