/** settled() in every state that a device can be in. */
import 'fake-indexeddb/auto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';

import { closeAll, freshName, openNotes, type NotesDb } from './notes.fixture.ts';
import { serve, type Served } from './served.fixture.ts';
import type { SyncOptions } from './types.ts';

const servers: Served[] = [];
const cleanups: (() => void)[] = [];
afterEach(async () => {
  await closeAll();
  for (const server of servers.splice(0)) await server.close();
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function served(options: Parameters<typeof serve>[0] = {}): Promise<Served> {
  const server = await serve(options);
  servers.push(server);
  return server;
}

const device = (url: string, rest: Partial<SyncOptions> = {}): Promise<NotesDb> =>
  openNotes({ name: freshName(), sync: { url, ...rest }, worker: false });

/** A server that answers every hello with this and closes. */
async function denying(code: string, close: number): Promise<string> {
  const http = createServer((_request, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ server: http });
  sockets.on('connection', (socket) =>
    socket.on('message', () => {
      socket.send(JSON.stringify({ type: 'error', code, message: code }));
      socket.close(close);
    }),
  );
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => http.close());
  return `ws://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

test('[SYN11] without a server everything is settled, also what was just written', async () => {
  const db = await openNotes();
  await db.notes.insert({ title: 'a', tags: ['x'] });
  await db.sync.settled();
  await db.sync.settled({ timeoutMs: 0 });
  await db.sync.now();
  expect(db.status$.value.connection).toBe('local-only');
});

test('[SYN6] a handle that is closed already is CLOSED', async () => {
  const [local, synced] = [await openNotes(), await device((await served()).url)];
  for (const db of [local, synced]) {
    await db.close();
    await expect(db.sync.settled()).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(db.sync.settled({ timeoutMs: 0 })).rejects.toMatchObject({ code: 'CLOSED' });
  }
});

test.each([NaN, -1, '5', null, {}])(
  '[SYN6] a time limit of %j is INVALID_OPTION, also without a server',
  async (bad) => {
    const db = await openNotes();
    const timeoutMs = bad as number;
    await expect(db.sync.settled({ timeoutMs })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  },
);

test('[SYN6] a limit that no timer can count to is none', async () => {
  const server = await served();
  server.stop();
  const db = await device(server.url);
  const settled = db.sync.settled({ timeoutMs: 1e12 });
  await expect(db.sync.settled({ timeoutMs: 0 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  server.start();
  await db.sync.now();
  await settled;
});

test('[SYN12] while paused it waits, and the same call resolves after resume()', async () => {
  const server = await served();
  const db = await device(server.url, { paused: true });
  await db.notes.insert({ title: 'held', tags: ['x'] });
  const order: string[] = [];
  const settled = db.sync.settled().then(() => order.push('settled'));
  await expect(db.sync.settled({ timeoutMs: 20 })).rejects.toMatchObject({
    code: 'TIMEOUT',
    message: expect.stringContaining('paused, 1 changes pending'),
  });
  order.push('resumed');
  db.sync.resume();
  await settled;
  expect(order).toEqual(['resumed', 'settled']);
  expect(server.log.space.log.length).toBe(1);
});

test.each([
  ['AUTH_REQUIRED', 4401, 'auth-required'],
  ['UPGRADE_REQUIRED', 4426, 'upgrade-required'],
  ['FORBIDDEN', 4403, 'stalled'],
])('[SYN12] %s: it waits, and TIMEOUT tells the reason as its cause', async (code, close, connection) => {
  const db = await device(await denying(code, close));
  await db.notes.insert({ title: 'kept', tags: ['x'] });
  await expect.poll(() => db.status$.value.connection).toBe(connection);
  await expect(db.sync.settled({ timeoutMs: 20 })).rejects.toMatchObject({
    code: 'TIMEOUT',
    retryable: true,
    cause: { code },
  });
  expect(db.status$.value.pending.changes).toBe(1);
});

test('[SYN12] a refused write does not hold it up: it is in conflicts$ when settled() resolves', async () => {
  const server = await served({ authorize: (change) => change.recs.every(({ id }) => id !== 'bad') });
  const db = await device(server.url);
  await db.notes.insert({ id: 'good', title: 'a', tags: ['x'] });
  await db.notes.insert({ id: 'bad', title: 'b', tags: ['x'] });
  await db.sync.settled();
  expect(db.conflicts$.value).toMatchObject([{ kind: 'rejected', rowId: 'bad', error: { code: 'FORBIDDEN' } }]);
  expect(db.status$.value).toMatchObject({ pending: { changes: 0 }, conflicts: 1 });
});

test('[SYN12] many calls at once all resolve, and one that timed out leaves the others alone', async () => {
  const server = await served();
  server.stop();
  const db = await device(server.url);
  await db.notes.insert({ title: 'a', tags: ['x'] });
  const many = Array.from({ length: 20 }, () => db.sync.settled());
  await expect(db.sync.settled({ timeoutMs: 10 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  server.start();
  await db.sync.now();
  await Promise.all(many);
  expect(db.outbox$.value).toEqual([]);
});
