import 'fake-indexeddb/auto';
import { Dexie } from 'dexie';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { createLifetime } from './lifetime.ts';
import { createLiveQueries } from './live.ts';

const dexie = new Dexie('live', { cache: 'disabled' });
dexie.version(1).stores({ rows: 'id' });

beforeAll(() => dexie.open());
afterAll(() => dexie.delete());

/** A live count that tells how often it was read. */
function counting() {
  const lifetime = createLifetime();
  const queries = createLiveQueries(
    lifetime,
    (run) => run() as never,
    () => undefined,
  );
  const reads = { count: 0 };
  const count = (key: string | null = 'count') =>
    queries.live(key, () => {
      reads.count += 1;
      return dexie.table('rows').count();
    });
  return { lifetime, queries, reads, count };
}

test('[OBS5] equal live queries share one run, also when they were made apart', async () => {
  const { count, reads } = counting();
  const [one, other] = [count(), count()];
  expect(reads.count).toBe(0);
  const heard: number[][] = [[], []];
  const first = one.subscribe((value) => heard[0]!.push(value));
  await expect.poll(() => heard[0]!.length).toBe(1);
  const second = other.subscribe((value) => heard[1]!.push(value));
  expect(heard[1]).toEqual(heard[0]);
  expect(other.value).toBe(one.value);
  await dexie.table('rows').add({ id: 'a' });
  await expect.poll(() => heard[1]!.length).toBe(2);
  expect(reads.count).toBe(2);
  first.unsubscribe();
  second.unsubscribe();
});

test('[OBS5] queries with a function are not shared', async () => {
  const { count, reads } = counting();
  const subscriptions = [count(null), count(null)].map((query) => query.subscribe());
  await expect.poll(() => reads.count).toBe(2);
  for (const subscription of subscriptions) subscription.unsubscribe();
});

test('[OBS6] a live query is kept for a second after its last subscriber, then forgotten', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const { count, reads } = counting();
    const query = count();
    const started = query.subscribe();
    vi.advanceTimersByTime(0);
    vi.useRealTimers();
    await expect.poll(() => query.value).toBeTypeOf('number');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    started.unsubscribe();
    vi.advanceTimersByTime(999);
    expect(query.value).toBeTypeOf('number');
    query.subscribe().unsubscribe();
    expect(reads.count).toBe(1);
    vi.advanceTimersByTime(1_000);
    expect(query.value).toBeUndefined();
  } finally {
    vi.useRealTimers();
  }
});

test('[OBS7] a query that fails tells its subscribers as a SkerryError; subscribing again asks again', async () => {
  const { queries } = counting();
  let isBroken = true;
  const query = queries.live('broken', () => {
    if (isBroken) throw new Error('broken');
    return dexie.table('rows').count();
  });
  const error = await new Promise((resolve) => query.subscribe({ error: resolve }));
  expect(error).toMatchObject({ name: 'SkerryError', code: 'STORAGE_FAILED' });
  isBroken = false;
  const value = await new Promise((resolve) => {
    const subscription = query.subscribe((count) => {
      resolve(count);
      queueMicrotask(() => subscription.unsubscribe());
    });
  });
  expect(value).toBeTypeOf('number');
});

test('[OBS8] close() completes live queries; later ones throw CLOSED', async () => {
  const { count, lifetime } = counting();
  const query = count();
  const heard: string[] = [];
  query.subscribe({ complete: () => heard.push('running') });
  lifetime.close();
  query.subscribe({ complete: () => heard.push('late') });
  expect(heard).toEqual(['running', 'late']);
  expect(() => count()).toThrow(expect.objectContaining({ code: 'CLOSED' }));
});
