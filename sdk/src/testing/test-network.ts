/**
 * A network for the tests of an app: devices with databases and clocks of their own, a server in the same process, and
 * lines between them that can be cut. The databases are real ones, made by open(); only clock, luck and wire are replaced,
 * and time moves only when the test says so. One seed, one run.
 */
import type { Collections, Db } from '../client/types.ts';
import type { Change } from '../core/change.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import { randomName } from '../lib/ids.ts';
import { seededRandom, type Random } from '../lib/random.ts';
import type { Transport, TransportHandlers, TransportLink } from '../transport/transport.ts';
import type { Clock } from '../worker/clock.ts';
import { TestLink, type LinkWeather } from './test-link.ts';
import { TestServer } from './test-server.ts';
import { Timeline } from './timeline.ts';

export interface TestNetworkOptions<C extends Collections> {
  readonly collections: C;
  /** Delays and identities come from it. Default 1. */
  readonly seed?: number;
  /** When the network begins, in milliseconds since 1970. */
  readonly startMs?: number;
  /** Whether the server takes a change; one that it does not take is on the device's rejected list. */
  readonly authorize?: (change: Change) => boolean;
}

export interface TestNetworkDevice<C extends Collections> {
  readonly name: string;
  /** The database as the app opens it. Another object after restart(). */
  readonly db: Db<C>;
  /** Closes the database and opens it again, as a reload does. Nothing that was written is gone. `collections`: as another version of the app. */
  restart(options?: { readonly collections?: Collections }): Promise<void>;
}

/** Of any version of the app. */
// oxlint-disable-next-line no-explicit-any -- rows of any type
type AnyDevice = Pick<TestNetworkDevice<any>, 'name'>;

export interface TestNetwork<C extends Collections> {
  /** A new device. `skewMs`: how far its wall clock is ahead. `collections`: those of another version of the app. */
  device<D extends Collections = C>(
    name: string,
    options?: { readonly skewMs?: number; readonly collections?: D },
  ): Promise<TestNetworkDevice<D>>;
  /** Cuts devices off from the server; all of them when none is named. */
  partition(...devices: readonly AnyDevice[]): void;
  /** Connects them again; all of them when none is named. */
  heal(...devices: readonly AnyDevice[]): void;
  readonly faults: TestFaults<C>;
  readonly clock: TestClock<C>;
  /** Moves time until nothing is on its way: every connected device has sent and read everything. */
  settled(): Promise<void>;
  /** settled(), and throws where connected devices do not show the same rows and the same open conflicts. */
  expectConverged(): Promise<void>;
  close(): Promise<void>;
}

export interface TestFaults<C extends Collections> {
  /** Cuts a connection once, with what is on its way. The device connects again by itself. */
  cut(device: TestNetworkDevice<C>): void;
  /** The server goes on working, and its answers do not arrive, until heal(). */
  loseAnswers(device: TestNetworkDevice<C>): void;
  /** Frames take up to so many milliseconds. */
  slow(device: TestNetworkDevice<C>, maxDelayMs: number): void;
  /** The server dies and comes back at once; what it acknowledged is there. */
  killServer(): void;
}

export interface TestClock<C extends Collections> {
  readonly nowMs: number;
  /** Lets time pass: timers fire, frames arrive, back-offs end. */
  advance(ms: number): Promise<void>;
  /** Sets a device's wall clock so far ahead of the true time, or behind it. */
  skew(device: TestNetworkDevice<C>, ms: number): void;
}

const START_MS = 1_767_225_600_000;
/** Virtual time after which settled() gives up: longer than any back-off. */
const PATIENCE_MS = 10 * 60_000;
const STEP_MS = 20;

let networks = 0;

/**
 * `indexedDB` must be there: in Node, import `fake-indexeddb/auto` before this.
 *
 * Its promises reject with what went wrong; a device that cannot settle is named with its status.
 */
