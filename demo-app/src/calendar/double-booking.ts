/**
 * Rooms that are booked twice, as the calendar shows them. The SDK finds them (`noOverlap` in the schema): each booking may be
 * fine alone, and two people who were offline may both be right, so nothing is refused and a person moves one.
 */
import type { Conflict, ConstraintConflict } from '@skerry/sdk';

import type { StoredEvent } from '../data/schema.ts';
import { toBookings, type Booking } from './booking.ts';
import type { WallTime } from './wall-time.ts';

export interface DoubleBooking {
  /** The same on every device. */
  readonly id: string;
  readonly room: string;
  /** From the first moment that two of them share to the last. */
  readonly start: WallTime;
  readonly end: WallTime;
  /** Two or more, the earliest first. */
  readonly bookings: readonly Booking[];
  readonly resolve: ConstraintConflict['resolve'];
}

export function toDoubleBookings(conflicts: readonly Conflict[]): readonly DoubleBooking[] {
  return conflicts
    .flatMap((conflict) => (conflict.kind === 'constraint' ? (toDoubleBooking(conflict) ?? []) : []))
    .toSorted((a, b) => a.start - b.start || compare(a.room, b.room));
}

/** Bookings that touch (one ends when the next begins) do not overlap. */
export function overlaps(
  a: { readonly start: WallTime; readonly end: WallTime },
  b: { readonly start: WallTime; readonly end: WallTime },
): boolean {
  return a.start < b.end && b.start < a.end;
}

/** Null while one of its rows is on its way out: the conflict is about to be another one. */
function toDoubleBooking({ id, rows, resolve }: ConstraintConflict): DoubleBooking | null {
  const bookings = toBookings(rows as unknown as readonly StoredEvent[]).toSorted(
    (a, b) => a.start - b.start || compare(a.id, b.id),
  );
  const shared = bookings.flatMap((a, i) =>
    bookings
      .slice(i + 1)
      .filter((b) => overlaps(a, b))
      .map((b) => ({ start: b.start, end: Math.min(a.end, b.end) })),
  );
  if (shared.length === 0) return null;
  const start = Math.min(...shared.map((time) => time.start));
  const end = Math.max(...shared.map((time) => time.end));
  return { id, room: bookings[0]?.room ?? '', start, end, bookings, resolve };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
