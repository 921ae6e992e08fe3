import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { dotOf, incOf, seqOf } from '../core/dot.ts';
import type { DeviceMessage, ServerMessage } from '../protocol/messages.ts';
import type { OutboxItem, TakeBackResult } from '../store/device-store.ts';
import { step } from './device-session.ts';
import type { Effect, SessionEvent, TimerName } from './events.ts';
import { createSession, SESSION_TIMES, type SessionState } from './state.ts';
import {
  bootstrap,
  identity,
  INC,
  ingested,
  item,
  page,
  piece,
  pushed,
  refusal,
  SID,
  welcome,
} from './session.fixture.ts';

const connection = fc.nat(4);
const seq = fc.integer({ min: 1, max: 5 });
const timer = fc.constantFrom<TimerName>('retry', 'heartbeat', 'silence', 'answer', 'push');
const items = fc
  .array(seq, { maxLength: 4 })
  .map((seqs) => [...new Set(seqs)].sort().map((n) => item(n, n === 5 ? 900_000 : 100)));
const code = fc.constantFrom(
  'CLOCK',
  'BEHIND',
  'GAP',
  'EQUIVOCATION',
  'INVALID_CHANGE',
  'STORAGE_FULL',
  'FORBIDDEN' as const,
);

const message: fc.Arbitrary<ServerMessage> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.integer({ min: 1, max: 3 }).map((pieces) => welcome({ bootstrap: bootstrap(pieces) })),
  },
  { weight: 3, arbitrary: fc.nat(3).map((n) => piece(n)) },
  { weight: 4, arbitrary: fc.nat(5).map((known) => welcome({ known: { [INC]: known }, cursor: { [SID]: known } })) },
  { weight: 3, arbitrary: seq.map((through) => pushed(through)) },
  { weight: 2, arbitrary: fc.tuple(fc.nat(5), seq, code).map(([through, n, why]) => pushed(through, refusal(n, why))) },
  { weight: 3, arbitrary: fc.tuple(seq, seq).map(([n, head]) => page(n, head)) },
  { weight: 1, arbitrary: fc.constant<ServerMessage>({ type: 'pong', serverTime: 1 }) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('AUTH_REQUIRED', 'SHUTTING_DOWN', 'SERVER_REPLACED', 'UPGRADE_REQUIRED', 'BAD_FRAME' as const)
      .map((why): ServerMessage => ({ type: 'error', code: why, message: why })),
  },
);

const linkEvent = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ type: 'identity-loaded', identity: identity() } as const) },
  { weight: 3, arbitrary: fc.constant({ type: 'transport-opened' } as const) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(1000, 1006, 1012, 4401)
      .map((closed) => ({ type: 'transport-closed', code: closed, reason: '' }) as const),
  },
  { weight: 9, arbitrary: message.map((frame) => ({ type: 'frame-received', message: frame }) as const) },
  {
    weight: 1,
    arbitrary: fc.constant({ type: 'frame-refused', problem: { code: 'BAD_FRAME', message: '' } } as const),
  },
  { weight: 4, arbitrary: items.map((loaded) => ({ type: 'outbox-loaded', items: loaded }) as const) },
  { weight: 3, arbitrary: seq.map((n) => ({ type: 'page-ingested', result: ingested({ [SID]: n }) }) as const) },
  {
    weight: 1,
    arbitrary: fc.constant({ type: 'page-ingested', result: { type: 'out-of-step', reason: '' } } as const),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'clock-corrected', restamped: 1, offsetMs: 1 } as const) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom<TakeBackResult>(
        { type: 'taken-back', touched: {}, conflictsChanged: [], records: [] },
        { type: 'nothing', isPending: true },
        { type: 'nothing', isPending: false },
      )
      .map((result) => ({
        type: 'taken-back' as const,
        dot: dotOf(INC, 1),
        error: { code: 'FORBIDDEN' as const, message: '' },
        result,
      })),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom({ type: 'staged' } as const, ingested({ [SID]: 9 }), { type: 'out-of-step', reason: '' } as const)
      .map((result) => ({ type: 'snapshot-ingested', result }) as const),
  },
  {
    weight: 1,
    arbitrary: fc.constant({ type: 'store-failed', problem: { code: 'STORAGE_FAILED', message: '' } } as const),
  },
);

