import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { compileCollection } from '../policies/registry.ts';
import { applyRecordChange } from './apply.ts';
import { addCounts, countBetween } from './count.ts';
import { createRecord } from './record.ts';
import { readRow } from './view.ts';

const MAX = Number.MAX_SAFE_INTEGER;
const NOTES = compileCollection({
  name: 'notes',
  fields: { likes: { kind: 'counter' } },
  groups: [],
  onDeleteVsEdit: 'ask',
});
/** Counts as people make them, and counts as only an attacker does. */
const count = fc.oneof(
  fc.integer({ min: -9, max: 9 }),
  fc.integer({ min: -MAX, max: MAX }),
  fc.constantFrom(MAX, -MAX, MAX - 1),
);

function sumInIntegers(counts: readonly number[]): number {
  const modulus = 2n ** 54n - 1n;
  const sum = counts.reduce((total, n) => total + BigInt(n), 0n) % modulus;
  const high = sum > BigInt(MAX) ? sum - modulus : sum;
  return Number(high < -BigInt(MAX) ? high + modulus : high);
}

describe('sums of counters', () => {
  it('[APP7] are the same in every order, also beyond safe integers', () => {
    fc.assert(
      fc.property(fc.array(count, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 12 }), (counts, order) => {
        const shuffled = counts
          .map((n, i) => ({ n, key: order[i] ?? 0 }))
          .sort((a, b) => a.key - b.key)
          .map(({ n }) => n);
        const sum = counts.reduce(addCounts, 0);
        expect(shuffled.reduce(addCounts, 0)).toBe(sum);
        expect(sum).toBe(sumInIntegers(counts));
        expect(Number.isSafeInteger(sum) && !Object.is(sum, -0)).toBe(true);
      }),
    );
  });

  it('[APP7] a difference leads from any count to any other', () => {
    fc.assert(
      fc.property(count, count, (from, to) => {
        const by = countBetween(from, to);
        expect(Number.isSafeInteger(by)).toBe(true);
        expect(addCounts(from, by)).toBe(to);
      }),
    );
  });

  it('[APP7] two replicas that learned hostile counts in another order agree', () => {
    const incs = ['AAAAAAAAAAAAAAAA', 'BBBBBBBBBBBBBBBB', 'CCCCCCCCCCCCCCCC'];
    const read = (order: readonly number[]): unknown => {
      const record = createRecord();
      for (const i of order) {
        const op = { t: 'inc', p: 'likes#c', n: [MAX, 1, -MAX][i]! } as const;
        applyRecordChange(record, { dot: `${incs[i]}.1`, hlc: 1 }, { c: 'notes', id: 'n', rv: [], ops: [op] });
      }
      return readRow(NOTES, 'n', record)['likes'];
    };
    expect([read([0, 1, 2]), read([1, 2, 0]), read([2, 0, 1])]).toEqual([1, 1, 1]);
  });

  it('[APP7] what a peer says of where a counter stood counts only when it is an integer', () => {
    const record = createRecord();
    const ops = [
      { t: 'inc', p: 'likes#c', n: 3 },
      { t: 'set', p: 'likes#z', v: 1e308, pred: [] },
    ] as const;
    applyRecordChange(record, { dot: 'AAAAAAAAAAAAAAAA.1', hlc: 1 }, { c: 'notes', id: 'n', rv: [], ops });
    expect(readRow(NOTES, 'n', record)['likes']).toBe(3);
  });
});
