import 'fake-indexeddb/auto';
import { Dexie } from 'dexie';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { compareRows, matches, type AnyRow } from './query-order.ts';
import { countRows, findRows, type RowTable } from './query-run.ts';
import { checkQuery, type CheckedQuery } from './query.ts';

const dexie = new Dexie('query-run', { cache: 'disabled' });
dexie.version(1).stores({ plain: 'id', indexed: 'id,at,room,[room+at],[room+at+tags],*tags' });
const plain = dexie.table('plain') as RowTable;
const indexed = dexie.table('indexed') as RowTable;

beforeAll(() => dexie.open());
afterAll(() => dexie.delete());

/** Few distinct values, so that ties and hits are common; null, booleans and objects are in no index. */
const common = fc.constantFrom(0, 'a');
const value = fc.oneof(
  { arbitrary: common, weight: 2 },
  { arbitrary: fc.constantFrom(1, 2, -1.5, '', 'ab', 'b', true, false, null, [], [1], ['a', 2], { x: 1 }), weight: 3 },
);
const keyed = fc.oneof(common, fc.constantFrom(1, 2, -1.5, '', 'ab', 'b', [], [1]));
const comparison = fc.oneof(
  value.map((equals) => ({ equals })),
  fc.array(value, { maxLength: 3 }).map((anyOf) => ({ anyOf })),
  keyed.map((above) => ({ above })),
  keyed.map((belowOrEqual) => ({ belowOrEqual })),
  fc.tuple(keyed, keyed).map(([aboveOrEqual, below]) => ({ aboveOrEqual, below })),
  fc.constantFrom('', 'a', 'b').map((startsWith) => ({ startsWith })),
  value.map((contains) => ({ contains })),
);
const rows = fc.uniqueArray(
  fc.record(
    {
      id: fc.string({ minLength: 1, maxLength: 2, unit: fc.constantFrom('a', 'b', 'c', 'd') }),
      at: value,
      room: value,
      tags: fc.oneof(
        { arbitrary: fc.array(fc.constantFrom('x', 'y', 'x', true)), weight: 4 },
        { arbitrary: value, weight: 1 },
      ),
    },
    { requiredKeys: ['id'] },
  ),
  { selector: (row) => row.id, minLength: 12, maxLength: 20 },
);
const query = fc.record(
  {
    where: fc.oneof(
      fc.record({ at: fc.oneof(common, comparison) }),
      fc.record({ room: common, at: comparison }),
      fc.record({ room: common }),
      fc.record({ tags: fc.constantFrom('x', 'y', true, 'a').map((contains) => ({ contains })) }),
      fc.record(
        { tags: fc.constantFrom('x', 'y').map((contains) => ({ contains })), at: comparison, room: common },
        { requiredKeys: ['tags'] },
      ),
      fc.record(
        { at: comparison, room: comparison, id: fc.constantFrom('a', { startsWith: 'b' }, { above: 'bb' }) },
        { requiredKeys: [] },
      ),
    ),
    orderBy: fc.constantFrom('id', '-id', 'at', '-at', 'room', '-room', 'tags'),
    limit: fc.nat(12),
    offset: fc.nat(3),
  },
  { requiredKeys: [] },
);
const filtered = query.map((one) => ({ ...one, filter: (row: AnyRow) => row['room'] !== 'a' }));
const queries = fc.array(fc.oneof({ arbitrary: query, weight: 4 }, { arbitrary: filtered, weight: 1 }), {
  minLength: 8,
  maxLength: 8,
});

/** The meaning of a query, without a database. */
function answer(all: readonly AnyRow[], checked: CheckedQuery): AnyRow[] {
  const fitting = all.filter((row) => matches(row, checked.conditions) && (checked.filter?.(row as never) ?? true));
  return fitting.toSorted(compareRows(checked.order)).slice(checked.offset, checked.offset + checked.limit);
}

test('[QRY7] a query gives the same rows in the same order with and without indexes', async () => {
  await fc.assert(
    fc.asyncProperty(rows, queries, async (someRows, someQueries) => {
      const all = someRows as unknown as AnyRow[];
      await Promise.all(
        [plain, indexed].map((table) =>
          dexie.transaction('rw', table, async () => {
            await table.clear();
            await table.bulkAdd(all);
          }),
        ),
      );
      for (const one of someQueries) {
        const checked = checkQuery(one);
        const expected = answer(all, checked);
        expect(await findRows(plain, checked)).toEqual(expected);
        expect(await findRows(indexed, checked)).toEqual(expected);
        expect(await countRows(indexed, checked)).toBe(expected.length);
      }
    }),
    { numRuns: 120 },
  );
});

test('[QRY8] numbers come before strings before arrays; what cannot be a key comes last in either direction', async () => {
  const values = [true, 'b', null, 10, ['a'], 9, false, 'B', undefined];
  await indexed.clear();
  await indexed.bulkAdd(values.map((at, i) => ({ id: `${i}`, ...(at === undefined ? {} : { at }) })));
  const order = async (orderBy: string): Promise<unknown[]> =>
    (await findRows(indexed, checkQuery({ orderBy }))).map((row) => row['at']);
  expect(await order('at')).toEqual([9, 10, 'B', 'b', ['a'], false, true, null, undefined]);
  expect(await order('-at')).toEqual([['a'], 'b', 'B', 10, 9, true, false, undefined, null]);
});

test('[QRY9] a filter that throws is INVALID_QUERY with the cause', async () => {
  const cause = new Error('oops');
  await plain.put({ id: 'a' });
  const filter = (): never => {
    throw cause;
  };
  await expect(findRows(plain, checkQuery({ filter }))).rejects.toMatchObject({ code: 'INVALID_QUERY', cause });
});