const event: fc.Arbitrary<SessionEvent> = fc.oneof(
  { weight: 3, arbitrary: fc.boolean().map((paused): SessionEvent => ({ type: 'start', paused })) },
  {
    weight: 4,
    arbitrary: fc.constantFrom<SessionEvent>(
      { type: 'pause' },
      { type: 'resume' },
      { type: 'wake' },
      { type: 'local-write' },
    ),
  },
  { weight: 3, arbitrary: timer.map((fired): SessionEvent => ({ type: 'timer-fired', timer: fired })) },
  // Half of what happens belongs to the newest connection: number -1 stands for it.
  {
    weight: 20,
    arbitrary: fc
      .tuple(fc.boolean(), connection, linkEvent)
      .map(([isNewest, old, happened]): SessionEvent => ({ ...happened, connection: isNewest ? -1 : old })),
  },
);

/** Half of the histories begin on a live link, where most can go wrong. */
const TO_LIVE: readonly SessionEvent[] = [
  { type: 'start', paused: false },
  { type: 'identity-loaded', connection: -1, identity: identity() },
  { type: 'transport-opened', connection: -1 },
  { type: 'frame-received', connection: -1, message: welcome() },
];
const TO_SNAPSHOT: readonly SessionEvent[] = [
  ...TO_LIVE.slice(0, -1),
  { type: 'frame-received', connection: -1, message: welcome({ bootstrap: bootstrap(2) }) },
  { type: 'frame-received', connection: -1, message: piece(0) },
];
const history = (maxLength: number): fc.Arbitrary<readonly SessionEvent[]> =>
  fc
    .tuple(fc.constantFrom(TO_LIVE, TO_SNAPSHOT, TO_LIVE.slice(0, 1)), fc.array(event, { maxLength }))
    .map((parts) => parts.flat());

const MOMENT = { nowMs: 1_000, fraction: 0.5 };

function take(state: SessionState, happened: SessionEvent): { state: SessionState; effects: readonly Effect[] } {
  const addressed =
    'connection' in happened && happened.connection === -1 ? { ...happened, connection: state.connection } : happened;
  return step(state, addressed, MOMENT);
}

/** Watches the effects of one session from outside and fails at the first broken promise. */
class Observer {
  private welcomed = new Set<number>();
  private pushesInFlight = new Map<number, number>();
  private ingesting = new Map<number, number>();
  private durable = new Map<number, number>();
  /** Connections on which a snapshot must arrive first. */
  private arriving = new Set<number>();
  private closed = new Set<number>();

  before(happened: SessionEvent, state: SessionState): void {
    const at = 'connection' in happened ? happened.connection : 0;
    const isNewest = at === state.connection && state.link !== null;
    if (!isNewest) return;
    if (happened.type === 'frame-received' && happened.message.type === 'welcome') {
      if (!this.welcomed.has(at) && happened.message.bootstrap) this.arriving.add(at);
      this.welcomed.add(at);
    }
    if (happened.type === 'snapshot-ingested' && happened.result.type !== 'out-of-step' && this.isKeeping(state)) {
      if (happened.result.type === 'ingested') this.arriving.delete(at);
      this.ingesting.set(at, this.count(this.ingesting, at) - 1);
      this.durable.set(at, this.count(this.durable, at) + 1);
    }
    if (happened.type === 'frame-received' && happened.message.type === 'pushed') this.pushesInFlight.set(at, 0);
    if (
      happened.type === 'page-ingested' &&
      happened.result.type === 'ingested' &&
      this.count(this.ingesting, at) > 0
    ) {
      this.ingesting.set(at, this.count(this.ingesting, at) - 1);
      this.durable.set(at, this.count(this.durable, at) + 1);
    }
  }

