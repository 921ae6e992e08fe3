/** A device whose user is no longer a member of the space, with every policy that an app can have for it. */
import 'fake-indexeddb/auto';
import { filter, firstValueFrom } from 'rxjs';
import { afterEach, expect, test } from 'vitest';

import { collections, closeAll, freshName, openNotes, type NotesDb } from './notes.fixture.ts';
import { serve, type Served } from './served.fixture.ts';
import type { OnAccessLost, SyncEvent, SyncOptions } from './types.ts';

const servers: Served[] = [];

afterEach(async () => {
  await closeAll();
  for (const server of servers.splice(0)) await server.close();
});

async function served(options: Parameters<typeof serve>[0] = {}): Promise<Served> {
  const server = await serve(options);
  servers.push(server);
  return server;
}

const REVOKED = { code: 'ACCESS_REVOKED' };

function device(server: Served, onAccessLost?: OnAccessLost, name = freshName()): Promise<NotesDb> {
  const sync: SyncOptions = { url: server.url, ...(onAccessLost ? { onAccessLost } : {}) };
  return openNotes({ name, sync, worker: false });
}

async function settle(...dbs: readonly NotesDb[]): Promise<void> {
  for (const db of dbs) {
    await db.sync.now();
    await db.sync.settled({ timeoutMs: 10_000 });
  }
}

/** Everybody is sent away, and heard of it. */
async function revoke(server: Served, ...dbs: readonly NotesDb[]): Promise<void> {
  server.denies = () => ({ code: 'ACCESS_REVOKED', close: 4403 });
  const lost = dbs.map((db) => firstValueFrom(db.events$.pipe(filter(({ type }) => type === 'access-lost'))));
  server.stop();
  server.start();
  for (const db of dbs) await db.sync.now();
  await Promise.all(lost);
}

/** They may come again. */
async function readmit(server: Served, ...dbs: readonly NotesDb[]): Promise<void> {
  server.denies = () => null;
  const back = dbs.map((db) => firstValueFrom(db.events$.pipe(filter(({ type }) => type === 'access-back'))));
  for (const db of dbs) await db.sync.now();
  await Promise.all(back);
  await settle(...dbs);
}

async function textOf(db: NotesDb): Promise<string> {
  return (await db.debug.export()).text();
}

test('[LSS1] a device that lost access is told why, and how the app deals with it', async () => {
  const server = await served();
  const db = await device(server, 'keep');
  await settle(db);
  const events: SyncEvent[] = [];
  db.events$.subscribe((event) => events.push(event));
  await revoke(server, db);
  expect(db.status$.value).toMatchObject({ connection: 'stalled', reason: REVOKED });
  expect(db.status$.value.nextAttemptAt).not.toBeNull();
  await db.sync.now();
  expect(events.filter(({ type }) => type === 'access-lost')).toEqual([
    { type: 'access-lost', at: expect.any(Date), policy: 'keep' },
  ]);
  await readmit(server, db);
  expect(db.status$.value.connection).toBe('online');
});

test('[LSS2] sealed rows are neither read nor written, and what was not sent is exported word for word', async () => {
  const server = await served();
  const db = await device(server);
  const id = await db.notes.insert({ title: 'of the team', tags: [] });
  await settle(db);
  server.stop();
  await db.notes.insert({ id: 'mine', title: 'never sent', tags: [] });
  const failed = new Promise((resolve) => db.notes.live().subscribe({ error: resolve }));
  await revoke(server, db);
  expect(await failed).toMatchObject(REVOKED);
  for (const call of [
    () => db.notes.get(id),
    () => db.notes.find(),
    () => db.notes.count(),
    () => db.notes.history(id),
    () => db.notes.insert({ title: 'more', tags: [] }),
    () => db.notes.update(id, { title: 'other' }),
    () => db.notes.delete(id),
    () => db.transaction((tx) => tx.notes.find()),
    () => firstValueFrom(db.notes.liveOne(id)),
  ])
    await expect(call()).rejects.toMatchObject(REVOKED);
  await expect.poll(() => db.outbox$.value).toHaveLength(1);
  expect(await textOf(db)).toContain('never sent');
});

test('[LSS3] they stay sealed when the database is opened again without a network, until access is back', async () => {
  const server = await served();
  const name = freshName();
  const db = await device(server, 'seal', name);
  const id = await db.notes.insert({ title: 'of the team', tags: [] });
  await settle(db);
  server.stop();
  await db.notes.insert({ id: 'mine', title: 'never sent', tags: [] });
  await revoke(server, db);
  server.stop();
  await db.close();
  const again = await device(server, 'seal', name);
  await expect(again.notes.find()).rejects.toMatchObject(REVOKED);
  expect(again.outbox$.value).toHaveLength(1);
  server.start();
  await readmit(server, again);
  expect(await again.notes.get(id)).toMatchObject({ title: 'of the team' });
  const other = await device(server);
  await settle(other);
  expect((await other.notes.find()).map(({ title }) => title).sort()).toEqual(['never sent', 'of the team']);
  await again.close();
  const last = await device(server, 'seal', name);
  expect(await last.notes.count()).toBe(2);
});

