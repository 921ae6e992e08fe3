import { afterEach, expect, test } from 'vitest';

import type { Fence } from '../store/fence.ts';
import { seededRandom } from '../lib/random.ts';
import { INITIAL_SYNC_STATE, type SyncState } from '../session/sync-state.ts';
import { createMemoryStore, type MemoryStore } from './memory-store.fixture.ts';
import { openTabChannel } from './channel.ts';
import { platformClock } from './clock.ts';
import { TestNetwork, TestServer } from './engine.fixture.ts';
import type { HostReport, TabMessage } from './host-messages.ts';
import { createHost, type SyncHost } from './host.ts';

const locks = (globalThis.navigator as Navigator | undefined)?.locks;
const testWithLocks = test.skipIf(locks === undefined);

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** One device: its storage, its network, and tabs that share both. */
class Profile {
  readonly server = new TestServer(() => Date.now());
  readonly network = new TestNetwork(platformClock, this.server);
  readonly store: MemoryStore = createMemoryStore({ deviceId: 'd', inc: 'd'.padEnd(16, '-'), nowMs: () => Date.now() });
  readonly name: string;
  /** What each leadership may write with, in the order in which they began. */
  readonly fences: Fence[] = [];

  constructor(name: string) {
    this.name = name;
    this.network.delayMs = 1;
  }

  openTab({ paused = false } = {}): Tab {
    const tab = new Tab(this, paused);
    cleanups.push(() => tab.close());
    return tab;
  }

  write(id: string): void {
    this.store.write([{ c: 'notes', id, rv: [], ops: [{ t: 'set', p: 'title', v: id, pred: [] }] }]);
  }
}

class Tab {
  readonly host: SyncHost<null>;
  readonly reports: HostReport[] = [];
  private readonly port: MessagePort;

  constructor(profile: Profile, paused: boolean) {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    port1.addEventListener('message', ({ data }: MessageEvent<HostReport>) => void this.reports.push(data));
    port1.start();
    this.host = createHost<null>({
      openStore: async (_options, fence) => {
        profile.fences.push(fence);
        return profile.store;
      },
      transport: profile.network,
      clock: platformClock,
      random: seededRandom(1),
      locks,
    });
    this.host.start(
      { name: profile.name, url: 'ws://test', space: 'default', token: null, paused, store: null },
      port2,
    );
  }

  get state(): SyncState {
    return this.reports.findLast((report) => report.type === 'state')?.state ?? INITIAL_SYNC_STATE;
  }

  get isLeading(): boolean {
    const last = this.reports.findLast((report) => report.type === 'news' && report.news.type === 'leader');
    return last?.type === 'news' && last.news.type === 'leader' && last.news.here;
  }

  get changedIds(): readonly string[] {
    return this.reports.flatMap((report) => (report.type === 'changed' ? (report.touched['notes'] ?? []) : []));
  }

  async until(check: (state: SyncState) => boolean): Promise<void> {
    await expect.poll(() => check(this.state)).toBe(true);
  }

  async close(): Promise<void> {
    await this.host.stop();
    this.port.close();
  }
}

const isInSync = (state: SyncState): boolean => state.inSync;

testWithLocks('[HO1] one tab syncs, and all tabs hear the same', async () => {
  const profile = new Profile('ho1');
  const [a, b] = [profile.openTab(), profile.openTab()];
  await Promise.all([a.until(isInSync), b.until(isInSync)]);
  expect([a, b].filter((tab) => tab.isLeading)).toHaveLength(1);
  expect(profile.network.connects).toBe(1);
  const other = createMemoryStore({ deviceId: 'o', inc: 'o'.padEnd(16, '-'), nowMs: () => Date.now() });
  const side = profile.server.accept({ send: () => undefined, close: () => undefined });
  side.receive(JSON.stringify({ type: 'hello', protocol: 1, space: 'default', device: 'o', cursor: {}, writers: [] }));
  const change = other.write([{ c: 'notes', id: 'remote', rv: [], ops: [{ t: 'life', v: 'live', pred: [] }] }]);
  side.receive(JSON.stringify({ type: 'push', changes: [change] }));
  await expect.poll(() => [a.changedIds, b.changedIds]).toEqual([['remote'], ['remote']]);
  expect(b.state).toEqual(a.state);
});

