/** The host with everything the browser has. The composition root of syncing, in the worker and beside the page. */
import type { MergeFunctions } from '../policies/merge.ts';
import { openDeviceStore, type DeviceStoreOptions } from '../store/ingest.ts';
import { platformRandom } from '../store/platform-random.ts';
import { createWebSocketTransport } from '../transport/websocket.ts';
import { platformClock } from './clock.ts';
import { createHost, type HostConfig, type SyncHost } from './host.ts';

export type BrowserHost = SyncHost<DeviceStoreOptions>;
export type BrowserHostConfig = HostConfig<DeviceStoreOptions>;

export function createBrowserHost(merges: MergeFunctions): BrowserHost {
  return createHost({
    openStore: (options) => openDeviceStore(options, merges),
    transport: createWebSocketTransport(),
    clock: platformClock,
    random: platformRandom,
    // Absent on insecure origins and in old browsers, whatever the types say.
    locks: (globalThis as { readonly navigator?: { readonly locks?: LockManager } }).navigator?.locks,
  });
}
