/** The state of a device's session: plain, immutable data, all of it. */
import type { Inc } from '../core/dot.ts';
import type { Sid, VersionVector } from '../core/version-vector.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import type { Bootstrap, Page, Snapshot, Welcome } from '../protocol/messages.ts';
import type { OutboxItem, OutboxPosition, StoredIdentity } from '../store/device-store.ts';
import type { Effect, LinkEffect } from './events.ts';
import type { LinkStatus, Problem, SyncState } from './sync-state.ts';

/**
 * `connecting`: identity, then transport · `greeting`: hello is out · `live`: welcome is in · `backoff`: waiting for the
 * next attempt · `failed`: the server wants a person to act; asks again rarely.
 */
export type Phase = 'idle' | 'connecting' | 'greeting' | 'live' | 'backoff' | 'paused' | 'stopped' | 'failed';

export interface SessionOptions {
  readonly space: string;
  readonly token: string | null;
  /** A link on which nothing arrived for this long is dead. */
  readonly silenceMs: number;
  /** Most time for the answer to a push, on a link that is alive. */
  readonly answerMs: number;
  /** The server that pulls from another one by this session: it has no outbox, and nothing is pushed. */
  readonly peer?: Sid;
}

export const SESSION_TIMES = { silenceMs: DEFAULT_LIMITS.silenceMs, answerMs: 30_000 } as const;

export interface SessionState {
  readonly options: SessionOptions;
  readonly phase: Phase;
  /** Number of the newest connection. */
  readonly connection: number;
  /** Attempts in a row that led to nothing. */
  readonly attempts: number;
  /** Why there is no live link, for the status; kept until the next welcome. */
  readonly trouble: Trouble | null;
  /** Why pushing has stopped although the link is live; kept until a push goes through. */
  readonly stall: Problem | null;
  /** Nothing moved although the server answers: the link was begun anew for it. Kept until something moves. */
  readonly stuck: Problem | null;
  /** Why pulling has stopped although the link is live: what comes next is of a newer version of the app, or ends this one. */
  readonly upgrade: Problem | null;
  readonly link: Link | null;
  /** The outbox may hold changes that no server has; true until it is known better. */
  readonly unsent: boolean;
  readonly firstSync: SyncState['firstSync'];
  readonly lastSyncedAt: number | null;
  readonly nextAttemptAt: number | null;
  readonly acceptedThrough: Readonly<Record<Inc, number>>;
  /** Bytes of the next push: small on an unknown link, doubled by every answer, so that a slow one gets through too. */
  readonly pushBytes: number;
  /** Silences to wait for a large frame; grows when links die while one may be on its way. */
  readonly patience: number;
  /** Who waits for the outcome of a wake. */
  readonly asks: readonly Ask[];
  /** When a snapshot was asked for last because what is stored here was wrong, in milliseconds since 1970. */
  readonly repairedAt: number | null;
  /** What was reported last. */
  readonly reported: SyncState | null;
}

export interface Trouble {
  readonly show: LinkStatus;
  readonly reason: Problem;
}

/** Answered by pong number `pongs` of its connection, by the next welcome, or by the end of the attempt. */
export interface Ask {
  readonly ask: string;
  readonly connection: number;
  readonly pongs: number;
}

