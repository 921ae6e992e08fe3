/**
 * Wall time: what the clock on the wall shows, without a zone. As a number it is milliseconds as if the wall stood in
 * UTC, so that adding a day is always 24 hours and no switch to summer time moves a meeting.
 */

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export type WallTime = number;

const WALL = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::\d{2}(?:\.\d+)?)?)?$/;

/** Reads 2026-11-17T10:00 as it stands. An instant (with a zone, or a number) becomes the wall time here. Null when it is neither. */
export function parseWall(value: unknown): WallTime | null {
  if (typeof value === 'string') {
    const parts = WALL.exec(value);
    if (parts) return wallOf(parts.slice(1).map((part) => Number(part ?? 0)));
  }
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const instant = new Date(value);
  return Number.isNaN(instant.getTime()) ? null : wallFromDate(instant);
}

/** 2026-11-17T10:00, which is also what a datetime-local field holds. */
export function formatWall(wall: WallTime): string {
  return new Date(wall).toISOString().slice(0, 16);
}

/** 2026-11-17 */
export function formatDay(wall: WallTime): string {
  return new Date(wall).toISOString().slice(0, 10);
}

export function wallFromDate(date: Date): WallTime {
  return wallOf([date.getFullYear(), date.getMonth() + 1, date.getDate(), date.getHours(), date.getMinutes()]);
}

export function startOfDay(wall: WallTime): WallTime {
  return Math.floor(wall / DAY) * DAY;
}

/** Monday, 00:00. */
export function startOfWeek(wall: WallTime): WallTime {
  const day = startOfDay(wall);
  const sinceMonday = (new Date(day).getUTCDay() + 6) % 7;
  return day - sinceMonday * DAY;
}

/** The first of the month, 00:00; `months` later. */
export function startOfMonth(wall: WallTime, months = 0): WallTime {
  const date = new Date(wall);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1);
}

/** 10:00 */
export function clockOf(wall: WallTime): string {
  return formatWall(wall).slice(11);
}

const dayName = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', timeZone: 'UTC' });
const wholeDay = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeZone: 'UTC' });
const monthName = new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' });

/** Tue 17 Nov */
export function dayLabel(wall: WallTime): string {
  return dayName.format(wall).replace(',', '');
}

/** Tuesday 17 November 2026 */
export function dayTitle(wall: WallTime): string {
  return wholeDay.format(wall).replace(',', '');
}

/** November 2026 */
export function monthLabel(wall: WallTime): string {
  return monthName.format(wall);
}

/** Tue 17 Nov, 10:00–11:00; both days when it ends on another. */
export function spanLabel(start: WallTime, end: WallTime): string {
  const until = startOfDay(start) === startOfDay(end) ? clockOf(end) : `${dayLabel(end)} ${clockOf(end)}`;
  return `${dayLabel(start)}, ${clockOf(start)}–${until}`;
}

function wallOf([year = 0, month = 1, day = 1, hour = 0, minute = 0]: readonly number[]): WallTime {
  return Date.UTC(year, month - 1, day, hour, minute);
}
