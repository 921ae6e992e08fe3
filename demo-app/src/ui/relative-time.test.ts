import { expect, test } from 'vitest';

import { ago, count, moment, until } from './relative-time.ts';

const now = new Date(2026, 10, 20, 14, 30);
const minutesAgo = (minutes: number): Date => new Date(now.getTime() - minutes * 60_000);

test('[DTIME1] a moment ago is told in words, longer ago by the clock', () => {
  expect([0, 2, 59, 61, 200].map((minutes) => ago(minutesAgo(minutes), now))).toEqual([
    'just now',
    '2 min ago',
    '59 min ago',
    '1 h ago',
    '3 h ago',
  ]);
  expect(ago(minutesAgo(13 * 60), now)).toBe('01:30');
});

test('[DTIME2] a moment names no more of the date than is needed', () => {
  expect(moment(new Date(2026, 10, 20, 9, 5), now)).toBe('09:05');
  expect(moment(new Date(2026, 10, 17, 10, 42), now)).toBe('Tue 10:42');
  expect(moment(new Date(2026, 9, 3, 10, 42), now)).toBe('3 Oct, 10:42');
  expect(moment(new Date(2025, 9, 3, 10, 42), now)).toBe('3 Oct 2025, 10:42');
});

test('[DTIME3] a time to come counts down', () => {
  const inSeconds = (seconds: number): string => until(new Date(now.getTime() + seconds * 1000), now);
  expect([0, 0.5, 12, 89, 180].map(inSeconds)).toEqual(['now', 'now', 'in 12 s', 'in 89 s', 'in 3 min']);
});

test('[DTIME4] one change, two changes', () => {
  expect([count(1, 'change'), count(2, 'change'), count(2, 'reply', 'replies')]).toEqual([
    '1 change',
    '2 changes',
    '2 replies',
  ]);
});