test('[LSS4] after a purge nothing is here but what was not sent and the rows it is about', async () => {
  const server = await served();
  const [db, other] = [await device(server, 'purge'), await device(server)];
  await other.notes.insert({ id: 'secret', title: 'canary one', tags: ['canary two'], body: 'canary three' });
  await other.notes.update('secret', { title: 'canary four' });
  await other.notes.insert({ id: 'shared', title: 'a title', tags: [], likes: 5 });
  await settle(other, db);
  await db.notes.update('secret', { body: 'canary five' });
  await settle(db, other);
  server.stop();
  await db.notes.update('shared', { title: 'never sent', likes: 7 });
  await db.notes.insert({ id: 'mine', title: 'nor this', tags: [] });
  const rows = db.notes.live({ orderBy: 'title' });
  const shown: (readonly string[])[] = [];
  rows.subscribe((found) => shown.push(found.map(({ id }) => id)));
  await revoke(server, db);
  expect((await db.notes.find()).map(({ id }) => id).sort()).toEqual(['mine', 'shared']);
  await expect.poll(() => shown.at(-1)?.toSorted()).toEqual(['mine', 'shared']);
  expect(await db.notes.get('shared')).toMatchObject({ title: 'never sent', likes: 7 });
  expect(await db.notes.history('secret')).toEqual([]);
  const kept = await textOf(db);
  expect(kept).toContain('never sent');
  expect(kept).toContain('nor this');
  expect(kept).not.toContain('canary');
  for (const table of db.dexie.tables) expect(JSON.stringify(await table.toArray())).not.toContain('canary');
  expect(await db.debug.verify()).toMatchObject({ differences: [] });
});

test('[LSS5] purged rows are fetched anew when access is back, and what was not sent is sent, once', async () => {
  const server = await served();
  const [db, other] = [await device(server, 'purge'), await device(server)];
  await other.notes.insert({ id: 'shared', title: 'a title', tags: ['x'], likes: 5 });
  await other.notes.insert({ id: 'other', title: 'another', tags: [] });
  await settle(other, db);
  server.stop();
  await db.notes.update('shared', (note) => void (note.likes! += 2));
  await db.notes.insert({ id: 'mine', title: 'never sent', tags: [] });
  await revoke(server, db);
  // Still writing, on what is left.
  await db.notes.update('shared', (note) => void (note.likes! += 1));
  server.denies = () => null;
  await other.sync.now();
  await other.notes.update('shared', { title: 'changed meanwhile', likes: 6 });
  await other.notes.delete('other');
  await settle(other);
  await readmit(server, db);
  await settle(other);
  for (const one of [db, other]) {
    expect((await one.notes.find()).map(({ id }) => id).sort()).toEqual(['mine', 'shared']);
    expect(await one.notes.get('shared')).toMatchObject({ title: 'changed meanwhile', likes: 9, tags: ['x'] });
    expect(one.conflicts$.value).toEqual([]);
    expect(await one.debug.verify()).toMatchObject({ differences: [] });
  }
});

test('[LSS6] what a server refused before stays to be decided about, sealed and purged', async () => {
  for (const policy of ['seal', 'purge'] as const) {
    const server = await served({ authorize: () => false });
    const db = await device(server, policy);
    await settle(db);
    await db.notes.insert({ id: 'refused', title: 'not taken', tags: [] });
    await firstValueFrom(db.conflicts$.pipe(filter((conflicts) => conflicts.length === 1)));
    await revoke(server, db);
    await expect
      .poll(() => db.conflicts$.value)
      .toMatchObject([{ kind: 'rejected', attempted: { title: 'not taken' } }]);
    expect(await textOf(db)).toContain('not taken');
  }
});

test('[LSS7] a server that does not let this user in, without having done so, changes nothing here', async () => {
  const server = await served();
  const db = await device(server, 'purge');
  await db.notes.insert({ id: 'a', title: 'kept', tags: [] });
  await settle(db);
  server.denies = () => ({ code: 'FORBIDDEN', close: 4403 });
  server.stop();
  server.start();
  await firstValueFrom(db.status$.pipe(filter(({ reason }) => reason?.code === 'FORBIDDEN')));
  expect(await db.notes.get('a')).toMatchObject({ title: 'kept' });
});

test('[LSS8] every tab acts by it, whichever syncs', async () => {
  const server = await served();
  const name = freshName();
  const [one, two] = [await device(server, 'purge', name), await device(server, 'purge', name)];
  await one.notes.insert({ id: 'a', title: 'gone soon', tags: [] });
  await settle(one);
  const shown: number[] = [];
  two.notes.live().subscribe((rows) => shown.push(rows.length));
  await expect.poll(() => shown.at(-1)).toBe(1);
  server.denies = () => ({ code: 'ACCESS_REVOKED', close: 4403 });
  server.stop();
  server.start();
  await one.sync.now();
  await expect.poll(() => shown.at(-1)).toBe(0);
  expect(await one.notes.count()).toBe(0);
});

test('[LSS9] a policy that is none is INVALID_OPTION', async () => {
  const sync = { url: 'ws://127.0.0.1:1', onAccessLost: 'burn' as OnAccessLost };
  await expect(openNotes({ collections, sync })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
});
