import { expose } from 'comlink';
import { afterEach, expect, test } from 'vitest';

import { seededRandom } from '../lib/random.ts';
import type { SyncNews, SyncState } from '../session/sync-state.ts';
import type { DeviceStoreOptions } from '../store/ingest.ts';
import { connectSync, type SyncLink, type SyncLinkOptions, type Touched } from './client.ts';
import { platformClock } from './clock.ts';
import { TestNetwork, TestServer } from './engine.fixture.ts';
import { createHost, type HostConfig, type SyncHost } from './host.ts';
import { createMemoryStore } from './memory-store.fixture.ts';

const links: SyncLink[] = [];
const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const link of links.splice(0)) await link.close();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Stands for the worker's own context: the real host behind a real message port, with a store and a network of tests. */
class WorkerContext {
  readonly server = new TestServer(() => Date.now());
  readonly network = new TestNetwork(platformClock, this.server);
  readonly store = createMemoryStore({ deviceId: 'd', inc: 'd'.padEnd(16, '-'), nowMs: () => Date.now() });
  readonly spawned: Worker[] = [];
  readonly configs: HostConfig<DeviceStoreOptions>[] = [];
  terminated = 0;
  /** 'deaf': calls are never answered. 'broken': the script cannot be loaded. */
  health: 'well' | 'deaf' | 'broken' = 'well';
  /** Taking in a page ends the worker. */
  isIngestDeadly = false;

  readonly spawn = (): Worker => {
    const { port1: near, port2: far } = new MessageChannel();
    cleanups.push(() => near.close());
    const host = this.health === 'well' ? this.run(far, () => worker.dispatchEvent(new Event('error'))) : null;
    const worker = Object.assign(near, {
      terminate: () => {
        this.terminated += 1;
        near.close();
        void host?.stop();
      },
    }) as unknown as Worker;
    this.spawned.push(worker);
    if (this.health === 'broken') setTimeout(() => worker.dispatchEvent(new Event('error')), 1);
    return worker;
  };

  private run(far: MessagePort, die: () => void): SyncHost<DeviceStoreOptions> {
    this.network.delayMs = 1;
    const host = createHost<DeviceStoreOptions>({
      openStore: async () => ({
        ...this.store,
        ingest: (page, founders) => {
          if (!this.isIngestDeadly) return this.store.ingest(page, founders);
          setTimeout(die, 1);
          return new Promise(() => undefined);
        },
      }),
      transport: this.network,
      clock: platformClock,
      random: seededRandom(1),
      locks: undefined,
    });
    const start: typeof host.start = (config, port) => {
      this.configs.push(config);
      host.start(config, port);
    };
    expose({ ...host, start }, far);
    return host;
  }
}

class Page {
  readonly states: SyncState[] = [];
  readonly changed: Touched[] = [];
  readonly news: SyncNews[] = [];
  readonly errors: unknown[] = [];
  readonly link: SyncLink;

  constructor(context: WorkerContext, name: string, sync: Partial<SyncLinkOptions['sync']> = {}) {
    this.link = connectSync({
      name,
      sync: { url: 'ws://test', ...sync },
      collections: [],
      worker: context.spawn,
      logger: { error: (message, detail) => void this.errors.push([message, detail]) },
      onState: (state) => void this.states.push(state),
      onChanged: (touched) => void this.changed.push(touched),
      onEvent: (news) => void this.news.push(news),
    });
    links.push(this.link);
  }

  get state(): SyncState | undefined {
    return this.states.at(-1);
  }

  async until(check: (state: SyncState) => boolean): Promise<void> {
    await expect.poll(() => this.state !== undefined && check(this.state), { timeout: 4_000 }).toBe(true);
  }
}

const isInSync = (state: SyncState): boolean => state.inSync;

test('[CL1] hands out states, changes and events, and passes on local writes', async () => {
  const context = new WorkerContext();
  const page = new Page(context, 'cl1', { space: 'team' });
  await page.until(isInSync);
  expect(context.configs).toMatchObject([
    { name: 'cl1', url: 'ws://test/sync', space: 'team', token: null, paused: false },
  ]);
  context.store.write([{ c: 'notes', id: 'n', rv: [], ops: [{ t: 'life', v: 'live', pred: [] }] }]);
  page.link.localWrite();
  await expect.poll(() => page.changed).toEqual([{ notes: ['n'] }]);
  expect(context.server.log).toHaveLength(1);
  const told = ['leader', 'connection', 'connection', 'pushed', 'accepted', 'applied'];
  await expect.poll(() => page.news.map(({ type }) => type)).toEqual(told);
});

