import { describe, expect, it } from 'vitest';

import { ASK, type MergeFunction, type MergeInput } from '../policies/merge.ts';
import { testMerge, UnsafeMerge, type MergeProperty, type TestMergeOptions } from './test-merge.ts';

function unsafe<V>(fn: MergeFunction<V>, options?: TestMergeOptions<V>): UnsafeMerge {
  try {
    testMerge(fn, options);
  } catch (error) {
    if (error instanceof UnsafeMerge) return error;
    throw error;
  }
  throw new Error('testMerge found nothing');
}

interface Span {
  readonly from: number;
  readonly to: number;
}
const digits = { values: (random: { fraction(): number }) => Math.floor(random.fraction() * 10) };
const tags = {
  values: (random: { fraction(): number }) => ['a', 'b', 'c', 'd'].filter(() => random.fraction() < 0.5),
};

describe('testMerge', () => {
  it('[TMG1] lets safe functions pass and says how often they merged', () => {
    const greatest = testMerge<number>(({ versions }) => Math.max(...versions), digits);
    expect(greatest.merged).toBeGreaterThan(300);
    expect(greatest).toMatchObject({ runs: 500, seed: 1, asked: 0 });
    const union = testMerge<string[]>(({ versions }) => [...new Set(versions.flat())].sort(), tags);
    expect(union.merged).toBeGreaterThan(100);
    expect(testMerge<unknown>(() => ASK)).toMatchObject({ merged: 0 });
    // As in the guide.
    const spans = testMerge(
      ({ base, versions }: MergeInput<Span>) => {
        const from = Math.min(...versions.map((version) => version.from));
        const to = Math.max(...versions.map((version) => version.to));
        return base && to - from > 2 * (base.to - base.from) ? ASK : { from, to };
      },
      {
        values: (random): Span => {
          const from = Math.floor(random.fraction() * 20);
          return { from, to: from + Math.floor(random.fraction() * 20) };
        },
      },
    );
    expect(Math.min(spans.merged, spans.asked)).toBeGreaterThan(50);
  });

  let calls = 0;
  const bad: readonly [MergeProperty, string, MergeFunction<unknown>][] = [
    ['answers', 'throws', ({ versions }) => (versions as { length: never }[])[0]!.length['x']],
    ['plain data', 'returns undefined', () => undefined],
    ['plain data', 'is async', async () => ASK],
    ['plain data', 'returns a date', () => new Date(0)],
    ['leaves its input', 'sorts what it is given', ({ versions }) => (versions as unknown[]).reverse()],
    ['deterministic', 'counts its calls', () => ++calls],
    ['order-independent', 'takes the latest', ({ versions }) => versions.at(-1)],
    [
      'order-independent',
      'joins in order',
      ({ versions }) => versions.map((version) => JSON.stringify(version)).join(),
    ],
    ['idempotent', 'wraps', ({ versions }) => versions.map((version) => JSON.stringify(version)).sort()],
  ];
  it.each(bad)('[TMG2] finds a function that is not %s: it %s', (property, _what, fn) => {
    expect(unsafe(fn).property).toBe(property);
  });

  it('[TMG2] finds a sum of differences, which counts twice what is merged again', () => {
    const found = unsafe<number>(
      ({ base = 0, versions }) => base + versions.reduce((sum, version) => sum + version - base, 0),
      digits,
    );
    expect(found.property).toBe('idempotent');
  });

  it('[TMG3] gives a small counter-example, the seed, and the same one when it is run again', () => {
    const latest: MergeFunction<unknown> = ({ versions }) => versions.at(-1);
    const found = unsafe(latest, { seed: 7 });
    expect(found.input.base).toBeUndefined();
    expect(found.input.versions).toHaveLength(2);
    expect(JSON.stringify(found.input.versions).length).toBeLessThan(12);
    expect(found.message).toContain('independent of the order');
    expect(found.message).toContain('{ seed: 7 }');
    expect(unsafe(latest, { seed: 7 }).message).toBe(found.message);
  });

  it('[TMG3] leaves values of the caller as the caller makes them', () => {
    const shapes = { values: (random: { fraction(): number }) => ({ radius: 5 + Math.floor(random.fraction() * 3) }) };
    const found = unsafe(({ versions }) => versions.at(-1)!, shapes);
    expect(found.input.versions.every((version) => (version as { radius: number }).radius >= 5)).toBe(true);
    expect(found.input.versions).toHaveLength(2);
  });

  it('[TMG4] what the caller excepts is not asked of the function, everything else is', () => {
    const except: TestMergeOptions<unknown> = { except: ['order-independent'] };
    expect(testMerge(({ versions }) => versions.at(-1), except).merged).toBeGreaterThan(100);
    expect(unsafe(() => undefined, except).property).toBe('plain data');
  });
});
