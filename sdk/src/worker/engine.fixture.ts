/**
 * The world of the engine's tests: a clock turned by hand, a server of one log, and wires that can be cut, silenced,
 * made deaf or slow. Only tests import it.
 */
import { incOf, seqOf, type Dot, type Inc } from '../core/dot.ts';
import { admit } from '../core/admission.ts';
import { hashOfChange, withoutDependencies, type Change } from '../core/change.ts';
import { countOf } from '../core/version-vector.ts';
import { seededRandom } from '../lib/random.ts';
import { decodeDeviceMessage, encodeMessage } from '../protocol/codec.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import { CLOSE, type Push, type Refusal, type ServerMessage } from '../protocol/messages.ts';
import { SESSION_TIMES } from '../session/state.ts';
import type { SyncNews, SyncState } from '../session/sync-state.ts';
import { createMemoryStore, type MemoryStore } from './memory-store.fixture.ts';
import type { Transport, TransportHandlers } from '../transport/transport.ts';
import type { Clock } from './clock.ts';
import { createEngine, type Engine, type Touched } from './engine.ts';

/** Time that moves when it is told to. */
export class TestClock implements Clock {
  private now = 1_000_000;
  private timers: { at: number; fn: () => void }[] = [];

  nowMs(): number {
    return this.now;
  }

  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.now + ms, fn };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** Runs what falls due, in order, and lets every promise go on in between. */
  async advance(ms: number): Promise<void> {
    const end = this.now + ms;
    await promises();
    for (let due = this.next(end); due !== undefined; due = this.next(end)) {
      this.now = Math.max(this.now, due.at);
      this.timers = this.timers.filter((other) => other !== due);
      due.fn();
      await promises();
    }
    this.now = end;
  }

  private next(end: number): { at: number; fn: () => void } | undefined {
    return this.timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
  }
}

function promises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Where a server's frames of one connection go. */
export interface ServerSide {
  send(text: string): void;
  close(code: number, reason: string): void;
}

/** One log, one space: admission as in the kernel, pages of a few entries, a credit of two pages. */
export class TestServer {
  readonly log: Change[] = [];
  readonly sid: string;
  readonly nowMs: () => number;
  entriesPerPage = 3;
  private readonly connections = new Set<Session>();

  constructor(nowMs: () => number, sid = 'server-0000') {
    this.nowMs = nowMs;
    this.sid = sid;
  }

  accept(side: ServerSide): { receive(text: string): void; gone(): void } {
    const session: Session = { side, isOpen: false, position: 0, inFlight: [], own: new Set() };
    this.connections.add(session);
    return {
      receive: (text) => this.connections.has(session) && this.receive(session, text),
      gone: () => void this.connections.delete(session),
    };
  }

  /** Sends a frame to all, whatever the protocol says. */
  broadcast(message: ServerMessage): void {
    for (const { side } of this.connections) side.send(JSON.stringify(message));
  }

  shutDown(): void {
    for (const session of this.connections) this.end(session, 'SHUTTING_DOWN', CLOSE.restart);
  }

  known(inc: Inc): number {
    return Math.max(0, ...this.log.filter(({ dot }) => incOf(dot) === inc).map(({ dot }) => seqOf(dot)));
  }

  private receive(session: Session, text: string): void {
    const decoded = decodeDeviceMessage(text, DEFAULT_LIMITS);
    if (decoded.type === 'bad') return this.end(session, 'BAD_FRAME', CLOSE.badFrame);
    const { message } = decoded;
    switch (message.type) {
      case 'hello':
        return this.greet(session, message.cursor, message.writers);
      case 'push':
        return this.push(session, message);
      case 'applied': {
        const applied = countOf(message.cursor, this.sid);
        session.inFlight = session.inFlight.filter((n) => n > applied);
        return this.pump(session);
      }
      case 'ping':
        return session.side.send(encodeMessage({ type: 'pong', serverTime: this.nowMs() }));
    }
  }

