/**
 * What the tests of the session share: plain frames and store answers, and a runner that keeps the effects of each step.
 * Not shipped: nothing but tests imports it.
 */
import { dotOf, type Inc } from '../core/dot.ts';
import type { VersionVector } from '../core/version-vector.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import type { Bootstrap, Page, Pushed, Refusal, RefusalCode, Snapshot, Welcome } from '../protocol/messages.ts';
import type { IngestResult, OutboxItem, StoredIdentity } from '../store/device-store.ts';
import { step } from './device-session.ts';
import type { Effect, LinkEvent, Moment, SessionEvent } from './events.ts';
import { createSession, SESSION_TIMES, type SessionState } from './state.ts';
import type { SyncState } from './sync-state.ts';

export const INC: Inc = 'AAAAAAAAAAAAAAAA';
export const SID = 'server-0000';
/** What every change of a test writes: a server could read it. */
const OP = { t: 'inc', p: 'likes#c', n: 1 } as const;

export function item(seq: number, bytes = 100): OutboxItem {
  const change = { dot: dotOf(INC, seq), hlc: seq, recs: [{ c: 'notes', id: `n${seq}`, rv: [], ops: [OP] }] };
  return { position: seq, change, bytes };
}

export function identity(patch: Partial<StoredIdentity> = {}): StoredIdentity {
  return { deviceId: 'device-1', cursor: {}, chain: {}, writers: [INC], heard: [], isDiverged: false, ...patch };
}

export function welcome(patch: Partial<Welcome> = {}): Welcome {
  const { frameBytes, changeBytes, changesPerPush, heartbeatMs } = DEFAULT_LIMITS;
  const limits = { frameBytes, changeBytes, changesPerPush, heartbeatMs };
  return {
    type: 'welcome',
    protocol: 1,
    sid: SID,
    cursor: {},
    known: { [INC]: 0 },
    serverTime: 0,
    founders: [SID],
    limits,
    ...patch,
  };
}

export function page(n: number, head = n): Page {
  return { type: 'page', entries: [], cursor: { [SID]: n }, head: { [SID]: head } };
}

/** Of 100 records a piece. */
export function bootstrap(pieces: number): Bootstrap {
  return {
    id: 's1',
    why: 'truncated',
    cursor: { [SID]: 9 },
    chain: {},
    topology: { members: {}, evicted: {} },
    digest: '0'.repeat(32),
    known: {},
    pieces,
    records: 100 * pieces,
    from: 0,
  };
}

export function piece(n: number): Snapshot {
  return { type: 'snapshot', id: 's1', piece: n, records: [], writers: [], recent: [] };
}

export function pushed(through: number, refused?: Refusal): Pushed {
  return { type: 'pushed', known: { [INC]: through }, ...(refused === undefined ? {} : { refused }) };
}

export function refusal(seq: number, code: RefusalCode): Refusal {
  return { dot: dotOf(INC, seq), code, message: `refused: ${code}`, serverTime: 5_000 };
}

export function ingested(
  cursor: VersionVector,
  patch: Partial<Extract<IngestResult, { type: 'ingested' }>> = {},
): Extract<IngestResult, { type: 'ingested' }> {
  return {
    type: 'ingested',
    cursor,
    applied: 1,
    confirmed: 0,
    touched: {},
    conflictsChanged: [],
    merged: [],
    isDiverged: false,
    discarded: 0,
    ...patch,
  };
}

/** Runs a session and remembers the effects of the last step and of all. */
export class SessionRunner {
  state: SessionState;
  effects: readonly Effect[] = [];
  readonly all: Effect[] = [];
  nowMs = 1_000_000;
  fraction = 0.5;

  constructor(options: Partial<SessionState['options']> = {}) {
    this.state = createSession({ space: 'default', token: null, ...SESSION_TIMES, ...options });
  }

  do(event: SessionEvent): this {
    const moment: Moment = { nowMs: this.nowMs, fraction: this.fraction };
    const next = step(this.state, event, moment);
    this.state = next.state;
    this.effects = next.effects;
    this.all.push(...next.effects);
    return this;
  }

  /** An event of the newest connection. */
  link(event: LinkEvent): this {
    return this.do({ ...event, connection: this.state.connection });
  }

  hear(message: Extract<LinkEvent, { type: 'frame-received' }>['message']): this {
    return this.link({ type: 'frame-received', message });
  }

  /** As far as the hello. */
  greet(stored: StoredIdentity = identity()): this {
    if (this.state.phase === 'idle') this.do({ type: 'start', paused: false });
    return this.link({ type: 'identity-loaded', identity: stored }).link({ type: 'transport-opened' });
  }

  /** As far as an empty outbox on a live link. */
  live(stored: StoredIdentity = identity(), reply: Welcome = welcome()): this {
    return this.greet(stored).hear(reply).link({ type: 'outbox-loaded', items: [] });
  }

  sent(): readonly unknown[] {
    return this.effects.flatMap((effect) => (effect.type === 'send' ? [effect.message] : []));
  }

  of<T extends Effect['type']>(type: T): readonly Extract<Effect, { type: T }>[] {
    return this.effects.filter((effect): effect is Extract<Effect, { type: T }> => effect.type === type);
  }

  get shown(): SyncState {
    return this.state.reported!;
  }
}
