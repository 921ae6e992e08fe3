/** S17: a value comes out on every replica bit by bit as it was written, or is refused where it is written. S13: so does half a transaction. */
import { describe, expect, test } from 'vitest';

import { exchange, LogServer, NOTES, testDevice } from './devices.fixture.ts';
import { dumpDatabase } from './golden-database.fixture.ts';
import { openDeviceStore } from './ingest.ts';

const FAITHFUL: Readonly<Record<string, unknown>> = {
  'composed and decomposed letters': ['\u00e9', 'e\u0301'],
  'numbers at the edge': [2 ** 53 - 1, 2 ** 53 + 2, -(2 ** 53), 5e-324, 1.7976931348623157e308, 0.1 + 0.2],
  'what JSON escapes': ['\u2028\u2029\u007f\u001f"\\/', '\ufeff', '\ufffe\uffff', '\u{1f984}'],
  'names that objects have': { constructor: 1, toString: 2, '': 3, ' ': 4, length: 5 },
  nothings: [null, false, 0, '', [], {}],
};

const UNFAITHFUL: Readonly<Record<string, () => unknown>> = {
  'a lone surrogate': () => 'a\ud800',
  'a lone surrogate as a key': () => ({ '\udc00': 1 }),
  NUL: () => 'a\u0000',
  '-0': () => -0,
  NaN: () => NaN,
  Infinity: () => [Infinity],
  '-Infinity': () => -Infinity,
  'a date': () => new Date(0),
  bytes: () => new Uint8Array(3),
  'an undefined member': () => ({ a: undefined }),
  'the key __proto__': () => JSON.parse('{"__proto__":1}') as unknown,
  'a bigint': () => 1n,
  'a map': () => new Map([[1, 2]]),
  'a hole': () => [1, , 2],
};

describe('values', () => {
  test.each(Object.entries(FAITHFUL))(
    '[STT11] S17: %s are the same here, after a reload, and on another replica',
    async (name, value) => {
      const server = new LogServer();
      const database = `faithful-${name}`;
      const [anna, ben] = [await testDevice('anna', { name: database }), await testDevice('ben')];
      for (const id of ['\u00e9', 'e\u0301']) await anna.db.dexie.table('notes').add({ id, title: value });
      await exchange(server, anna, ben);
      anna.close();
      const again = await testDevice('anna', { name: database });
      for (const device of [again, ben])
        for (const id of ['\u00e9', 'e\u0301']) {
          const row = (await device.db.dexie.table('notes').get(id)) as { id: string; title: unknown };
          expect(row.title).toStrictEqual(value);
          expect([...row.id]).toEqual([...id]);
        }
    },
  );

  test.each(Object.entries(UNFAITHFUL))(
    '[STT11] S17: %s is refused at the write, and nothing is written',
    async (name, make) => {
      const database = `unfaithful-${name}`;
      const anna = await testDevice('anna', { name: database });
      const notes = anna.db.dexie.table('notes');
      await notes.add({ id: 'there', title: 'x' });
      const before = await dumpDatabase(database);
      const refused = { name: 'SkerryError', code: 'INVALID_VALUE' };
      for (const write of [
        () => notes.add({ id: 'new', title: make() }),
        () => notes.put({ id: 'there', title: { deep: [make()] } }),
        () => notes.update('there', { title: [make()] }),
        () =>
          notes.bulkPut([
            { id: 'a', title: 'fine' },
            { id: 'b', title: make() },
          ]),
      ])
        await expect(
          Promise.resolve(write()).catch((error: unknown) => Promise.reject(innermost(error))),
        ).rejects.toMatchObject(refused);
      expect(await dumpDatabase(database)).toEqual(before);
    },
  );
});

test('[STT12] S8 S10: who syncs does not make a database where there is none, nor stand in the way of the page that does', async () => {
  await expect(openDeviceStore({ name: 'cleared', collections: [NOTES] })).rejects.toBeDefined();
  expect((await indexedDB.databases()).map(({ name }) => name)).not.toContain('cleared');
  const anna = await testDevice('anna', { name: 'cleared' });
  await expect(anna.store.readIdentity()).resolves.toMatchObject({ cursor: {} });
});

/** Dexie wraps what a write throws. */
function innermost(error: unknown): unknown {
  const { failures, inner } = error as { failures?: unknown[]; inner?: unknown };
  return failures?.[0] ?? inner ?? error;
}
