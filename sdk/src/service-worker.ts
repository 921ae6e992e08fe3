/**
 * The entry for the service worker of an app: sends what waits when no tab is open. Importing it does nothing.
 *
 * @example
 * import { flushOnSync } from '@skerry/sdk/service-worker';
 *
 * flushOnSync(self);
 */
export { flushOnSync, type FlushOnSyncOptions, type ServiceWorkerScope } from './worker/flush-on-sync.ts';
export { flushOutbox, type FlushOptions, type FlushOutcome } from './worker/background-flush.ts';
