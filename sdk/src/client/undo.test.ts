/** Undoing commits: two devices over real sockets. */
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { closeAll, freshName, openNotes, type NotesDb } from './notes.fixture.ts';
import { serve, type Served } from './served.fixture.ts';
import type { Commit, DeleteConflict, FieldConflict } from './types.ts';

let server: Served;
let anna: NotesDb;
let ben: NotesDb;

beforeEach(async () => {
  server = await serve();
  [anna, ben] = [await openDevice('anna'), await openDevice('ben')];
});
afterEach(async () => {
  await closeAll();
  await server.close();
});

function openDevice(user: string): Promise<NotesDb> {
  return openNotes({ name: freshName(), user: { id: user }, sync: { url: server.url }, worker: false });
}

async function settled(): Promise<void> {
  for (const db of [anna, ben, anna]) await db.sync.settled();
}

async function bothHave(rows: readonly object[]): Promise<void> {
  await settled();
  for (const db of [anna, ben]) expect(await db.notes.find()).toMatchObject(rows);
}

async function startWith(...titles: readonly string[]): Promise<void> {
  await anna.notes.insertMany(titles.map((title) => ({ id: title, title, tags: ['x', 'y'], likes: 1 })));
  await settled();
}

const edit = (db: NotesDb, id: string, patch: object): Promise<Commit<void>> =>
  db.transaction((tx) => tx.notes.update(id, patch));

test('[UND1] undo shows again what a transaction replaced, made and deleted, here and elsewhere', async () => {
  await startWith('a', 'b');
  const commit = await anna.transaction(async (tx) => {
    await tx.notes.update('a', { title: 'edited', body: 'new', tags: ['y', 'z'], likes: 5 });
    await tx.notes.delete('b');
    await tx.notes.insert({ id: 'c', title: 'made', tags: [] });
  });
  await bothHave([{ id: 'a', title: 'edited' }, { id: 'c' }]);
  await commit.undo();
  await bothHave([
    { id: 'a', title: 'a', tags: ['x', 'y'], likes: 1 },
    { id: 'b', title: 'b', tags: ['x', 'y'], likes: 1 },
  ]);
  expect(await ben.notes.get('a')).not.toHaveProperty('body');
  expect(anna.conflicts$.value).toEqual([]);
});

test('[UND2] where something newer was written, undo writes nothing at all: CONFLICT_CHANGED', async () => {
  await startWith('a', 'b');
  const commit = await anna.transaction(async (tx) => {
    await tx.notes.update('a', { title: 'first' });
    await tx.notes.update('b', { title: 'second' });
  });
  await settled();
  await edit(ben, 'b', { title: "ben's" });
  await settled();
  await expect(commit.undo()).rejects.toMatchObject({ code: 'CONFLICT_CHANGED' });
  await bothHave([{ title: 'first' }, { title: "ben's" }]);
  const made = await anna.transaction((tx) => tx.notes.insert({ id: 'c', title: 'made', tags: [] }));
  await settled();
  await edit(ben, 'c', { likes: 1 });
  await settled();
  await expect(made.undo()).rejects.toMatchObject({ code: 'CONFLICT_CHANGED' });
  const removed = await anna.transaction((tx) => tx.notes.delete('a'));
  await anna.notes.insert({ id: 'a', title: 'again', tags: [] });
  await expect(removed.undo()).rejects.toMatchObject({ code: 'CONFLICT_CHANGED' });
});

test('[UND3] a field that somebody else is in conflict about is newer, another field is not', async () => {
  await startWith('a');
  ben.sync.pause();
  const title = await edit(anna, 'a', { title: 'anna' });
  const body = await edit(anna, 'a', { body: 'anna' });
  await edit(ben, 'a', { title: 'ben' });
  ben.sync.resume();
  await settled();
  await expect(title.undo()).rejects.toMatchObject({ code: 'CONFLICT_CHANGED' });
  await body.undo();
  await settled();
  expect(await ben.notes.get('a')).not.toHaveProperty('body');
  expect(ben.conflicts$.value).toMatchObject([{ kind: 'field', fields: ['title'] }]);
});

test('[UND4] counters and sets give back what the commit did to them, whatever others did', async () => {
  await startWith('a');
  const commit = await edit(anna, 'a', { likes: 11, tags: ['y', 'z'] });
  await settled();
  await edit(ben, 'a', { likes: 14, tags: ['y', 'z', 'ben'] });
  await settled();
  await commit.undo();
  await bothHave([{ likes: 4, tags: ['ben', 'x', 'y'] }]);
});

async function disagree(): Promise<FieldConflict> {
  await startWith('a');
  ben.sync.pause();
  await edit(anna, 'a', { title: 'universe' });
  await new Promise((resolve) => setTimeout(resolve, 5));
  await edit(ben, 'a', { title: 'unicorn' });
  ben.sync.resume();
  await settled();
  return anna.conflicts$.value[0] as FieldConflict;
}

test('[UND5] undoing a resolution settles on what was shown before it, and nobody is asked again', async () => {
  const conflict = await disagree();
  expect(conflict.provisional).toEqual({ title: 'unicorn' });
  const resolution = await conflict.resolve({ version: 0 });
  await bothHave([{ title: 'universe' }]);
  await resolution.undo();
  await bothHave([{ title: 'unicorn' }]);
  for (const db of [anna, ben]) await expect.poll(() => db.conflicts$.value).toEqual([]);
});

test('[UND6] undoing a resolution against an edit that came since is CONFLICT_CHANGED', async () => {
  const conflict = await disagree();
  const resolution = await conflict.resolve({ version: 0 });
  await settled();
  await edit(ben, 'a', { title: 'unity' });
  await settled();
  await expect(resolution.undo()).rejects.toMatchObject({ code: 'CONFLICT_CHANGED' });
  await bothHave([{ title: 'unity' }]);
});

test('[UND7] a delete that settled a conflict is undone: the row is there again with all it had', async () => {
  await startWith('a');
  ben.sync.pause();
  await anna.notes.delete('a');
  await edit(ben, 'a', { title: 'edited', likes: 3 });
  ben.sync.resume();
  await settled();
  const conflict = anna.conflicts$.value[0] as DeleteConflict;
  const resolution = await conflict.resolve('delete');
  await bothHave([]);
  await resolution.undo();
  await bothHave([{ title: 'edited', likes: 3, tags: ['x', 'y'] }]);
  for (const db of [anna, ben]) await expect.poll(() => db.conflicts$.value).toEqual([]);
});

test('[UND8] an undo is undone once; a commit that wrote nothing has nothing to undo; a closed handle says so', async () => {
  await startWith('a');
  const commit = await edit(anna, 'a', { title: 'edited' });
  await commit.undo();
  await expect(commit.undo()).rejects.toMatchObject({ code: 'CONFLICT_CHANGED' });
  const nothing = await edit(anna, 'a', { title: 'a' });
  await nothing.undo();
  await bothHave([{ title: 'a' }]);
  await anna.close();
  await expect(commit.undo()).rejects.toMatchObject({ code: 'CLOSED' });
});
