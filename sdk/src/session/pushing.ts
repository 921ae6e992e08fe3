/**
 * Sending the outbox: in order, one push on the way at a time, the next after `pushed`. Nothing leaves the outbox here:
 * a change goes when it comes back in the server's log.
 */
import { incOf, seqOf, type Dot, type Inc } from '../core/dot.ts';
import { checkChange } from '../protocol/check-change.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import type { Push, Pushed, Refusal } from '../protocol/messages.ts';
import type { OutboxItem, TakeBackResult } from '../store/device-store.ts';
import { BACKOFF, backoffMs } from './backoff.ts';
import type { Effect, Moment } from './events.ts';
import { hurry, send } from './link.ts';
import { andThen, onLink, stay, withEffects, withLink, type Link, type SessionState, type Step } from './state.ts';
import type { Problem } from './sync-state.ts';
import { takeBack } from './taking-back.ts';

/** Room in a frame for what is not a change: the envelope and a comma each. */
const ENVELOPE_BYTES = 1_024;
const MOST_PUSH_BYTES = 1_048_576;

const CLOCK_AGAIN: Problem = { code: 'CLOCK', message: 'The server refuses stamps that were corrected just now.' };

/** Asks for what comes after the last accepted change. */
export function loadOutbox(state: SessionState, link: Link, isCheck = false): Step {
  if (state.options.peer !== undefined) return outboxDrained(state, link);
  // What is unsent may be in the snapshot that is on its way.
  if (link.bootstrap !== null) return stay(state);
  const { changesPerPush, frameBytes } = link.limits;
  const bytes = Math.max(1, Math.min(state.pushBytes, frameBytes - ENVELOPE_BYTES));
  const loading = withLink(state, link, { pushing: { type: 'loading', isCheck }, outboxGrew: false });
  const max = { changes: Math.max(1, changesPerPush), bytes };
  return withEffects(loading, onLink(state, { type: 'load-outbox', after: link.after, max }));
}

/** Hints about local writes may get lost: looks by itself. */
export function checkOutbox(state: SessionState, link: Link): Step {
  return link.pushing.type === 'idle' ? loadOutbox(state, link, true) : stay(state);
}

export function outboxLoaded(state: SessionState, link: Link, items: readonly OutboxItem[], moment: Moment): Step {
  if (link.pushing.type !== 'loading') return stay(state);
  return outboxRead(state, link.after === null ? { ...link, isOwed: isAtServer(items, link) } : link, items, moment);
}

/** What the server has, it has to give back. */
function isAtServer([head]: readonly OutboxItem[], { known }: Link): boolean {
  return head !== undefined && isKnown(head, known);
}

function outboxRead(state: SessionState, link: Link, items: readonly OutboxItem[], moment: Moment): Step {
  const last = items.at(-1);
  if (last === undefined) return link.outboxGrew ? loadOutbox(state, link) : outboxDrained(state, link);
  const firstUnsent = items.findIndex((item) => !isKnown(item, link.known));
  if (firstUnsent === -1) return andThen(stay(withLink(state, link, { after: last.position })), reload);
  const after = items[firstUnsent - 1]?.position ?? link.after;
  const unsent = items.slice(firstUnsent, firstUnsent + link.limits.changesPerPush);
  return push(state, { ...link, after }, unsent, moment);
}

/** Answers that fit no push of ours are duplicates of old ones. */
export function pushAnswered(state: SessionState, link: Link, answer: Pushed, moment: Moment): Step {
  if (link.pushing.type !== 'in-flight' || !isAnswerTo(link.pushing.items, answer)) return stay(state);
  const { items } = link.pushing;
  // The server's word replaces what it said before: after a GAP it knows less than we thought.
  const known = { ...link.known, ...answer.known, ...knownBefore(answer) };
  const firstUnaccepted = items.findIndex((item) => !isKnown(item, known));
  const accepted = firstUnaccepted === -1 ? items.length : firstUnaccepted;
  const after = items[accepted - 1]?.position ?? link.after;
  const answered: SessionState = {
    ...withLink(state, link, {
      known,
      after,
      pushed: link.pushed + accepted,
      held: accepted > 0 ? null : link.held,
      refusals: accepted > 0 ? 0 : link.refusals,
      hasProgressed: link.hasProgressed || accepted > 0,
      hasMoved: link.hasMoved || accepted > 0,
    }),
    acceptedThrough: { ...state.acceptedThrough, ...answer.known, ...knownBefore(answer) },
    stall: accepted > 0 ? null : state.stall,
    stuck: accepted > 0 ? null : state.stuck,
  };
  const effects: Effect[] = [{ type: 'clear-timer', timer: 'answer' }];
  if (accepted > 0) {
    effects.push({ type: 'announce', news: { at: moment.nowMs, type: 'accepted', changes: accepted } });
  }
  return andThen({ state: answered, effects }, (next) =>
    answer.refused === undefined ? pushMore(next) : refused(next, next.link!, answer.refused, moment),
  );
}

