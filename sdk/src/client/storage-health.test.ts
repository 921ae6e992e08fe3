import 'fake-indexeddb/auto';
import { afterEach, describe, expect, test, vi } from 'vitest';

import { closeAll, openNotes } from './notes.fixture.ts';
import { riskOf, type StorageFacts } from './storage-risk.ts';

const FACTS: StorageFacts = { persisted: true, usage: 1_000, quota: 1e9, modes: [], reset: null };

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  await closeAll();
});

describe('the risk', () => {
  test.each([
    ['none', 'none', {}],
    ['low', 'not-persisted', { persisted: false }],
    ['low', 'unknown', { persisted: null, usage: null, quota: null }],
    ['high', 'nearly-full', { usage: 9.5e8 }],
    ['high', 'nearly-full', { usage: 0, quota: 1_000 }],
    ['high', 'reset', { usage: 9.5e8, reset: { at: new Date(0), kept: 0, lost: null } }],
    ['high', 'pulls-paused', { modes: ['pulls-paused'] }],
    ['high', 'gave-way', { modes: ['gave-way'] }],
    ['critical', 'full', { modes: ['pulls-paused', 'full'], persisted: false }],
    ['critical', 'disconnected', { modes: ['full', 'disconnected'] }],
    ['critical', 'newer-version', { modes: ['disconnected', 'newer-version'] }],
  ] as const)('[STH1] %s for %s: the worst is told, with what to do', (level, reason, change) => {
    const risk = riskOf({ ...FACTS, ...change });
    expect(risk).toEqual({ level, reason, advice: expect.stringMatching(/\.$/) });
  });
});

function stubManager(manager: Partial<StorageManager>): void {
  vi.stubGlobal('navigator', { storage: manager });
}

test('[STH2] storage$ has a value at once and does not wait for the browser; requestPersistence() moves it', async () => {
  let persisted = false;
  stubManager({
    persisted: async () => persisted,
    estimate: async () => ({ usage: 5_000, quota: 1e9 }),
    persist: async () => (persisted = true),
  });
  const db = await openNotes();
  await expect
    .poll(() => db.storage$.value)
    .toMatchObject({ persisted: false, usage: 5_000, risk: { reason: 'not-persisted' } });
  await expect(db.requestPersistence()).resolves.toBe(true);
  await expect.poll(() => db.storage$.value).toMatchObject({ persisted: true, risk: { level: 'none' } });
});

test('[STH2] a browser that never answers, or throws, holds up nothing', async () => {
  const never = new Promise<never>(() => undefined);
  stubManager({ persisted: () => never, estimate: () => never, persist: () => never });
  const db = await openNotes();
  await db.notes.insert({ title: 'a', tags: ['x'] });
  expect(db.storage$.value).toMatchObject({ persisted: null, usage: null, risk: { reason: 'unknown' } });
  await db.close();
  stubManager({
    persisted: () => {
      throw new TypeError('not here');
    },
    persist: () => Promise.reject(new DOMException('no', 'SecurityError')),
  });
  const other = await openNotes();
  await expect(other.requestPersistence()).resolves.toBe(false);
});

test('[STH3] S6: a write without space is QUOTA, saves nothing, and is told; the next that succeeds ends that', async () => {
  const db = await openNotes();
  const events: string[] = [];
  db.events$.subscribe(({ type }) => events.push(type));
  const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore) {
    throw new DOMException('full', 'QuotaExceededError');
  });
  await expect(db.notes.insert({ title: 'a', tags: ['x'] })).rejects.toMatchObject({ code: 'QUOTA', retryable: true });
  put.mockRestore();
  expect(db.storage$.value).toMatchObject({
    modes: ['full'],
    risk: { level: 'critical', reason: 'full' },
    error: { code: 'QUOTA' },
  });
  expect(await db.notes.count()).toBe(0);
  await db.notes.insert({ title: 'b', tags: ['x'] });
  expect(db.storage$.value.modes).toEqual([]);
  expect(events).toEqual(['storage-full', 'storage-freed', 'local-write']);
});
