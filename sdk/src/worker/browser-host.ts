/**
 * The host with everything the browser has, or what a test puts in its place. The composition root of syncing, in the
 * worker and beside the page.
 */
import { randomName } from '../lib/ids.ts';
import type { MergeFunctions } from '../policies/merge.ts';
import { openLease as leaseIn, type Lease } from '../store/lease.ts';
import { openDeviceStore, type DeviceStoreOptions } from '../store/ingest.ts';
import { platformRandom } from '../store/platform-random.ts';
import { createFallbackTransport } from '../transport/fallback.ts';
import { platformClock } from './clock.ts';
import { createHost, type HostConfig, type HostEnvironment, type SyncHost } from './host.ts';

export type BrowserHost = SyncHost<DeviceStoreOptions>;
export type BrowserHostConfig = HostConfig<DeviceStoreOptions>;

function openLease({ name }: DeviceStoreOptions): Lease {
  return leaseIn(name, randomName(64, platformRandom));
}

/** Clock, wire and luck of a test. */
export type TestEnvironment = Pick<HostEnvironment<DeviceStoreOptions>, 'transport' | 'clock' | 'random'>;

export function createBrowserHost(merges: MergeFunctions, test?: TestEnvironment): BrowserHost {
  return createHost({
    openStore: (options, fence) =>
      openDeviceStore({ ...options, ...(test ? { nowMs: test.clock.nowMs } : {}) }, merges, fence),
    transport: createFallbackTransport(),
    clock: platformClock,
    random: platformRandom,
    // Absent on insecure origins and in old browsers, whatever the types say.
    locks: (globalThis as { readonly navigator?: { readonly locks?: LockManager } }).navigator?.locks,
    // A test's device is one context.
    ...(test ? { ...test, locks: undefined } : { openLease }),
  });
}
