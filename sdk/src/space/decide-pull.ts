/**
 * Taking in what another server sent: entries keep their first stamp and get a place in this log, so nothing travels
 * twice over a link and nothing loops, in any topology. Order was checked where each change was admitted.
 */
import { hashOfChange, type Change } from '../core/change.ts';
import { incOf, seqOf } from '../core/dot.ts';
import { reaches } from '../core/topology.ts';
import { countOf } from '../core/version-vector.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import type { LogEntry } from '../protocol/messages.ts';
import { appendAlias, appendChange, appendControl } from './append.ts';
import type { SpaceView } from './space.ts';

export type PullOutcome =
  | { readonly type: 'taken' }
  /** The page does not follow what is here: connect anew. */
  | { readonly type: 'out-of-step'; readonly reason: string }
  /** One dot with two contents. The entries before it were taken. */
  | { readonly type: 'equivocation'; readonly dot: string };

export function decidePull(entries: readonly LogEntry[], view: SpaceView): PullOutcome {
  for (const entry of entries) {
    const [sid, n] = entry.stamp;
    if (reaches(view.meta.cursor, entry.stamp)) continue;
    if (n !== countOf(view.meta.cursor, sid) + 1)
      return { type: 'out-of-step', reason: `the page goes on with ${n} of ${sid}` };
    const outcome = take(entry, view);
    if (outcome) return outcome;
  }
  return { type: 'taken' };
}

function take(entry: LogEntry, view: SpaceView): PullOutcome | null {
  if ('control' in entry) {
    appendControl(view, entry.stamp, entry.control);
    return null;
  }
  const { stamp, dot } = entry;
  const have = view.known.get(incOf(dot))?.seq ?? 0;
  if ('alias' in entry || !entry.change) {
    if (seqOf(dot) > have) return { type: 'out-of-step', reason: `the change ${dot} is not here` };
    appendAlias(view, stamp, dot);
    return null;
  }
  const prepared = prepareChange(entry.change);
  if (seqOf(dot) > have + 1) return { type: 'out-of-step', reason: `the change before ${dot} is not here` };
  if (seqOf(dot) === have + 1) {
    appendChange(view, stamp, prepared, null);
    return null;
  }
  const stored = view.hashes.get(dot);
  if (stored !== undefined && stored !== prepared.hash) return { type: 'equivocation', dot };
  appendAlias(view, stamp, dot);
  return null;
}

/** A change that came whole from another server. */
function prepareChange(change: Change): { readonly change: Change; readonly hash: string; readonly text: string } {
  return { change, hash: hashOfChange(change), text: canonicalJson(change as unknown as Json) };
}
