/** What the state of a session means to the people who look at it. It never says more than is true. */
import { covers } from '../core/version-vector.ts';
import { entriesBetween, type Effect, type Moment } from './events.ts';
import type { Arriving, Ask, SessionState, Step } from './state.ts';
import type { LinkStatus, Problem, SyncState } from './sync-state.ts';

/** Ends a step: keeps the time of the last sync, reports what has changed for an observer, answers who waits for it. */
export function report(before: SessionState, { state, effects }: Step, moment: Moment): Step {
  const settled = settle(before, state, moment);
  const reported = describe(settled);
  // Who stops is silent: another one may be reporting already.
  const isNews = state.phase !== 'stopped' && (settled.reported === null || !isSame(settled.reported, reported));
  const answered = settled.asks.filter((ask) => isAnswered(ask, settled));
  // Nearly every step: a ping, a pong, a timer.
  if (!isNews && answered.length === 0) return { state: settled, effects };
  return {
    state: {
      ...settled,
      reported: isNews ? reported : settled.reported,
      asks: answered.length === 0 ? settled.asks : settled.asks.filter((ask) => !answered.includes(ask)),
    },
    effects: [
      ...effects,
      ...(isNews ? newsOf(settled.reported, reported, moment) : []),
      ...answered.map(({ ask }): Effect => ({ type: 'answer', ask })),
    ],
  };
}

function newsOf(before: SyncState | null, state: SyncState, moment: Moment): readonly Effect[] {
  const { connection, reason } = state;
  const reports: Effect = { type: 'report', state };
  if (before?.connection === connection) return [reports];
  return [reports, { type: 'announce', news: { at: moment.nowMs, type: 'connection', connection, reason } }];
}

/** A pong comes behind every page that the server had sent before it; a welcome names all that it has. */
function isAnswered({ connection, pongs }: Ask, { phase, link, ...state }: SessionState): boolean {
  if (phase === 'connecting' || phase === 'greeting') return false;
  return phase !== 'live' || state.connection !== connection || link === null || link.pongs >= pongs;
}

/** Nothing is unsent, and all that the server announced is durable here. */
export function isInSync({ phase, link, stall, upgrade }: SessionState): boolean {
  if (phase !== 'live' || link === null || stall !== null || upgrade !== null) return false;
  const { pushing } = link;
  const isSent = pushing.type === 'idle' || (pushing.type === 'loading' && pushing.isCheck && !link.outboxGrew);
  return (
    isSent && link.bootstrap === null && !link.isIngesting && link.inbox.length === 0 && covers(link.cursor, link.head)
  );
}

function settle(before: SessionState, state: SessionState, moment: Moment): SessionState {
  if (isInSync(state)) {
    if (isInSync(before)) return state.stuck !== null && !state.link!.isOwed ? { ...state, stuck: null } : state;
    const link = { ...state.link!, hasProgressed: true, pulled: 0, pushed: 0 };
    return {
      ...state,
      link,
      stuck: link.isOwed ? state.stuck : null,
      lastSyncedAt: moment.nowMs,
      firstSync: 'done',
      patience: 1,
    };
  }
  // It was in sync until it last heard of the server, not until it noticed.
  if (isInSync(before)) return { ...state, lastSyncedAt: before.link!.heardAt };
  return state;
}

function describe(state: SessionState): SyncState {
  const { connection, reason } = connectionOf(state);
  return {
    connection,
    reason,
    progress: progressOf(state),
    firstSync: state.firstSync === 'never' && state.phase === 'live' ? 'running' : state.firstSync,
    lastSyncedAt: state.lastSyncedAt,
    nextAttemptAt: state.nextAttemptAt,
    inSync: isInSync(state) && state.link?.isQuiet === false,
    acceptedThrough: state.acceptedThrough,
  };
}

function connectionOf(state: SessionState): { readonly connection: LinkStatus; readonly reason: Problem | null } {
  switch (state.phase) {
    case 'live':
      return liveConnectionOf(state);
    case 'idle':
    case 'paused':
    case 'stopped':
      return { connection: 'paused', reason: null };
    case 'connecting':
    case 'greeting':
    case 'backoff':
    case 'failed':
      if (state.trouble === null) return { connection: 'connecting', reason: null };
      return { connection: state.trouble.show, reason: state.trouble.reason };
  }
}

function liveConnectionOf({ link, stall, stuck, upgrade }: SessionState): {
  readonly connection: LinkStatus;
  readonly reason: Problem | null;
} {
  if (link?.isQuiet === true)
    return { connection: 'offline', reason: { code: 'OFFLINE', message: 'The server is silent.' } };
  if (upgrade !== null)
    return { connection: upgrade.code === 'UPGRADE_REQUIRED' ? 'upgrade-required' : 'stalled', reason: upgrade };
  if (stall !== null) return { connection: 'stalled', reason: stall };
  if (stuck !== null) return { connection: 'stalled', reason: stuck };
  if (link !== null && link.held !== null) return { connection: 'backoff', reason: link.held };
  return { connection: 'online', reason: null };
}

/** Few changes arrive before anyone could look: telling their progress would only make the status flicker. */
const WORTH_TELLING = 20;

function progressOf({ phase, link }: SessionState): SyncState['progress'] {
  if (phase !== 'live' || link === null) return null;
  if (link.bootstrap !== null) return snapshotProgress(link.bootstrap);
  const missing = entriesBetween(link.cursor, link.head);
  const total = link.pulled + missing;
  if (missing > 0 && total >= WORTH_TELLING) return { direction: 'pull', done: link.pulled, total };
  if (link.pushing.type !== 'in-flight' || link.pushed + link.pushing.items.length < WORTH_TELLING) return null;
  return { direction: 'push', done: link.pushed, total: null };
}

/** In records, as far as pieces of about the same size tell. */
function snapshotProgress({ about, next }: Arriving): SyncState['progress'] {
  if (about.records < WORTH_TELLING) return null;
  return { direction: 'pull', done: Math.floor((about.records * next) / about.pieces), total: about.records };
}

function isSame(a: SyncState, b: SyncState): boolean {
  return (
    a.connection === b.connection &&
    a.reason?.code === b.reason?.code &&
    a.reason?.message === b.reason?.message &&
    a.progress?.direction === b.progress?.direction &&
    a.progress?.done === b.progress?.done &&
    a.progress?.total === b.progress?.total &&
    a.firstSync === b.firstSync &&
    a.lastSyncedAt === b.lastSyncedAt &&
    a.nextAttemptAt === b.nextAttemptAt &&
    a.inSync === b.inSync &&
    a.acceptedThrough === b.acceptedThrough
  );
}
