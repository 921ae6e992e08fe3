/** The engine over real sockets: a WebSocket server, and a proxy that cuts the link after any number of bytes. */
import { createServer } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';

import { seededRandom } from '../lib/random.ts';
import { SESSION_TIMES } from '../session/state.ts';
import type { SyncState } from '../session/sync-state.ts';
import { createMemoryStore, type MemoryStore } from './memory-store.fixture.ts';
import { createWebSocketTransport } from '../transport/websocket.ts';
import { platformClock } from './clock.ts';
import { createEngine, type Engine } from './engine.ts';
import { TestServer } from './engine.fixture.ts';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function serve(log: TestServer): Promise<number> {
  const http = createServer();
  const sockets = new WebSocketServer({ server: http });
  sockets.on('connection', (socket) => {
    const peer = log.accept({ send: (text) => socket.send(text), close: (code, reason) => socket.close(code, reason) });
    socket.on('message', (data: Buffer) => peer.receive(data.toString()));
    socket.on('close', () => peer.gone());
    socket.on('error', () => socket.terminate());
  });
  cleanups.push(() => sockets.clients.forEach((client) => client.terminate()));
  return listen(http);
}

/** Lets `bytes` through, both ways together, then resets the link; links after the first are whole. */
async function cutOnceAfter(bytes: number, target: number): Promise<number> {
  let left = bytes;
  let isCut = false;
  return listen(
    createTcpServer((near: Socket) => {
      const far = connect(target, '127.0.0.1');
      const isFirst = !isCut;
      const end = (): void => {
        near.destroy();
        far.destroy();
      };
      const pass = (to: Socket) => (data: Buffer) => {
        if (!isFirst) return void to.write(data);
        to.write(data.subarray(0, left));
        left -= data.length;
        if (left > 0) return;
        isCut = true;
        setTimeout(end, 5);
      };
      near.on('data', pass(far)).on('error', end).on('close', end);
      far.on('data', pass(near)).on('error', end).on('close', end);
      cleanups.push(end);
    }),
  );
}

interface Device {
  readonly store: MemoryStore;
  readonly engine: Engine;
  state(): SyncState | undefined;
}

function device(name: string, port: number): Device {
  const store = createMemoryStore({ deviceId: name, inc: name.padEnd(16, '-'), nowMs: () => Date.now() });
  const states: SyncState[] = [];
  const engine = createEngine({
    url: `ws://127.0.0.1:${port}`,
    session: { space: 'default', token: null, ...SESSION_TIMES },
    openStore: async () => store,
    transport: createWebSocketTransport(),
    clock: platformClock,
    random: { fraction: seededRandom(1).fraction },
    onState: (state) => void states.push(state),
    onNews: () => undefined,
    onChanged: () => undefined,
    onAnswer: () => undefined,
  });
  cleanups.push(() => engine.stop());
  return { store, engine, state: () => states.at(-1) };
}

function write({ store, engine }: Device, id: string): string {
  const { dot } = store.write([
    { c: 'notes', id, rv: [], ops: [{ t: 'set', p: 'body', v: 'x'.repeat(80), pred: [] }] },
  ]);
  engine.send({ type: 'local-write' });
  return dot;
}

test('[EN20] two devices agree over real sockets', async () => {
  const log = new TestServer(() => Date.now());
  const port = await serve(log);
  const [a, b] = [device('a', port), device('b', port)];
  const written = [write(a, '1'), write(a, '2'), write(b, '3')];
  for (const one of [a, b]) one.engine.send({ type: 'start', paused: false });
  await expect.poll(() => [a.store.log.length, b.store.log.length]).toEqual([3, 3]);
  expect(a.store.log).toEqual(b.store.log);
  expect(log.log.map(({ dot }) => dot).sort()).toEqual(written.sort());
  await expect.poll(() => [a.state()?.inSync, b.state()?.inSync]).toEqual([true, true]);
});

/** From inside the HTTP upgrade to behind the last acknowledgement. */
const cuts = Array.from({ length: 24 }, (_, i) => 20 + i * 90);

test('[EN21] a link cut after any number of bytes costs nothing: each change arrives once, in order', async () => {
  await Promise.all(
    cuts.map(async (bytes) => {
      const log = new TestServer(() => Date.now());
      const a = device('a', await cutOnceAfter(bytes, await serve(log)));
      const written = ['1', '2', '3'].map((id) => write(a, id));
      a.engine.send({ type: 'start', paused: false });
      await expect.poll(() => a.state()?.inSync, { timeout: 8_000 }).toBe(true);
      written.push(write(a, '4'));
      await expect.poll(() => a.store.outbox.length, { timeout: 8_000 }).toBe(0);
      expect(log.log.map(({ dot }) => dot)).toEqual(written);
      expect(a.store.log.map(({ dot }) => dot)).toEqual(written);
    }),
  );
}, 20_000);