test('[CL2] a hundred hints in a row miss no write', async () => {
  const context = new WorkerContext();
  const page = new Page(context, 'cl2');
  await page.until(isInSync);
  for (let n = 0; n < 100; n++) {
    context.store.write([{ c: 'notes', id: `n${n}`, rv: [], ops: [{ t: 'life', v: 'live', pred: [] }] }]);
    page.link.localWrite();
    if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await expect.poll(() => context.server.log.length).toBe(100);
});

test('[CL3] now() resolves behind the state that it asked for', async () => {
  const context = new WorkerContext();
  const page = new Page(context, 'cl3');
  await page.until(isInSync);
  context.network.weather = 'refuse';
  context.network.cut();
  await page.until(({ connection }) => connection === 'offline');
  context.network.weather = 'clear';
  await page.link.now();
  expect(page.state?.connection).toBe('online');
  await page.until(isInSync);
});

test('[CL4] pause and resume reach the host', async () => {
  const context = new WorkerContext();
  const page = new Page(context, 'cl4', { paused: true });
  await page.until(({ connection }) => connection === 'paused');
  expect(context.network.connects).toBe(0);
  page.link.resume();
  await page.until(isInSync);
  page.link.pause();
  await page.until(({ connection }) => connection === 'paused');
});

test('[CL5] a worker that cannot be loaded is told with the reason, and a new one is tried', async () => {
  const context = new WorkerContext();
  context.health = 'broken';
  const page = new Page(context, 'cl5');
  await page.until(({ connection, reason }) => connection === 'stalled' && reason?.code === 'INTERNAL');
  expect(page.errors).toHaveLength(1);
  context.health = 'well';
  await page.until(isInSync);
  expect(context.spawned.length).toBeGreaterThan(1);
  expect(context.terminated).toBe(context.spawned.length - 1);
});

test('[CL6] a worker that fails later is replaced, and what was written meanwhile is sent', async () => {
  const context = new WorkerContext();
  const page = new Page(context, 'cl6');
  await page.until(isInSync);
  context.spawned[0]!.dispatchEvent(new Event('error'));
  await page.until(({ connection }) => connection === 'stalled');
  context.store.write([{ c: 'notes', id: 'n', rv: [], ops: [{ t: 'life', v: 'live', pred: [] }] }]);
  page.link.localWrite();
  await page.until(isInSync);
  expect(context.server.log).toHaveLength(1);
});

test('[CL7] close() hangs on nothing: not on a deaf worker, not on a waiting now()', async () => {
  const context = new WorkerContext();
  context.health = 'deaf';
  const page = new Page(context, 'cl7');
  const asked = page.link.now();
  await Promise.all([page.link.close(), asked]);
  expect(context.terminated).toBe(1);
  await page.link.now();
});

test('[CL8] nothing is handed out after close(), and the host is at rest', async () => {
  const context = new WorkerContext();
  const page = new Page(context, 'cl8');
  await page.until(isInSync);
  await page.link.close();
  const { length } = page.states;
  context.network.cut();
  page.link.localWrite();
  page.link.resume();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(page.states).toHaveLength(length);
  expect(context.network.connects).toBe(1);
});

test('[CL9] a token is asked for at the start, and again when the server wants another', async () => {
  const context = new WorkerContext();
  const asked: string[] = [];
  const page = new Page(context, 'cl9', {
    token: async (why) => {
      asked.push(why);
      return `token-${asked.length}`;
    },
  });
  await page.until(isInSync);
  expect(context.configs[0]?.token).toBe('token-1');
  context.server.broadcast({ type: 'error', code: 'AUTH_REQUIRED', message: 'expired' });
  await expect.poll(() => asked).toEqual(['start', 'expired']);
  await page.until(isInSync);
  expect(page.states.map(({ connection }) => connection)).toContain('auth-required');
});

test('[CL10] a token function that fails is told, and syncing starts without a token', async () => {
  const context = new WorkerContext();
  const page = new Page(context, 'cl10', { token: () => Promise.reject(new Error('no session')) });
  await page.until(isInSync);
  expect(page.errors).toMatchObject([
    ['The token function has failed (Error: no session).', { message: 'no session' }],
  ]);
});

test('[CL11] an address that cannot be used is refused at once', () => {
  expect(() => new Page(new WorkerContext(), 'cl11', { url: '/sync' })).toThrow('ws://');
});

test('[CL12] a page of the log that ends the worker three times is left out and told; pushing goes on', async () => {
  const context = new WorkerContext();
  const page = new Page(context, 'cl12');
  await page.until(isInSync);
  context.isIngestDeadly = true;
  const other = createMemoryStore({ deviceId: 'o', inc: 'o'.padEnd(16, '-'), nowMs: () => Date.now() });
  const side = context.server.accept({ send: () => undefined, close: () => undefined });
  side.receive(JSON.stringify({ type: 'hello', protocol: 1, space: 'default', device: 'o', cursor: {}, writers: [] }));
  const change = other.write([{ c: 'notes', id: 'poison', rv: [], ops: [{ t: 'life', v: 'live', pred: [] }] }]);
  side.receive(JSON.stringify({ type: 'push', changes: [change] }));
  const isLeftOut = ({ connection, reason }: SyncState): boolean =>
    connection === 'stalled' && reason?.message.includes('left out') === true;
  await expect.poll(() => page.state !== undefined && isLeftOut(page.state), { timeout: 15_000 }).toBe(true);
  // The first one that ended told nothing yet, then three that did.
  expect(context.spawned).toHaveLength(5);
  context.store.write([{ c: 'notes', id: 'mine', rv: [], ops: [{ t: 'life', v: 'live', pred: [] }] }]);
  page.link.localWrite();
  await expect.poll(() => context.server.log.length).toBe(2);
  expect(context.spawned).toHaveLength(5);
  const told = page.news.flatMap((news) => (news.type === 'connection' ? [news.connection] : []));
  expect(told.filter((connection) => connection === 'stalled').length).toBeGreaterThanOrEqual(5);
}, 20_000);
