/**
 * A device's link to its server as a pure state machine: step(state, event, moment) gives the next state and what to
 * do. No promise, clock, randomness or socket is in here; `worker/engine.ts` drives it, and so does the simulation.
 *
 * It promises: nothing is pushed before the welcome, one push is on the way at a time, a page is reported as applied
 * only after it is durable, frames of an old connection count for nothing, and after any sequence of faults followed by
 * a healthy server the outbox drains.
 */
import { countOf } from '../core/version-vector.ts';
import { PROTOCOL_VERSION, type ServerMessage, type Welcome } from '../protocol/messages.ts';
import type { LinkEvent, Moment, SessionEvent, TimerName } from './events.ts';
import { awaitInspection, beginInspection, inspected } from './inspecting.ts';
import {
  cease,
  connect,
  drop,
  fail,
  fallSilent,
  greet,
  heartbeatTimer,
  identityLoaded,
  isExpecting,
  pick,
  ping,
  silenceTimer,
} from './link.ts';
import {
  divergedNews,
  newsOf,
  pageIngested,
  pageReceived,
  pieceReceived,
  snapshotIngested,
  stopPulling,
} from './pulling.ts';
import {
  checkOutbox,
  clockCorrected,
  loadOutbox,
  outboxGrew,
  outboxLoaded,
  pushAnswered,
  pushFromHead,
  takenBack,
} from './pushing.ts';
import { report } from './report.ts';
import {
  andThen,
  onLink,
  stay,
  withEffects,
  withLink,
  type Link,
  type SessionState,
  type Step,
  type Trouble,
} from './state.ts';
import type { Problem } from './sync-state.ts';
import { newsOfTakeBack } from './taking-back.ts';
import { errorOfClose, offline, troubleOf } from './trouble.ts';
import { watch, watchTimer } from './watching.ts';

/** An idle link must answer this fast when somebody asks to sync now; a healthy one does in a fraction of it. */
const PROBE_MS = 4_000;

export function step(state: SessionState, event: SessionEvent, moment: Moment): Step {
  if (state.phase === 'stopped') return stay(state);
  return report(state, react(state, event, moment), moment);
}

function react(state: SessionState, event: SessionEvent, moment: Moment): Step {
  switch (event.type) {
    case 'start':
      return state.phase === 'idle' ? start(state, event.paused) : stay(state);
    case 'pause':
      return cease(state, 'paused');
    case 'resume':
      return state.phase === 'paused' ? connect(state) : stay(state);
    case 'wake':
      return wake(state, event.ask ?? null);
    case 'stop':
      return cease(state, 'stopped');
    case 'token-changed':
      return wake({ ...state, options: { ...state.options, token: event.token } }, null);
    case 'local-write':
      return outboxGrew(state, moment);
    case 'timer-fired':
      return timerFired(state, event.timer, moment);
    case 'page-ingested':
    case 'snapshot-ingested': {
      const entries = event.type === 'page-ingested' ? event.page?.entries : [];
      const news = [...newsOf(event.result, moment.nowMs, entries), ...divergedNews(state, event.result, moment)];
      return andThen({ state, effects: news }, (next) => ofConnection(next, event, moment));
    }
    case 'taken-back': {
      const news = newsOfTakeBack(event.dot, event.error, event.result, moment.nowMs);
      return andThen({ state, effects: news }, (next) => ofConnection(next, event, moment));
    }
    case 'identity-loaded':
    case 'transport-opened':
    case 'transport-closed':
    case 'page-refused':
    case 'frame-received':
    case 'frame-refused':
    case 'outbox-loaded':
    case 'clock-corrected':
    case 'inspected':
    case 'store-failed':
      return ofConnection(state, event, moment);
  }
}

/** Pausing keeps what was written; so the first thing, even then, is to read how far this device has come. */
function start(state: SessionState, isPaused: boolean): Step {
  if (!isPaused) return connect(state);
  const paused: SessionState = { ...state, phase: 'paused' };
  return withEffects(paused, onLink(paused, { type: 'load-identity' }));
}

function wake(state: SessionState, ask: string | null): Step {
  const woken = tryAtOnce(state, ask !== null);
  if (ask === null) return woken;
  const { connection, link } = woken.state;
  const asks = [...woken.state.asks, { ask, connection, pongs: link?.pings ?? 0 }];
  return { ...woken, state: { ...woken.state, asks } };
}

