import { expect, test } from 'vitest';

import type { DeviceStore } from '../store/device-store.ts';
import { TestClock } from './engine.fixture.ts';
import { createStoreQueue, SNAPSHOT_CALL_MS, STORE_CALL_MS } from './store-queue.ts';

const NEVER = new Promise<never>(() => undefined);

class Stores {
  readonly clock = new TestClock();
  opens = 0;
  closes = 0;
  readonly queue;

  constructor(open: (n: number) => Promise<void> = async () => undefined) {
    this.queue = createStoreQueue(async () => {
      await open(++this.opens);
      return { close: () => void (this.closes += 1) } as DeviceStore;
    }, this.clock);
  }
}

test('[STQ1] a call that does not come back fails with TIMEOUT, and the next one gets a new connection', async () => {
  const { queue, clock } = new Stores();
  const hung = queue.use(() => NEVER);
  const next = queue.use(async () => 'fine');
  const told = expect(hung).rejects.toMatchObject({ code: 'TIMEOUT' });
  await clock.advance(STORE_CALL_MS);
  await told;
  expect(await next).toBe('fine');
});

test('[STQ1] the connection of a call that was given up is closed, and opened again once', async () => {
  const stores = new Stores();
  const told = expect(stores.queue.use(() => NEVER)).rejects.toMatchObject({ code: 'TIMEOUT' });
  await stores.clock.advance(STORE_CALL_MS);
  await told;
  await stores.queue.use(async () => undefined);
  expect([stores.opens, stores.closes]).toEqual([2, 1]);
});

test('[STQ2] an opening that never settles is a call that does not come back', async () => {
  const stores = new Stores((n) => (n === 1 ? NEVER : Promise.resolve()));
  const told = expect(stores.queue.use(async () => undefined)).rejects.toMatchObject({ code: 'TIMEOUT' });
  await stores.clock.advance(STORE_CALL_MS);
  await told;
  expect(await stores.queue.use(async () => 'opened')).toBe('opened');
});

test('[STQ3] a call that was given more time has it, and one that came back leaves no timer', async () => {
  const stores = new Stores();
  let finish: (value: string) => void = () => undefined;
  const going = stores.queue.use(() => new Promise<string>((resolve) => (finish = resolve)), SNAPSHOT_CALL_MS);
  await stores.clock.advance(STORE_CALL_MS * 2);
  finish('went over');
  expect(await going).toBe('went over');
  await stores.clock.advance(SNAPSHOT_CALL_MS);
  expect([stores.opens, stores.closes]).toEqual([1, 0]);
});
