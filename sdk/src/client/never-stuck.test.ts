/** What a device says and does when its server cannot or will not: over real sockets. */
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { ErrorCode } from '../lib/errors.ts';
import { closeAll, freshName, openNotes, type NotesDb } from './notes.fixture.ts';
import { serve, type Served } from './served.fixture.ts';
import type { Connection, SyncEvent, SyncOptions, SyncStatus } from './types.ts';

vi.setConfig({ testTimeout: 30_000 });

let server: Served;
beforeEach(async () => {
  server = await serve();
});
afterEach(async () => {
  await closeAll();
  await server.close();
});

function device(sync: Partial<SyncOptions> = {}, name = freshName()): Promise<NotesDb> {
  return openNotes({ name, user: { id: 'anna' }, sync: { url: server.url, ...sync }, worker: false });
}

async function until(db: NotesDb, check: (status: SyncStatus) => boolean): Promise<SyncStatus> {
  await expect.poll(() => check(db.status$.value), { timeout: 8_000 }).toBe(true);
  return db.status$.value;
}

const is = (connection: Connection) => (status: SyncStatus) => status.connection === connection;

/** Everything that is promised of every state: rows can be written, and what waits is counted. */
async function worksLocally(db: NotesDb): Promise<void> {
  const before = db.status$.value.pending.changes;
  const id = await db.notes.insert({ title: 'written all the same', tags: [] });
  expect(await db.notes.get(id)).toMatchObject({ title: 'written all the same' });
  expect(db.status$.value.pending.changes).toBe(before + 1);
}

test('[STA8] local-only: without a server nothing is promised', async () => {
  const db = await openNotes({ name: freshName() });
  expect(db.status$.value).toMatchObject({ connection: 'local-only', firstSync: 'never', nextAttemptAt: null });
  await worksLocally(db);
});

test('[STA8] connecting: nobody has answered yet', async () => {
  server.portal = 'silence';
  const db = await device();
  const status = await until(db, is('connecting'));
  expect(status).toMatchObject({ firstSync: 'never', lastSyncedAt: null, nextAttemptAt: null });
  expect(status.reason).toBeUndefined();
  await worksLocally(db);
});

test('[STA8] online: welcomed; first sync is running, then done; nothing is waited for', async () => {
  const seen: SyncStatus[] = [];
  const db = await device({ paused: true });
  db.status$.subscribe((status) => seen.push(status));
  db.sync.resume();
  await db.sync.settled();
  const status = await until(db, is('online'));
  expect(status).toMatchObject({ firstSync: 'done', nextAttemptAt: null, progress: null });
  expect(status.lastSyncedAt).toBeInstanceOf(Date);
  const firstSyncs = [...new Set(seen.map(({ firstSync }) => firstSync))];
  expect(['never', 'done'].every((one) => firstSyncs.includes(one as never))).toBe(true);
  expect(firstSyncs.at(-1)).toBe('done');
});

test('[STA8] offline: at the start and later, with the reason and the next attempt', async () => {
  server.stop();
  const db = await device();
  for (const _ of ['at the start', 'later']) {
    const status = await until(db, is('offline'));
    expect(status.reason?.code).toBe('OFFLINE');
    await until(db, ({ nextAttemptAt }) => nextAttemptAt !== null);
    await worksLocally(db);
    server.start();
    await db.sync.now();
    await db.sync.settled();
    expect(db.status$.value).toMatchObject({ connection: 'online', pending: { changes: 0 } });
    server.stop();
  }
});

test('[STA8] paused: until resume, and nothing is tried', async () => {
  const db = await device({ paused: true });
  expect(db.status$.value).toMatchObject({ connection: 'paused', nextAttemptAt: null });
  await worksLocally(db);
  expect(server.log.space.log).toHaveLength(0);
  db.sync.resume();
  await db.sync.settled();
  expect(server.log.space.log).toHaveLength(1);
});

for (const [connection, code, close] of [
  ['backoff', 'RATE_LIMITED', 1013],
  ['backoff', 'INTERNAL', 1011],
  ['backoff', 'SHUTTING_DOWN', 1012],
  ['auth-required', 'AUTH_REQUIRED', 4401],
  ['upgrade-required', 'UPGRADE_REQUIRED', 4426],
  ['stalled', 'FORBIDDEN', 4403],
  ['stalled', 'SERVER_REPLACED', 4410],
] as const satisfies readonly (readonly [Connection, ErrorCode, number])[]) {
  test(`[STA8] ${connection}: the server says ${code}; when it does not any more, everything is sent`, async () => {
    server.denies = () => ({ code, close });
    const events: SyncEvent[] = [];
    const db = await device();
    db.events$.subscribe((event) => events.push(event));
    const status = await until(db, (now) => now.connection === connection && now.nextAttemptAt !== null);
    expect(status.reason).toMatchObject({ name: 'SkerryError', code });
    expect(status.nextAttemptAt!.getTime()).toBeGreaterThan(Date.now() - 1_000);
    await worksLocally(db);
    expect(db.status$.value.connection).toBe(connection);
    server.denies = () => null;
    await db.sync.now();
    await db.sync.settled();
    expect(db.status$.value).toMatchObject({ connection: 'online', pending: { changes: 0 }, nextAttemptAt: null });
    expect(server.log.space.log).toHaveLength(1);
  });
}

