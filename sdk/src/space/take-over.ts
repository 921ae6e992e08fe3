/**
 * A server whose storage was replaced by an earlier copy of itself must not go on in its own stream: others have
 * entries of it that the copy lacks. It becomes a new server that takes the place of the one it was.
 */
import type { Sid } from '../core/version-vector.ts';
import { evict, welcomeMember } from './retention.ts';
import type { SpaceView } from './space.ts';

/** `view.sid` is the new identity, `old` the one under which this log was written. */
export function takeOver(view: SpaceView, old: Sid): void {
  const { members, evicted } = view.meta.topology;
  if (!Object.hasOwn(members, old)) return;
  // What the old one promised holds on.
  view.meta = { ...view.meta, topology: { members: { ...members, [view.sid]: members[old]! }, evicted } };
  welcomeMember(view, view.sid);
  evict(view, old);
}
