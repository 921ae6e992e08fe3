import { expect, test } from 'vitest';

import type { Query } from '../client/types.ts';
import { queryKey } from './live.ts';

test('[REACT3] queries that say the same have the same key, whoever wrote them', () => {
  const one = { where: { title: { startsWith: 'a' } }, orderBy: '-editedAt', limit: 10 };
  expect(queryKey({ ...one, where: { title: { startsWith: 'a' } } })).toBe(queryKey(one));
  expect(queryKey(undefined)).toBe(queryKey(undefined));
});

test('[REACT4] queries that say something else have another key', () => {
  const queries: readonly (Query<{ a: number | string }> | undefined)[] = [
    undefined,
    {},
    { limit: 1 },
    { offset: 1 },
    { orderBy: 'a' },
    { where: { a: 1 } },
    { where: { a: '1' } },
  ];
  const keys = queries.map((query) => queryKey(query));
  expect(new Set(keys).size).toBe(queries.length);
});
