import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { META } from '../store/layout.ts';
import { closeAll, openNotes, type Note, type NotesDb } from './notes.fixture.ts';
import type { Conflict, ReadToken } from './types.ts';

let db: NotesDb;
beforeEach(async () => {
  db = await openNotes();
});
afterEach(closeAll);

const NOTE: Note = { title: 'a', tags: ['x'], likes: 0 };
const changes = async (): Promise<number> => {
  const { outbox } = await db.dexie.table(META).get('replica');
  return outbox.changes;
};

test('[ROW1] insert() makes ids that sort by time, or takes the one it is given', async () => {
  const first = await db.notes.insert(NOTE);
  expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(await db.notes.insert({ ...NOTE, id: 'mine' })).toBe('mine');
  expect(await db.notes.get(first)).toEqual({ ...NOTE, id: first });
  expect(await db.notes.get('unknown')).toBeUndefined();
});

test('[ROW14] a set and a counter of the schema are always there: empty and 0 when nothing is in them', async () => {
  const id = await db.notes.insert({ title: 'a', tags: [], likes: 0 });
  expect(await db.notes.get(id)).toEqual({ id, title: 'a', tags: [], likes: 0 });
  await db.notes.update(id, (draft) => void (draft.likes! += 1));
  expect(await db.notes.get(id)).toEqual({ id, title: 'a', tags: [], likes: 1 });
});