export function createTestNetwork<const C extends Collections>(options: TestNetworkOptions<C>): TestNetwork<C> {
  const random = seededRandom(options.seed ?? 1);
  const timeline = new Timeline(options.startMs ?? START_MS);
  const server = new TestServer({
    sid: randomName(64, random),
    timeline,
    commitMs: () => 1 + random.fraction() * 4,
    ...(options.authorize ? { authorize: options.authorize } : {}),
  });
  const prefix = `test-network-${++networks}`;
  const devices: NetworkDevice<C>[] = [];
  const named = (some: readonly AnyDevice[]): readonly NetworkDevice<C>[] =>
    some.length === 0 ? devices : devices.filter((device) => some.includes(device as AnyDevice));
  const one = (device: TestNetworkDevice<C>): NetworkDevice<C> => device as NetworkDevice<C>;

  const advance = async (ms: number): Promise<void> => {
    const endMs = timeline.nowMs + ms;
    while (timeline.nowMs < endMs) {
      timeline.runUntil(Math.min(endMs, timeline.nowMs + STEP_MS));
      await databasesRest();
    }
  };

  /** Moves time until a promise ends, which depends on timers and frames. */
  const during = async (promise: Promise<unknown>, failure: () => Error): Promise<void> => {
    const end = { isReached: false };
    const watched = promise.finally(() => (end.isReached = true));
    // Whoever awaits below hears of it.
    watched.catch(() => undefined);
    const giveUpMs = timeline.nowMs + PATIENCE_MS;
    for (await databasesRest(); !end.isReached; await advance(STEP_MS)) {
      if (timeline.nowMs > giveUpMs) throw failure();
    }
    await watched;
  };

  const settled = async (): Promise<void> => {
    const connected = devices.filter((device) => device.isConnected);
    for (const device of connected) device.hurry();
    // Twice: what one device sends is news for the others.
    for (let round = 0; round < 2; round++) {
      const all = Promise.all(connected.map(({ db }) => db.sync.settled()));
      await during(all, () => new Error(`not settled: ${connected.map(describeStatus).join('; ')}`));
    }
  };

  return {
    async device<D extends Collections = C>(
      name: string,
      { skewMs = 0, collections }: { readonly skewMs?: number; readonly collections?: D } = {},
    ) {
      const own = (collections ?? options.collections) as Collections as C;
      const device = new NetworkDevice<C>({ name, prefix, collections: own, timeline, random, server });
      device.skewMs = skewMs;
      await device.open();
      devices.push(device);
      return device as unknown as TestNetworkDevice<D>;
    },
    partition: (...some) => named(some).forEach((device) => device.disconnect()),
    heal: (...some) => named(some).forEach((device) => device.connect()),
    faults: {
      cut: (device) => one(device).cut(),
      loseAnswers: (device) => void (one(device).weather.isDownSilent = true),
      slow: (device, maxDelayMs) => void (one(device).weather.maxDelayMs = maxDelayMs),
      killServer: () => server.kill(),
    },
    clock: {
      get nowMs() {
        return timeline.nowMs;
      },
      advance,
      skew: (device, ms) => void (one(device).skewMs = ms),
    },
    settled,
    async expectConverged() {
      await settled();
      const connected = devices.filter((device) => device.isConnected);
      const shown = await Promise.all(connected.map((device) => shownBy(device)));
      connected.forEach((device, i) => expectSame(connected[0]!.name, shown[0]!, device.name, shown[i]!));
    },
    close: async () => void (await Promise.all(devices.map((device) => device.db.close()))),
  };
}

/** What IndexedDB does takes real turns of the event loop, and no virtual time. */
async function databasesRest(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise<void>((resolve) => setTimeout(resolve, 0));
}

interface DeviceParts<C extends Collections> {
  readonly name: string;
  readonly prefix: string;
  readonly collections: C;
  readonly timeline: Timeline;
  readonly random: Random;
  readonly server: TestServer;
}

class NetworkDevice<C extends Collections> implements TestNetworkDevice<C> {
  readonly name: string;
  readonly weather: LinkWeather = { maxDelayMs: 20, isUpSilent: false, isDownSilent: false };
  skewMs = 0;
  isConnected = true;
  #parts: DeviceParts<C>;
  readonly #links = new Set<TestLink>();
  #db: Db<C> | null = null;