  private greet(session: Session, cursor: Readonly<Record<string, number>>, writers: readonly Inc[]): void {
    if (session.isOpen) return this.end(session, 'OUT_OF_ORDER', CLOSE.outOfOrder);
    session.isOpen = true;
    session.position = countOf(cursor, this.sid);
    const { frameBytes, changeBytes, changesPerPush, heartbeatMs } = DEFAULT_LIMITS;
    session.side.send(
      encodeMessage({
        type: 'welcome',
        protocol: 1,
        sid: this.sid,
        cursor: { [this.sid]: this.log.length },
        known: Object.fromEntries(writers.map((inc) => [inc, this.known(inc)])),
        serverTime: this.nowMs(),
        founders: [this.sid],
        limits: { frameBytes, changeBytes, changesPerPush, heartbeatMs },
      }),
    );
    this.pump(session);
  }

  private push(session: Session, push: Push): void {
    if (!session.isOpen) return this.end(session, 'OUT_OF_ORDER', CLOSE.outOfOrder);
    let refused: Refusal | undefined;
    for (const change of push.changes) {
      const admission = admit(this.factsOf(change), change, this.nowMs(), DEFAULT_LIMITS.driftMs);
      if (admission.type === 'refused') {
        refused = { dot: change.dot, code: admission.code, message: admission.message, serverTime: this.nowMs() };
        break;
      }
      session.own.add(change.dot);
      if (admission.type === 'accepted') this.log.push(withoutDependencies(change));
    }
    const known = Object.fromEntries(push.changes.map(({ dot }) => [incOf(dot), this.known(incOf(dot))]));
    session.side.send(encodeMessage({ type: 'pushed', known, ...(refused === undefined ? {} : { refused }) }));
    for (const other of this.connections) this.pump(other);
  }

  private factsOf(change: Change): Parameters<typeof admit>[0] {
    const stored = this.log.find(({ dot }) => dot === change.dot);
    return {
      known: { [incOf(change.dot)]: this.known(incOf(change.dot)) },
      storedHash: stored === undefined ? null : hashOfChange(stored),
      hash: hashOfChange(change),
      cursor: { [this.sid]: this.log.length },
      recordOf: () => undefined,
      promised: {},
      horizon: {},
      permitted: true,
      isWithdrawn: () => false,
    };
  }

  private pump(session: Session): void {
    while (
      session.isOpen &&
      session.inFlight.length < DEFAULT_LIMITS.pagesInFlight &&
      session.position < this.log.length
    ) {
      const start = session.position;
      const end = Math.min(this.log.length, start + this.entriesPerPage);
      const entries = this.log.slice(start, end).map((change, i) => ({
        stamp: [this.sid, start + i + 1] as const,
        dot: change.dot,
        ...(session.own.has(change.dot) ? {} : { change }),
      }));
      session.position = end;
      session.inFlight.push(end);
      const head = { [this.sid]: this.log.length };
      session.side.send(encodeMessage({ type: 'page', entries, cursor: { [this.sid]: end }, head }));
    }
  }

  private end(session: Session, code: 'SHUTTING_DOWN' | 'BAD_FRAME' | 'OUT_OF_ORDER', close: number): void {
    this.connections.delete(session);
    session.side.send(encodeMessage({ type: 'error', code, message: code }));
    session.side.close(close, code);
  }
}

interface Session {
  readonly side: ServerSide;
  isOpen: boolean;
  position: number;
  inFlight: number[];
  readonly own: Set<Dot>;
}

/**
 * What a network does to a device: `refuse` connections, carry nothing any more, carry only one way, or `hold` what is
 * sent and deliver it late, when the connection may be forgotten already.
 */
export type Weather = 'clear' | 'refuse' | 'black-hole' | 'up-only' | 'down-only' | 'hold';
type Direction = 'up' | 'down';

/** The network between one device and the server. Within a connection frames keep their order, as in TCP. */
export class TestNetwork implements Transport {
  weather: Weather = 'clear';
  delayMs = 10;
  connects = 0;
  private readonly cuts = new Set<() => void>();
  private readonly clock: Clock;
  private readonly server: TestServer;

  constructor(clock: Clock, server: TestServer) {
    this.clock = clock;
    this.server = server;
  }