test('[STA9] a refused token is asked for anew, and with the new one the device goes on by itself', async () => {
  let good = 'one';
  const asked: string[] = [];
  server.denies = ({ token }) => (token === good ? null : { code: 'AUTH_REQUIRED', close: 4401 });
  const db = await device({
    token: async (why) => {
      asked.push(why);
      return why === 'start' ? 'one' : good;
    },
  });
  await db.sync.settled();
  good = 'two';
  server.stop();
  await until(db, is('offline'));
  server.start();
  await worksLocally(db);
  await db.sync.settled();
  expect(asked).toEqual(['start', 'expired']);
  expect(server.log.space.log).toHaveLength(1);
});

test('[STA9] a token function that fails is the reason of auth-required, and the next attempt goes on', async () => {
  let isBroken = true;
  server.denies = ({ token }) => (token === 'good' ? null : { code: 'AUTH_REQUIRED', close: 4401 });
  const db = await device({
    token: async () => {
      if (isBroken) throw new Error('the login page is down');
      return 'good';
    },
  });
  const status = await until(db, ({ reason }) => reason?.message.includes('the login page is down') === true);
  expect(status).toMatchObject({ connection: 'auth-required', reason: { code: 'AUTH_REQUIRED' } });
  await worksLocally(db);
  isBroken = false;
  await db.sync.now();
  await db.sync.settled();
  expect(server.log.space.log).toHaveLength(1);
});

test('[RJW8] a change that is too large for its server is on the rejected list, with what builds on it; the rest is sent', async () => {
  await server.close();
  server = await serve({ limits: { changeBytes: 4_000 } });
  const db = await device({ paused: true });
  await db.notes.insert({ id: 'before', title: 'before', tags: [] });
  await db.notes.insert({ id: 'large', title: 'x'.repeat(10_000), tags: [] });
  await db.notes.update('large', { body: 'builds on what the server never gets' });
  await db.notes.insert({ id: 'behind', title: 'behind', tags: [] });
  db.sync.resume();
  await db.sync.settled();
  const other = await device();
  await other.sync.settled();
  expect((await other.notes.find({ orderBy: 'title' })).map(({ id }) => id)).toEqual(['before', 'behind']);
  const [rejected, ...none] = db.conflicts$.value;
  expect(none).toEqual([]);
  expect(rejected).toMatchObject({
    kind: 'rejected',
    rowId: 'large',
    attempted: { title: 'x'.repeat(10_000), body: 'builds on what the server never gets' },
    error: { code: 'TOO_LARGE' },
  });
  expect(db.status$.value).toMatchObject({ connection: 'online', pending: { changes: 0 } });
});

for (const portal of ['html', 'redirect'] as const) {
  test(`[SYN8] a captive portal (${portal}) is offline, and nothing of it is taken for data`, async () => {
    const name = freshName();
    const db = await device({}, name);
    await db.notes.insert({ id: 'n', title: 'mine', tags: [] });
    await db.sync.settled();
    server.portal = portal;
    server.stop();
    const status = await until(db, is('offline'));
    expect(status.reason?.code).toBe('OFFLINE');
    await db.sync.now();
    expect(db.status$.value.connection).toBe('offline');
    expect(await db.notes.find()).toMatchObject([{ id: 'n', title: 'mine' }]);
    await worksLocally(db);
    server.portal = null;
    server.start();
    await db.sync.now();
    await db.sync.settled();
    expect(server.log.space.log).toHaveLength(2);
  });
}

test('[STA10] progress tells the direction and how far, while much is sent and fetched', async () => {
  const seen: NonNullable<SyncStatus['progress']>[] = [];
  const note = (status: SyncStatus): unknown => status.progress && seen.push(status.progress);
  const anna = await device({ paused: true });
  for (let i = 0; i < 60; i++) await anna.notes.insert({ title: `${i} ${'x'.repeat(3_000)}`, tags: [] });
  anna.status$.subscribe(note);
  server.delayMs = 20;
  anna.sync.resume();
  await anna.sync.settled();
  expect(seen.map(({ direction }) => direction)).toContain('push');
  seen.length = 0;
  const ben = await device({ paused: true });
  ben.status$.subscribe(note);
  ben.sync.resume();
  await ben.sync.settled();
  const pulls = seen.filter(({ direction }) => direction === 'pull');
  expect(pulls.length).toBeGreaterThan(0);
  expect(pulls.every(({ done, total }) => total !== null && done <= total)).toBe(true);
  expect([anna, ben].map((db) => db.status$.value.progress)).toEqual([null, null]);
});
