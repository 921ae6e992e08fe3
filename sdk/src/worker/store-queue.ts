/** The device's storage as the engine uses it: one call at a time, in the order they were asked for. */
import { SkerryError } from '../lib/errors.ts';
import type { DeviceStore } from '../store/device-store.ts';
import { withTimeLimit } from './time-limit.ts';

export interface StoreQueue {
  use<T>(use: (opened: DeviceStore) => Promise<T>): Promise<T>;
  /** Resolves when the running call is done and the store is closed. */
  close(): Promise<void>;
}

/** A call that takes longer is given up, and the next one opens the storage anew. A large snapshot takes some of it. */
export const STORE_CALL_MS = 120_000;

/** A store that could not be opened, or that does not answer, is opened again by the next call. */
export function createStoreQueue(open: () => Promise<DeviceStore>): StoreQueue {
  let opened: Promise<DeviceStore> | null = null;
  let tail: Promise<unknown> = Promise.resolve();
  const get = (): Promise<DeviceStore> => {
    opened ??= open().catch((error: unknown) => {
      opened = null;
      throw error;
    });
    return opened;
  };
  /** In real time, because that is what a disk takes. What is hung may take effect after all: every later call bears it. */
  const limited = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      return await withTimeLimit(STORE_CALL_MS, 'A call of the database', call());
    } catch (error) {
      if (error instanceof SkerryError && error.code === 'TIMEOUT') {
        opened?.then(
          (store) => store.close(),
          () => undefined,
        );
        opened = null;
      }
      throw error;
    }
  };
  return {
    use(use) {
      const result = tail.then(() => limited(async () => use(await get())));
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