  after(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.type === 'close-transport') this.closed.add(effect.connection);
      if (effect.type === 'ingest' || effect.type === 'ingest-snapshot') this.ingest(effect.connection);
      if (effect.type === 'send') this.send(effect.connection, effect.message);
    }
  }

  /** A piece is being kept: an answer of the store counts. */
  private isKeeping(state: SessionState): boolean {
    return state.link?.isIngesting === true && state.link.bootstrap?.keeping != null;
  }

  private ingest(at: number): void {
    this.ingesting.set(at, this.count(this.ingesting, at) + 1);
    expect(this.count(this.ingesting, at), 'one page is ingested at a time').toBe(1);
  }

  private send(at: number, message: DeviceMessage): void {
    expect(this.closed.has(at), 'nothing is sent on a closed connection').toBe(false);
    if (message.type === 'hello') return;
    expect(this.welcomed.has(at), `no ${message.type} before the welcome`).toBe(true);
    if (message.type === 'push') {
      expect(this.arriving.has(at), 'nothing is pushed before a snapshot has arrived').toBe(false);
      this.pushesInFlight.set(at, this.count(this.pushesInFlight, at) + 1);
      expect(this.count(this.pushesInFlight, at), 'one push is on the way').toBe(1);
      expect(message.changes.length).toBeGreaterThan(0);
    }
    if (message.type === 'applied' || message.type === 'staged') {
      this.durable.set(at, this.count(this.durable, at) - 1);
      expect(this.count(this.durable, at), 'applied only after it is durable').toBeGreaterThanOrEqual(0);
    }
  }

  private count(map: Map<number, number>, at: number): number {
    return map.get(at) ?? 0;
  }
}

/** A device and a server of few lines that work: the peer a session must come to terms with, whatever it went through. */
class HealthyWorld {
  readonly outbox: OutboxItem[];
  readonly log: string[] = [];
  cursor = 0;

  /** Its log begins behind its end: who has nothing gets a snapshot of so many pieces. */
  private readonly pieces: number;

  constructor(outbox: OutboxItem[], held: number, pieces = 0) {
    this.outbox = outbox;
    this.pieces = pieces;
    for (const { change } of outbox.slice(0, held)) this.log.push(change.dot);
  }

  run(state: SessionState, pending: readonly Effect[]): SessionState {
    const queue: SessionEvent[] = pending.flatMap((effect) => this.answer(effect));
    let current = state;
    for (let n = 0; n < 2_000; n++) {
      const next = queue.shift() ?? this.timeout(current);
      if (next === undefined) return current;
      const stepped = step(current, next, MOMENT);
      current = stepped.state;
      queue.push(...stepped.effects.flatMap((effect) => this.answer(effect)));
    }
    throw new Error('still busy after 2,000 steps');
  }

  get known(): number {
    return this.log.filter((dot) => incOf(dot) === INC).length;
  }

  private timeout(state: SessionState): SessionEvent | undefined {
    if (state.phase === 'backoff' || state.phase === 'failed') return { type: 'timer-fired', timer: 'retry' };
    if (state.phase !== 'live') return { type: 'resume' };
    return state.link?.pushing.type === 'waiting' ? { type: 'timer-fired', timer: 'push' } : undefined;
  }

  private answer(effect: Effect): SessionEvent[] {
    switch (effect.type) {
      case 'load-identity':
        return [{ type: 'identity-loaded', connection: effect.connection, identity: this.identity() }];
      case 'open-transport':
        return [{ type: 'transport-opened', connection: effect.connection }];
      case 'load-outbox':
        return [
          {
            type: 'outbox-loaded',
            connection: effect.connection,
            items: this.read(effect.after ?? 0, effect.max.changes),
          },
        ];
      // A healthy server refuses nothing.
      case 'recover':
      case 'reject':
      case 'note-server-time':
        return [];
      case 'inspect':
        return [
          {
            type: 'inspected',
            connection: effect.connection,
            result: { type: 'done', isDiverged: false, nextInMs: 86_400_000 },
          },
        ];
      case 'correct-clock':
        return [{ type: 'clock-corrected', connection: effect.connection, restamped: 0, offsetMs: 0 }];
      case 'ingest-snapshot':
        return [
          {
            type: 'snapshot-ingested',
            connection: effect.connection,
            result:
              effect.piece.piece + 1 === effect.bootstrap.pieces
                ? this.ingest(effect.bootstrap.cursor[SID]!)
                : { type: 'staged' },
          },
        ];
      case 'ingest':
        return [
          { type: 'page-ingested', connection: effect.connection, result: this.ingest(effect.page.cursor[SID]!) },
        ];
      case 'send':
        return this.serve(effect.message).map((frame) => ({
          type: 'frame-received',
          connection: effect.connection,
          message: frame,
        }));
      case 'close-transport':
      case 'set-timer':
      case 'clear-timer':
      case 'report':
      case 'announce':
      case 'answer':
        return [];
    }
  }