export function clockCorrected(
  state: SessionState,
  link: Link,
  restamped: number,
  offsetMs: number,
  moment: Moment,
): Step {
  if (link.pushing.type !== 'correcting') return stay(state);
  const news = { at: moment.nowMs, type: 'restamped', changes: restamped, offsetMs } as const;
  return andThen(withEffects(state, { type: 'announce', news }), (next) =>
    // Once at once; with a server that refuses corrected stamps as well there is no hot loop.
    link.refusals <= 1 ? reload(next) : waitToPush(next, next.link!, CLOCK_AGAIN, moment),
  );
}

/** From the head: what the server knows is skipped, and what it has forgotten is sent again. */
export function pushFromHead(state: SessionState, link: Link): Step {
  const next = withLink({ ...state, nextAttemptAt: null }, link, { after: null });
  return andThen(withEffects(next, { type: 'clear-timer', timer: 'push' }), reload);
}

export function outboxGrew(state: SessionState, moment: Moment): Step {
  const grown: SessionState = { ...state, unsent: true };
  if (grown.phase === 'backoff' && !state.unsent) return hurry(grown, moment);
  if (grown.link === null) return stay(grown);
  if (grown.phase === 'live' && grown.link.pushing.type === 'idle') return loadOutbox(grown, grown.link);
  return stay(withLink(grown, grown.link, { outboxGrew: true }));
}

function reload(state: SessionState): Step {
  return loadOutbox(state, state.link!);
}

function pushMore(state: SessionState): Step {
  return reload({ ...state, pushBytes: Math.min(MOST_PUSH_BYTES, state.pushBytes * 2) });
}

function outboxDrained(state: SessionState, link: Link): Step {
  const drained: SessionState = { ...state, unsent: false, stall: null };
  return stay(withLink(drained, link, { pushing: { type: 'idle' }, held: null }));
}

/** What is refused is not held by the server, also when it holds another content under the same dot. */
function knownBefore({ known, refused }: Pushed): Readonly<Record<Inc, number>> {
  if (refused === undefined) return {};
  const inc = incOf(refused.dot);
  return { [inc]: Math.min(Object.hasOwn(known, inc) ? known[inc]! : 0, seqOf(refused.dot) - 1) };
}

function push(state: SessionState, link: Link, unsent: readonly OutboxItem[], moment: Moment): Step {
  const { items, bad } = sendable(unsent, link);
  if (items.length === 0 && bad) return takeBack({ ...state, unsent: true }, link, { dot: bad.dot }, bad.problem);
  const message: Push = { type: 'push', changes: items.map((item) => item.change) };
  const pushing = withLink({ ...state, unsent: true }, link, { pushing: { type: 'in-flight', items } });
  return withEffects(
    pushing,
    ...send(pushing, link, message),
    { type: 'set-timer', timer: 'answer', afterMs: answerMs(state) },
    {
      type: 'announce',
      news: { at: moment.nowMs, type: 'pushed', changes: items.length, through: items.at(-1)!.position },
    },
  );
}

function refused(state: SessionState, link: Link, refusal: Refusal, moment: Moment): Step {
  const problem: Problem = { code: refusal.code, message: refusal.message };
  const announced = withEffects(state, {
    type: 'announce',
    news: { at: moment.nowMs, type: 'refused', dot: refusal.dot, error: problem },
  });
  const counted = withLink(state, link, { refusals: link.refusals + 1 });
  return andThen({ state: counted, effects: announced.effects }, (next) =>
    reactToRefusal(next, next.link!, refusal, problem, moment),
  );
}