testWithLocks('[HO2] a write in any tab reaches the server at once', async () => {
  const profile = new Profile('ho2');
  const [a, b] = [profile.openTab(), profile.openTab()];
  await Promise.all([a.until(isInSync), b.until(isInSync)]);
  const follower = a.isLeading ? b : a;
  profile.write('n1');
  follower.host.localWrite();
  await expect.poll(() => profile.server.log.length).toBe(1);
});

testWithLocks(
  '[HO3] when the syncing tab goes, another takes over, drains the outbox and remembers the last sync',
  async () => {
    const profile = new Profile('ho3');
    const [a, b] = [profile.openTab(), profile.openTab()];
    await Promise.all([a.until(isInSync), b.until(isInSync)]);
    const [leader, follower] = a.isLeading ? [a, b] : [b, a];
    const { lastSyncedAt } = follower.state;
    profile.network.weather = 'refuse';
    await leader.close();
    profile.write('n1');
    await follower.until(({ connection }) => connection === 'offline');
    expect(follower.isLeading).toBe(true);
    expect(follower.state).toMatchObject({ firstSync: 'done', inSync: false, lastSyncedAt });
    profile.network.weather = 'clear';
    follower.host.now();
    await follower.until(isInSync);
    expect(profile.server.log).toHaveLength(1);
  },
);

testWithLocks('[HO4] pause holds for all tabs, also when the syncing one goes, until any tab resumes', async () => {
  const profile = new Profile('ho4');
  const [a, b] = [profile.openTab(), profile.openTab()];
  await Promise.all([a.until(isInSync), b.until(isInSync)]);
  const [leader, follower] = a.isLeading ? [a, b] : [b, a];
  follower.host.pause();
  await Promise.all([a, b].map((tab) => tab.until(({ connection }) => connection === 'paused')));
  const late = profile.openTab();
  await late.until(({ connection }) => connection === 'paused');
  await leader.close();
  await expect.poll(() => follower.isLeading).toBe(true);
  await follower.until(({ connection }) => connection === 'paused');
  expect(profile.network.connects).toBe(1);
  late.host.resume();
  await Promise.all([follower, late].map((tab) => tab.until(isInSync)));
});

testWithLocks(
  '[HO5] a tab that opens later learns the state, and its own wish to start paused does not pause the device',
  async () => {
    const profile = new Profile('ho5');
    const a = profile.openTab();
    await a.until(isInSync);
    const b = profile.openTab({ paused: true });
    await b.until(isInSync);
    expect(a.state.connection).toBe('online');
  },
);

testWithLocks('[HO6] started paused, nothing is connected until resume', async () => {
  const profile = new Profile('ho6');
  const a = profile.openTab({ paused: true });
  await expect.poll(() => a.isLeading).toBe(true);
  expect(a.state.connection).toBe('paused');
  expect(profile.network.connects).toBe(0);
  a.host.resume();
  await a.until(isInSync);
});

testWithLocks('[HO7] who asks is answered in its own tab, behind the state', async () => {
  const profile = new Profile('ho7');
  const [a, b] = [profile.openTab(), profile.openTab()];
  await Promise.all([a.until(isInSync), b.until(isInSync)]);
  const follower = a.isLeading ? b : a;
  follower.host.now('q');
  await expect.poll(() => follower.reports.at(-1)).toEqual({ type: 'answer', ask: 'q' });
});

testWithLocks('[HO9] who asks before anybody leads is answered by whoever does then', async () => {
  const profile = new Profile('ho9');
  const a = profile.openTab();
  a.host.now('first');
  await expect.poll(() => a.reports).toContainEqual({ type: 'answer', ask: 'first' });
  expect(a.state.connection).toBe('online');
});

testWithLocks('[HO10] a question that the leader took with it is put to the next one', async () => {
  const profile = new Profile('ho10');
  const [a, b, c] = [profile.openTab(), profile.openTab(), profile.openTab()];
  await Promise.all([a, b, c].map((tab) => tab.until(isInSync)));
  const leader = [a, b, c].find((tab) => tab.isLeading)!;
  const others = [a, b, c].filter((tab) => tab !== leader);
  profile.network.weather = 'black-hole';
  const heard: TabMessage[] = [];
  const ear = openTabChannel(profile.name, (message) => void heard.push(message));
  cleanups.push(() => ear.close());
  for (const tab of others) tab.host.now(`from ${others.indexOf(tab)}`);
  await expect.poll(() => heard.filter(({ type }) => type === 'wake')).toHaveLength(2);
  await leader.close();
  profile.network.weather = 'clear';
  for (const tab of others) {
    await expect.poll(() => tab.reports).toContainEqual({ type: 'answer', ask: `from ${others.indexOf(tab)}` });
  }
});

