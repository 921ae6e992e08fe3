/** The Background Sync of a service worker: each event of ours is a flush that the browser waits for. */
import { flushOutbox, type FlushOptions, type FlushOutcome } from './background-flush.ts';
import { nameInTag } from './sync-tag.ts';

/** What is used of `self` in a service worker. */
export interface ServiceWorkerScope {
  addEventListener(type: string, listener: (event: Event) => void): void;
}

export interface FlushOnSyncOptions extends FlushOptions {
  /** Told after each flush; an error is one that the browser tries again after. */
  readonly onFlush?: (
    name: string,
    outcome: FlushOutcome | { readonly type: 'failed'; readonly error: unknown },
  ) => void;
}

/** As the types of a page have none of it. */
interface SyncEvent extends Event {
  readonly tag: string;
  waitUntil(done: Promise<unknown>): void;
}

/**
 * Flushes when the browser says that there is a network, also when no tab is open. Call it while the service worker
 * starts; tags of others are left to others. Where there is no Background Sync it does nothing.
 */
export function flushOnSync(scope: ServiceWorkerScope, options: FlushOnSyncOptions = {}): void {
  scope.addEventListener('sync', (event) => {
    const { tag } = event as SyncEvent;
    const name = nameInTag(tag);
    if (name !== null) (event as SyncEvent).waitUntil(flushAndTell(name, options));
  });
}

async function flushAndTell(name: string, options: FlushOnSyncOptions): Promise<void> {
  const outcome = await flushOutbox(name, options).catch((error: unknown) => ({ type: 'failed', error }) as const);
  options.onFlush?.(name, outcome);
  if (outcome.type === 'failed') throw outcome.error;
}
