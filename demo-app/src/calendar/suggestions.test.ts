import { expect, test } from 'vitest';

import type { Booking } from './booking.ts';
import { bookingToMove, freeRooms, nextFreeSlot, suggest } from './suggestions.ts';
import { DAY, HOUR } from './wall-time.ts';

const midnight = Date.UTC(2026, 10, 17);
const ROOMS = ['Room A', 'Room B', 'Room C'];

test('[DSUG1] a free room at the same time comes first, then the same room when it is next free', () => {
  const mine = booking('1', 'Room A', 10, 11, 'me');
  const all = [mine, booking('2', 'Room A', 10, 11, 'bruno'), booking('3', 'Room B', 10, 12, 'ines')];
  expect(suggest({ bookings: all.slice(0, 2) }, all, ROOMS, 'me')).toEqual([
    { kind: 'room', booking: mine, room: 'Room C' },
    { kind: 'time', booking: mine, start: midnight + 11 * HOUR, end: midnight + 12 * HOUR },
  ]);
});

test('[DSUG2] what I booked is moved, else what was booked last', () => {
  const all = [booking('1', 'Room A', 10, 11, 'anna'), booking('2', 'Room A', 10, 11, 'bruno')];
  expect(bookingToMove({ bookings: all }, 'anna').id).toBe('1');
  expect(bookingToMove({ bookings: all }, 'someone else').id).toBe('2');
});

test('[DSUG3] a room is free when what happens in it only touches the slot', () => {
  const all = [booking('1', 'Room B', 9, 10, 'x'), booking('2', 'Room C', 10.5, 11, 'x')];
  expect(freeRooms({ start: midnight + 10 * HOUR, end: midnight + 11 * HOUR }, all, ROOMS)).toEqual([
    'Room A',
    'Room B',
  ]);
});

test('[DSUG4] the next free slot skips what is booked and what is closed', () => {
  const late = booking('1', 'Room A', 18, 19.5, 'me');
  const all = [late, booking('2', 'Room A', 18, 20, 'bruno'), booking('3', 'Room A', 24 + 7, 24 + 8, 'ines')];
  expect(nextFreeSlot(late, all)).toEqual({ start: midnight + DAY + 8 * HOUR, end: midnight + DAY + 9.5 * HOUR });
});

test('[DSUG5] who works at night gets a slot at night', () => {
  const night = booking('1', 'Room A', 21, 22, 'me');
  const all = [night, booking('2', 'Room A', 21, 22, 'bruno')];
  expect(nextFreeSlot(night, all)).toEqual({ start: midnight + DAY + 7 * HOUR, end: midnight + DAY + 8 * HOUR });
});

function booking(id: string, room: string, from: number, to: number, by: string): Booking {
  const bookedBy = { id: by, name: by, device: 'laptop' };
  return { id, title: id, room, start: midnight + from * HOUR, end: midnight + to * HOUR, bookedBy };
}
