import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { SyncNews, SyncState } from '../session/sync-state.ts';
import { openLink, type ConnectSync, type SyncLink } from './link.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** What drives the host, to be loaded when the test says so. */
function setUp(): {
  readonly link: SyncLink;
  readonly states: SyncState[];
  readonly news: SyncNews[];
  readonly calls: string[];
  attempts(): number;
  arrive(): Promise<void>;
  fail(): Promise<void>;
} {
  const states: SyncState[] = [];
  const news: SyncNews[] = [];
  const calls: string[] = [];
  const loads: { resolve(loaded: ConnectSync): void; reject(error: unknown): void }[] = [];
  const note = (call: string) => async (): Promise<void> => void calls.push(call);
  const connectSync: ConnectSync = () => {
    calls.push('connect');
    return {
      token: async (refused) => (calls.push('token'), refused === undefined ? 'a' : null),
      localWrite: () => calls.push('localWrite'),
      now: note('now'),
      pause: () => calls.push('pause'),
      resume: () => calls.push('resume'),
      close: note('close'),
    };
  };
  const link = openLink(
    {
      name: 'app',
      sync: { url: 'ws://server/sync' },
      collections: [],
      onState: (state) => states.push(state),
      onChanged: () => undefined,
      onEvent: (event) => news.push(event),
    },
    () => new Promise((resolve, reject) => loads.push({ resolve, reject })),
  );
  const settle = async (act: () => void): Promise<void> => {
    act();
    await vi.advanceTimersByTimeAsync(0);
  };
  return {
    link,
    states,
    news,
    calls,
    attempts: () => loads.length,
    arrive: () => settle(() => loads.at(-1)!.resolve(connectSync)),
    fail: () => settle(() => loads.at(-1)!.reject(new TypeError('Failed to fetch'))),
  };
}

test('[CL13] what is asked before syncing is loaded happens when it is, in the order of the calls', async () => {
  const { link, calls, arrive } = setUp();
  link.pause();
  link.localWrite();
  const asked = link.now();
  link.resume();
  await arrive();
  await asked;
  expect(calls).toEqual(['connect', 'pause', 'now', 'resume']);
});

test('[CL13] syncing that cannot be loaded is told as stalled, and tried again', async () => {
  const { link, states, news, calls, attempts, arrive, fail } = setUp();
  link.pause();
  const asked = link.now();
  await fail();
  await asked;
  expect(states.at(-1)).toMatchObject({
    connection: 'stalled',
    reason: { code: 'INTERNAL', message: expect.stringContaining('Failed to fetch') },
    nextAttemptAt: Date.now() + 1_000,
  });
  expect(news).toMatchObject([{ type: 'connection', connection: 'stalled' }]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(attempts()).toBe(2);
  await arrive();
  expect(calls).toEqual(['connect', 'pause']);
});

test('[CL13] now() tries at once to load what could not be loaded', async () => {
  const { link, calls, attempts, arrive, fail } = setUp();
  await fail();
  const asked = link.now();
  expect(attempts()).toBe(2);
  await arrive();
  await asked;
  expect(calls).toEqual(['connect', 'now']);
});

test('[CL3] now() does not wait longer than 15 s for what does not come', async () => {
  const { link } = setUp();
  const asked = link.now();
  await vi.advanceTimersByTimeAsync(15_000);
  await expect(asked).resolves.toBeUndefined();
});

test('[CL8] a link that was closed before syncing was loaded never starts', async () => {
  const { link, calls, arrive } = setUp();
  const asked = link.now();
  await link.close();
  await asked;
  await arrive();
  link.pause();
  await link.now();
  expect(calls).toEqual([]);
});

test('[CL8] close() ends what was loaded, and nothing is tried again after a failure', async () => {
  const loaded = setUp();
  await loaded.arrive();
  await loaded.link.close();
  expect(loaded.calls).toEqual(['connect', 'close']);

  const failed = setUp();
  await failed.fail();
  await failed.link.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(failed.attempts()).toBe(1);
});
