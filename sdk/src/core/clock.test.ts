import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { hlcAt, MAX_LEAD_MS, msOf, receive, tick } from './clock.ts';

describe('hybrid logical clock', () => {
  it('[HLC1] follows the wall clock when it moves', () => {
    expect(tick(hlcAt(1000), 2000)).toBe(hlcAt(2000));
  });

  it('[HLC2] counts up when the wall clock stands still or goes back', () => {
    expect(tick(hlcAt(1000), 1000)).toBe(hlcAt(1000) + 1);
    expect(tick(hlcAt(1000), 10)).toBe(hlcAt(1000) + 1);
  });

  it('[HLC3] carries into the milliseconds: 70,000 writes in one millisecond are 70,000 stamps', () => {
    let hlc = hlcAt(1000);
    for (let i = 0; i < 70_000; i++) hlc = tick(hlc, 1000);
    expect(hlc - hlcAt(1000)).toBe(70_000);
    expect(msOf(hlc)).toBe(1068);
  });

  it('[HLC5] stays a safe integer when a wall clock is centuries ahead', () => {
    const far = tick(0, Date.UTC(9999, 0));
    expect(Number.isSafeInteger(far) && Number.isSafeInteger(tick(far, Date.UTC(9999, 1)))).toBe(true);
    expect(tick(far, Date.UTC(9999, 1))).toBe(far + 1);
  });

  it.each([Number.MAX_SAFE_INTEGER, hlcAt(Date.UTC(2248, 0)), hlcAt(5_000 + MAX_LEAD_MS + 1)])(
    '[HLC6] does not follow %d, more than a day ahead of the time that it knows',
    (absurd) => {
      expect(receive(hlcAt(4_000) + 7, absurd, 5_000)).toBe(hlcAt(4_000) + 7);
      expect(receive(hlcAt(4_000) + 7, hlcAt(5_000 + MAX_LEAD_MS), 5_000)).toBe(hlcAt(5_000 + MAX_LEAD_MS));
    },
  );

  it('[HLC4] is later than everything seen, for any clocks', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(4_000_000_000_000))), (steps) => {
        let hlc = 0;
        for (const [isLocal, ms] of steps) {
          const before = hlc;
          hlc = isLocal ? tick(hlc, ms) : receive(hlc, hlcAt(ms), ms);
          expect(hlc >= before && (!isLocal || hlc > before)).toBe(true);
          expect(Number.isSafeInteger(hlc)).toBe(true);
        }
      }),
    );
  });
});
