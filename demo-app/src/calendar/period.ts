/** What stretch of time each layout shows, how it is called, and where its arrows lead. Pure. */
import type { CalendarLayout } from '../shell/route.ts';
import { DAY, dayLabel, dayTitle, monthLabel, startOfMonth, type WallTime } from './wall-time.ts';

export const AGENDA_DAYS = 28;

export interface Period {
  /** 'day': previous day, next day. */
  readonly unit: string;
  readonly title: string;
  readonly previous: WallTime;
  readonly next: WallTime;
}

export function periodOf(layout: CalendarLayout | 'week', day: WallTime): Period {
  switch (layout) {
    case 'month':
      return { unit: 'month', title: monthLabel(day), previous: startOfMonth(day, -1), next: startOfMonth(day, 1) };
    case 'week':
      return { ...steps('week', day, 7), title: monthLabel(day) };
    case 'agenda':
      return { ...steps('four weeks', day, AGENDA_DAYS), title: `From ${dayLabel(day)}` };
    case 'day':
    case 'rooms':
      return { ...steps('day', day, 1), title: dayTitle(day) };
  }
}

function steps(unit: string, day: WallTime, days: number): Omit<Period, 'title'> {
  return { unit, previous: day - days * DAY, next: day + days * DAY };
}
