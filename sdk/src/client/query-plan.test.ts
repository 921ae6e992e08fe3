import { expect, test } from 'vitest';

import { planQuery, type IndexInfo, type Plan } from './query-plan.ts';
import { checkQuery } from './query.ts';

const indexes: readonly IndexInfo[] = ['at', 'room', 'room+start'].map((name) => ({
  name: name.includes('+') ? `[${name}]` : name,
  fields: name.split('+'),
}));

const plan = (query: unknown): Plan => planQuery(checkQuery(query), indexes);
const nameOf = (query: unknown): string => plan(query).index?.name ?? 'id';

test('[QRY4] an index is used when a condition fits it, and the closest one wins', () => {
  expect(nameOf({ where: { at: 5 } })).toBe('at');
  expect(nameOf({ where: { at: { above: 5 } } })).toBe('at');
  expect(nameOf({ where: { at: { above: 5 }, room: 'A' } })).toBe('room');
  expect(nameOf({ where: { room: 'A', start: { above: 5 }, at: 3 } })).toBe('at');
  expect(nameOf({ where: { room: 'A', start: 5 } })).toBe('[room+start]');
  expect(nameOf({ where: { id: 'x', room: 'A', start: 5 } })).toBe('id');
  expect(plan({ where: { room: { startsWith: 'R' } } })).toMatchObject({
    range: { type: 'startsWith', prefix: 'R' },
    isExact: true,
  });
});

test('[QRY11] an element of an array is found by a multi-entry index, and by no other', () => {
  const tags: IndexInfo = { name: 'tags', fields: ['tags'], isMulti: true };
  const contains = checkQuery({ where: { tags: { contains: 'x' } } });
  expect(planQuery(contains, [tags])).toMatchObject({ index: { name: 'tags' }, range: { key: 'x' }, isExact: false });
  for (const query of [
    { where: { tags: 'x' } },
    { where: { tags: { contains: true } } },
    { orderBy: 'tags', limit: 1 },
  ])
    expect(planQuery(checkQuery(query), [tags])).toMatchObject({ index: null });
  expect(planQuery(contains, [{ name: 'tags', fields: ['tags'] }])).toMatchObject({ index: null });
});

test('[QRY5] an index is not used where a row that it lacks could fit', () => {
  expect(plan({ where: { at: null } })).toMatchObject({ index: null, range: { type: 'all' }, isExact: false });
  expect(plan({ where: { at: { anyOf: [1, true] } } })).toMatchObject({ index: null, range: { type: 'all' } });
  expect(plan({ where: { start: 5 } })).toMatchObject({ index: null, range: { type: 'all' } });
});

test('[QRY5] the start of a compound index alone is not enough: rows without the rest are not in it', () => {
  const compoundOnly = indexes.filter(({ name }) => name === '[room+start]');
  expect(planQuery(checkQuery({ where: { room: 'A' } }), compoundOnly)).toMatchObject({ range: { type: 'all' } });
  expect(planQuery(checkQuery({ where: { room: 'A', start: { aboveOrEqual: 1 } } }), compoundOnly)).toMatchObject({
    index: { name: '[room+start]' },
    range: { type: 'between', prefix: ['A'], lower: { key: 1, isIncluded: true }, upper: null },
    isExact: true,
  });
});

test('[QRY6] offset and limit are left to the database only where its order is the one asked for', () => {
  expect(plan({ limit: 5 })).toMatchObject({ index: null, isOrdered: true, mayLackRows: false });
  expect(plan({ orderBy: '-at', limit: 5 })).toMatchObject({
    index: { name: 'at' },
    isOrdered: true,
    mayLackRows: true,
  });
  expect(plan({ orderBy: 'at' })).toMatchObject({ index: null, isOrdered: false });
  expect(plan({ where: { at: { above: 1 } }, orderBy: 'at', limit: 5 })).toMatchObject({
    isOrdered: true,
    mayLackRows: false,
  });
  expect(plan({ where: { at: { above: 1 } }, limit: 5 })).toMatchObject({ isOrdered: false });
  expect(plan({ where: { at: { above: 1 } }, orderBy: 'at', filter: () => true })).toMatchObject({ isOrdered: false });
  expect(plan({ where: { room: 'A' }, limit: 5 })).toMatchObject({ isOrdered: true });
  // A compound index is in the order of its last field where the others are equal.
  const first = { where: { room: 'A' }, orderBy: '-start', limit: 5 };
  expect(plan(first)).toMatchObject({ index: { name: '[room+start]' }, isOrdered: true, mayLackRows: true });
  expect(plan({ ...first, filter: () => true })).toMatchObject({ index: { name: 'room' }, isOrdered: false });
  expect(plan({ where: { room: 'A', start: { above: 3 } }, orderBy: 'start', limit: 5 })).toMatchObject({
    index: { name: '[room+start]' },
    isOrdered: true,
    mayLackRows: false,
  });
});
