import fc from 'fast-check';
import { expect, test } from 'vitest';

import { remember, type Retention } from './retention.ts';
import { newSpaceMeta } from './space.ts';

const SID = 'AAAAAAAAAAA';
const keptMs = fc.integer({ min: 64, max: 1_000_000 });
/** Of a 1,000th of the shorter time each, and now and then of the longer one. */
const pauses = fc.array(fc.tuple(fc.nat(30), fc.integer({ min: 1, max: 40 })), { minLength: 1, maxLength: 20 });

test('[RET9] of the past as much is remembered as either of the two times asks for, and no more', () => {
  fc.assert(
    fc.property(keptMs, keptMs, pauses, (tombstoneMs, logMs, pattern) => {
      const retention: Retention = { tombstoneMs, logMs };
      const [nearMs, farMs] = [Math.min(tombstoneMs, logMs), Math.max(tombstoneMs, logMs)];
      const written: number[] = [];
      let meta = newSpaceMeta([SID]);
      let nowMs = 1_800_000_000_000;
      for (let n = 1; n <= 500; n++) {
        const [pause, every] = pattern[n % pattern.length]!;
        nowMs += (pause * (n % every === 0 ? farMs : nearMs)) / 1_000;
        written.push(nowMs);
        meta = remember({ ...meta, isRemembered: false, cursor: { [SID]: n } }, nowMs, retention);
        for (const ageMs of [tombstoneMs, logMs]) {
          const thenAt = written.findLast((atMs) => atMs <= nowMs - ageMs);
          const point = meta.history.findLast(({ atMs }) => atMs <= nowMs - ageMs);
          if (thenAt === undefined) continue;
          const stepMs = (ageMs === nearMs ? 0 : farMs / 64) + nearMs / 64;
          expect(thenAt - point!.atMs).toBeLessThanOrEqual(stepMs);
          expect(written[point!.cursor[SID]! - 1]).toBe(point!.atMs);
        }
      }
      expect(meta.history.length).toBeLessThanOrEqual(3 * 64);
    }),
  );
});
