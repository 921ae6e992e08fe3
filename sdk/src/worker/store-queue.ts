/** The device's storage as the engine uses it: one call at a time, in the order they were asked for. */
import type { DeviceStore } from '../store/device-store.ts';

export interface StoreQueue {
  use<T>(use: (opened: DeviceStore) => Promise<T>): Promise<T>;
  /** Resolves when the running call is done and the store is closed. */
  close(): Promise<void>;
}

/** A store that could not be opened is opened again by the next call. */
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
  return {
    use(use) {
      const result = tail.then(async () => use(await get()));
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
