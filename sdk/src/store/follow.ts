/**
 * Following the servers' streams: what the entries of a page mean for where this device stands, before anything of
 * them is applied. Each change has its effect once, under however many numbers it comes.
 */
import { isVoid } from '../core/change.ts';
import { incOf, seqOf, type Dot, type Inc } from '../core/dot.ts';
import { applyControl, foundTopology, knownEverywhere, reaches, type Topology } from '../core/topology.ts';
import { countOf, type Sid, type Stamp, type VersionVector } from '../core/version-vector.ts';
import type { ChangeEntry, Chain, Page } from '../protocol/messages.ts';
import type { IngestResult } from './device-store.ts';
import type { SeenWriter, SpaceRow } from './layout.ts';

/** Where a device stands after a page. */
export interface Followed {
  readonly page: Page;
  readonly founders: readonly Sid[];
  readonly cursor: VersionVector;
  readonly topology: Topology;
  readonly space: SpaceRow;
  /** What is to be applied, in order. */
  readonly changes: readonly FollowedChange[];
  /** A server has published, come or gone: what is known everywhere or may be forgotten can have moved. */
  readonly hasMoved: boolean;
  /** Why it ends before the page does: what comes there is of a newer version. */
  readonly upgrade?: string;
}

/** Repeated: applied before under another number; all that it can bring is a greater clock stamp, and a number for its claims. */
export interface FollowedChange extends ChangeEntry {
  readonly isRepeated: boolean;
  /** It was applied before without this content, because its device had taken it back. */
  readonly isFilled: boolean;
}

export type OutOfStep = Extract<IngestResult, { type: 'out-of-step' }>;

export function followPage(
  stored: { readonly cursor: VersionVector; readonly space: SpaceRow },
  page: Page,
  founders: readonly Sid[],
): Followed | OutOfStep {
  const cursor: Record<Sid, number> = { ...stored.cursor };
  const seen: Record<Inc, SeenWriter> = { ...stored.space.seen };
  const voids: Record<Dot, Stamp> = { ...stored.space.voids };
  const changes: FollowedChange[] = [];
  let topology = stored.space.topology ?? foundTopology(founders);
  let hasMoved = false;
  for (const entry of page.entries) {
    const [sid, n] = entry.stamp;
    const applied = countOf(cursor, sid);
    if (n <= applied) continue;
    if (n !== applied + 1)
      return { type: 'out-of-step', reason: `the page goes on with ${n} of ${sid}, this device has ${applied}` };
    cursor[sid] = n;
    if ('control' in entry) {
      topology = applyControl(topology, entry.stamp, entry.control);
      hasMoved = true;
    } else if (!('alias' in entry)) {
      const isFilled = Object.hasOwn(voids, entry.dot) && !!entry.change && !isVoid(entry.change);
      const isRepeated = !isFilled && isSeen(entry, seen);
      if (isRepeated && !entry.change)
        return { type: 'out-of-step', reason: 'the server left out a change that came before', dot: entry.dot };
      if (isFilled) delete voids[entry.dot];
      else if (!isRepeated) noteSeen(entry, seen, voids);
      changes.push({ ...entry, isRepeated, isFilled });
    }
  }
  const lost = Object.keys(topology.evicted).find((sid) => countOf(cursor, sid) > topology.evicted[sid]!);
  // What it took with it is numbered anew by others: applied on top of what is here, it would have its effect twice.
  if (lost !== undefined)
    return { type: 'out-of-step', reason: `this device has more of ${lost}, which is gone, than any server` };
  const { voids: _before, ...before } = stored.space;
  const space: SpaceRow = {
    ...before,
    topology,
    ...forgetSettled({ seen, voids }, knownEverywhere(topology, cursor)),
    chain: chainAfter(stored, page, cursor),
  };
  return { page, founders, cursor, topology, space, changes, hasMoved };
}

function isSeen({ dot }: ChangeEntry, seen: Readonly<Record<Inc, SeenWriter>>): boolean {
  const inc = incOf(dot);
  return Object.hasOwn(seen, inc) && seqOf(dot) <= seen[inc]!.seq;
}

/** An entry that was applied, for those that may come again. */
export function noteSeen(
  { dot, stamp, change }: ChangeEntry,
  seen: Record<Inc, SeenWriter>,
  voids: Record<Dot, Stamp>,
): void {
  seen[incOf(dot)] = { seq: seqOf(dot), stamp };
  if (change && isVoid(change)) voids[dot] = stamp;
}

/**
 * What every server knows, none will number anew; numbers that were given before come before it was published. So does
 * the content of what was taken back elsewhere: a server that knows it so takes no other.
 */
export function forgetSettled(
  { seen, voids }: { readonly seen: Readonly<Record<Inc, SeenWriter>>; readonly voids: Readonly<Record<Dot, Stamp>> },
  everywhere: VersionVector,
): Pick<SpaceRow, 'seen' | 'voids'> {
  const open = Object.entries(voids).filter(([, stamp]) => !reaches(everywhere, stamp));
  return {
    seen: Object.fromEntries(Object.entries(seen).filter(([, { stamp }]) => !reaches(everywhere, stamp))),
    ...(open.length > 0 ? { voids: Object.fromEntries(open) } : {}),
  };
}

/** The hash of a stream that moved is known only when the page says it for exactly where this device stands now. */
function chainAfter(
  { cursor: before, space }: { readonly cursor: VersionVector; readonly space: SpaceRow },
  page: Page,
  cursor: VersionVector,
): Chain {
  const chain: Record<Sid, string> = {};
  for (const [sid, n] of Object.entries(cursor)) {
    const isTold = page.chain && Object.hasOwn(page.chain, sid) && countOf(page.cursor, sid) === n;
    if (isTold) chain[sid] = page.chain![sid]!;
    else if (countOf(before, sid) === n && Object.hasOwn(space.chain, sid)) chain[sid] = space.chain[sid]!;
  }
  return chain;
}

/** Whether two vectors name the same place; one that a vector does not name counts 0. */
export function isSamePlace(a: VersionVector, b: VersionVector): boolean {
  return [...Object.keys(a), ...Object.keys(b)].every((sid) => countOf(a, sid) === countOf(b, sid));
}
