/** What a service worker does, without one: a database that a page has left, and a server that may be there. */
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { closeAll, freshName, openNotes, type NotesDb } from '../client/notes.fixture.ts';
import { serve, type Served } from '../client/served.fixture.ts';
import type { SyncOptions } from '../client/types.ts';
import { viewBackground } from '../store/background.ts';
import { flushOutbox } from './background-flush.ts';
import { flushOnSync } from './flush-on-sync.ts';

let server: Served;
beforeEach(async () => {
  server = await serve();
});
afterEach(async () => {
  await closeAll();
  await server.close();
});

const page = (name: string, sync: Partial<SyncOptions> = {}): Promise<NotesDb> =>
  openNotes({ name, sync: { url: server.url, background: true, ...sync }, worker: false });

/** A page wrote this and is gone; the server was not there. */
async function left(name: string, sync: Partial<SyncOptions> = {}): Promise<void> {
  server.stop();
  const db = await page(name, sync);
  await db.notes.insert({ id: 'n', title: 'left behind', tags: ['x'] });
  await untilNoted(name);
  await db.close();
  server.start();
}

async function untilNoted(name: string): Promise<void> {
  await expect
    .poll(async () => {
      const view = await viewBackground(name);
      view?.close();
      return view?.row;
    })
    .toBeDefined();
}

test('[BGS1] what a page has left is sent, once', async () => {
  const name = freshName();
  await left(name);
  expect(await flushOutbox(name)).toEqual({ type: 'flushed' });
  expect(server.log.space.log.length).toBe(1);
  expect(await flushOutbox(name)).toEqual({ type: 'flushed' });
  const db = await page(name);
  await db.sync.settled();
  expect(server.log.space.log.length).toBe(1);
  expect(await db.notes.get('n')).toMatchObject({ title: 'left behind' });
});

test('[BGS2] a server that cannot be reached in time is TIMEOUT, and nothing is lost', async () => {
  const name = freshName();
  await left(name);
  server.stop();
  await expect(flushOutbox(name, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'TIMEOUT', retryable: true });
  server.start();
  expect(await flushOutbox(name)).toEqual({ type: 'flushed' });
  expect(server.log.space.log.length).toBe(1);
});

test('[BGS9] what a user may no longer send is left to a page, and kept', async () => {
  const name = freshName();
  await left(name);
  for (const code of ['ACCESS_REVOKED', 'FORBIDDEN'] as const) {
    server.denies = () => ({ code, close: 4403 });
    expect(await flushOutbox(name)).toMatchObject({ type: 'left', reason: { code } });
  }
  server.denies = () => null;
  expect(await flushOutbox(name)).toEqual({ type: 'flushed' });
  expect(server.log.space.log.length).toBe(1);
});

test('[BGS2] beside a page that syncs it waits until that has sent everything', async () => {
  const name = freshName();
  const db = await page(name);
  await db.sync.settled();
  await untilNoted(name);
  server.delayMs = 50;
  await db.notes.insertMany([1, 2, 3].map((n) => ({ title: `${n}`, tags: ['x'] })));
  expect(await flushOutbox(name)).toEqual({ type: 'flushed' });
  await expect.poll(() => db.status$.value.pending.changes).toBe(0);
  expect(server.log.space.log.length).toBe(1);
});

test('[BGS3] no database is made by looking, and one that no page has left is left alone', async () => {
  expect(await flushOutbox('never-there')).toMatchObject({ type: 'left', reason: { code: 'NOT_FOUND' } });
  expect((await indexedDB.databases()).map(({ name }) => name)).not.toContain('never-there');
  const name = freshName();
  await left(name, { background: true });
  const plain = freshName();
  server.stop();
  const db = await page(plain, { background: false });
  await db.notes.insert({ title: 'a', tags: ['x'] });
  await db.close();
  expect(await flushOutbox(plain)).toMatchObject({ type: 'left', reason: { code: 'INVALID_OPTION' } });
});

test('[BGS4] no token is kept: it comes from the service worker, and without one nothing is sent', async () => {
  const name = freshName();
  await left(name, { token: 'very-secret' });
  const view = await viewBackground(name);
  expect(JSON.stringify(view?.row)).not.toContain('very-secret');
  view?.close();
  const denied = { type: 'left', reason: { code: 'AUTH_REQUIRED' } };
  expect(await flushOutbox(name)).toMatchObject(denied);
  expect(await flushOutbox(name, { token: async () => null })).toMatchObject(denied);
  expect(server.log.space.log.length).toBe(0);
  const asked: string[] = [];
  const token = async (of: string): Promise<string> => {
    asked.push(of);
    return 'fresh';
  };
  expect(await flushOutbox(name, { token })).toEqual({ type: 'flushed' });
  expect(asked).toEqual([name]);
});

test('[BGS5] a page that paused syncing is not overruled', async () => {
  const name = freshName();
  const db = await page(name);
  await db.sync.settled();
  db.sync.pause();
  await expect.poll(() => db.status$.value.connection).toBe('paused');
  await db.notes.insert({ title: 'held', tags: ['x'] });
  await expect
    .poll(async () => {
      const view = await viewBackground(name);
      view?.close();
      return view?.row?.isPaused;
    })
    .toBe(true);
  await db.close();
  expect(await flushOutbox(name)).toMatchObject({ type: 'left', reason: { code: 'CLOSED' } });
  expect(server.log.space.log.length).toBe(0);
});

test.each([true, false])(
  '[BGS6] an event of ours is waited for, one of somebody else is not (told: %s)',
  async (tells) => {
    const name = freshName();
    await left(name);
    const scope = new EventTarget();
    const told: unknown[] = [];
    const onFlush = (of: string, outcome: { readonly type: string }): void => void told.push([of, outcome.type]);
    flushOnSync(scope, tells ? { onFlush } : {});
    const waited: Promise<unknown>[] = [];
    const wake = (tag: string): boolean =>
      scope.dispatchEvent(
        Object.assign(new Event('sync'), { tag, waitUntil: (p: Promise<unknown>) => waited.push(p) }),
      );
    wake('workbox-background-sync:queue');
    expect(waited).toEqual([]);
    wake(`skerry:${name}`);
    await Promise.all(waited);
    expect(told).toEqual(tells ? [[name, 'flushed']] : []);
    expect(server.log.space.log.length).toBe(1);
  },
);
