/** A real storage whose transactions can be counted, held back and made to fail: for tests of what stands before it. */
import type { Storage, StorageSource } from './port.ts';

export interface Watched {
  readonly source: StorageSource;
  /** Transactions begun. */
  readonly count: number;
  /** From now on transactions do their work and wait before they become durable, until the returned function is called. */
  hold(): () => void;
  /** The next transactions fail with this before they begin; null ends it. */
  failWith(failure: Error | null): void;
}

export function watched(inner: StorageSource): Watched {
  let count = 0;
  let failure: Error | null = null;
  let gate: Promise<void> = Promise.resolve();
  const watch = (storage: Storage): Storage => ({
    get sid() {
      return storage.sid;
    },
    get access() {
      return storage.access;
    },
    look: (space, question) => storage.look(space, question),
    read: (space, after, max) => storage.read(space, after, max),
    spaces: (after, max) => storage.spaces(after, max),
    pin: (space, limits) => storage.pin(space, limits),
    ...(storage.maxPinned === undefined ? {} : { maxPinned: storage.maxPinned }),
    ...(storage.measure ? { measure: storage.measure.bind(storage) } : {}),
    ...(storage.files ? { files: storage.files.bind(storage) } : {}),
    ...(storage.freeBytes ? { freeBytes: storage.freeBytes.bind(storage) } : {}),
    ...(storage.onHint ? { onHint: (listener) => storage.onHint!(listener) } : {}),
    takeOver: () => storage.takeOver(),
    close: () => storage.close(),
    transact: async (spaces, work) => {
      count++;
      if (failure) throw failure;
      return storage.transact(spaces, async (transaction) => {
        const result = await work(transaction);
        await gate;
        return result;
      });
    },
  });
  return {
    source: { open: async () => watch(await inner.open()) },
    get count() {
      return count;
    },
    hold: () => {
      let release = (): void => undefined;
      gate = new Promise((resolve) => (release = resolve));
      return release;
    },
    failWith: (next) => void (failure = next),
  };
}