function tryAtOnce(state: SessionState, isAsked: boolean): Step {
  switch (state.phase) {
    case 'backoff':
    case 'failed':
      return connect({ ...state, attempts: 0, trouble: state.trouble?.show === 'offline' ? null : state.trouble });
    case 'live':
      return wakeLink(state, state.link!, isAsked);
    case 'connecting':
    case 'greeting':
      return stay({ ...state, attempts: 0 });
    case 'idle':
    case 'paused':
    case 'stopped':
      return stay(state);
  }
}

/** A live link proves that it lives, and a push that waits or was refused gets another try. */
function wakeLink(state: SessionState, link: Link, isAsked: boolean): Step {
  const asked = isAsked ? ping(state, link) : stay(state);
  const probed = link.isProbing || isExpecting(link) ? asked : probe(state, link);
  const isHeld = link.pushing.type === 'waiting';
  return andThen(probed, (next) => (isHeld ? pushFromHead(next, next.link!) : checkOutbox(next, next.link!)));
}

function probe(state: SessionState, link: Link): Step {
  const afterMs = Math.min(PROBE_MS, state.options.silenceMs);
  const probing = ping(state, { ...link, isProbing: true });
  return andThen(probing, (next) => withEffects(next, { type: 'set-timer', timer: 'silence', afterMs }));
}

function timerFired(state: SessionState, timer: TimerName, moment: Moment): Step {
  if (timer === 'retry') return state.phase === 'backoff' || state.phase === 'failed' ? connect(state) : stay(state);
  const { link, phase } = state;
  if (link === null || (phase !== 'live' && phase !== 'greeting')) return stay(state);
  switch (timer) {
    case 'heartbeat':
      return phase === 'live' ? andThen(ping(state, link), (next) => checkOutbox(next, next.link!)) : stay(state);
    case 'silence':
      return fallSilent(state, link, moment);
    case 'answer':
      return link.pushing.type === 'in-flight' ? drop(state, unanswered(link), moment) : stay(state);
    case 'push':
      return link.pushing.type === 'waiting' ? pushFromHead(state, link) : stay(state);
    case 'inspect':
      return beginInspection(state);
    case 'watch':
      return phase === 'live' ? watch(state, link, moment) : stay(state);
  }
}

/** Only the newest connection counts, and only while it lasts. */
function ofConnection(state: SessionState, event: { readonly connection: number } & LinkEvent, moment: Moment): Step {
  if (event.connection !== state.connection) return stay(state);
  if (event.type === 'identity-loaded') return identityLoaded(state, event.identity, moment);
  if (event.type === 'store-failed') return storeFailed(state, event.problem, moment);
  return state.link === null ? stay(state) : ofLink(state, state.link, event, moment);
}

function ofLink(
  state: SessionState,
  link: Link,
  event: Exclude<LinkEvent, { type: 'identity-loaded' | 'store-failed' }>,
  moment: Moment,
): Step {
  switch (event.type) {
    case 'transport-opened':
      return state.phase === 'connecting' ? greet(state, link, moment) : stay(state);
    case 'transport-closed':
      return closed(state, errorOfClose(event.code, event.reason), moment);
    case 'frame-refused':
      return closed(state, event.problem, moment);
    case 'frame-received':
      return frameReceived(state, link, event.message, moment);
    case 'outbox-loaded':
      return outboxLoaded(state, link, event.items, moment);
    case 'page-refused':
      return stay(stopPulling(state, link, event.problem));
    case 'page-ingested':
      return pageIngested(state, link, event.result, moment);
    case 'snapshot-ingested':
      return snapshotIngested(state, link, event.result, moment);
    case 'taken-back':
      return takenBack(state, link, event, moment);
    case 'clock-corrected':
      return clockCorrected(state, link, event.restamped, event.offsetMs, moment);
    case 'inspected':
      return state.phase === 'live' ? inspected(state, event.result, moment) : stay(state);
  }
}

function frameReceived(state: SessionState, link: Link, message: ServerMessage, moment: Moment): Step {
  if (state.phase === 'connecting') return stay(state);
  const heard = withLink(state, link, { heardAt: moment.nowMs, isQuiet: false, isProbing: false });
  return andThen(withEffects(heard, silenceTimer(heard)), (next) => ofMessage(next, next.link!, message, moment));
}

