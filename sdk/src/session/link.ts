/** How a link comes and goes: connecting, giving up, waiting, failing. */
import { covers } from '../core/version-vector.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import { PROTOCOL_VERSION, type DeviceMessage } from '../protocol/messages.ts';
import { MAX_WRITERS } from '../protocol/schema.ts';
import type { StoredIdentity } from '../store/device-store.ts';
import { BACKOFF, backoffMs } from './backoff.ts';
import type { Effect, Moment, TimerName } from './events.ts';
import {
  FIRST_PUSH_BYTES,
  onLink,
  stay,
  withEffects,
  withLink,
  type Link,
  type SessionState,
  type Step,
  type Trouble,
} from './state.ts';
import { offline } from './trouble.ts';

/** Silences to wait for one frame: 96 s carry the largest one over 11 kB/s. */
const MOST_PATIENCE = 8;
/** How often a device that differs from the log may ask for all of it anew. */
export const REPAIR_EVERY_MS = 600_000;
const LINK_TIMERS: readonly TimerName[] = ['heartbeat', 'silence', 'answer', 'push', 'inspect', 'watch'];

/** Begins a new connection: the identity first, because every attempt says where this device stands now. */
export function connect(state: SessionState): Step {
  const connecting: SessionState = {
    ...state,
    phase: 'connecting',
    connection: state.connection + 1,
    link: null,
    nextAttemptAt: null,
  };
  return withEffects(
    connecting,
    { type: 'clear-timer', timer: 'retry' },
    onLink(connecting, { type: 'load-identity' }),
  );
}

export function identityLoaded(state: SessionState, identity: StoredIdentity, moment: Moment): Step {
  const told: SessionState = {
    ...state,
    firstSync: hasSynced(identity) && state.firstSync === 'never' ? 'done' : state.firstSync,
    acceptedThrough: pick(state.acceptedThrough, identity.writers),
  };
  if (told.phase !== 'connecting' || told.link !== null) return stay(told);
  const linked: SessionState = { ...told, link: newLink(identity, moment), unsent: identity.writers.length > 0 };
  return withEffects(linked, onLink(linked, { type: 'open-transport' }));
}

export function greet(state: SessionState, link: Link, moment: Moment): Step {
  const { space, token, peer } = state.options;
  const { identity } = link;
  const wantsSnapshot = identity.isDiverged && (identity.resume !== undefined || mayRepair(state, moment));
  const repairedAt = wantsSnapshot ? moment.nowMs : state.repairedAt;
  const greeting: SessionState = { ...state, phase: 'greeting', repairedAt };
  const hello: DeviceMessage = {
    type: 'hello',
    protocol: PROTOCOL_VERSION,
    space,
    device: identity.deviceId,
    cursor: identity.cursor,
    ...(Object.keys(identity.chain).length === 0 ? {} : { chain: identity.chain }),
    writers: [...new Set([...identity.writers, ...identity.heard])].slice(0, MAX_WRITERS),
    ...(wantsSnapshot ? { wantsSnapshot } : {}),
    ...(identity.resume ? { resume: identity.resume } : {}),
    ...(peer === undefined ? {} : { peer }),
    ...(token === null ? {} : { token }),
  };
  return withEffects(greeting, ...send(greeting, link, hello), silenceTimer(greeting));
}

/** A repair that does not help is not tried again and again. */
export function mayRepair({ repairedAt }: SessionState, { nowMs }: Moment): boolean {
  return repairedAt === null || Math.abs(nowMs - repairedAt) >= REPAIR_EVERY_MS;
}

/** Every frame sent puts the heartbeat off. */
export function send(state: SessionState, link: Link, message: DeviceMessage): readonly Effect[] {
  return [onLink(state, { type: 'send', message }), heartbeatTimer(state, link)];
}

/** Well inside the silence that the server bears, and the one that we bear. */
export function heartbeatTimer(state: SessionState, link: Link): Effect {
  const { heartbeatMs } = DEFAULT_LIMITS;
  const afterMs = Math.max(500, Math.min(link.limits.heartbeatMs, heartbeatMs, state.options.silenceMs / 2));
  return { type: 'set-timer', timer: 'heartbeat', afterMs };
}

export function ping(state: SessionState, link: Link): Step {
  const next = withLink(state, link, { pings: link.pings + 1 });
  return withEffects(next, ...send(next, link, { type: 'ping' }));
}

export function silenceTimer(state: SessionState): Effect {
  return { type: 'set-timer', timer: 'silence', afterMs: state.options.silenceMs };
}

/** The link is given up; the next attempt follows by itself. */
export function drop(state: SessionState, trouble: Trouble, moment: Moment): Step {
  // A server that works and a network that does not: begin with short waits. Anything else must not become a hot loop.
  const isInnocent = trouble.show === 'offline' || trouble.reason.code === 'SHUTTING_DOWN';
  const isFreshStart = state.link?.hasProgressed === true && isInnocent;
  const attempts = isFreshStart ? 1 : state.attempts + 1;
  const longestMs = state.unsent ? BACKOFF.longestUnsentMs : BACKOFF.longestMs;
  return wait({ ...state, attempts }, 'backoff', trouble, backoffMs(attempts, longestMs, moment.fraction), moment);
}

