import { expect, test } from 'vitest';

import { findJsonProblem } from '../lib/json.ts';
import { copyFields } from './copy.ts';

test('[CPY1] a row is copied at once and deeply, proxies become plain data', () => {
  const tags = ['a', { deep: [1] }];
  const row = new Proxy({ tags: new Proxy(tags, {}) }, {});
  const copy = copyFields(row, 'row');
  tags.push('later');
  expect(copy).toEqual({ tags: ['a', { deep: [1] }] });
  expect(structuredClone(copy)).toEqual(copy);
});

test.each([null, undefined, 5, 'row', [], new Date(0), new Map(), new (class Note {})()])(
  '[CPY2] what is not a plain object is no row: %s',
  (value) => {
    expect(() => copyFields(value, 'row')).toThrow(expect.objectContaining({ code: 'INVALID_VALUE' }));
  },
);

test('[CPY3] what is not JSON inside a row arrives at the gate as it was', () => {
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  const bad = [
    { a: new Date(0) },
    { a: [1, , 2] },
    { a: () => 1 },
    { a: 5n },
    { a: { [Symbol('s')]: 1 } },
    { a: JSON.parse('{"__proto__":1}') },
    cycle,
  ];
  for (const row of bad) expect(findJsonProblem(copyFields(row, 'row'))).not.toBeNull();
});
