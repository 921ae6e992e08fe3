import { expect, test } from 'vitest';

import type { Booking } from './booking.ts';
import { roomColumns } from './columns.tsx';
import { layoutAgenda, layoutMonth } from './month-layout.ts';
import { DAY, formatDay, HOUR } from './wall-time.ts';

const MONDAY = Date.UTC(2026, 10, 16);

test('[DMONTH1] a month is whole weeks, from the Monday before its first day to the Sunday after its last', () => {
  const weeks = layoutMonth([], MONDAY);
  expect(weeks.map((week) => week.length)).toEqual([7, 7, 7, 7, 7, 7]);
  expect(formatDay(weeks[0]![0]!.day)).toBe('2026-10-26');
  expect(formatDay(weeks.at(-1)!.at(-1)!.day)).toBe('2026-12-06');
  expect(weeks.flat().filter(({ isInMonth }) => isInMonth)).toHaveLength(30);
});

test('[DMONTH2] what goes on past midnight is on each of its days; each day has the earliest first', () => {
  const days = layoutMonth([booking('late', 22, 26), booking('b', 9, 11), booking('a', 9, 10)], MONDAY).flat();
  const on = (day: number) => days.find((one) => one.day === day)!.bookings.map(({ id }) => id);
  expect([on(MONDAY), on(MONDAY + DAY), on(MONDAY + 2 * DAY)]).toEqual([['a', 'b', 'late'], ['late'], []]);
});

test('[DMONTH3] an agenda has the days on which something happens, from a day on', () => {
  const bookings = [booking('before', -5, -4), booking('1', 9, 10), booking('3', 57, 58), booking('far', 240, 241)];
  expect(
    layoutAgenda(bookings, MONDAY, 7).map(({ day, bookings: on }) => [formatDay(day), on.map(({ id }) => id)]),
  ).toEqual([
    ['2026-11-16', ['1']],
    ['2026-11-18', ['3']],
  ]);
});

test('[DROOMS1] every room has a column, free or not, and what is booked elsewhere that day gets one too', () => {
  const columns = roomColumns(
    [booking('a', 9, 10), { ...booking('b', 9, 10), room: 'Library' }, { ...booking('c', 40, 41), room: 'Attic' }],
    MONDAY,
  );
  expect(columns.map(({ room, pieces }) => [room, pieces.length])).toEqual([
    ['Room A', 1],
    ['Room B', 0],
    ['Room C', 0],
    ['Room D', 0],
    ['Library', 1],
  ]);
});

/** In hours since Monday. */
function booking(id: string, from: number, to: number): Booking {
  return { id, title: id, room: 'Room A', start: MONDAY + from * HOUR, end: MONDAY + to * HOUR, bookedBy: null };
}
