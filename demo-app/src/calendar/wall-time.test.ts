import { expect, test } from 'vitest';

import {
  clockOf,
  DAY,
  dayLabel,
  formatDay,
  formatWall,
  HOUR,
  parseWall,
  spanLabel,
  startOfDay,
  startOfWeek,
} from './wall-time.ts';

const tuesday = Date.UTC(2026, 10, 17, 10, 0);

test('[DCAL1] wall time is read and written as it stands, in every zone', () => {
  expect(parseWall('2026-11-17T10:00')).toBe(tuesday);
  expect(parseWall('2026-11-17T10:00:00')).toBe(tuesday);
  expect(parseWall('2026-11-17')).toBe(startOfDay(tuesday));
  expect(formatWall(tuesday)).toBe('2026-11-17T10:00');
  expect(formatDay(tuesday)).toBe('2026-11-17');
});

test('[DCAL2] an instant becomes the wall time here, anything else is no time', () => {
  const instant = new Date(2026, 10, 17, 10, 0);
  expect(parseWall(instant.toISOString())).toBe(tuesday);
  expect(parseWall(instant.getTime())).toBe(tuesday);
  expect(['', 'soon', null, undefined, {}].map(parseWall)).toEqual([null, null, null, null, null]);
});

test('[DCAL3] a week starts on Monday', () => {
  const monday = Date.UTC(2026, 10, 16);
  const sunday = monday + 6 * DAY + 23 * HOUR;
  expect([monday, tuesday, sunday].map(startOfWeek)).toEqual([monday, monday, monday]);
  expect(startOfWeek(monday - 1)).toBe(monday - 7 * DAY);
});

test('[DCAL4] a span names its second day only when it has one', () => {
  expect(spanLabel(tuesday, tuesday + HOUR)).toBe('Tue 17 Nov, 10:00–11:00');
  expect(spanLabel(tuesday, tuesday + DAY)).toBe('Tue 17 Nov, 10:00–Wed 18 Nov 10:00');
  expect([clockOf(tuesday), dayLabel(tuesday)]).toEqual(['10:00', 'Tue 17 Nov']);
});
