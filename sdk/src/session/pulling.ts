/**
 * Applying the server's log: pages strictly one after the other, each reported as applied only after it is durable.
 */
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import type { Page } from '../protocol/messages.ts';
import type { IngestResult } from '../store/device-store.ts';
import { entriesBetween, type Effect, type Moment } from './events.ts';
import { drop, send } from './link.ts';
import { andThen, onLink, stay, withEffects, withLink, type Link, type SessionState, type Step } from './state.ts';

/** A server that sends more pages than the window allows, network duplicates included, is not waited for. */
const MOST_WAITING_PAGES = 4 * DEFAULT_LIMITS.pagesInFlight;

type Ingested = Extract<IngestResult, { type: 'ingested' }>;

export function pageReceived(state: SessionState, link: Link, page: Page, moment: Moment): Step {
  if (link.isPullStopped) return stay(withLink(state, link, { head: page.head }));
  if (link.inbox.length >= MOST_WAITING_PAGES) {
    const message = 'The server sends pages faster than they are applied.';
    return drop(state, { show: 'backoff', reason: { code: 'OUT_OF_ORDER', message } }, moment);
  }
  return ingestNext(withLink(state, link, { head: page.head, inbox: [...link.inbox, page] }));
}

export function pageIngested(state: SessionState, link: Link, result: IngestResult, moment: Moment): Step {
  if (!link.isIngesting) return stay(state);
  if (result.type === 'out-of-step') {
    return drop(state, { show: 'backoff', reason: { code: 'OUT_OF_ORDER', message: result.reason } }, moment);
  }
  const { cursor, upgrade } = result;
  const pulled = link.pulled + entriesBetween(link.cursor, cursor);
  if (upgrade !== undefined) {
    const stopped: SessionState = { ...state, upgrade: { code: 'UPGRADE_REQUIRED', message: upgrade } };
    return stay(withLink(stopped, link, { isIngesting: false, isPullStopped: true, inbox: [], cursor, pulled }));
  }
  const ingested: SessionState = {
    ...withLink(state, link, { isIngesting: false, cursor, pulled, hasProgressed: true }),
    upgrade: null,
  };
  return andThen(withEffects(ingested, ...send(ingested, link, { type: 'applied', cursor })), ingestNext);
}

/** What an ingested page brought, also when its connection is gone: it is in the store. */
export function newsOf(result: IngestResult, nowMs: number): readonly Effect[] {
  if (result.type === 'out-of-step') return [];
  const pulled = result.applied === 0 ? [] : [pulledNews(result, nowMs)];
  const merged = result.merged.map((merge): Effect => ({
    type: 'announce',
    news: { at: nowMs, type: 'merged', ...merge },
  }));
  const moved = result.conflictsChanged.map((move): Effect => ({ type: 'announce', news: { at: nowMs, ...move } }));
  const problems = (result.problems ?? []).map((problem): Effect => ({
    type: 'announce',
    news: { at: nowMs, ...problem },
  }));
  return [...pulled, ...merged, ...moved, ...problems];
}

function ingestNext(state: SessionState): Step {
  const link = state.link!;
  const [page, ...inbox] = link.inbox;
  if (link.isIngesting || page === undefined) return stay(state);
  return withEffects(withLink(state, link, { inbox, isIngesting: true }), onLink(state, { type: 'ingest', page }));
}

function pulledNews(result: Ingested, nowMs: number): Effect {
  const records = Object.values(result.touched).reduce((sum, ids) => sum + ids.length, 0);
  return { type: 'announce', news: { at: nowMs, type: 'pulled', changes: result.applied, records } };
}
