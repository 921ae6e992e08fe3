/**
 * Finds rooms that are booked twice. Each booking may be fine alone, and two people who were offline may both be right:
 * so nothing is refused, the bookings are shown together and a person moves one.
 */
import type { Booking } from './booking.ts';
import type { WallTime } from './wall-time.ts';

export interface DoubleBooking {
  /** The same on every device: made from the bookings alone. */
  readonly id: string;
  readonly room: string;
  /** From the first moment that two of them share to the last. */
  readonly start: WallTime;
  readonly end: WallTime;
  /** Two or more, the earliest first. */
  readonly bookings: readonly Booking[];
}

export function findDoubleBookings(bookings: readonly Booking[]): readonly DoubleBooking[] {
  const inRooms = bookings.filter(({ room }) => room !== '');
  return [...Map.groupBy(inRooms, ({ room }) => room).values()]
    .flatMap(overlappingInOneRoom)
    .toSorted((a, b) => a.start - b.start || compare(a.room, b.room));
}

/** Bookings that touch (one ends when the next begins) do not overlap. */
export function overlaps(
  a: { readonly start: WallTime; readonly end: WallTime },
  b: { readonly start: WallTime; readonly end: WallTime },
): boolean {
  return a.start < b.end && b.start < a.end;
}

/** Bookings that overlap through one another are one double booking: moving one may settle all. */
function overlappingInOneRoom(bookings: readonly Booking[]): DoubleBooking[] {
  const clusters: Booking[][] = [];
  let end = -Infinity;
  for (const booking of bookings.toSorted((a, b) => a.start - b.start || compare(a.id, b.id))) {
    if (booking.start < end) clusters.at(-1)?.push(booking);
    else clusters.push([booking]);
    end = Math.max(end, booking.end);
  }
  return clusters.filter(({ length }) => length > 1).map(toDoubleBooking);
}

function toDoubleBooking(bookings: readonly Booking[]): DoubleBooking {
  const ids = bookings.map(({ id }) => id).toSorted(compare);
  const contested = bookings.flatMap((a, i) =>
    bookings
      .slice(i + 1)
      .filter((b) => overlaps(a, b))
      .map((b) => ({ start: b.start, end: Math.min(a.end, b.end) })),
  );
  return {
    id: ids.join('+'),
    room: bookings[0]?.room ?? '',
    start: Math.min(...contested.map(({ start }) => start)),
    end: Math.max(...contested.map(({ end }) => end)),
    bookings,
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