  connect(_url: string, handlers: TransportHandlers): { send(text: string): void; close(): void } {
    this.connects += 1;
    let isHeard = true;
    const up = this.pipe('up');
    const down = this.pipe('down');
    const end = (code: number, reason: string): void => {
      this.cuts.delete(cut);
      peer.gone();
      if (!isHeard) return;
      isHeard = false;
      handlers.closed(code, reason);
    };
    const cut = (): void => {
      up.burst();
      down.burst();
      end(1006, '');
    };
    const peer = this.server.accept({
      send: (text) => down.carry(() => isHeard && handlers.frame(text)),
      close: (code, reason) => down.carry(() => end(code, reason)),
    });
    this.cuts.add(cut);
    if (this.weather === 'refuse') this.clock.after(this.delayMs, cut);
    else if (this.weather === 'clear') this.clock.after(this.delayMs, () => isHeard && handlers.opened());
    else this.clock.after(10_000, () => end(1006, ''));
    return {
      send: (text) => up.carry(() => peer.receive(text)),
      close: () => {
        isHeard = false;
        // Behind what was sent before, which may still be on its way for long.
        up.carry(() => {
          this.cuts.delete(cut);
          peer.gone();
        });
      },
    };
  }

  /** Every connection ends at once; what was on the way is lost. */
  cut(): void {
    for (const cut of this.cuts) cut();
  }

  private pipe(direction: Direction): { carry(fn: () => void): void; burst(): void } {
    let isWhole = true;
    const held: (() => void)[] = [];
    const flow = (): void => {
      if (this.weather === 'hold') return void this.clock.after(100, flow);
      for (let fn = held.shift(); fn !== undefined; fn = held.shift()) {
        // A stream that has lost something never goes on behind the gap.
        isWhole &&= this.carries(direction);
        if (isWhole) fn();
      }
    };
    return {
      carry: (fn) =>
        void this.clock.after(this.delayMs, () => {
          held.push(fn);
          flow();
        }),
      burst: () => void (isWhole = false),
    };
  }

  private carries(direction: Direction): boolean {
    return this.weather === 'clear' || this.weather === `${direction}-only`;
  }
}

/** A device of the tests: memory store, real engine, its own network to the server. */
export class TestDevice {
  readonly store: MemoryStore;
  readonly network: TestNetwork;
  readonly engine: Engine;
  readonly states: SyncState[] = [];
  readonly news: SyncNews[] = [];
  readonly changed: Touched[] = [];
  /** With every answer: whether the state that came before it knows of all that the server has. */
  readonly answers: { readonly ask: string; readonly isKnown: boolean }[] = [];
  /** How far this device's wall clock is off. */
  skewMs = 0;
  private written = 0;

  constructor(
    name: string,
    clock: TestClock,
    server: TestServer,
    seed = 1,
    onState: (device: TestDevice) => void = () => undefined,
  ) {
    this.store = createMemoryStore({
      deviceId: name,
      inc: name.padEnd(16, '-'),
      nowMs: () => clock.nowMs() + this.skewMs,
    });
    this.network = new TestNetwork(clock, server);
    this.engine = createEngine({
      url: 'ws://test',
      session: { space: 'default', token: null, ...SESSION_TIMES },
      openStore: async () => this.store,
      transport: this.network,
      clock,
      random: seededRandom(seed),
      onState: (state) => {
        this.states.push(state);
        onState(this);
      },
      onNews: (news) => void this.news.push(news),
      onChanged: (touched) => void this.changed.push(touched),
      onAnswer: (ask) =>
        void this.answers.push({ ask, isKnown: !this.state.inSync || this.store.log.length === server.log.length }),
    });
  }

  get state(): SyncState {
    return this.states.at(-1)!;
  }

  write(text = ''): Change {
    this.written += 1;
    const change = this.store.write([
      { c: 'notes', id: `note-${this.written}`, rv: [], ops: [{ t: 'set', p: 'title', v: text, pred: [] }] },
    ]);
    this.engine.send({ type: 'local-write' });
    return change;
  }
}
