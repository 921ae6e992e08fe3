/** When a page asks the browser to wake its service worker. The browser's part is a stand-in here, and real in e2e. */
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { noOverlap } from '../constraints/no-overlap.ts';
import { merge } from '../policies/merge.ts';
import { flushOutbox } from '../worker/background-flush.ts';
import { collection } from './definition.ts';
import { closeAll, freshName, openNotes, type NotesDb } from './notes.fixture.ts';
import { open } from './open.ts';
import { serve, type Served } from './served.fixture.ts';

let server: Served;
beforeEach(async () => {
  server = await serve();
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await closeAll();
  await server.close();
});

/** Gives this context a service worker with Background Sync, and remembers the tags. */
function withBackgroundSync(register = async (_tag: string): Promise<void> => undefined): string[] {
  const tags: string[] = [];
  const sync = {
    register(tag: string) {
      tags.push(tag);
      return register(tag);
    },
  };
  const serviceWorker = { ready: Promise.resolve(), getRegistration: async () => ({ sync }) };
  vi.stubGlobal('navigator', { serviceWorker });
  return tags;
}

const page = (name: string, background = true): Promise<NotesDb> =>
  openNotes({ name, sync: { url: server.url, background }, worker: false });

test('[BGS7] what cannot be sent is registered, for each write anew; what is sent at once is not', async () => {
  const tags = withBackgroundSync();
  const name = freshName();
  const db = await page(name);
  await db.sync.settled();
  await db.notes.insert({ title: 'sent', tags: ['x'] });
  await db.sync.settled();
  expect(tags).toEqual([]);
  server.stop();
  await expect.poll(() => db.status$.value.connection).not.toBe('online');
  await db.notes.insert({ title: 'waits', tags: ['x'] });
  await expect.poll(() => tags).toEqual([`skerry:${name}`]);
  await db.notes.insert({ title: 'waits too', tags: ['x'] });
  await expect.poll(() => tags).toHaveLength(2);
});

test('[BGS7] what waits when the database is closed, and when it is opened again, is registered', async () => {
  const tags = withBackgroundSync();
  const name = freshName();
  const db = await page(name);
  await db.sync.settled();
  server.delayMs = 10_000;
  await db.notes.insert({ title: 'on its way', tags: ['x'] });
  await expect.poll(() => db.status$.value.pending.changes).toBe(1);
  await db.close();
  await expect.poll(() => tags).toEqual([`skerry:${name}`]);
  server.stop();
  await page(name);
  await expect.poll(() => tags.length).toBeGreaterThan(1);
});

test('[BGS7] without the API, without a service worker, and where it is refused, everything works', async () => {
  for (const prepare of [
    () => vi.stubGlobal('navigator', {}),
    () =>
      vi.stubGlobal('navigator', {
        serviceWorker: { ready: Promise.resolve(), getRegistration: async () => undefined },
      }),
    () =>
      vi.stubGlobal('navigator', { serviceWorker: { ready: Promise.resolve(), getRegistration: async () => ({}) } }),
    () =>
      withBackgroundSync(async () => {
        throw new DOMException('denied', 'NotAllowedError');
      }),
  ]) {
    prepare();
    server.stop();
    const db = await page(freshName());
    await db.notes.insert({ title: 'waits', tags: ['x'] });
    await expect.poll(() => db.status$.value.nextAttemptAt).toBeInstanceOf(Date);
    server.start();
    await db.sync.now();
    await db.sync.settled();
  }
});

test('[BGS7] nothing is asked for unless the app wants it, nor while it is paused', async () => {
  const tags = withBackgroundSync();
  server.stop();
  const plain = await page(freshName(), false);
  await plain.notes.insert({ title: 'waits', tags: ['x'] });
  const paused = await openNotes({
    name: freshName(),
    sync: { url: server.url, background: true, paused: true },
    worker: false,
  });
  await paused.notes.insert({ title: 'held', tags: ['x'] });
  await Promise.all([plain.close(), paused.close()]);
  expect(tags).toEqual([]);
});

test('[BGS8] a constraint with a function is refused; a merge function has to be named to the service worker', async () => {
  const sync = { url: server.url, background: true } as const;
  const when = (): boolean => true;
  const rooms = collection<{ room: string; from: number; to: number }>({
    constraints: [noOverlap('rooms', { by: 'room', from: 'from', to: 'to', when })],
  });
  await expect(open({ name: freshName(), collections: { rooms }, sync })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
  });
  const longest = merge<string>('longest', ({ versions }) => String(versions[0]));
  server.stop();
  const name = freshName();
  const db = await open({ name, collections: { notes: collection<{ a: string }>({ fields: { a: longest } }) }, sync });
  await db.notes.insert({ a: 'x' });
  await db.close();
  server.start();
  expect(await flushOutbox(name)).toMatchObject({ type: 'left', reason: { code: 'INVALID_OPTION' } });
  expect(await flushOutbox(name, { merges: { longest: () => 'x' } })).toEqual({ type: 'flushed' });
});