  constructor(parts: DeviceParts<C>) {
    this.name = parts.name;
    this.#parts = parts;
  }

  get db(): Db<C> {
    return this.#db!;
  }

  async open(): Promise<void> {
    const { name, prefix, collections, timeline, random } = this.#parts;
    const clock: Clock = {
      nowMs: () => timeline.nowMs + this.skewMs,
      after: (ms, fn) => timeline.after(ms, fn),
    };
    const user = { id: name, name };
    const sync = { url: 'ws://test-network/sync' };
    // Only here: a simulation without a browser's database imports this file too.
    const { openWith } = await import('../client/open.ts');
    this.#db = await openWith(
      { name: `${prefix}-${name}`, collections, user, device: { name: `${name}'s device` }, sync },
      { clock, transport: this.#transport(), random },
    );
  }

  async restart({ collections }: { readonly collections?: Collections } = {}): Promise<void> {
    await this.db.close();
    if (collections) this.#parts = { ...this.#parts, collections: collections as C };
    await this.open();
  }

  disconnect(): void {
    this.isConnected = false;
    this.cut();
  }

  connect(): void {
    this.isConnected = true;
    Object.assign(this.weather, { maxDelayMs: 20, isUpSilent: false, isDownSilent: false });
    this.hurry();
  }

  /** As when a browser says that the network is back. */
  hurry(): void {
    void this.db.sync.now().catch(() => undefined);
  }

  cut(): void {
    for (const link of this.#links) link.cut();
    this.#links.clear();
  }

  #transport(): Transport {
    return { connect: (_url, handlers) => this.#connect(handlers) };
  }

  #connect(handlers: TransportHandlers): TransportLink {
    const { timeline, random, server } = this.#parts;
    const link = new TestLink(timeline, random, this.weather);
    this.#links.add(link);
    link.device = { receive: handlers.frame, closed: handlers.closed };
    timeline.after(random.fraction() * this.weather.maxDelayMs, () => {
      if (!this.isConnected) return link.cut();
      const peer = server.connect({
        send: (text) => link.down(text),
        close: (code, reason) => link.closedBy('server', code, reason),
      });
      link.server = { receive: (text) => peer.receive(text), closed: () => peer.gone() };
      handlers.opened();
    });
    return {
      send: (text) => link.up(text),
      close: () => {
        link.device = null;
        link.closedBy('device', 1000, 'closed');
      },
    };
  }
}

function describeStatus<C extends Collections>({ name, db }: TestNetworkDevice<C>): string {
  const { connection, pending, reason } = db.status$.value;
  return `${name} is ${connection} with ${pending.changes} changes pending${reason ? ` (${reason.message})` : ''}`;
}

interface Shown {
  readonly [part: string]: readonly string[];
}

/** Every row and every open conflict, as text. */
async function shownBy<C extends Collections>({ db }: NetworkDevice<C>): Promise<Shown> {
  const shown: Record<string, readonly string[]> = {
    conflicts: db.conflicts$.value.map((conflict) => `${conflict.kind} ${conflict.id}`).sort(),
  };
  for (const table of db.dexie.tables) {
    if (table.name.startsWith('$')) continue;
    const rows = (await table.toArray()) as readonly Json[];
    shown[table.name] = rows.map((row) => canonicalJson(row)).sort();
  }
  return shown;
}

function expectSame(nameA: string, a: Shown, nameB: string, b: Shown): void {
  for (const part of Object.keys(a)) {
    const only = (some: readonly string[], others: readonly string[]): string =>
      some.filter((item) => !others.includes(item)).join('\n  ') || '(nothing)';
    const [x, y] = [a[part]!, b[part] ?? []];
    if (x.join('\n') === y.join('\n')) continue;
    throw new Error(
      `${nameA} and ${nameB} differ in ${part}.\nonly ${nameA}:\n  ${only(x, y)}\nonly ${nameB}:\n  ${only(y, x)}`,
    );
  }
}
