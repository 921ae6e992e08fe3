/**
 * Ways out of a double booking that change as little as possible: another room at the same time, or the same room as
 * soon as it is free. They are computed from what this device knows, so a room may be taken elsewhere meanwhile; then
 * it is a double booking again and shown as one.
 */
import type { Booking } from './booking.ts';
import { overlaps, type DoubleBooking } from './double-booking.ts';
import { DAY, HOUR, MINUTE, startOfDay, type WallTime } from './wall-time.ts';

export type Suggestion =
  | { readonly kind: 'room'; readonly booking: Booking; readonly room: string }
  | { readonly kind: 'time'; readonly booking: Booking; readonly start: WallTime; readonly end: WallTime };

export interface Slot {
  readonly start: WallTime;
  readonly end: WallTime;
}

/** Offices close: nothing is suggested that starts before 7 or ends after 20, unless the booking itself does. */
const OPENS = 7 * HOUR;
const CLOSES = 20 * HOUR;
const STEP = 15 * MINUTE;

export function suggest(
  double: Pick<DoubleBooking, 'bookings'>,
  all: readonly Booking[],
  rooms: readonly string[],
  myId: string,
): readonly Suggestion[] {
  const booking = bookingToMove(double, myId);
  const free = freeRooms(booking, all, rooms).slice(0, 2);
  const slot = nextFreeSlot(booking, all);
  return [
    ...free.map((room): Suggestion => ({ kind: 'room', booking, room })),
    ...(slot ? [{ kind: 'time', booking, ...slot } as const] : []),
  ];
}

/** Mine, because I may move it without asking anyone; of several the newest, because ids grow with time. */
export function bookingToMove(double: Pick<DoubleBooking, 'bookings'>, myId: string): Booking {
  const newest = double.bookings.toSorted((a, b) => (a.id < b.id ? 1 : -1));
  const booking = newest.find(({ bookedBy }) => bookedBy?.id === myId) ?? newest[0];
  if (!booking) throw new Error('a double booking has bookings');
  return booking;
}

/** Rooms in which nothing else happens during the slot. */
export function freeRooms(
  slot: Slot & { readonly id?: string; readonly room?: string },
  all: readonly Booking[],
  rooms: readonly string[],
): readonly string[] {
  const taken = new Set(all.filter((other) => other.id !== slot.id && overlaps(other, slot)).map(({ room }) => room));
  return rooms.filter((room) => room !== slot.room && !taken.has(room));
}

/** The first gap of the same length in the same room, later that day or on one of the next four. */
export function nextFreeSlot(booking: Booking, all: readonly Booking[]): Slot | null {
  const others = all.filter(({ id, room }) => room === booking.room && id !== booking.id);
  const length = booking.end - booking.start;
  for (let start = booking.start + STEP; start < startOfDay(booking.start) + 5 * DAY; start += STEP) {
    const slot = { start, end: start + length };
    if (isOpen(slot, booking) && !others.some((other) => overlaps(other, slot))) return slot;
  }
  return null;
}

function isOpen(slot: Slot, booking: Booking): boolean {
  const day = startOfDay(slot.start);
  const opens = Math.min(OPENS, booking.start - startOfDay(booking.start));
  const closes = Math.max(CLOSES, booking.end - startOfDay(booking.start));
  return slot.start - day >= opens && slot.end - day <= closes;
}
