/**
 * Applying the server's log: pages strictly one after the other, each reported as applied only after it is durable.
 */
import { countOf } from '../core/version-vector.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import type { Page, Snapshot } from '../protocol/messages.ts';
import type { IngestResult, SnapshotResult } from '../store/device-store.ts';
import { entriesBetween, type Effect, type Moment } from './events.ts';
import { drop, mayRepair, send } from './link.ts';
import { loadOutbox } from './pushing.ts';
import { andThen, onLink, stay, withEffects, withLink, type Link, type SessionState, type Step } from './state.ts';
import type { Problem } from './sync-state.ts';

/** A server that sends more pages than the window allows, network duplicates included, is not waited for. */
const MOST_WAITING_PAGES = 4 * DEFAULT_LIMITS.pagesInFlight;

type Ingested = Extract<IngestResult, { type: 'ingested' }>;

export function pageReceived(state: SessionState, link: Link, page: Page, moment: Moment): Step {
  if (link.isPullStopped) return stay(withLink(state, link, { head: page.head }));
  return received(state, { ...link, head: page.head }, page, moment);
}

/** Pieces come before the pages that go on from the snapshot, so they wait in the same row. */
export function pieceReceived(state: SessionState, link: Link, piece: Snapshot, moment: Moment): Step {
  if (link.bootstrap?.about.id === piece.id) return received(state, link, piece, moment);
  return drop(state, outOfOrder('The server sent a piece of a snapshot that it did not announce.'), moment);
}

function received(state: SessionState, link: Link, frame: Page | Snapshot, moment: Moment): Step {
  if (link.inbox.length >= MOST_WAITING_PAGES)
    return drop(state, outOfOrder('The server sends pages faster than they are applied.'), moment);
  return ingestNext(withLink(state, link, { inbox: [...link.inbox, frame] }));
}

function outOfOrder(message: string): { readonly show: 'backoff'; readonly reason: Problem } {
  return { show: 'backoff', reason: { code: 'OUT_OF_ORDER', message } };
}

export function pageIngested(state: SessionState, link: Link, result: IngestResult, moment: Moment): Step {
  if (!link.isIngesting) return stay(state);
  if (result.type === 'out-of-step') return drop(state, outOfOrder(result.reason), moment);
  if (result.isDiverged && mayRepair(state, moment)) return drop(state, DIVERGED, moment);
  const { cursor, upgrade } = result;
  const pulled = link.pulled + entriesBetween(link.cursor, cursor);
  if (upgrade !== undefined) {
    return stay(stopPulling(state, { ...link, cursor, pulled }, { code: 'UPGRADE_REQUIRED', message: upgrade }));
  }
  const ingested: SessionState = {
    ...withLink(state, link, { isIngesting: false, cursor, pulled, hasProgressed: true, hasMoved: true }),
    stuck: null,
    upgrade: null,
  };
  return andThen(withEffects(ingested, ...send(ingested, link, { type: 'applied', cursor })), ingestNext);
}

/** Pushing goes on; every new link tries once more. */
export function stopPulling(state: SessionState, link: Link, upgrade: Problem): SessionState {
  return withLink({ ...state, upgrade }, link, { isIngesting: false, isPullStopped: true, inbox: [] });
}

/** The last piece is answered by what going over to the snapshot brought; only then is anything pushed. */
export function snapshotIngested(state: SessionState, link: Link, result: SnapshotResult, moment: Moment): Step {
  const { bootstrap } = link;
  if (!link.isIngesting || bootstrap?.keeping == null) return stay(state);
  if (result.type === 'out-of-step') return drop(state, outOfOrder(result.reason), moment);
  const { about, keeping } = bootstrap;
  const next = Math.max(bootstrap.next, keeping + 1);
  const kept = withLink({ ...state, stuck: null }, link, {
    isIngesting: false,
    hasProgressed: true,
    hasMoved: true,
    ...(result.type === 'staged'
      ? { bootstrap: { about, next, keeping: null } }
      : { bootstrap: null, cursor: result.cursor, after: null }),
  });
  const told = withEffects(kept, ...send(kept, kept.link!, { type: 'staged', id: about.id, piece: keeping }));
  const going = result.type === 'staged' ? told : andThen(told, (changed) => loadOutbox(changed, changed.link!));
  return andThen(going, ingestNext);
}

/** What is stored here is not what the server has: it is fetched anew, as a whole. */
export const DIVERGED = {
  show: 'backoff',
  reason: { code: 'DIVERGED', message: 'What this device holds differs from the log; it is fetched anew.' },
} as const;

/** What an ingested page brought, also when its connection is gone: it is in the store. */
export function newsOf(result: SnapshotResult, nowMs: number, entries?: Page['entries']): readonly Effect[] {
  if (result.type !== 'ingested') return [];
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
  const { discarded } = result;
  const repaired: Effect[] =
    discarded === 0 ? [] : [{ type: 'announce', news: { at: nowMs, type: 'repaired', records: discarded } }];
  return [
    ...pulled,
    ...(entries ? [appliedNews(result, entries, nowMs)] : []),
    ...merged,
    ...moved,
    ...problems,
    ...repaired,
  ];
}

/** Told once for every attempt to repair it. */
export function divergedNews(state: SessionState, result: SnapshotResult, moment: Moment): readonly Effect[] {
  if (result.type !== 'ingested' || !result.isDiverged || !mayRepair(state, moment)) return [];
  return [{ type: 'announce', news: { at: moment.nowMs, type: 'diverged' } }];
}

function ingestNext(state: SessionState): Step {
  const link = state.link!;
  const [frame, ...inbox] = link.inbox;
  if (link.isIngesting || frame === undefined) return stay(state);
  const ingesting = withLink(state, link, { inbox, isIngesting: true });
  if (frame.type === 'page')
    return withEffects(ingesting, onLink(state, { type: 'ingest', page: frame, founders: link.founders }));
  const { bootstrap } = link;
  // The last piece, which a proxy has sent twice: by now it is ingested.
  if (bootstrap?.about.id !== frame.id) return ingestNext(withLink(state, link, { inbox }));
  const keeping = withLink(ingesting, ingesting.link!, { bootstrap: { ...bootstrap, keeping: frame.piece } });
  return withEffects(keeping, onLink(state, { type: 'ingest-snapshot', bootstrap: bootstrap.about, piece: frame }));
}

/** A page that a newer version of the app has written in is applied up to a place in it. */
function appliedNews({ cursor: vector }: Ingested, entries: Page['entries'], nowMs: number): Effect {
  const dots = entries.flatMap((entry) =>
    'dot' in entry && countOf(vector, entry.stamp[0]) >= entry.stamp[1] ? [entry.dot] : [],
  );
  return { type: 'announce', news: { at: nowMs, type: 'applied', dots, vector } };
}

function pulledNews(result: Ingested, nowMs: number): Effect {
  const records = Object.values(result.touched).reduce((sum, ids) => sum + ids.length, 0);
  return { type: 'announce', news: { at: nowMs, type: 'pulled', changes: result.applied, records } };
}
