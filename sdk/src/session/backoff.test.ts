import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { BACKOFF, backoffMs } from './backoff.ts';

test('[BO1] the ceiling doubles from 0.5 s to the longest wait', () => {
  const ceilings = [1, 2, 3, 7, 8, 9, 1_000].map((attempt) => Math.round(backoffMs(attempt, 60_000, 1)));
  expect(ceilings).toEqual([500, 1_000, 2_000, 32_000, 60_000, 60_000, 60_000]);
});

test('[BO2] every wait is a random part of its ceiling, never shorter than the shortest', () => {
  const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.nat(100), fraction, (attempt, luck) => {
      const waitMs = backoffMs(attempt, BACKOFF.longestMs, luck);
      expect(waitMs).toBeGreaterThanOrEqual(BACKOFF.shortestMs);
      expect(waitMs).toBeLessThanOrEqual(backoffMs(attempt, BACKOFF.longestMs, 1));
    }),
  );
  expect(backoffMs(3, BACKOFF.longestMs, 0.5)).toBe(1_000);
});
