/**
 * The changes that travel with a snapshot beside the records that contain them, so that the receiver can do with them
 * what it does with those that it hears one by one: drop them when they come again, and offer them to a server that lost
 * them. The first is needed for what not every server knows, the second for what is not safe.
 */
import type { Change } from '../core/change.ts';
import { isTailBounded, TAIL_LIMITS } from '../core/tail-limits.ts';
import { reaches, safelyKept } from '../core/topology.ts';
import type { StoredEntry } from '../protocol/codec.ts';
import type { ChangeEntry } from '../protocol/messages.ts';
import type { SpaceMeta } from './space.ts';

/** `newestFirst`: the log from its end on, read only as far as needed. Gives them in the order of the log. */
export function recentChanges(
  { topology, cursor }: SpaceMeta,
  newestFirst: Iterable<Pick<StoredEntry, 'kind' | 'stamp' | 'dot' | 'text'>>,
): readonly ChangeEntry[] {
  const safe = safelyKept(topology, cursor);
  const isBounded = isTailBounded(topology);
  const recent: ChangeEntry[] = [];
  let bytes = 0;
  for (const { kind, stamp, dot, text } of newestFirst) {
    // An alias has a text where it brought what its dot did not have here before.
    if (kind === 'control' || text === null || reaches(safe, stamp)) continue;
    bytes += text.length;
    if (isBounded && (recent.length === TAIL_LIMITS.entries || bytes > TAIL_LIMITS.bytes)) break;
    recent.push({ stamp, dot: dot!, change: JSON.parse(text) as Change });
  }
  return recent.reverse();
}