test('[ROW2] an id that exists is ALREADY_EXISTS and changes nothing', async () => {
  await db.notes.insert({ ...NOTE, id: 'a' });
  await expect(db.notes.insert({ title: 'b', tags: [], id: 'a' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  expect(await db.notes.find()).toEqual([{ ...NOTE, id: 'a' }]);
  expect(await changes()).toBe(1);
});

test('[ROW3] insertMany() inserts all or none', async () => {
  expect(await db.notes.insertMany([])).toEqual([]);
  await db.notes.insert({ ...NOTE, id: 'b' });
  const some = ['a', 'b', 'c'].map((id) => ({ ...NOTE, id }));
  await expect(db.notes.insertMany(some)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  await expect(
    db.notes.insertMany([
      { ...NOTE, id: 'd' },
      { ...NOTE, id: 'd' },
    ]),
  ).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  await expect(db.notes.insertMany([NOTE, { title: NaN } as never])).rejects.toMatchObject({ code: 'INVALID_VALUE' });
  expect(await db.notes.count()).toBe(1);
  expect(await db.notes.insertMany([NOTE, { ...NOTE, id: 'e' }])).toEqual([expect.any(String), 'e']);
  expect(await db.notes.count()).toBe(3);
});

test('[ROW3] insertMany() is all or none inside a transaction that goes on', async () => {
  await db.notes.insert({ ...NOTE, id: 'b' });
  await db.transaction(async (tx) => {
    await expect(tx.notes.insertMany(['a', 'b'].map((id) => ({ ...NOTE, id })))).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
    });
    await tx.notes.insert({ ...NOTE, id: 'c' });
  });
  expect((await db.notes.find()).map((note) => note.id)).toEqual(['b', 'c']);
});

test('[ROW4] many rows fit into one insertMany(): it travels as several changes', async () => {
  const rows = Array.from({ length: 5_000 }, (_, i) => ({ title: `note ${i} ${'x'.repeat(200)}`, tags: ['x'] }));
  const ids = await db.notes.insertMany(rows);
  expect(new Set(ids).size).toBe(5_000);
  expect(await db.notes.count()).toBe(5_000);
  expect(await changes()).toBeGreaterThan(1);
});

test('[ROW5] update() takes a patch or a function, undefined removes a field, the rest stays', async () => {
  await db.notes.insert({ ...NOTE, id: 'a', body: 'text', likes: 1 });
  await db.notes.update('a', { title: 'b', body: undefined } as never);
  expect(await db.notes.get('a')).toEqual({ id: 'a', title: 'b', tags: ['x'], likes: 1 });
  await db.notes.update('a', (draft) => {
    draft.tags.push('y');
    draft.likes! += 2;
    draft.extra = { deep: [1] };
  });
  expect(await db.notes.get('a')).toEqual({ id: 'a', title: 'b', tags: ['x', 'y'], likes: 3, extra: { deep: [1] } });
  await db.notes.update('a', (draft) => void delete draft.extra);
  expect(await db.notes.get('a')).toEqual({ id: 'a', title: 'b', tags: ['x', 'y'], likes: 3 });
});

test('[ROW6] an update that changes nothing makes no change', async () => {
  await db.notes.insert({ ...NOTE, id: 'a' });
  await db.notes.update('a', { title: 'a' });
  await db.notes.update('a', {});
  await db.notes.update('a', () => {});
  expect(await changes()).toBe(1);
});

test('[ROW7] what does not exist cannot be updated or deleted: NOT_FOUND', async () => {
  await db.notes.insert({ ...NOTE, id: 'a' });
  await db.notes.delete('a');
  expect(await db.notes.get('a')).toBeUndefined();
  await expect(db.notes.delete('a')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(db.notes.update('a', { title: 'b' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await changes()).toBe(2);
});

test('[ROW8] the id of a row cannot be changed: INVALID_ID', async () => {
  await db.notes.insert({ ...NOTE, id: 'a' });
  const change = { id: 'b', title: 'b' } as Partial<Note>;
  await expect(db.notes.update('a', change)).rejects.toMatchObject({ code: 'INVALID_ID' });
  await expect(db.notes.update('a', (draft) => void Object.assign(draft, change))).rejects.toMatchObject({
    code: 'INVALID_ID',
  });
  await db.notes.update('a', { id: 'a', title: 'c' } as Partial<Note>);
  expect(await db.notes.find()).toEqual([{ ...NOTE, id: 'a', title: 'c' }]);
});

const cycle: { self?: unknown } = {};
cycle.self = cycle;
const unreadable = Object.defineProperty({}, 'inside', {
  enumerable: true,
  get: () => {
    throw new Error('not here');
  },
});
const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();

test.each<[string, string, (notes: NotesDb['notes']) => Promise<unknown>]>([
  ['no row', 'INVALID_VALUE', (notes) => notes.insert(undefined as never)],
  ['text as a row', 'INVALID_VALUE', (notes) => notes.insert('row' as never)],
  ['a date as a row', 'INVALID_VALUE', (notes) => notes.insert(new Date(0) as never)],
  ['a function inside', 'INVALID_VALUE', (notes) => notes.insert({ ...NOTE, extra: () => 1 })],
  ['a date inside', 'INVALID_VALUE', (notes) => notes.insert({ ...NOTE, extra: new Date(0) })],
  ['not a number', 'INVALID_VALUE', (notes) => notes.insert({ ...NOTE, likes: NaN })],
  ['half a count', 'INVALID_VALUE', (notes) => notes.insert({ ...NOTE, likes: 0.5 })],
  ['undefined deep inside', 'INVALID_VALUE', (notes) => notes.insert({ ...NOTE, extra: [{ a: undefined }] })],
  ['a cycle', 'INVALID_VALUE', (notes) => notes.insert({ ...NOTE, extra: cycle })],
  ['an object that cannot be read', 'INVALID_VALUE', (notes) => notes.insert({ ...NOTE, extra: unreadable })],
  ['a proxy that was revoked', 'INVALID_VALUE', (notes) => notes.update('a', revoked)],
  ['a lone surrogate', 'INVALID_VALUE', (notes) => notes.insert({ ...NOTE, title: '\ud800' })],
  ['a set that is none', 'INVALID_VALUE', (notes) => notes.insert({ ...NOTE, tags: 'x' as never })],
  ['a field name with a slash', 'INVALID_FIELD', (notes) => notes.insert({ ...NOTE, 'a/b': 1 } as never)],
  ['an empty id', 'INVALID_ID', (notes) => notes.insert({ ...NOTE, id: '' })],
  ['an id that is a number', 'INVALID_ID', (notes) => notes.insert({ ...NOTE, id: 5 as never })],
  ['an id that is too long', 'INVALID_ID', (notes) => notes.insert({ ...NOTE, id: 'x'.repeat(257) })],
  ['a row that is too large', 'TOO_LARGE', (notes) => notes.insert({ ...NOTE, body: 'x'.repeat(1_000_000) })],
  ['rows that are none', 'INVALID_VALUE', (notes) => notes.insertMany('rows' as never)],
  ['a patch that is none', 'INVALID_VALUE', (notes) => notes.update('a', null as never)],
  ['a patch with a bad value', 'INVALID_VALUE', (notes) => notes.update('a', { extra: new Map() })],
  [
    'a draft with a bad value',
    'INVALID_VALUE',
    (notes) => notes.update('a', (draft) => void (draft.extra = new Map())),
  ],
  ['an async draft', 'INVALID_VALUE', (notes) => notes.update('a', (async () => {}) as never)],
  ['a token of nothing', 'INVALID_VALUE', (notes) => notes.update('a', { title: 'b' }, { seen: {} as ReadToken })],
  ['get() without an id', 'INVALID_ID', (notes) => notes.get(undefined as never)],
  ['delete() with an object', 'INVALID_ID', (notes) => notes.delete({} as never)],
  ['a query that is none', 'INVALID_QUERY', (notes) => notes.find('all' as never)],
  ['a count that is none', 'INVALID_QUERY', (notes) => notes.count({ limit: -1 })],
])('[BAD1] bad input is a typed error, changes nothing, and later calls work: %s', async (_what, code, call) => {
  await db.notes.insert({ ...NOTE, id: 'a' });
  await expect(call(db.notes)).rejects.toMatchObject({ name: 'SkerryError', code });
  expect(await db.notes.find()).toEqual([{ ...NOTE, id: 'a' }]);
  expect(await changes()).toBe(1);
  await db.notes.update('a', { title: 'later' });
  expect(await db.notes.get('a')).toMatchObject({ title: 'later' });
});

test('[BAD1] a bad query throws at once where an observable is made', () => {
  expect(() => db.notes.live({ limit: -1 })).toThrow(expect.objectContaining({ code: 'INVALID_QUERY' }));
  expect(() => db.notes.liveOne('')).toThrow(expect.objectContaining({ code: 'INVALID_ID' }));
});

test('[ROW9] what the function of the caller throws passes as it is, and nothing is written', async () => {
  await db.notes.insert({ ...NOTE, id: 'a' });
  const mine = new TypeError('mine');
  const update = db.notes.update('a', (draft) => {
    draft.title = 'b';
    throw mine;
  });
  await expect(update).rejects.toBe(mine);
  expect(await db.notes.get('a')).toEqual({ ...NOTE, id: 'a' });
});

test('[ROW10] rows are plain copies: changing one changes nothing else', async () => {
  const row = { ...NOTE, id: 'a', tags: ['x'] };
  const inserting = db.notes.insert(row);
  row.tags.push('too late');
  await inserting;
  const read = (await db.notes.get('a'))!;
  read.tags.push('y');
  expect((await db.notes.find())[0]).toEqual({ ...NOTE, id: 'a' });
});

test('[ROW11] live() and liveOne() follow the rows', async () => {
  const lists: string[][] = [];
  const ones: unknown[] = [];
  const query = db.notes.live({ where: { tags: { equals: ['x'] } }, orderBy: '-title' });
  query.subscribe((notes) => lists.push(notes.map((note) => note.title)));
  db.notes.liveOne('a').subscribe((note) => ones.push(note && note.title));
  await expect.poll(() => [lists, ones]).toEqual([[[]], [null]]);
  await db.notes.insert({ ...NOTE, id: 'a' });
  await db.notes.insert({ ...NOTE, title: 'b' });
  await expect.poll(() => lists.at(-1)).toEqual(['b', 'a']);
  await db.notes.delete('a');
  await expect.poll(() => lists.at(-1)).toEqual(['b']);
  await expect.poll(() => ones.at(-1)).toBeNull();
  expect(query.value).toMatchObject([{ title: 'b' }]);
});

test('[OBS9] a live query emits only when its answer changed, and keeps the rows that did not', async () => {
  await db.notes.insertMany(['a', 'b'].map((id) => ({ ...NOTE, id, title: id })));
  const lists: (readonly { readonly id: string }[])[] = [];
  db.notes.live({ limit: 2 }).subscribe((notes) => lists.push(notes));
  await expect.poll(() => lists.length).toBe(1);
  await db.notes.insert({ ...NOTE, id: 'c' });
  await db.notes.update('b', { title: 'changed' });
  await expect.poll(() => lists.at(-1)).toMatchObject([{ id: 'a' }, { title: 'changed' }]);
  expect(lists).toHaveLength(2);
  expect(lists[1]![0]).toBe(lists[0]![0]);
});

test('[ROW12] a write with what a form had seen does not replace what was written meanwhile', async () => {
  await db.notes.insert({ ...NOTE, id: 'a' });
  const seen = await db.notes.readToken('a');
  await db.notes.update('a', { title: 'meanwhile' });
  await db.notes.update('a', { title: 'from the form' }, { seen });
  await expect.poll(() => db.conflicts$.value.length).toBe(1);
  const conflict = db.conflicts$.value[0] as Conflict & { kind: 'field' };
  expect(conflict).toMatchObject({ kind: 'field', collection: 'notes', rowId: 'a', fields: ['title'] });
  expect(conflict.versions.map((version) => version.value)).toEqual([
    { title: 'meanwhile' },
    { title: 'from the form' },
  ]);
  await conflict.resolve({ version: 0 });
  await db.transaction(async (tx) => {
    const token = await tx.notes.readToken('a');
    await tx.notes.update('a', { title: 'all seen' }, { seen: token });
  });
  await expect.poll(() => db.conflicts$.value).toEqual([]);
  await expect(db.notes.update('b', { title: 'x' }, { seen })).rejects.toMatchObject({ code: 'INVALID_VALUE' });
});

test('[ROW13] writes through db.dexie are tracked and seen like all others', async () => {
  const titles: (string | undefined)[] = [];
  db.notes.liveOne('a').subscribe((note) => titles.push(note?.title));
  await db.dexie.table('notes').put({ id: 'a', title: 'by dexie', tags: ['x'] });
  await expect.poll(() => titles.at(-1)).toBe('by dexie');
  await expect.poll(() => db.status$.value.pending.changes).toBe(1);
});
