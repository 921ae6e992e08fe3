/**
 * To which servers a device's changes may have gone. A change that one server refuses may have been taken by another
 * that could not say so: until that is known it must stay as it is, or two contents would stand under one dot.
 *
 * One place in the outbox for each server that the device has left is enough; with one server nothing is ever stored
 * again.
 */
import type { Sid, VersionVector } from '../core/version-vector.ts';
import type { ReplicaRow, SentTo } from './layout.ts';

/** From now on changes go to this server. It says by itself what it holds of what was sent to it before. */
export function withServer(replica: ReplicaRow, sid: Sid): ReplicaRow {
  const { sentTo = [], order, outbox } = replica;
  if (sentTo.some((server) => server.sid === sid && server.before === null)) return replica;
  const left = outbox.changes === 0 ? [] : sentTo.filter((server) => server.sid !== sid);
  const closed = left.map((server): SentTo => ({ ...server, before: server.before ?? order }));
  return { ...replica, sentTo: [...closed, { sid, before: null }] };
}

/**
 * A server, other than the one that changes go to now, that may hold the change at this place; null when none may.
 * `evicted`: what those held alone is gone.
 */
export function possibleHolder(replica: ReplicaRow, order: number, evicted: VersionVector): Sid | null {
  const isHolder = ({ sid, before }: SentTo): boolean =>
    before !== null && order < before && !Object.hasOwn(evicted, sid);
  const holder = replica.sentTo?.find(isHolder);
  return holder?.sid ?? null;
}
