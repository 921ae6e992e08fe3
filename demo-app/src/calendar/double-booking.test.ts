import { expect, test } from 'vitest';

import type { Booking } from './booking.ts';
import { findDoubleBookings } from './double-booking.ts';
import { HOUR } from './wall-time.ts';

const ten = Date.UTC(2026, 10, 17, 10);

test('[DBOOK1] one room, two bookings at once: both are named, with the time they share', () => {
  const mine = booking('1', 'Room A', 0, 1);
  const bruno = booking('2', 'Room A', 0.5, 2);
  expect(findDoubleBookings([bruno, mine])).toEqual([
    { id: '1+2', room: 'Room A', start: ten + HOUR / 2, end: ten + HOUR, bookings: [mine, bruno] },
  ]);
});

test('[DBOOK2] another room, or one after the other, is no double booking', () => {
  const bookings = [booking('1', 'Room A', 0, 1), booking('2', 'Room B', 0, 1), booking('3', 'Room A', 1, 2)];
  expect(findDoubleBookings(bookings)).toEqual([]);
});

test('[DBOOK3] bookings that overlap through a third one are settled as one', () => {
  const bookings = [booking('1', 'Room A', 0, 2), booking('2', 'Room A', 1, 4), booking('3', 'Room A', 3, 5)];
  const found = findDoubleBookings(bookings);
  expect(found.map(({ id, start, end }) => [id, start, end])).toEqual([['1+2+3', ten + HOUR, ten + 4 * HOUR]]);
});

test('[DBOOK4] a long booking overlaps everything inside it, also after a short one has ended', () => {
  const bookings = [booking('1', 'Room A', 0, 6), booking('2', 'Room A', 1, 2), booking('3', 'Room A', 4, 5)];
  expect(findDoubleBookings(bookings).map(({ id }) => id)).toEqual(['1+2+3']);
});

test('[DBOOK5] events without a room are never in each other’s way', () => {
  expect(findDoubleBookings([booking('1', '', 0, 1), booking('2', '', 0, 1)])).toEqual([]);
});

test('[DBOOK6] the same bookings in any order are the same double booking', () => {
  const bookings = [booking('b', 'Room A', 0, 1), booking('a', 'Room A', 0, 1), booking('c', 'Room A', 0, 1)];
  expect(findDoubleBookings(bookings.toReversed())).toEqual(findDoubleBookings(bookings));
});

function booking(id: string, room: string, from: number, to: number): Booking {
  return { id, title: id, room, start: ten + from * HOUR, end: ten + to * HOUR, bookedBy: null };
}
