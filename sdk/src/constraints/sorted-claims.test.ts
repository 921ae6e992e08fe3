import fc from 'fast-check';
import { expect, test } from 'vitest';

import { NOWHERE, type Claim } from './claim.ts';
import { SortedClaims } from './sorted-claims.ts';

const claimAt = (from: number, id: string): Claim => ({ ...NOWHERE, name: 'n', id, from, hlc: 0, dot: '', dots: [] });

test('[CST15] claims come and go in any order, and a range has those that begin in it', () => {
  const steps = fc.array(fc.tuple(fc.nat(60), fc.boolean()), { minLength: 600, maxLength: 1_500, size: 'max' });
  fc.assert(
    fc.property(steps, fc.nat(60), fc.nat(60), (moves, one, other) => {
      const sorted = new SortedClaims();
      const there: Claim[] = [];
      for (const [i, [from, isGoing]] of moves.entries()) {
        if (isGoing && there.length > 0 && i % 3 === 0) {
          const [gone] = there.splice(from % there.length, 1);
          sorted.remove(gone!);
        } else {
          const claim = claimAt(from, `c${i}`);
          there.push(claim);
          sorted.add(claim);
        }
      }
      const [lower, upper] = [Math.min(one, other), Math.max(one, other)];
      const found = sorted.between(lower, upper);
      const wanted = there.filter(({ from }) => from >= lower && from <= upper);
      expect(new Set(found)).toEqual(new Set(wanted));
      expect(found.map(({ from }) => from)).toEqual(wanted.map(({ from }) => from).sort((a, b) => a - b));
      expect(sorted.first?.from).toBe(Math.min(...there.map(({ from }) => from)));
      for (const claim of there) sorted.remove(claim);
      expect([sorted.isEmpty, sorted.first, sorted.between(0, 60)]).toEqual([true, undefined, []]);
    }),
    { numRuns: 30 },
  );
});
