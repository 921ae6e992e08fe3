/** A database that is cleared under a page that syncs: what its commits, its syncing and its service worker are told. */
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { META, OUTBOX } from '../store/layout.ts';
import { closeAll, freshName, openNotes, type NotesDb } from './notes.fixture.ts';
import { serve, type Served } from './served.fixture.ts';
import type { Commit } from './types.ts';

const NOTE = { title: 'one', tags: ['x'], likes: 1 };

let server: Served;

beforeEach(async () => {
  server = await serve();
});
afterEach(async () => {
  await closeAll();
  await server.close();
});

function openDevice(name = freshName()): Promise<NotesDb> {
  return openNotes({ name, sync: { url: server.url }, worker: false });
}

function insert(db: NotesDb, id: string, body = ''): Promise<Commit<string>> {
  return db.transaction((tx) => tx.notes.insert({ ...NOTE, id, body }));
}

/** The browser clears the site's data; the page hears of it when `tell` is called. */
async function clear(db: NotesDb): Promise<() => void> {
  const { name } = db.dexie;
  const handle = db.dexie.backendDB();
  handle.close();
  await new Promise<void>((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.addEventListener('success', () => resolve());
    request.addEventListener('error', () => reject(request.error ?? new Error('not deleted')));
  });
  return () => handle.onclose!(new Event('close'));
}

async function pause(db: NotesDb): Promise<void> {
  db.sync.pause();
  await expect.poll(() => db.status$.value.connection).toBe('paused');
}

test('[RCT13] a commit that went with the database is rejected, and never taken for the one that has its place now', async () => {
  const db = await openDevice();
  const known = await insert(db, 'known');
  await known.confirmed();
  await db.sync.settled();
  await pause(db);
  // As much as a tab remembers.
  for (let i = 0; i < 5; i++) await db.notes.insert({ ...NOTE, id: `kept-${i}`, body: 'x'.repeat(700_000) });
  const lost = await insert(db, 'lost', 'x'.repeat(700_000));
  const unread = await insert(db, 'unread');
  const states: string[] = [];
  lost.receipt$.subscribe(({ state }) => states.push(state));
  const waiting = lost.confirmed().then(
    () => 'confirmed',
    (error: { code: string }) => error.code,
  );
  (await clear(db))();
  await expect.poll(() => db.storage$.value.reset).toMatchObject({ kept: 5, lost: 2 });
  for (let i = 0; i < 5; i++) await insert(db, `new-${i}`);
  expect(await waiting).toBe('STORAGE_FAILED');
  await expect(unread.confirmed()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  db.sync.resume();
  await db.sync.settled();
  expect(states).toEqual(['saved', 'rejected']);
  await known.confirmed();
  expect(await db.notes.count()).toBe(11);
}, 20_000);

test('[STT18] what was put into the new database is sent at once, and its commit is followed', async () => {
  const db = await openDevice();
  await db.sync.settled();
  await insert(db, 'before');
  await db.sync.settled();
  server.stop();
  const commit = await insert(db, 'a');
  expect(commit.receipt$.value.state).toBe('saved');
  const tell = await clear(db);
  server.start();
  tell();
  await commit.confirmed();
  await db.sync.settled();
  expect((await db.notes.find()).map(({ id }) => id)).toEqual(['a', 'before']);
  expect(await db.dexie.table(OUTBOX).count()).toBe(0);
  expect((await db.debug.verify()).differences).toEqual([]);
});

test('[STT18] online and at rest when it is cleared, with a write just made: it goes to the server, once', async () => {
  const db = await openDevice();
  await insert(db, 'before');
  await db.sync.settled();
  const tell = await clear(db);
  tell();
  await expect.poll(() => db.storage$.value.reset).not.toBeNull();
  // Nobody writes anything: the device takes the space anew by itself.
  await expect.poll(() => db.notes.count(), { timeout: 10_000 }).toBe(1);
  await db.notes.update('before', { likes: 2 });
  await db.sync.settled();
  const other = await openDevice();
  await expect.poll(() => other.notes.get('before')).toMatchObject({ likes: 2 });
}, 20_000);

test('[STT14] cleared while the answer to a push is on its way: the server has it, and it counts once', async () => {
  const db = await openDevice();
  await insert(db, 'a');
  await db.sync.settled();
  server.delayMs = 300;
  const commit = await db.transaction((tx) => tx.notes.update('a', (note) => void (note.likes! += 1)));
  await expect.poll(() => commit.receipt$.value.state).toBe('sending');
  (await clear(db))();
  await expect.poll(() => db.storage$.value.reset).not.toBeNull();
  await commit.confirmed();
  server.delayMs = 0;
  await db.sync.settled();
  expect(await db.notes.get('a')).toMatchObject({ likes: 2 });
  const other = await openDevice();
  await other.sync.settled();
  expect(await other.notes.get('a')).toMatchObject({ likes: 2 });
  expect((await db.debug.verify()).differences).toEqual([]);
}, 20_000);

test('[STT18] the first sync begins anew, and is done when the space has come again', async () => {
  const db = await openDevice();
  await insert(db, 'before');
  await db.sync.settled();
  expect(db.status$.value.firstSync).toBe('done');
  server.stop();
  await expect.poll(() => db.status$.value.connection).not.toBe('online');
  (await clear(db))();
  await expect.poll(() => db.storage$.value.reset).not.toBeNull();
  expect(db.status$.value).toMatchObject({ firstSync: 'never', lastSyncedAt: null });
  const told: [string, number][] = [];
  db.status$.subscribe(({ firstSync }) => void db.notes.count().then((rows) => told.push([firstSync, rows])));
  server.start();
  await db.sync.settled();
  expect(db.status$.value).toMatchObject({ firstSync: 'done', lastSyncedAt: expect.any(Date) });
  await expect.poll(() => told.at(-1)).toEqual(['done', 1]);
  expect(told.filter(([state, rows]) => state === 'done' && rows === 0)).toEqual([]);
}, 20_000);

test('[STT18] the service worker can flush the new database as well', async () => {
  const db = await openNotes({ sync: { url: server.url, background: true }, worker: false });
  await expect.poll(() => db.dexie.table(META).get('background')).toMatchObject({ key: 'background' });
  (await clear(db))();
  await expect.poll(() => db.storage$.value.reset).not.toBeNull();
  await expect.poll(() => db.dexie.table(META).get('background')).toMatchObject({ key: 'background' });
});