testWithLocks('[HO8] a host that stops leaves the others alone', async () => {
  const profile = new Profile('ho8');
  const [a, b] = [profile.openTab(), profile.openTab()];
  await Promise.all([a.until(isInSync), b.until(isInSync)]);
  const [leader, follower] = a.isLeading ? [a, b] : [b, a];
  const before = follower.reports.length;
  await leader.close();
  await follower.until(isInSync);
  await expect.poll(() => follower.isLeading).toBe(true);
  const since = follower.reports
    .slice(before)
    .flatMap((report) => (report.type === 'state' ? [report.state.connection] : []));
  expect(since).not.toContain('paused');
});

testWithLocks('[HO11] a leader whose store finds a later one stops at once, and somebody leads again', async () => {
  const profile = new Profile('ho11');
  const [a, b] = [profile.openTab(), profile.openTab()];
  await Promise.all([a.until(isInSync), b.until(isInSync)]);
  const [leader, follower] = a.isLeading ? [a, b] : [b, a];
  profile.fences[0]!.onLost();
  await expect.poll(() => [leader.isLeading, follower.isLeading]).toEqual([false, true]);
  profile.write('n1');
  leader.host.localWrite();
  await expect.poll(() => profile.server.log.length).toBe(1);
});

testWithLocks('[HO12] a token that any tab has is tried at once, and is there for the next leader', async () => {
  const profile = new Profile('ho12');
  const [a, b] = [profile.openTab(), profile.openTab()];
  await Promise.all([a.until(isInSync), b.until(isInSync)]);
  const [leader, follower] = a.isLeading ? [a, b] : [b, a];
  const hellos: (string | undefined)[] = [];
  const { connect } = profile.network;
  profile.network.connect = (url, handlers) => {
    const link = connect.call(profile.network, url, handlers);
    return {
      ...link,
      send: (text) => {
        const frame = JSON.parse(text) as { readonly type: string; readonly token?: string };
        if (frame.type === 'hello') hellos.push(frame.token);
        link.send(text);
      },
    };
  };
  profile.server.broadcast({ type: 'error', code: 'AUTH_REQUIRED', message: 'expired' });
  await follower.until(({ connection }) => connection === 'auth-required');
  follower.host.setToken('fresh');
  await follower.until(isInSync);
  await leader.close();
  await follower.until(() => follower.isLeading && hellos.length === 2);
  expect(hellos).toEqual(['fresh', 'fresh']);
});

testWithLocks(
  '[HO14] a context that is about to be frozen gives way at once, and queues up again when it goes on',
  async () => {
    const profile = new Profile('ho14');
    const [a, b] = [profile.openTab(), profile.openTab()];
    await Promise.all([a.until(isInSync), b.until(isInSync)]);
    const [leader, follower] = a.isLeading ? [a, b] : [b, a];
    leader.host.suspend();
    await expect.poll(() => [leader.isLeading, follower.isLeading]).toEqual([false, true]);
    await follower.until(isInSync);
    leader.host.awake();
    await follower.close();
    await expect.poll(() => leader.isLeading).toBe(true);
    await leader.until(isInSync);
  },
);

testWithLocks('[HO11] what still runs of an earlier leadership does not end a later one', async () => {
  const profile = new Profile('ho11-late');
  const a = profile.openTab();
  await a.until(isInSync);
  a.host.suspend();
  a.host.awake();
  await expect.poll(() => profile.fences.length).toBe(2);
  await a.until(isInSync);
  profile.fences[0]!.onLost();
  profile.write('n1');
  a.host.localWrite();
  await expect.poll(() => profile.server.log.length).toBe(1);
  expect(a.isLeading).toBe(true);
});

testWithLocks('[HO13] a waiting tab asks who leads, and is answered', async () => {
  const profile = new Profile('ho13');
  const a = profile.openTab();
  await a.until(isInSync);
  const heard: string[] = [];
  const ear = openTabChannel(profile.name, ({ type }) => void heard.push(type));
  cleanups.push(() => ear.close());
  ear.post({ type: 'who-leads' });
  await expect.poll(() => heard).toContain('beat');
});
