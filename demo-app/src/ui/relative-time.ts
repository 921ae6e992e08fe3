/** Times in the words a person would use. `now` is an argument, so that a list shows one moment. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** 'just now', '2 min ago', '3 h ago', then the moment itself. */
export function ago(then: Date, now: Date): string {
  const elapsed = now.getTime() - then.getTime();
  if (elapsed < 45_000) return 'just now';
  if (elapsed < HOUR - MINUTE / 2) return `${Math.round(elapsed / MINUTE)} min ago`;
  if (elapsed < 12 * HOUR) return `${Math.round(elapsed / HOUR)} h ago`;
  return moment(then, now);
}

/** 10:42 today, 'Tue 10:42' within a week, '3 Nov, 10:42' before. */
export function moment(then: Date, now: Date): string {
  if (then.toDateString() === now.toDateString()) return clock(then);
  const days = (now.getTime() - then.getTime()) / (24 * HOUR);
  if (days >= 0 && days < 6) return `${weekday.format(then)} ${clock(then)}`;
  const day = then.getFullYear() === now.getFullYear() ? dayAndMonth : dayMonthAndYear;
  return `${day.format(then)}, ${clock(then)}`;
}

/** 'in 12 s', 'in 3 min'; 'now' when it is due. */
export function until(then: Date, now: Date): string {
  const remaining = then.getTime() - now.getTime();
  if (remaining < 1000) return 'now';
  if (remaining < 90_000) return `in ${Math.ceil(remaining / 1000)} s`;
  return `in ${Math.round(remaining / MINUTE)} min`;
}

/** 'Tuesday 17 November 2026, 10:42:07': for who wants to know exactly. */
export function exactly(time: Date): string {
  return wholeMoment.format(time).replace(' at ', ', ');
}

/** 10:42 */
export function clock(time: Date): string {
  return clockTime.format(time);
}

/** '1 change', '3 changes' */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

const clockTime = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const wholeMoment = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'medium' });
const weekday = new Intl.DateTimeFormat('en-GB', { weekday: 'short' });
const dayAndMonth = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const dayMonthAndYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