/** One connection, from the loaded identity to the end. */
export interface Link {
  readonly identity: StoredIdentity;
  readonly sid: Sid | null;
  readonly limits: Welcome['limits'];
  /** The servers that the space began with. */
  readonly founders: readonly Sid[];
  /** The snapshot that must arrive before anything is pushed. */
  readonly bootstrap: Arriving | null;
  /** What the server said it holds of each incarnation. */
  readonly known: Readonly<Record<Inc, number>>;
  /** K of this device, durable. */
  readonly cursor: VersionVector;
  /** K of the server, as far as it was told. */
  readonly head: VersionVector;
  readonly pushing: Pushing;
  /** Everything in the outbox up to here is accepted. */
  readonly after: OutboxPosition | null;
  /** A change was written after the outbox was asked last. */
  readonly outboxGrew: boolean;
  /** Pages and pieces of a snapshot that wait while one is being ingested. */
  readonly inbox: readonly (Page | Snapshot)[];
  readonly isIngesting: boolean;
  /** Pages are left alone: this version cannot apply what comes next. Pushing goes on. */
  readonly isPullStopped: boolean;
  /** Entries applied and changes accepted since this device was in sync last. */
  readonly pulled: number;
  readonly pushed: number;
  /** Why the next push waits, for the status; kept until one goes through. */
  readonly held: Problem | null;
  /** Refused pushes in a row. */
  readonly refusals: number;
  /** Something was accepted or applied, or there was nothing to do: this server works. */
  readonly hasProgressed: boolean;
  /** Silent for too long, but a large frame may be on its way: shown as offline, kept a little. */
  readonly isQuiet: boolean;
  readonly isProbing: boolean;
  readonly pings: number;
  readonly pongs: number;
  /** Looks of the watchdog in a row at which something was owed and nothing had moved. */
  readonly strikes: number;
  /** Since its last look something was accepted or arrived. */
  readonly hasMoved: boolean;
  /** How many pongs there were then. */
  readonly watchedPongs: number;
  /** The head of the outbox is something that the server has, or nobody has looked yet. */
  readonly isOwed: boolean;
  /** When something arrived last, in milliseconds since 1970. */
  readonly heardAt: number;
}

/** A snapshot on its way. */
export interface Arriving {
  readonly about: Bootstrap;
  /** Next piece that is to be kept here. */
  readonly next: number;
  /** The piece that is being kept. */
  readonly keeping: number | null;
}

export type Pushing =
  | { readonly type: 'idle' }
  /** `isCheck`: nobody said that there is something; the device counts as in sync until it is found. */
  | { readonly type: 'loading'; readonly isCheck: boolean }
  | { readonly type: 'in-flight'; readonly items: readonly OutboxItem[] }
  | { readonly type: 'correcting' }
  /** A refused change is being taken back. */
  | { readonly type: 'taking-back' }
  | { readonly type: 'waiting' };

export const FIRST_PUSH_BYTES = 65_536;

const NOTHING_REMEMBERED: Remembered = { firstSync: 'never', lastSyncedAt: null };

/** What an earlier session of this device has reported: a new one goes on from it when the syncing tab changes. */
export type Remembered = Pick<SyncState, 'firstSync' | 'lastSyncedAt'>;

export function createSession(options: SessionOptions, remembered: Remembered = NOTHING_REMEMBERED): SessionState {
  return {
    options,
    phase: 'idle',
    connection: 0,
    attempts: 0,
    trouble: null,
    stall: null,
    stuck: null,
    upgrade: null,
    link: null,
    unsent: true,
    firstSync: remembered.firstSync === 'done' ? 'done' : 'never',
    lastSyncedAt: remembered.lastSyncedAt,
    nextAttemptAt: null,
    acceptedThrough: {},
    pushBytes: FIRST_PUSH_BYTES,
    patience: 1,
    asks: [],
    repairedAt: null,
    reported: null,
  };
}

export interface Step {
  readonly state: SessionState;
  readonly effects: readonly Effect[];
}

export function stay(state: SessionState): Step {
  return { state, effects: [] };
}

/** Goes on from a step: the effects of both, in order. */
export function andThen(step: Step, next: (state: SessionState) => Step): Step {
  const following = next(step.state);
  return { state: following.state, effects: [...step.effects, ...following.effects] };
}

export function withEffects(state: SessionState, ...effects: readonly Effect[]): Step {
  return { state, effects };
}

export function withLink(state: SessionState, link: Link, patch: Partial<Link>): SessionState {
  return { ...state, link: { ...link, ...patch } };
}

/** An effect of the newest connection. */
export function onLink(state: SessionState, effect: LinkEffect): Effect {
  return { ...effect, connection: state.connection };
}
