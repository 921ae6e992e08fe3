/** A bulk write of many rows: the page goes on meanwhile, and it is one transaction all the same. */
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { META, OUTBOX, RECORDS } from '../store/layout.ts';
import { LARGEST_SIZE } from '../store/slices.ts';
import { closeAll, openNotes, type Note, type NotesDb } from './notes.fixture.ts';

let db: NotesDb;
beforeEach(async () => {
  db = await openNotes();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await closeAll();
});

const rows = (count: number): (Note & { id: string })[] =>
  Array.from({ length: count }, (_, i) => ({ id: `row-${String(i).padStart(5, '0')}`, title: `${i}`, tags: ['x'] }));

/** Sees every put before it is made. */
function onPut(look: (store: string, row: { readonly id?: string }) => void): void {
  const { put } = IDBObjectStore.prototype;
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, ...args) {
    look(this.name, args[0] as { readonly id?: string });
    return put.apply(this, args);
  });
}

async function stored(): Promise<unknown> {
  const count = (table: string): Promise<number> => db.dexie.table(table).count();
  return {
    rows: await count('notes'),
    records: await count(RECORDS),
    outbox: await count(OUTBOX),
    replica: await db.dexie.table(META).get('replica'),
  };
}

test('[ROW15] many rows are one transaction, and between some of them the database answers', async () => {
  const transactions = new Set<IDBTransaction>();
  const runs = [0];
  onPut((store) => {
    if (store === 'notes') runs[runs.length - 1]! += 1;
  });
  const { objectStore } = IDBTransaction.prototype;
  vi.spyOn(IDBTransaction.prototype, 'objectStore').mockImplementation(function (this: IDBTransaction, name) {
    if (this.mode === 'readwrite') transactions.add(this);
    return objectStore.call(this, name);
  });
  const { get } = IDBObjectStore.prototype;
  vi.spyOn(IDBObjectStore.prototype, 'get').mockImplementation(function (this: IDBObjectStore, ...args) {
    if (this.name === META) runs.push(0);
    return get.apply(this, args);
  });
  await db.notes.insertMany(rows(3_000));
  expect(transactions.size).toBe(1);
  expect(runs.reduce((sum, run) => sum + run, 0)).toBe(3_000);
  expect(Math.max(...runs)).toBeLessThanOrEqual(LARGEST_SIZE);
  vi.restoreAllMocks();
  expect(await db.notes.count()).toBe(3_000);
  const outbox = (await db.dexie.table(OUTBOX).toArray()) as { recs: readonly { id: string }[] }[];
  expect(outbox.flatMap(({ recs }) => recs.map(({ id }) => id))).toEqual(rows(3_000).map(({ id }) => id));
  expect(outbox.every(({ recs }) => recs.length <= 200)).toBe(true);
  expect(db.status$.value.pending.changes).toBe(outbox.length);
  expect(await db.debug.verify()).toMatchObject({ isSound: true });
}, 60_000);

test('[ROW15] what is wrong with one of many rows leaves nothing of them, and the transaction of the app goes on', async () => {
  const before = await stored();
  const bad = [...rows(1_300), { id: 'bad', title: 1n as never, tags: [] }];
  await expect(db.notes.insertMany(bad)).rejects.toMatchObject({ code: 'INVALID_VALUE' });
  expect(await stored()).toEqual(before);
  await db.notes.insert({ id: 'row-01400', title: 'there', tags: [] });
  await db.transaction(async (tx) => {
    await expect(tx.notes.insertMany(bad)).rejects.toMatchObject({ code: 'INVALID_VALUE' });
    await expect(tx.notes.insertMany(rows(1_500))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await tx.notes.insert({ id: 'beside', title: 'beside', tags: [] });
  });
  expect((await db.notes.find()).map(({ id }) => id)).toEqual(['beside', 'row-01400']);
}, 60_000);

test('[ROW15] a disk that fails in the middle of many rows leaves nothing of them, and no number is used', async () => {
  await db.notes.insert({ id: 'first', title: 'first', tags: [] });
  const before = await stored();
  let last = '';
  onPut((store, { id }) => {
    if (store !== 'notes') return;
    last = id!;
    if (id === 'row-00300') throw new DOMException('full', 'QuotaExceededError');
  });
  await expect(db.notes.insertMany(rows(6_000))).rejects.toMatchObject({ code: 'QUOTA' });
  vi.restoreAllMocks();
  // What comes behind it is not even tried.
  expect(last < 'row-05000').toBe(true);
  expect(await stored()).toEqual(before);
  await db.notes.insertMany(rows(300));
  expect(await db.notes.count()).toBe(301);
  expect(await db.debug.verify()).toMatchObject({ isSound: true });
}, 60_000);

test('[ROW15] what the app does to its rows after the call changes nothing', async () => {
  const mine = rows(500);
  const writing = db.notes.insertMany(mine);
  for (const row of mine) {
    row.title = 'altered';
    row.tags.push('altered');
  }
  await writing;
  expect(await db.notes.find()).toEqual(rows(500).map((row) => ({ ...row, likes: 0 })));
});

test('[ROW15] many rows where others lie between: those are as they were', async () => {
  const [odd, even] = [rows(1_200).filter((_row, i) => i % 2 === 1), rows(1_200).filter((_row, i) => i % 2 === 0)];
  await db.notes.insertMany(odd);
  await db.notes.insertMany(even);
  expect((await db.notes.find()).map(({ id }) => id)).toEqual(rows(1_200).map(({ id }) => id));
  await expect(db.notes.insertMany(rows(1_200).slice(0, 300))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  expect(await db.debug.verify()).toMatchObject({ isSound: true });
}, 60_000);
