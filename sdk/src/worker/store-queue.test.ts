import { afterEach, expect, test, vi } from 'vitest';

import type { DeviceStore } from '../store/device-store.ts';
import { createStoreQueue, STORE_CALL_MS } from './store-queue.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('[STT13] S7: a call that never ends is given up, the store behind it is closed, and the next call opens another', async () => {
  vi.useFakeTimers();
  const stores: { readonly isHung: boolean; readonly close: ReturnType<typeof vi.fn> }[] = [];
  const queue = createStoreQueue(async () => {
    const store = { isHung: stores.length === 0, close: vi.fn() };
    stores.push(store);
    return store as unknown as DeviceStore;
  });
  const call = (opened: DeviceStore): Promise<string> =>
    (opened as unknown as (typeof stores)[0])!.isHung ? new Promise(() => undefined) : Promise.resolve('done');
  const hung = expect(queue.use(call)).rejects.toMatchObject({ code: 'TIMEOUT' });
  const next = queue.use(call);
  await vi.advanceTimersByTimeAsync(STORE_CALL_MS);
  await hung;
  await expect(next).resolves.toBe('done');
  expect(stores.map(({ close }) => close.mock.calls.length)).toEqual([1, 0]);
});
