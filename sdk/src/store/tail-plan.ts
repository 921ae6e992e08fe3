/**
 * The tail: applied changes that the loss of one server could take away. What a server has lost is offered to it again
 * from here, under its own dots, so that nothing that somebody has seen on this device goes away.
 *
 * Several servers say by what they publish when a change is safe. One server alone says so only when it knows of a
 * backup; else the tail has a size, because nobody tells when it may go.
 */
import type { Change } from '../core/change.ts';
import { incOf } from '../core/dot.ts';
import { isTailBounded, TAIL_LIMITS } from '../core/tail-limits.ts';
import { reaches, safelyKept, type Topology } from '../core/topology.ts';
import { countOf, type VersionVector } from '../core/version-vector.ts';
import { isSamePlace, type Followed } from './follow.ts';
import type { SpaceRow, TailEntry, TailRow } from './layout.ts';

/** Rows are small, so that what is safe can go. */
const ENTRIES_PER_ROW = 100;

export interface TailPlan {
  readonly puts: readonly TailRow[];
  readonly deletes: readonly number[];
  readonly tail: SpaceRow['tail'];
}

/** So much of the tail, from its begin: rows until they have as many entries and bytes. */
export interface TailShare {
  readonly entries: number;
  readonly bytes: number;
}

const NOTHING: TailShare = { entries: 0, bytes: 0 };
const ALL: TailShare = { entries: Infinity, bytes: Infinity };

/** How much of the tail a page may let go; the storage reads so much before the plan is made. Rows may be large. */
export function tailToRead(
  followed: Followed,
  before: VersionVector,
  entries: readonly { readonly change: Change }[],
): TailShare {
  const { space, topology, cursor, hasMoved, page } = followed;
  const { tail } = space;
  if (tail.entries === 0) return NOTHING;
  const wasKept = safelyKept(topology, before);
  if (hasMoved || isFarBehind(topology, page) || !isSamePlace(wasKept, safelyKept(topology, cursor))) return ALL;
  if (!isTailBounded(topology)) return NOTHING;
  // Not less than it will be.
  const bytes = sum(entries.map(({ change }) => JSON.stringify(change).length + STAMPED_BYTES));
  return {
    entries: Math.max(0, tail.entries + entries.length - TAIL_LIMITS.entries),
    bytes: Math.max(0, tail.bytes + bytes - TAIL_LIMITS.bytes),
  };
}

export function hasShare(rows: readonly TailRow[], share: TailShare): boolean {
  return (
    sum(rows.map((row) => row.entries.length)) >= share.entries && sum(rows.map(({ bytes }) => bytes)) >= share.bytes
  );
}

/** More than an entry has beside its change. */
const STAMPED_BYTES = 160;

function isOver(entries: number, bytes: number): boolean {
  return entries > TAIL_LIMITS.entries || bytes > TAIL_LIMITS.bytes;
}

/** `oldest`: rows from the begin of the tail, as tailToRead() says. */
export function planTail(followed: Followed, applied: readonly TailEntry[], oldest: readonly TailRow[]): TailPlan {
  const { space, topology, cursor, page } = followed;
  const kept = safelyKept(topology, cursor);
  const isSkipped = isFarBehind(topology, page);
  const fresh = isSkipped ? [] : applied.filter((entry) => !reaches(kept, entry.stamp));
  const puts = rowsOf(fresh, space.tail.next);
  let entries = space.tail.entries + fresh.length;
  let bytes = space.tail.bytes + sum(puts.map((row) => row.bytes));
  const deletes: number[] = [];
  for (const row of oldest) {
    const mayGo = isTailBounded(topology) && isOver(entries, bytes);
    if (!isSkipped && !mayGo && !row.entries.every((entry) => reaches(kept, entry.stamp))) break;
    deletes.push(row.position);
    entries -= row.entries.length;
    bytes -= row.bytes;
  }
  return { puts, deletes, tail: { next: space.tail.next + puts.length, entries, bytes } };
}

/** The tail made anew of these entries, in their order. */
export function remadeTail(entries: readonly TailEntry[], { next }: SpaceRow['tail']): Omit<TailPlan, 'deletes'> {
  const puts = rowsOf(entries, next);
  const bytes = sum(puts.map((row) => row.bytes));
  return { puts, tail: { next: next + puts.length, entries: entries.length, bytes } };
}

/** The change as it stands in the log. */
export function tailEntry(stamp: TailEntry['stamp'], change: Change): TailEntry {
  return { stamp, dot: change.dot, change };
}

function rowsOf(entries: readonly TailEntry[], first: number): TailRow[] {
  const rows: TailRow[] = [];
  for (let i = 0; i < entries.length; i += ENTRIES_PER_ROW) {
    const own = entries.slice(i, i + ENTRIES_PER_ROW);
    rows.push({
      position: first + rows.length,
      bytes: JSON.stringify(own).length,
      entries: own,
      incs: [...new Set(own.map((entry) => incOf(entry.dot)))],
    });
  }
  return rows;
}

/** What follows will push all of it out again, so it is not kept at all: the tail has no hole. */
function isFarBehind(topology: Topology, { cursor, head }: Followed['page']): boolean {
  const behind = sum(Object.keys(head).map((sid) => Math.max(0, head[sid]! - countOf(cursor, sid))));
  return isTailBounded(topology) && behind > TAIL_LIMITS.entries;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
