/**
 * Keeps a value that is read from the database in step with it, without one read per write: at most one read is on
 * its way, what changes meanwhile asks for one more, and between two reads there is a rest.
 *
 * Dexie's liveQuery is not used for this: it starts anew with every write, so a burst of writes would keep a long read
 * from ever finishing.
 */
import { Dexie, type ObservabilitySet } from 'dexie';

import type { Lifetime } from './lifetime.ts';

/** Long enough to gather a burst, too short to be seen. */
const REST_MS = 20;
/** A long read is followed by a longer rest, up to what a person takes for at once. */
const REST_PER_READ = 4;
const LONGEST_REST_MS = 300;

export interface Refresh {
  /** Something changed: read again soon. */
  request(): void;
  /** Resolves when a read that began after this call was published. Rejects with what read() throws. */
  now(): Promise<void>;
}

export interface RefreshOptions {
  /** Reads and publishes. */
  readonly read: () => Promise<void>;
  readonly lifetime: Lifetime;
  readonly onError: (error: unknown) => void;
}

export function createRefresh({ read, lifetime, onError }: RefreshOptions): Refresh {
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  let isRequested = false;
  let isLooping = false;

  const run = (): Promise<void> => {
    running = read().finally(() => (running = null));
    return running;
  };

  const now = (): Promise<void> => {
    if (!running) return run();
    next ??= running.then(ignore, ignore).then(() => {
      next = null;
      return now();
    });
    return next;
  };

  const loop = async (): Promise<void> => {
    while (isRequested && !lifetime.isClosed) {
      isRequested = false;
      const startedMs = performance.now();
      await now().catch((error: unknown) => {
        if (!lifetime.isClosed) onError(error);
      });
      const restMs = Math.min(LONGEST_REST_MS, Math.max(REST_MS, REST_PER_READ * (performance.now() - startedMs)));
      await new Promise((resolve) => setTimeout(resolve, restMs));
    }
    isLooping = false;
  };
  return {
    request: () => {
      isRequested = true;
      if (isLooping) return;
      isLooping = true;
      void loop();
    },
    now,
  };
}

/** Calls back after every transaction, of any tab of this device, that wrote to one of these tables. */
export function watchTables(
  dexie: Dexie,
  tables: readonly string[],
  onChange: (parts: ObservabilitySet) => void,
): () => void {
  const prefixes = tables.map((table) => `idb://${dexie.name}/${table}/`);
  const listener = (parts: ObservabilitySet): void => {
    const isHit =
      'all' in parts || Object.keys(parts).some((part) => prefixes.some((prefix) => part.startsWith(prefix)));
    if (isHit) onChange(parts);
  };
  Dexie.on.storagemutated.subscribe(listener);
  return () => Dexie.on.storagemutated.unsubscribe(listener);
}

function ignore(): void {}
