import { expect, test } from 'vitest';

import { SkerryError } from '../lib/errors.ts';
import { checkQuery, queryKey } from './query.ts';

const keyOf = (query: unknown): string | null => queryKey(checkQuery(query));

test('[QRY1] a query is read into conditions, an order and a window', () => {
  expect(checkQuery({ where: { a: 1, b: { above: 2, below: 5 } }, orderBy: '-at', limit: 10, offset: 5 })).toEqual({
    conditions: [
      { field: 'a', op: 'equals', value: 1 },
      { field: 'b', op: 'above', value: 2 },
      { field: 'b', op: 'below', value: 5 },
    ],
    filter: null,
    order: { field: 'at', direction: -1 },
    limit: 10,
    offset: 5,
  });
  expect(checkQuery(undefined)).toEqual({
    conditions: [],
    filter: null,
    order: { field: 'id', direction: 1 },
    limit: Infinity,
    offset: 0,
  });
});

test.each([
  ['no object', 'title'],
  ['a class instance', new Map()],
  ['an unknown member', { sort: 'title' }],
  ['where is no object', { where: 'title' }],
  ['an unknown comparison', { where: { title: { like: 'a%' } } }],
  ['an empty comparison', { where: { title: {} } }],
  ['undefined as a value', { where: { title: undefined } }],
  ['a date', { where: { at: new Date(0) } }],
  ['not a number', { where: { at: { above: NaN } } }],
  ['a range over booleans', { where: { pinned: { above: false } } }],
  ['a range over null', { where: { at: { below: null } } }],
  ['anyOf without an array', { where: { title: { anyOf: 'a' } } }],
  ['undefined in anyOf', { where: { title: { anyOf: [undefined] } } }],
  ['startsWith without text', { where: { title: { startsWith: 1 } } }],
  ['a field that cannot be', { where: { 'a/b': 1 } }],
  ['orderBy is no text', { orderBy: ['title'] }],
  ['orderBy without a field', { orderBy: '-' }],
  ['a negative limit', { limit: -1 }],
  ['half a limit', { limit: 1.5 }],
  ['an endless limit', { limit: Infinity }],
  ['a negative offset', { offset: -1 }],
  ['a filter that is none', { filter: { title: 'a' } }],
])('[QRY2] nonsense is INVALID_QUERY and says where: %s', (_what, query) => {
  expect(() => checkQuery(query)).toThrow(SkerryError);
  expect(() => checkQuery(query)).toThrow(expect.objectContaining({ code: 'INVALID_QUERY' }));
});

test('[QRY3] equal queries have equal keys, however they are written down', () => {
  expect(keyOf({ where: { a: 1, b: { below: 5, above: 2 } }, limit: 3 })).toBe(
    keyOf({ limit: 3, offset: 0, where: { b: { above: 2, below: 5 }, a: { equals: 1 } }, orderBy: 'id' }),
  );
  expect(keyOf({})).toBe(keyOf(undefined));
});

test('[QRY3] different queries have different keys; with a filter there is none', () => {
  const queries = [
    {},
    { limit: 1 },
    { offset: 1 },
    { orderBy: 'a' },
    { orderBy: '-a' },
    { where: { a: 1 } },
    { where: { a: '1' } },
  ];
  expect(new Set(queries.map(keyOf)).size).toBe(queries.length);
  expect(keyOf({ filter: () => true })).toBeNull();
});
