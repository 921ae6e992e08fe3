/**
 * Where each booking stands in the week: its day, its minutes within the day, and its place beside those it overlaps.
 * Bookings that go on past midnight are cut at it, one piece a day.
 */
import type { Booking } from './booking.ts';
import { DAY, HOUR, MINUTE, type WallTime } from './wall-time.ts';

export interface Piece {
  readonly booking: Booking;
  /** Minutes since the day began. */
  readonly from: number;
  readonly to: number;
  /** The piece stands in column `column` of `columns` equal ones. */
  readonly column: number;
  readonly columns: number;
}

export interface DayLayout {
  readonly day: WallTime;
  readonly pieces: readonly Piece[];
}

export interface HourRange {
  readonly first: number;
  /** The hour that is no longer shown. */
  readonly last: number;
}

export function layoutWeek(bookings: readonly Booking[], weekStart: WallTime): readonly DayLayout[] {
  return Array.from({ length: 7 }, (_, index) => layoutDay(bookings, weekStart + index * DAY));
}

export function layoutDay(bookings: readonly Booking[], day: WallTime): DayLayout {
  const pieces = bookings
    .filter(({ start, end }) => start < day + DAY && end > day)
    .map((booking) => ({
      booking,
      from: Math.max(0, (booking.start - day) / MINUTE),
      to: Math.min(DAY / MINUTE, (booking.end - day) / MINUTE),
    }))
    .toSorted((a, b) => a.from - b.from || b.to - a.to || (a.booking.id < b.booking.id ? -1 : 1));
  return { day, pieces: groupsThatOverlap(pieces).flatMap(inColumns) };
}

/** Saturday and Sunday of a whole week. */
export function isWeekendFree(days: readonly DayLayout[]): boolean {
  return days.length === 7 && days.slice(5).every(({ pieces }) => pieces.length === 0);
}

/** The working day, widened to whatever happens outside it. */
export function hoursShown(days: readonly DayLayout[]): HourRange {
  const pieces = days.flatMap((day) => day.pieces);
  const perHour = HOUR / MINUTE;
  return {
    first: Math.min(8, ...pieces.map(({ from }) => Math.floor(from / perHour))),
    last: Math.max(19, ...pieces.map(({ to }) => Math.ceil(to / perHour))),
  };
}

type Unplaced = Omit<Piece, 'column' | 'columns'>;

function groupsThatOverlap(pieces: readonly Unplaced[]): Unplaced[][] {
  const groups: Unplaced[][] = [];
  let end = -Infinity;
  for (const piece of pieces) {
    if (piece.from < end) groups.at(-1)?.push(piece);
    else groups.push([piece]);
    end = Math.max(end, piece.to);
  }
  return groups;
}

/** Each piece takes the first column that is free again when it begins. */
function inColumns(group: readonly Unplaced[]): Piece[] {
  const freeAt: number[] = [];
  const placed = group.map((piece) => {
    const free = freeAt.findIndex((end) => end <= piece.from);
    const column = free === -1 ? freeAt.length : free;
    freeAt[column] = piece.to;
    return { ...piece, column };
  });
  return placed.map((piece) => ({ ...piece, columns: freeAt.length }));
}
