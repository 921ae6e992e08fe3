/**
 * Asks the browser to wake the service worker when something waits to be sent and there is a network again, also when no
 * tab is open then. Where the browser has no Background Sync, or the app no service worker, nothing of it happens. Loaded by apps that want it.
 */
import type { Observable, Subscription } from 'rxjs';

import type { CollectionPlan } from '../policies/registry.ts';
import type { BackgroundRow } from '../store/background.ts';
import { META } from '../store/layout.ts';
import type { LocalDatabase } from '../store/local-database.ts';
import { serverOf } from '../worker/link.ts';
import { tagOf } from '../worker/sync-tag.ts';
import type { Lifetime } from './lifetime.ts';
import type { Logger, SyncEvent, SyncOptions, SyncStatus } from './types.ts';

export interface BackgroundSyncOptions {
  readonly name: string;
  readonly local: LocalDatabase;
  readonly lifetime: Lifetime;
  readonly status$: Observable<SyncStatus>;
  readonly events$: Observable<SyncEvent>;
  readonly sync: SyncOptions;
  readonly collections: readonly CollectionPlan[];
  /** Names of the merge functions. */
  readonly merges: readonly string[];
  readonly logger: Logger | undefined;
}

/** Online, so long is enough to send: what waits longer may have to wait for a service worker. */
const SOON_MS = 1_000;

/** As the types of a page have none of it. */
interface SyncRegistration {
  readonly sync?: { register(tag: string): Promise<void> };
}

export function followInBackground(options: BackgroundSyncOptions): void {
  const { local, lifetime, status$, logger } = options;
  let pending = 0;
  let isPaused = options.sync.paused ?? false;
  let soon: ReturnType<typeof setTimeout> | undefined;
  let registeredFor = 0;
  const complain = (error: unknown): void => logger?.debug('Background Sync cannot be used.', error);
  const note = (): Promise<unknown> => local.dexie.table(META).put(rowOf(options, isPaused));
  /** The service worker reads what is noted, so that comes first. */
  let noted = note();
  noted.catch(complain);

  const register = async (): Promise<void> => {
    registeredFor = pending;
    await noted;
    await (await registration())?.sync?.register(tagOf(options.name));
  };
  const ask = (): void => {
    if (pending > 0 && !isPaused) register().catch(complain);
  };
  const follow = (status: SyncStatus): void => {
    const wasPaused = isPaused;
    isPaused = status.connection === 'paused';
    if (isPaused !== wasPaused) (noted = note()).catch(complain);
    pending = status.pending.changes;
    if (pending === 0) {
      clearTimeout(soon);
      [soon, registeredFor] = [undefined, 0];
    } else if (status.connection === 'online') soon ??= setTimeout(ask, SOON_MS);
    else if (pending > registeredFor) ask();
  };
  const subscription: Subscription = status$.subscribe(follow);
  // The row went with the database.
  const resets = options.events$.subscribe(({ type }) => {
    if (type === 'storage-reset') (noted = note()).catch(complain);
  });
  const stop = new AbortController();
  globalThis.document?.addEventListener('visibilitychange', ask, { signal: stop.signal });
  // What waited when this page was opened, before its first service worker was ready.
  globalThis.navigator?.serviceWorker?.ready.then(ask, complain);
  lifetime.onClose(() => {
    // A page that closes its database with something to send leaves it to the service worker.
    ask();
    clearTimeout(soon);
    subscription.unsubscribe();
    resets.unsubscribe();
    stop.abort();
  });
}

function rowOf({ sync, collections, merges }: BackgroundSyncOptions, isPaused: boolean): BackgroundRow {
  return {
    key: 'background',
    url: serverOf(sync),
    space: sync.space ?? 'default',
    collections,
    merges,
    needsToken: sync.token !== undefined,
    isPaused,
  };
}

async function registration(): Promise<SyncRegistration | undefined> {
  return (await globalThis.navigator?.serviceWorker?.getRegistration()) as SyncRegistration | undefined;
}
