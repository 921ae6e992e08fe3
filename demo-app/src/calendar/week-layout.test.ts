import { expect, test } from 'vitest';

import type { Booking } from './booking.ts';
import { hoursShown, layoutDay, layoutWeek } from './week-layout.ts';
import { DAY, HOUR } from './wall-time.ts';

const monday = Date.UTC(2026, 10, 16);

test('[DWEEK1] a week is seven days, each with what happens on it', () => {
  const week = layoutWeek([booking('1', 10, 11), booking('2', 24 + 9, 24 + 10)], monday);
  expect(week.map(({ day }) => day)).toEqual([0, 1, 2, 3, 4, 5, 6].map((n) => monday + n * DAY));
  expect(week.map(({ pieces }) => pieces.map(({ booking: { id } }) => id))).toEqual([['1'], ['2'], [], [], [], [], []]);
});

test('[DWEEK2] what overlaps stands side by side, what follows has the width again', () => {
  expect(places([booking('1', 9, 11), booking('2', 10, 12), booking('3', 11, 12), booking('4', 12, 13)])).toEqual([
    ['1', 0, 2],
    ['2', 1, 2],
    ['3', 0, 2],
    ['4', 0, 1],
  ]);
});

test('[DWEEK3] what goes on past midnight is cut at it', () => {
  const night = booking('1', 22, 26);
  expect(layoutWeek([night], monday).map(({ pieces }) => pieces.map(({ from, to }) => [from, to]))).toEqual([
    [[22 * 60, 24 * 60]],
    [[0, 2 * 60]],
    [],
    [],
    [],
    [],
    [],
  ]);
});

test('[DWEEK4] the hours shown are the working day, or more when more happens', () => {
  expect(hoursShown([layoutDay([], monday)])).toEqual({ first: 8, last: 19 });
  expect(hoursShown([layoutDay([booking('1', 6.5, 20.25)], monday)])).toEqual({ first: 6, last: 21 });
});

function places(bookings: readonly Booking[]): unknown[] {
  return layoutDay(bookings, monday).pieces.map((piece) => [piece.booking.id, piece.column, piece.columns]);
}

function booking(id: string, from: number, to: number): Booking {
  return { id, title: id, room: '', start: monday + from * HOUR, end: monday + to * HOUR, bookedBy: null };
}
