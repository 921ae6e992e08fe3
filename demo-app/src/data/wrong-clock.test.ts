import { expect, test } from 'vitest';

import { setClockAhead } from './wrong-clock.ts';

test('[DPLAY6] a clock that is set wrong is wrong for whoever asks, and dates stay dates', () => {
  const TrueDate = Date;
  const before = TrueDate.now();
  setClockAhead(60_000);
  try {
    expect(Date.now() - before).toBeGreaterThanOrEqual(60_000);
    expect(new Date().getTime() - before).toBeGreaterThanOrEqual(60_000);
    expect(new Date(5).getTime()).toBe(5);
    expect([new Date() instanceof Date, new Date() instanceof TrueDate]).toEqual([true, true]);
    expect(Date.parse('2026-11-20T00:00Z')).toBe(TrueDate.UTC(2026, 10, 20));
  } finally {
    globalThis.Date = TrueDate;
  }
});
