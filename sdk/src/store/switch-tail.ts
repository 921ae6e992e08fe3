/**
 * The tail after a switch to a snapshot: what this device could offer to a server that loses it, it can still offer, and
 * what it has heard of by the snapshot alone it can offer too, as far as the server's log still has it.
 */
import { isVoid } from '../core/change.ts';
import type { Dot } from '../core/dot.ts';
import { isTailBounded, newestWithin } from '../core/tail-limits.ts';
import { reaches, safelyKept } from '../core/topology.ts';
import { countOf, type Stamp } from '../core/version-vector.ts';
import type { Bootstrap, ChangeEntry } from '../protocol/messages.ts';
import type { TailEntry } from './layout.ts';
import { pendingChanges } from './pending-changes.ts';
import type { OutboxSwitch } from './outbox-switch.ts';
import { changeOf } from './page-plan.ts';
import { tailEntry } from './tail-plan.ts';

/** In an order in which causes come first. */
export function tailAfterSwitch(
  { topology, cursor }: Bootstrap,
  { tail, contained }: Pick<OutboxSwitch, 'tail' | 'contained'>,
  recent: readonly ChangeEntry[],
): readonly TailEntry[] {
  const told = toldOf(recent);
  const dots = new Set(told.map((entry) => entry.dot));
  const end = endOf({ topology, cursor });
  const confirmed = end ? pendingChanges(contained).map(({ rows }): TailEntry => tailEntry(end, changeOf(rows))) : [];
  // What the server does not tell one by one is behind what it tells: its log was cut there, or so much was enough.
  const older = [...tail, ...confirmed].flatMap((entry): readonly TailEntry[] => {
    if (dots.has(entry.dot)) return [];
    if (reaches(cursor, entry.stamp)) return [entry];
    return end ? [{ ...entry, stamp: end }] : [];
  });
  const safe = safelyKept(topology, cursor);
  const kept = [...older, ...told].filter((entry) => !reaches(safe, entry.stamp));
  if (!isTailBounded(topology)) return kept;
  return kept.slice(newestWithin(kept.map((entry) => JSON.stringify(entry).length)));
}

/** Each dot once. Under the number of its content, where the log has it as taken back as well. */
function toldOf(recent: readonly ChangeEntry[]): readonly TailEntry[] {
  const whole = new Set(recent.flatMap(({ dot, change }) => (change && !isVoid(change) ? [dot] : [])));
  const told = new Map<Dot, TailEntry>();
  for (const { stamp, dot, change } of recent)
    if (change && !told.has(dot) && (!isVoid(change) || !whole.has(dot))) told.set(dot, tailEntry(stamp, change));
  return [...told.values()];
}

/**
 * The place in the log of the only server before which everything in its snapshot stands: what holds that much holds a
 * change too that it has taken under a number that nobody can tell any more. Several servers tell by `recent` of
 * everything that is not safe with all of them.
 */
function endOf({ topology, cursor }: Pick<Bootstrap, 'topology' | 'cursor'>): Stamp | null {
  const [only, ...others] = Object.keys(topology.members);
  return only === undefined || others.length > 0 ? null : [only, Math.max(1, countOf(cursor, only))];
}
