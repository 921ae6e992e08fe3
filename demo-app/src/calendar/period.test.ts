import { expect, test } from 'vitest';

import { periodOf } from './period.ts';
import { formatDay } from './wall-time.ts';

test('[DPERIOD1] each layout goes back and forth by what it shows, over the end of a year too', () => {
  const told = (layout: Parameters<typeof periodOf>[0], day: number) => {
    const { unit, title, previous, next } = periodOf(layout, day);
    return [unit, title, formatDay(previous), formatDay(next)];
  };
  const lastDay = Date.UTC(2026, 11, 31);
  expect(told('day', lastDay)).toEqual(['day', 'Thursday 31 December 2026', '2026-12-30', '2027-01-01']);
  expect(told('rooms', lastDay)[0]).toBe('day');
  expect(told('week', lastDay)).toEqual(['week', 'December 2026', '2026-12-24', '2027-01-07']);
  expect(told('month', lastDay)).toEqual(['month', 'December 2026', '2026-11-01', '2027-01-01']);
  expect(told('agenda', lastDay)).toEqual(['four weeks', 'From Thu 31 Dec', '2026-12-03', '2027-01-28']);
});
