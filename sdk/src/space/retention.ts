/**
 * What a server says in its own stream about itself, and what follows from what all of them say: how much of the log and
 * which deleted records may go. Nothing here asks a device.
 */
import { commonHorizon, knownEverywhere, least, reaches, type Topology } from '../core/topology.ts';
import { covers, join, type Sid, type VersionVector } from '../core/version-vector.ts';
import type { StoredEntry } from '../protocol/codec.ts';
import { appendControl, nextStamp } from './append.ts';
import type { SpaceMeta, SpaceView } from './space.ts';

export interface Retention {
  /** How long a deleted record is remembered, in milliseconds; longer absences cost recovered copies, never data. */
  readonly tombstoneMs: number;
  /** How long the log is kept, in milliseconds; longer absences cost a snapshot. */
  readonly logMs: number;
}

const DAY_MS = 86_400_000;

export const DEFAULT_RETENTION: Retention = { tombstoneMs: 60 * DAY_MS, logMs: 30 * DAY_MS };

/** So many points of a server's past are remembered for each of the two times: the horizon moves in steps of a fraction. */
const POINTS = 64;

/**
 * Remembers where the log stands now, at most `POINTS` times in the shorter of the two times, and only when it has grown
 * by more than control entries: a publication must not become the reason for another one.
 */
export function remember(meta: SpaceMeta, nowMs: number, retention: Retention): SpaceMeta {
  if (meta.isRemembered) return meta;
  const last = meta.history.at(-1);
  if (last && nowMs - last.atMs < stepMs(retention)) return meta;
  const history = thinned([...meta.history, { atMs: nowMs, cursor: meta.cursor }], nowMs, retention);
  return { ...meta, history, isRemembered: true };
}

/** Close together for the shorter time, further apart for the longer one; of what is older, the newest point. */
function thinned(
  history: SpaceMeta['history'],
  nowMs: number,
  { tombstoneMs, logMs }: Retention,
): SpaceMeta['history'] {
  const [nearMs, farMs] = [Math.min(tombstoneMs, logMs), Math.max(tombstoneMs, logMs)];
  const newestBefore = (ms: number): number => history.findLastIndex((point) => point.atMs <= nowMs - ms);
  const [near, far] = [newestBefore(nearMs), Math.max(0, newestBefore(farMs))];
  const periodOf = (place: number): number => Math.floor((history[place]!.atMs * POINTS) / farMs);
  const kept = history.filter(
    (_, place) => place >= near || place === far || (place > far && periodOf(place) !== periodOf(place - 1)),
  );
  // A clock that jumps to and fro leaves no more than a few.
  return kept.slice(-3 * POINTS);
}

/** Time between two points of what was not long ago. */
function stepMs({ tombstoneMs, logMs }: Retention): number {
  return Math.min(tombstoneMs, logMs) / POINTS;
}

/**
 * What this server promises to admit nothing on: what it knew a `tombstoneMs` ago, and what another one has promised as soon
 * as it can say the same less than a step too early. Until all have, an edit of what one of them is forgetting waits, and
 * what is behind it in its outbox: that must not last from one remembered point to the next. The promise of a server
 * whose clock is far ahead is not followed.
 */
function promised(meta: SpaceMeta, nowMs: number, retention: Retention): VersionVector {
  const oldMs = nowMs - retention.tombstoneMs;
  const soon = cursorBefore(meta, oldMs + stepMs(retention));
  return join(cursorBefore(meta, oldMs), least([promisedByAny(meta.topology), soon]));
}

function promisedByAny({ members }: Topology): VersionVector {
  return Object.values(members).reduce<VersionVector>((any, { horizon }) => join(any, horizon), {});
}

/** K as it was so long ago; nothing when nobody remembers. */
function cursorBefore({ history }: SpaceMeta, atMs: number): VersionVector {
  return history.findLast((point) => point.atMs <= atMs)?.cursor ?? {};
}

/**
 * Publishes what this server knows and promises, if there is news: data since the last time, where anybody else
 * counts on it, or a horizon that has moved. Control entries alone are no news, or two servers would answer each other
 * for ever. `safe` is what a backup holds.
 */
export function publish(view: SpaceView, nowMs: number, retention: Retention, safe: VersionVector = {}): boolean {
  const { sid, meta } = view;
  const published = Object.hasOwn(meta.topology.members, sid) ? meta.topology.members[sid]! : null;
  if (!published) return false;
  const horizon = join(published.horizon, promised(meta, nowMs, retention));
  const kept = join(published.safe, safe);
  const isAlone = Object.keys(meta.topology.members).length === 1;
  const hasNews = meta.hasNews && !isAlone;
  if (!hasNews && covers(published.horizon, horizon) && covers(published.safe, kept)) return false;
  appendControl(view, nextStamp(view), {
    t: 'pub',
    knows: meta.cursor,
    horizon,
    ...(Object.keys(kept).length === 0 ? {} : { safe: kept }),
  });
  view.meta = { ...view.meta, hasNews: false };
  return true;
}

/** A server that is gone for good is written off by one that has all that any other has of it. */
export function evict(view: SpaceView, sid: Sid): void {
  const final = view.meta.cursor[sid] ?? 0;
  appendControl(view, nextStamp(view), { t: 'evict', sid, final });
}

/** Told by a member from which the newcomer has taken everything. */
export function welcomeMember(view: SpaceView, sid: Sid): void {
  appendControl(view, nextStamp(view), { t: 'member', sid });
}

/** How far the log may be cut: known to every server, and older than the log is kept. */
export function truncatable(meta: SpaceMeta, nowMs: number, { logMs }: Retention): VersionVector {
  const old = cursorBefore(meta, nowMs - logMs);
  const everywhere = knownEverywhere(meta.topology, meta.cursor);
  return Object.fromEntries(Object.entries(old).map(([sid, n]) => [sid, Math.min(n, everywhere[sid] ?? 0)]));
}

/** Up to which place of the log everything is at or below `limit`; entries are in order, from its begin. */
export function cutAt(entries: Iterable<StoredEntry>, limit: VersionVector): number {
  let lsn = 0;
  for (const entry of entries) {
    if (!reaches(limit, entry.stamp)) break;
    lsn = entry.lsn;
  }
  return lsn;
}

/** The space after its log was cut behind these entries. */
export function truncated(meta: SpaceMeta, cut: Iterable<Pick<StoredEntry, 'stamp'>>): SpaceMeta {
  const gone: Record<Sid, number> = { ...meta.truncated };
  for (const { stamp } of cut) gone[stamp[0]] = Math.max(gone[stamp[0]] ?? 0, stamp[1]);
  return { ...meta, truncated: gone };
}

/** At or below it a deleted record may be forgotten. */
export function forgettable(meta: SpaceMeta): VersionVector {
  return commonHorizon(meta.topology);
}
