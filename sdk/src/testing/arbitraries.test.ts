import { expect, test } from 'vitest';

import { findJsonProblem } from '../lib/json.ts';
import { arbitraries } from './arbitraries.ts';

test('[ARB1] the same seed gives the same data, another seed other data, and all of it can be stored', () => {
  const some = (seed: number): readonly unknown[] => {
    const make = arbitraries(seed);
    return Array.from({ length: 50 }, () => {
      const text = make.text();
      const row = make.row<{ title: string; done: boolean }>({ title: make.text, done: () => make.below(2) === 0 });
      return [make.json(), text, make.edited(text), row, make.pick([1, 2, 3])];
    });
  };
  expect(some(7)).toEqual(some(7));
  expect(some(7)).not.toEqual(some(8));
  expect(findJsonProblem(some(9) as never)).toBe(null);
});

test('[ARB2] an edit changes one place and leaves the rest', () => {
  const make = arbitraries(3);
  const text = 'one\ntwo\nthree\nfour';
  for (let i = 0; i < 100; i++) {
    const kept = make.edited(text).split('\n');
    expect(text.split('\n').filter((line) => kept.includes(line)).length).toBeGreaterThanOrEqual(3);
  }
});