/** The first change to send cuts a wait that began with nothing to send. */
export function hurry(state: SessionState, moment: Moment): Step {
  const wantedMs = backoffMs(state.attempts, BACKOFF.longestUnsentMs, moment.fraction);
  const leftMs = Math.max(0, (state.nextAttemptAt ?? moment.nowMs) - moment.nowMs);
  const afterMs = Math.min(wantedMs, leftMs);
  return withEffects(
    { ...state, nextAttemptAt: moment.nowMs + afterMs },
    { type: 'set-timer', timer: 'retry', afterMs },
  );
}

/** The server wants a person to act. Asks again rarely, because the one who acts may be the server's operator. */
export function fail(state: SessionState, trouble: Trouble, moment: Moment): Step {
  const rarelyMs = (BACKOFF.longestMs * (1 + moment.fraction)) / 2;
  return wait({ ...state, attempts: state.attempts + 1 }, 'failed', trouble, Math.round(rarelyMs), moment);
}

/** No link and no next attempt. */
export function cease(state: SessionState, phase: 'paused' | 'stopped'): Step {
  const { state: unlinked, effects } = unlink(state);
  const ceased: SessionState = { ...unlinked, phase, attempts: 0, trouble: null, stuck: null, nextAttemptAt: null };
  return withEffects(ceased, ...effects, { type: 'clear-timer', timer: 'retry' });
}

function wait(
  state: SessionState,
  phase: 'backoff' | 'failed',
  trouble: Trouble,
  afterMs: number,
  moment: Moment,
): Step {
  const { state: unlinked, effects } = unlink(state);
  return withEffects({ ...unlinked, phase, trouble, nextAttemptAt: moment.nowMs + afterMs }, ...effects, {
    type: 'set-timer',
    timer: 'retry',
    afterMs,
  });
}

function unlink(state: SessionState): Step {
  if (state.link === null) return stay(state);
  const unlinked: SessionState = {
    ...state,
    link: null,
    pushBytes: state.link.pushing.type === 'in-flight' ? FIRST_PUSH_BYTES : state.pushBytes,
  };
  return withEffects(
    unlinked,
    onLink(state, { type: 'close-transport' }),
    ...LINK_TIMERS.map((timer): Effect => ({ type: 'clear-timer', timer })),
  );
}

/**
 * Nothing arrived for one silence. A link that owes nothing is dead. One on which a large frame may be crawling is shown
 * as offline, and kept for as many silences as the links before it have taught: else a slow link could never carry it.
 */
export function fallSilent(state: SessionState, link: Link, moment: Moment): Step {
  const dead = offline(`Nothing arrived for ${Math.round(state.options.silenceMs / 1000)} s.`);
  if (!isExpecting(link)) return drop(state, dead, moment);
  if (link.isQuiet || state.patience === 1) {
    return drop({ ...state, patience: Math.min(MOST_PATIENCE, state.patience * 2) }, dead, moment);
  }
  const quiet = withLink(state, link, { isQuiet: true });
  return withEffects(quiet, {
    type: 'set-timer',
    timer: 'silence',
    afterMs: state.options.silenceMs * (state.patience - 1),
  });
}

/** Whether a large frame may be on its way, in either direction. */
export function isExpecting(link: Link): boolean {
  if (link.sid === null) return false;
  if (link.pushing.type === 'in-flight' || link.bootstrap !== null) return true;
  return !link.isPullStopped && !covers(link.cursor, link.head);
}

function newLink(identity: StoredIdentity, moment: Moment): Link {
  return {
    identity,
    sid: null,
    limits: DEFAULT_LIMITS,
    founders: [],
    bootstrap: null,
    known: {},
    cursor: identity.cursor,
    head: {},
    pushing: { type: 'idle' },
    after: null,
    outboxGrew: false,
    inbox: [],
    isIngesting: false,
    isPullStopped: false,
    pulled: 0,
    pushed: 0,
    held: null,
    refusals: 0,
    hasProgressed: false,
    isQuiet: false,
    isProbing: false,
    pings: 0,
    pongs: 0,
    strikes: 0,
    hasMoved: false,
    watchedPongs: 0,
    isOwed: true,
    heardAt: moment.nowMs,
  };
}

function hasSynced(identity: StoredIdentity): boolean {
  return Object.values(identity.cursor).some((n) => n > 0);
}

export function pick<V>(record: Readonly<Record<string, V>>, keys: readonly string[]): Readonly<Record<string, V>> {
  return Object.fromEntries(keys.filter((key) => Object.hasOwn(record, key)).map((key) => [key, record[key]!]));
}
