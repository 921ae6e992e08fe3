/** What every storage must do for the rows of who may do what; beside `contract.ts`, in the same form. */
import assert from 'node:assert/strict';

import type { AccessRow, AccessRows } from './access-rows.ts';
import { withStorage, type ContractCase } from './contract.ts';

/** Names that a careless storage would confuse, execute or stumble over. */
const NAMES = ['a', 'A', 'a ', "' OR '1'='1", '%', '_', '__proto__', 'constructor', 'ü', '\u{1f984}', 'x'.repeat(600)];

export const ACCESS_CONTRACT: readonly ContractCase[] = [
  {
    name: '[DB25] a row is found by its scope and key, whatever they are called, and told with its scope',
    run: (source) =>
      withAccess(source, async (rows) => {
        assert.equal(await rows.get('a', 'a'), null);
        assert.deepEqual([await rows.list('a'), await rows.version(), await rows.since(0, 9)], [[], 0, []]);
        await rows.change(async (change) => {
          for (const scope of NAMES) for (const key of NAMES) await change.set(scope, key, `${scope} of ${key}`);
        });
        for (const scope of NAMES) {
          for (const key of NAMES) assert.equal(await rows.get(scope, key), `${scope} of ${key}`);
          const listed = await rows.list(scope);
          assert.deepEqual(new Set(listed.map(({ key }) => key)), new Set(NAMES));
          assert.deepEqual(listed.map(textOf), (await rows.list(scope)).map(textOf));
        }
        assert.equal(await rows.get('b', 'a'), null);
      }),
  },
  {
    name: '[DB21] what is set replaces what was there, null takes it away, and a change reads what it has written',
    run: (source) =>
      withAccess(source, async (rows) => {
        await set(rows, 'a', 'k', 'one');
        const seen = await rows.change(async (change) => {
          await change.set('a', 'k', 'two');
          await change.set('a', 'l', 'new');
          return [await change.get('a', 'k'), (await change.list('a')).map(textOf), await change.get('a', 'm')];
        });
        assert.deepEqual(seen, ['two', ['two', 'new'], null]);
        await set(rows, 'a', 'k', null);
        assert.deepEqual([await rows.get('a', 'k'), (await rows.list('a')).map(textOf)], [null, ['new']]);
      }),
  },
  {
    name: '[DB22] a change that fails leaves nothing behind; those that read before they write wait for one another',
    run: (source) =>
      withAccess(source, async (rows) => {
        await set(rows, 'a', 'n', '0');
        await assert.rejects(
          rows.change(async (change) => {
            await change.set('a', 'n', '99');
            throw new Error('no');
          }),
          /no/,
        );
        const raise = (): Promise<void> =>
          rows.change(async (change) => change.set('a', 'n', String(Number(await change.get('a', 'n')) + 1)));
        await Promise.all(Array.from({ length: 20 }, raise));
        assert.equal(await rows.get('a', 'n'), '20');
      }),
  },
  {
    name: '[DB23] every change that sets something has a greater version, and what was set since one is told in that order',
    run: (source) =>
      withAccess(source, async (rows) => {
        await set(rows, 'a', 'k', '1');
        const first = await rows.version();
        await rows.change(async (change) => {
          await change.set('b', 'k', '2');
          await change.set('a', 'l', '2');
        });
        const second = await rows.version();
        await rows.change(async (change) => void (await change.get('a', 'k')));
        assert.equal(await rows.version(), second);
        await set(rows, 'a', 'k', '3');
        await set(rows, 'c', 'k', '4');
        await set(rows, 'c', 'k', null);
        const since = await rows.since(first, 9);
        assert.deepEqual(since.slice(0, 2).map(textOf), ['2', '2']);
        assert.deepEqual(since.slice(2).map(textOf), ['3']);
        assert.deepEqual(
          since.slice(0, 2).map(({ version }) => version),
          [second, second],
        );
        assert.ok(first < second && second < since[2]!.version && since[2]!.version < (await rows.version()));
        assert.deepEqual((await rows.since(0, 2)).map(textOf), ['2', '2']);
        assert.deepEqual(await rows.since(await rows.version(), 9), []);
      }),
  },
  {
    name: '[DB24] they are there when the storage is opened again, and the versions go on; records and logs are not touched',
    run: async (source) => {
      await withAccess(source, (rows) => set(rows, 'a', 'k', 'kept'));
      await withStorage(source, async (storage) => {
        assert.equal(await storage.access.get('a', 'k'), 'kept');
        const before = await storage.access.version();
        await set(storage.access, 'a', 'l', 'next');
        assert.ok((await storage.access.version()) > before);
        assert.deepEqual(await storage.spaces(null, 9), []);
      });
    },
  },
];

function textOf({ text }: AccessRow): string {
  return text;
}

function set(rows: AccessRows, scope: string, key: string, text: string | null): Promise<void> {
  return rows.change((change) => change.set(scope, key, text));
}

function withAccess(
  source: Parameters<ContractCase['run']>[0],
  work: (rows: AccessRows) => Promise<void>,
): Promise<void> {
  return withStorage(source, (storage) => work(storage.access));
}