function ofMessage(state: SessionState, link: Link, message: ServerMessage, moment: Moment): Step {
  const isGreeting = state.phase === 'greeting';
  switch (message.type) {
    case 'error':
      return closed(state, message, moment);
    case 'welcome':
      return isGreeting ? welcomed(state, link, message, moment) : stay(state);
    case 'page':
      return isGreeting ? outOfOrder(state, message.type, moment) : pageReceived(state, link, message, moment);
    case 'pushed':
      return isGreeting ? outOfOrder(state, message.type, moment) : pushAnswered(state, link, message, moment);
    case 'snapshot':
      return isGreeting ? outOfOrder(state, message.type, moment) : pieceReceived(state, link, message, moment);
    case 'pong':
      return isGreeting
        ? outOfOrder(state, message.type, moment)
        : stay(withLink(state, link, { pongs: link.pongs + 1 }));
  }
}

function welcomed(state: SessionState, link: Link, welcome: Welcome, moment: Moment): Step {
  if (welcome.protocol !== PROTOCOL_VERSION) {
    const message = `The server speaks protocol ${welcome.protocol}, this device ${PROTOCOL_VERSION}.`;
    return fail(state, { show: 'upgrade-required', reason: { code: 'UPGRADE_REQUIRED', message } }, moment);
  }
  const { sid, known, limits, founders, bootstrap, cursor: head } = welcome;
  const isLost = countOf(link.cursor, sid) > countOf(head, sid);
  if (isLost && bootstrap === undefined) {
    const message = 'The server has lost entries of its log that this device holds.';
    return fail(state, { show: 'stalled', reason: { code: 'SERVER_REPLACED', message } }, moment);
  }
  if (bootstrap && state.options.peer !== undefined) {
    const message = 'The other server offers a snapshot; a server that lacks so much joins anew.';
    return fail(state, { show: 'stalled', reason: { code: 'BEHIND', message } }, moment);
  }
  const arriving = bootstrap ? { about: bootstrap, next: bootstrap.from, keeping: null } : null;
  const live: SessionState = {
    ...withLink(state, link, { sid, known, limits, founders, head, bootstrap: arriving }),
    phase: 'live',
    trouble: null,
    acceptedThrough: { ...state.acceptedThrough, ...pick(known, link.identity.writers) },
  };
  const noted = onLink(live, { type: 'note-server-time', serverNowMs: welcome.serverTime });
  return andThen(
    withEffects(live, noted, heartbeatTimer(live, live.link!), ...awaitInspection(live), ...watchTimer(live)),
    (next) => loadOutbox(next, next.link!),
  );
}

/** The end of a connection, told by its last frame or by its close code. */
function closed(state: SessionState, error: Problem, moment: Moment): Step {
  // A server that heard nothing from us for too long saw the network fail, or this device sleep.
  if (error.code === 'OFFLINE' || error.code === 'TIMEOUT') return drop(state, offline(error.message), moment);
  const { trouble, isFinal } = troubleOf(error);
  return isFinal ? fail(state, trouble, moment) : drop(state, trouble, moment);
}

function outOfOrder(state: SessionState, type: string, moment: Moment): Step {
  const message = `The server sent ${type} before welcome.`;
  return drop(state, { show: 'backoff', reason: { code: 'OUT_OF_ORDER', message } }, moment);
}

/** Without its own storage a device must not talk: it could not keep what it is told. */
function storeFailed(state: SessionState, problem: Problem, moment: Moment): Step {
  if (state.phase !== 'connecting' && state.phase !== 'greeting' && state.phase !== 'live') return stay(state);
  // A newer app wrote what this one cannot apply: it waits for the update instead of skipping it.
  if (problem.code === 'UPGRADE_REQUIRED') return closed(state, problem, moment);
  return drop(state, { show: 'stalled', reason: problem }, moment);
}

/** The server answers pings: it, or something in front of it, swallows pushes. Otherwise nothing of ours arrives there. */
function unanswered({ pings, pongs }: Link): Trouble {
  const message = 'The server did not answer a push.';
  return pings - pongs > 1 ? offline(message) : { show: 'stalled', reason: { code: 'TIMEOUT', message } };
}
