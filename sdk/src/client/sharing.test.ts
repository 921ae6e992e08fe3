import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { shareAnswer } from './sharing.ts';

const data = fc.jsonValue({ maxDepth: 2 });
const rows = fc.uniqueArray(fc.record({ id: fc.constantFrom('a', 'b', 'c'), value: data }), {
  selector: (row) => row.id,
});

test('[OBS9] a shared answer says the same as the new one, and is the old one when that says the same', () => {
  fc.assert(
    fc.property(rows, rows, (before, after) => {
      expect(shareAnswer(before, after)).toEqual(after);
      expect(shareAnswer(before, structuredClone(before))).toBe(before);
    }),
  );
  fc.assert(fc.property(data, data, (before, after) => void expect(shareAnswer(before, after)).toEqual(after)));
});

test('[OBS9] rows that did not change are the same objects', () => {
  const before = [
    { id: 'a', tags: ['x'] },
    { id: 'b', tags: ['x'] },
  ];
  const after = shareAnswer(before, [
    { id: 'b', tags: ['x'] },
    { id: 'a', tags: ['y'] },
  ]);
  expect(after[0]).toBe(before[1]);
  expect(after[1]).toEqual({ id: 'a', tags: ['y'] });
});

test('[OBS9] dates say the same when they are the same moment', () => {
  const meta = { at: new Date(1), pending: false };
  expect(shareAnswer(meta, { at: new Date(1), pending: false })).toBe(meta);
  expect(shareAnswer(meta, { at: new Date(2), pending: false })).toEqual({ at: new Date(2), pending: false });
  expect(shareAnswer<unknown>({ at: {} }, { at: new Date(2) })).toEqual({ at: new Date(2) });
});