function reactToRefusal(state: SessionState, link: Link, refusal: Refusal, problem: Problem, moment: Moment): Step {
  switch (refusal.code) {
    case 'CLOCK':
      // Every time: this device's clock may have jumped again since the last correction.
      return correctClock(state, link, refusal);
    case 'GAP':
    case 'BEHIND':
    case 'LIMBO':
    case 'STORAGE_FULL':
    case 'INTERNAL':
      return waitToPush(state, link, problem, moment);
    case 'GONE':
      return takeBack(state, link, refusal, problem);
    case 'EQUIVOCATION':
    case 'INVALID_CHANGE':
    case 'TOO_LARGE':
    case 'FORBIDDEN':
    case 'WITHDRAWN':
      return takeBack(state, link, { dot: refusal.dot }, problem);
  }
}

function correctClock(state: SessionState, link: Link, refusal: Refusal): Step {
  const correcting = withLink(state, link, { pushing: { type: 'correcting' } });
  return withEffects(
    correcting,
    onLink(state, { type: 'correct-clock', after: link.after, serverNowMs: refusal.serverTime }),
  );
}

function waitToPush(state: SessionState, link: Link, reason: Problem, moment: Moment): Step {
  const afterMs = backoffMs(link.refusals, BACKOFF.longestUnsentMs, moment.fraction);
  const waiting = withLink({ ...state, nextAttemptAt: moment.nowMs + afterMs }, link, {
    pushing: { type: 'waiting' },
    held: reason,
  });
  return withEffects(waiting, { type: 'set-timer', timer: 'push', afterMs });
}

export function takenBack(
  state: SessionState,
  link: Link,
  { error, result }: { readonly error: Problem; readonly result: TakeBackResult },
  moment: Moment,
): Step {
  if (link.pushing.type !== 'taking-back') return stay(state);
  switch (result.type) {
    case 'taken-back':
      return reload(withLink(state, link, { refusals: 0 }));
    case 'nothing':
      return result.isPending ? pushEmptyAgain(state, link, error, moment) : reload(state);
  }
}

/**
 * The change is empty already, and this may be the answer to what it was before, come once more. A server that refuses
 * the empty one as well is what only a person can end: that is said, and pushing goes on trying, for the two look alike.
 */
function pushEmptyAgain(state: SessionState, link: Link, error: Problem, moment: Moment): Step {
  return waitToPush(link.refusals < 2 ? state : { ...state, stall: error }, link, error, moment);
}

interface Sendable {
  readonly items: readonly OutboxItem[];
  /** The change behind them that the server would not even read. */
  readonly bad: { readonly dot: Dot; readonly problem: Problem } | null;
}

/** A frame that the server cannot read would cost the connection, and what makes it so would come back for ever. */
function sendable(unsent: readonly OutboxItem[], { limits }: Link): Sendable {
  for (const [i, { change, bytes }] of unsent.entries()) {
    if (bytes > limits.changeBytes) {
      const message = `The change ${change.dot} has ${bytes} bytes; the server takes ${limits.changeBytes}.`;
      return { items: unsent.slice(0, i), bad: { dot: change.dot, problem: { code: 'TOO_LARGE', message } } };
    }
    const checked = checkChange(change, { ...DEFAULT_LIMITS, changeBytes: limits.changeBytes });
    if (checked.type === 'ok') continue;
    const problem: Problem = {
      code: checked.code,
      message: `The change ${change.dot} cannot be sent: ${checked.reason}.`,
    };
    return { items: unsent.slice(0, i), bad: { dot: change.dot, problem } };
  }
  return { items: unsent, bad: null };
}

function answerMs(state: SessionState): number {
  return state.options.answerMs * state.patience;
}

/** An answer speaks of all that was pushed: either all of it is durable, or one of it is refused. */
function isAnswerTo(items: readonly OutboxItem[], answer: Pushed): boolean {
  const { refused } = answer;
  if (refused !== undefined) return items.some((item) => item.change.dot === refused.dot);
  return items.every((item) => isKnown(item, answer.known));
}

function isKnown(item: OutboxItem, known: Readonly<Record<Inc, number>>): boolean {
  const inc = incOf(item.change.dot);
  return Object.hasOwn(known, inc) && known[inc]! >= seqOf(item.change.dot);
}
