/** The weeks of a month, each seven days with what happens on them. Pure. */
import type { Booking } from './booking.ts';
import { DAY, startOfMonth, startOfWeek, type WallTime } from './wall-time.ts';

export interface MonthDay {
  readonly day: WallTime;
  readonly isInMonth: boolean;
  /** The earliest first; what goes on past midnight is on each of its days. */
  readonly bookings: readonly Booking[];
}

export function layoutMonth(bookings: readonly Booking[], month: WallTime): readonly (readonly MonthDay[])[] {
  const [first, next] = [startOfMonth(month), startOfMonth(month, 1)];
  const weeks: MonthDay[][] = [];
  for (let week = startOfWeek(first); week < next; week += 7 * DAY)
    weeks.push(
      Array.from({ length: 7 }, (_, index) => week + index * DAY).map((day) => ({
        day,
        isInMonth: day >= first && day < next,
        bookings: bookingsOn(bookings, day),
      })),
    );
  return weeks;
}

/** Days on which something happens, from `day` on. */
export function layoutAgenda(bookings: readonly Booking[], day: WallTime, days: number): readonly MonthDay[] {
  return Array.from({ length: days }, (_, index) => day + index * DAY)
    .map((on) => ({ day: on, isInMonth: true, bookings: bookingsOn(bookings, on) }))
    .filter((on) => on.bookings.length > 0);
}

function bookingsOn(bookings: readonly Booking[], day: WallTime): readonly Booking[] {
  return bookings
    .filter(({ start, end }) => start < day + DAY && end > day)
    .toSorted((a, b) => a.start - b.start || a.end - b.end || (a.id < b.id ? -1 : 1));
}
