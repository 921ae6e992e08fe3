/**
 * The watchdog of a live link: somebody answers, something is owed, and nothing moves. Whatever the reason is, it is told,
 * and the link is begun anew. Only what no other wait covers comes here: a silent link, a refused push, a store that fails
 * and an app that is too old are told by their own rules.
 */
import type { Effect, Moment } from './events.ts';
import { drop, isExpecting } from './link.ts';
import { loadOutbox } from './pushing.ts';
import { andThen, stay, withEffects, withLink, type Link, type SessionState, type Step } from './state.ts';
import type { Problem } from './sync-state.ts';

export const WATCH_MS = 10_000;
/** In a row: 30 s without progress, and the part of the first one that was under way. */
const MOST_STRIKES = 3;

/** A server that pulls from another one owes nobody an answer, and may be kept waiting for long. */
export function watchTimer({ options }: SessionState): readonly Effect[] {
  return options.peer === undefined ? [{ type: 'set-timer', timer: 'watch', afterMs: WATCH_MS }] : [];
}

export function watch(state: SessionState, link: Link, moment: Moment): Step {
  const strikes = isStuck(link) ? link.strikes + 1 : 0;
  if (strikes >= MOST_STRIKES * state.patience) return giveUp(state, link, moment);
  const watched = withLink(state, link, { strikes, hasMoved: false, watchedPongs: link.pongs });
  return andThen(withEffects(watched, ...watchTimer(watched)), (next) => lookAtHead(next, next.link!));
}

/** On a link that carries nothing, or a large frame only, no pong arrives either: silence covers that. */
function isStuck(link: Link): boolean {
  if (link.hasMoved || link.isQuiet || link.isIngesting || link.isPullStopped) return false;
  if (link.pongs === link.watchedPongs) return false;
  if (link.pushing.type === 'waiting') return false;
  return link.isOwed || isExpecting(link);
}

/** What the server took stays in the outbox until it comes back: the head of the outbox tells whether it did. */
function lookAtHead(state: SessionState, link: Link): Step {
  if (link.pushing.type !== 'idle') return stay(state);
  return loadOutbox(state, { ...link, after: null }, true);
}

function giveUp(state: SessionState, link: Link, moment: Moment): Step {
  const stuck: Problem = { code: 'TIMEOUT', message: `${owedBy(link)} Connecting anew.` };
  return drop({ ...state, stuck }, { show: 'stalled', reason: stuck }, moment);
}

function owedBy(link: Link): string {
  if (link.pushing.type === 'in-flight') return 'The server answers, but not what was sent to it.';
  if (link.isOwed) return 'The server took changes and does not give them back.';
  return 'The server has changes and does not send them.';
}