  private identity(): ReturnType<typeof identity> {
    return identity({
      cursor: this.cursor > 0 ? { [SID]: this.cursor } : {},
      writers: this.outbox.length > 0 ? [INC] : [],
    });
  }

  private read(after: number, most: number): OutboxItem[] {
    return this.outbox.filter((held) => held.position > after).slice(0, Math.min(most, 2));
  }

  private ingest(to: number): ReturnType<typeof ingested> {
    this.cursor = Math.max(this.cursor, to);
    const arrived = new Set(this.log.slice(0, this.cursor));
    this.outbox.splice(0, this.outbox.length, ...this.outbox.filter((held) => !arrived.has(held.change.dot)));
    return ingested({ [SID]: this.cursor });
  }

  private serve(frame: DeviceMessage): ServerMessage[] {
    if (frame.type === 'hello') return this.greet();
    if (frame.type === 'ping') return [{ type: 'pong', serverTime: 0 }];
    if (frame.type === 'applied' || frame.type === 'staged') return this.pages();
    for (const { dot } of frame.changes) {
      if (seqOf(dot) > this.known + 1) return [pushed(this.known, { ...refusal(seqOf(dot), 'GAP'), dot })];
      if (seqOf(dot) === this.known + 1) this.log.push(dot);
    }
    return [pushed(this.known), ...this.pages()];
  }

  private greet(): ServerMessage[] {
    const answer = { known: { [INC]: this.known }, cursor: { [SID]: this.log.length } };
    if (this.pieces === 0 || this.cursor === this.log.length) return [welcome(answer), ...this.pages()];
    const about = { ...bootstrap(this.pieces), cursor: { [SID]: this.log.length } };
    return [welcome({ ...answer, bootstrap: about }), ...Array.from({ length: this.pieces }, (_, n) => piece(n))];
  }

  private pages(): ServerMessage[] {
    return this.cursor < this.log.length ? [page(this.cursor + 1, this.log.length)] : [];
  }
}

test('[SE70] in any order of events: never throws, pushes, ingests and reports in order', () => {
  fc.assert(
    fc.property(history(60), (events) => {
      const observer = new Observer();
      let state = createSession({ space: 'default', token: null, ...SESSION_TIMES });
      for (const happened of events) {
        const addressed =
          'connection' in happened && happened.connection === -1
            ? { ...happened, connection: state.connection }
            : happened;
        observer.before(addressed, state);
        const next = take(state, addressed);
        observer.after(next.effects);
        state = next.state;
      }
    }),
    { numRuns: 2_000 },
  );
});

test('[SE71] after any faults a healthy server gets the whole outbox, in order, and the status says so', () => {
  fc.assert(
    fc.property(history(40), fc.nat(6), fc.nat(6), fc.nat(3), (events, waiting, held, pieces) => {
      let state = createSession({ space: 'default', token: null, ...SESSION_TIMES });
      for (const happened of events) state = take(state, happened).state;
      const world = new HealthyWorld(
        Array.from({ length: waiting }, (_, n) => item(n + 1)),
        Math.min(held, waiting),
        pieces,
      );
      // The network heals: whatever was under way is cut, and the device connects anew.
      const cut = step(step(state, { type: 'pause' }, MOMENT).state, { type: 'resume' }, MOMENT);
      const settled = world.run(cut.state, cut.effects);
      expect(world.log).toEqual(Array.from({ length: waiting }, (_, n) => dotOf(INC, n + 1)));
      expect(world.outbox).toEqual([]);
      expect(settled.reported).toMatchObject({ connection: 'online', inSync: true, firstSync: 'done', reason: null });
    }),
    { numRuns: 1_000 },
  );
});

test('[SE72] stopped is the end: nothing follows any event', () => {
  fc.assert(
    fc.property(history(20), event, (events, late) => {
      let state = createSession({ space: 'default', token: null, ...SESSION_TIMES });
      for (const happened of events) state = take(state, happened).state;
      const stopped = step(state, { type: 'stop' }, MOMENT).state;
      expect(take(stopped, late)).toEqual({ state: stopped, effects: [] });
    }),
  );
});
