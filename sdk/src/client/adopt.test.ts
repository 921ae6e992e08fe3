import 'fake-indexeddb/auto';
import { Dexie } from 'dexie';
import { afterEach, expect, test } from 'vitest';

import { set } from '../policies/set.ts';
import { counter } from '../policies/counter.ts';
import { createTestNetwork } from '../testing/test-network.ts';
import { collection } from './definition.ts';
import { closeAll, freshName, remember } from './notes.fixture.ts';
import { open } from './open.ts';

afterEach(closeAll);

interface Note {
  title: string;
  tags: string[];
  likes: number;
  room?: string;
}

const notes = collection<Note>({ fields: { tags: set(), likes: counter() }, indexes: ['title', 'room'] });

interface PlainOptions {
  readonly name: string;
  readonly version?: number;
  readonly schema?: string;
  readonly rows: readonly object[];
}

/** A database as an app with Dexie alone leaves it. */
async function plainDexie({ name, version = 1, schema = 'id, title', rows }: PlainOptions): Promise<void> {
  const plain = new Dexie(name);
  plain.version(version).stores({ notes: schema, settings: '++, &key', $drafts: 'at' });
  await plain.table('notes').bulkAdd([...rows]);
  await plain.table('settings').add({ key: 'theme', value: 'dark', since: new Date(0) });
  plain.close();
}

async function plainRows(name: string, table: string): Promise<unknown[]> {
  const plain = await new Dexie(name).open();
  const rows = await plain.table(table).toArray();
  plain.close();
  return rows;
}

const manyRows = Array.from({ length: 450 }, (_, i) => ({
  id: `n${String(i).padStart(3, '0')}`,
  title: `Note ${i}`,
  tags: i % 2 ? ['b', 'a'] : [],
  likes: i % 3,
}));

test.each([1, 2, 3, 9])('[ADO1] rows of a plain Dexie database of version %i become first changes', async (version) => {
  const name = freshName();
  await plainDexie({ name, version, rows: manyRows });
  const db = remember(await open({ name, collections: { notes } }));
  expect(await db.notes.count()).toBe(450);
  expect(await db.notes.get('n001')).toEqual({ id: 'n001', title: 'Note 1', tags: ['a', 'b'], likes: 1 });
  expect(await db.notes.find({ where: { title: 'Note 7' } })).toHaveLength(1);
  expect(db.outbox$.value.flatMap(({ rows }) => rows)).toHaveLength(450);
  // Not passed to open(): it stays as it is.
  expect(await plainRows(name, 'settings')).toEqual([{ key: 'theme', value: 'dark', since: new Date(0) }]);

  await db.notes.update('n001', { likes: 5 });
  await db.close();
  const again = remember(await open({ name, collections: { notes, more: collection<Note>() } }));
  expect(again.outbox$.value.flatMap(({ rows }) => rows)).toHaveLength(451);
  expect(await again.notes.get('n001')).toMatchObject({ likes: 5 });
  expect(await plainRows(name, 'settings')).toHaveLength(1);
});

test('[ADO2] what was adopted reaches other devices, and concurrent edits of it are like all others', async () => {
  const net = await createTestNetwork({ collections: { notes }, seed: 3 });
  const a = await net.device('anna');
  const { name } = a.db.dexie;
  await a.db.close();
  await Dexie.delete(name);
  await plainDexie({ name, rows: manyRows });
  await a.restart();
  const b = await net.device('ben');
  await net.expectConverged();
  expect(await b.db.notes.count()).toBe(450);
  net.partition(a, b);
  await a.db.notes.update('n000', { title: 'A' });
  await b.db.notes.update('n000', { title: 'B' });
  net.heal();
  await net.expectConverged();
  expect(b.db.conflicts$.value).toHaveLength(1);
  await net.close();
});

test.each([
  ['++id', [{ title: 'A' }], /primary key '\+\+id'/],
  ['isbn', [{ isbn: 'x', title: 'A' }], /primary key 'isbn'/],
  ['++', [{ title: 'A' }], /primary key '\+\+'/],
  [
    'id',
    [
      { id: 'ok', title: 'A' },
      { id: 7, title: 'B' },
    ],
    /The row 7 of notes/,
  ],
  [
    'id',
    [
      { id: 'ok', title: 'A' },
      { id: 'x', title: new Date(0) },
    ],
    /notes\.title: a Date is not plain JSON/,
  ],
  ['id', [{ id: 'ok', likes: 'many' }], /counter\(\) field holds an integer/],
])(
  '[ADO3] a table %s with what cannot be a row is NOT_ADOPTABLE, and nothing is lost',
  async (schema, rows, message) => {
    for (const version of [1, 2, 7]) {
      const name = freshName();
      await plainDexie({ name, version, schema, rows });
      const before = await plainRows(name, 'notes');
      const opening = open({ name, collections: { notes } });
      await expect(opening).rejects.toMatchObject({ code: 'NOT_ADOPTABLE', message: expect.stringMatching(message) });
      expect(await plainRows(name, 'notes')).toEqual(before);
      expect(await plainRows(name, 'settings')).toHaveLength(1);
      // Once what is in the way is gone, it is adopted.
      if (schema !== 'id') continue;
      const plain = await new Dexie(name).open();
      await plain.table('notes').clear();
      await plain.table('notes').add({ id: 'ok', title: 'A' });
      plain.close();
      const db = remember(await open({ name, collections: { notes } }));
      expect(db.outbox$.value.flatMap((entry) => entry.rows)).toHaveLength(1);
    }
  },
);

test('[ADO4] an adoption that dies in the middle goes on, and adopts every row once', async () => {
  const name = freshName();
  await plainDexie({ name, rows: manyRows });
  const { add } = IDBObjectStore.prototype;
  const put = IDBObjectStore.prototype.put;
  let left = 330;
  const dying = function (this: IDBObjectStore, ...args: Parameters<typeof put>): IDBRequest<IDBValidKey> {
    if (this.name === '$records' && --left < 0) throw new DOMException('the page is gone', 'AbortError');
    return put.apply(this, args);
  };
  IDBObjectStore.prototype.put = dying;
  await expect(open({ name, collections: { notes } })).rejects.toMatchObject({ name: 'SkerryError' });
  IDBObjectStore.prototype.put = put;
  IDBObjectStore.prototype.add = add;
  expect(await plainRows(name, 'notes')).toHaveLength(450);
  const done = await plainRows(name, '$records');
  expect(done.length).toBeGreaterThan(0);
  expect(done.length).toBeLessThan(450);
  const [db, other] = await Promise.all([
    open({ name, collections: { notes } }),
    open({ name, collections: { notes } }),
  ]);
  remember(db);
  remember(other);
  const written = db.outbox$.value.flatMap(({ rows }) => rows.map(({ rowId }) => rowId));
  expect(written.toSorted()).toEqual(manyRows.map(({ id }) => id));
});

test('[ADO5] the table of a collection that an app no longer has stays, and is there again with it', async () => {
  const name = freshName();
  const both = { notes, more: collection<Note>() };
  const db = await open({ name, collections: both });
  await db.more.insert({ id: 'm', title: 'M', tags: [], likes: 0 });
  await db.close();
  const less = await open({ name, collections: { notes, third: collection<Note>() } });
  await less.close();
  const again = remember(await open({ name, collections: both }));
  expect(await again.more.get('m')).toMatchObject({ title: 'M' });
  expect(again.outbox$.value).toHaveLength(1);
});
