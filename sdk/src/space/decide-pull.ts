/**
 * Taking in what another server sent: entries keep their first stamp and get a place in this log, so nothing travels
 * twice over a link and nothing loops, in any topology. Order was checked where each change was admitted.
 */
import { hashOfChange, isVoid, type Change } from '../core/change.ts';
import { incOf, seqOf } from '../core/dot.ts';
import { reaches } from '../core/topology.ts';
import { countOf } from '../core/version-vector.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import type { ChangeEntry, LogEntry } from '../protocol/messages.ts';
import { appendAlias, appendChange, appendContent, appendControl } from './append.ts';
import type { SpaceView } from './space.ts';
import { isVoidHere } from './voids.ts';

export type PullOutcome =
  /** `clashes` came under dots that are here with another content: what is here stays, and somebody must look. */
  | { readonly type: 'taken'; readonly clashes: readonly ChangeEntry[] }
  /** The page does not follow what is here: connect anew. */
  | { readonly type: 'out-of-step'; readonly reason: string };

export function decidePull(entries: readonly LogEntry[], view: SpaceView): PullOutcome {
  const clashes: ChangeEntry[] = [];
  for (const entry of entries) {
    const [sid, n] = entry.stamp;
    if (reaches(view.meta.cursor, entry.stamp)) continue;
    if (n !== countOf(view.meta.cursor, sid) + 1)
      return { type: 'out-of-step', reason: `the page goes on with ${n} of ${sid}` };
    const problem = take(entry, view, clashes);
    if (problem !== null) return { type: 'out-of-step', reason: problem };
  }
  return { type: 'taken', clashes };
}

/** Why an entry cannot follow what is here, or null. */
function take(entry: LogEntry, view: SpaceView, clashes: ChangeEntry[]): string | null {
  if ('control' in entry) {
    appendControl(view, entry.stamp, entry.control);
    return null;
  }
  const { stamp, dot } = entry;
  const have = view.known.get(incOf(dot))?.seq ?? 0;
  if ('alias' in entry || !entry.change) {
    if (seqOf(dot) > have) return `the change ${dot} is not here`;
    appendAlias(view, stamp, dot, null);
    return null;
  }
  const prepared = prepareChange(entry.change);
  if (seqOf(dot) > have + 1) return `the change before ${dot} is not here`;
  if (seqOf(dot) === have + 1) {
    appendChange(view, stamp, prepared, null);
    return null;
  }
  const stored = view.hashes.get(dot);
  // Its stream goes on all the same: a server that stopped here would never get what comes behind.
  const isClash = stored !== undefined && stored !== prepared.hash;
  if (isClash) clashes.push(entry);
  if (!isClash && isVoidHere(view.known, dot) && !isVoid(prepared.change)) appendContent(view, stamp, prepared);
  else appendAlias(view, stamp, dot, isClash ? null : prepared);
  return null;
}

/** A change that came whole from another server. */
function prepareChange(change: Change): { readonly change: Change; readonly hash: string; readonly text: string } {
  return { change, hash: hashOfChange(change), text: canonicalJson(change as unknown as Json) };
}
