import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { closeAll, openNotes, freshName, type NotesDb } from './notes.fixture.ts';
import type { Conflict, DeleteConflict, FieldConflict } from './types.ts';

const ANNA = { user: { id: 'anna', name: 'Anna' }, device: { name: "Anna's phone" } };

let db: NotesDb;
let name: string;
beforeEach(async () => {
  name = freshName();
  db = await openNotes({ ...ANNA, name });
});
afterEach(closeAll);

const first = <K extends Conflict['kind']>(kind: K): Conflict & { kind: K } => {
  const conflict = db.conflicts$.value.find((candidate) => candidate.kind === kind);
  if (!conflict) throw new Error(`no ${kind} conflict is open`);
  return conflict as Conflict & { kind: K };
};

/** Two writes that have not seen each other, as a form that was open for a while makes them. */
async function disagree(id = 'a'): Promise<FieldConflict> {
  await db.notes.insert({ id, title: 'before', tags: ['x'] });
  const seen = await db.notes.readToken(id);
  await db.notes.update(id, { title: 'universe' });
  await db.notes.update(id, { title: 'unicorn' }, { seen });
  await expect.poll(() => db.conflicts$.value.some((conflict) => conflict.rowId === id)).toBe(true);
  return db.conflicts$.value.find((conflict) => conflict.rowId === id) as FieldConflict;
}

async function deleteAgainstEdit(): Promise<DeleteConflict> {
  await db.notes.insert({ id: 'a', title: 'before', tags: ['x'] });
  const seen = await db.notes.readToken('a');
  await db.notes.update('a', { title: 'edited' });
  const { openLocalDatabase } = await import('../store/database.ts');
  const plan = {
    name: 'notes',
    fields: { tags: { kind: 'set' }, likes: { kind: 'counter' } },
    groups: [],
    onDeleteVsEdit: 'ask',
    indexes: ['title', '*tags'],
  } as const;
  const bookings = {
    name: 'bookings',
    fields: {},
    groups: [['room', 'start']],
    onDeleteVsEdit: 'ask',
    indexes: ['[room+start]'],
  } as const;
  const other = await openLocalDatabase({
    name,
    collections: [plan, bookings],
    user: { id: 'ben' },
    durability: 'relaxed',
    onLocalWrite: () => {},
  });
  const token = seen as unknown as { readonly seen: Parameters<typeof other.writeAsSeen>[2] };
  await other.transact({ collections: ['notes'] }, async () => {
    other.writeAsSeen('notes', 'a', token.seen);
    await other.dexie.table('notes').delete('a');
  });
  other.close();
  await expect.poll(() => db.conflicts$.value.length).toBe(1);
  return first('delete');
}

test('[CFL1] a conflict says who wrote what, where and when, from what, and what is shown meanwhile', async () => {
  const conflict = await disagree();
  const version = {
    user: ANNA.user,
    device: { id: expect.any(String), ...ANNA.device },
    at: expect.any(Date),
    here: true,
  };
  expect(conflict).toEqual({
    kind: 'field',
    id: expect.stringMatching(/^[\w-]{22}$/),
    collection: 'notes',
    rowId: 'a',
    detectedAt: conflict.versions[1]!.at,
    fields: ['title'],
    base: {},
    versions: [
      { ...version, value: { title: 'universe' } },
      { ...version, value: { title: 'unicorn' } },
    ],
    provisional: { title: 'unicorn' },
    resolve: expect.any(Function),
  });
  expect(await db.notes.get('a')).toMatchObject({ title: 'unicorn' });
  await expect.poll(() => db.status$.value.conflicts).toBe(1);
});

test('[CFL2] conflicts$ is oldest first, survives a reload, and keeps objects that say the same', async () => {
  const a = await disagree('a');
  const b = await disagree('b');
  expect(db.conflicts$.value.map((conflict) => conflict.rowId)).toEqual(['a', 'b']);
  expect(db.conflicts$.value[0]).toBe(a);
  const reopened = await openNotes({ ...ANNA, name });
  expect(reopened.conflicts$.value.map((conflict) => conflict.id)).toEqual([a.id, b.id]);
  expect(reopened.status$.value.conflicts).toBe(2);
});

test('[CFL3] resolve() with a version settles the conflict as an ordinary change', async () => {
  const conflict = await disagree();
  const commit = await conflict.resolve({ version: 0 });
  expect(commit.id).toMatch(/^[\w-]{16}\.\d+$/);
  expect(await db.notes.get('a')).toMatchObject({ title: 'universe' });
  await expect.poll(() => db.conflicts$.value).toEqual([]);
  await expect
    .poll(() => db.outbox$.value.at(-1))
    .toMatchObject({ id: commit.id, rows: [{ rowId: 'a', fields: ['title'] }] });
});

test('[CFL3] resolve() with a value takes a new one; an explicit undefined removes the field', async () => {
  await (await disagree('a')).resolve({ value: { title: 'both' } });
  expect(await db.notes.get('a')).toEqual({ id: 'a', title: 'both', tags: ['x'], likes: 0 });
  await (await disagree('b')).resolve({ value: { title: undefined } });
  expect(await db.notes.get('b')).toEqual({ id: 'b', tags: ['x'], likes: 0 });
});

test('[CFL3] fields of a group that the value leaves out stay as they are shown', async () => {
  const disagreeAbout = async (id: string): Promise<FieldConflict> => {
    await db.bookings.insert({ id, title: 'Planning', room: 'A', start: 10 });
    const seen = await db.bookings.readToken(id);
    await db.bookings.update(id, { room: 'B' });
    await db.bookings.update(id, { start: 12 }, { seen });
    await expect.poll(() => db.conflicts$.value.some((conflict) => conflict.rowId === id)).toBe(true);
    return db.conflicts$.value.find((conflict) => conflict.rowId === id) as FieldConflict;
  };
  const conflict = await disagreeAbout('a');
  expect(conflict.fields.toSorted()).toEqual(['room', 'start']);
  expect(conflict.provisional).toEqual({ room: 'A', start: 12 });
  await conflict.resolve({ value: { room: 'C' } });
  expect(await db.bookings.get('a')).toEqual({ id: 'a', title: 'Planning', room: 'C', start: 12 });
  await (await disagreeAbout('b')).resolve({ value: { room: 'C', start: undefined } });
  expect(await db.bookings.get('b')).toEqual({ id: 'b', title: 'Planning', room: 'C' });
  await expect.poll(() => db.conflicts$.value).toEqual([]);
});

test('[CFL4] a conflict that has changed is CONFLICT_CHANGED, writes nothing, and the new one can be settled', async () => {
  const stale = await disagree();
  const seen = await db.notes.readToken('a');
  await db.notes.update('a', { title: 'third' });
  await db.notes.update('a', { title: 'fourth' }, { seen });
  await expect(stale.resolve({ version: 0 })).rejects.toMatchObject({ code: 'CONFLICT_CHANGED', retryable: true });
  expect(await db.notes.get('a')).toMatchObject({ title: 'fourth' });
  await expect.poll(() => first('field').id).not.toBe(stale.id);
  await first('field').resolve({ version: 1 });
  await expect.poll(() => db.conflicts$.value).toEqual([]);
  await expect(stale.resolve({ version: 0 })).rejects.toMatchObject({ code: 'CONFLICT_CHANGED' });
});

test.each<[string, unknown]>([
  ['nothing', undefined],
  ['an empty choice', {}],
  ['a version that is not there', { version: 2 }],
  ['half a version', { version: 0.5 }],
  ['a negative version', { version: -1 }],
  ['a value that is no object', { value: 'universe' }],
  ['a value without a field', { value: {} }],
  ['a version and a value', { version: 0, value: { title: 'a' } }],
  ['another field', { value: { title: 'a', body: 'b' } }],
  ['a value that is not JSON', { value: { title: new Date(0) } }],
  ['the word of another kind', 'keep'],
])('[CFL5] a bad choice is INVALID_VALUE and settles nothing: %s', async (_what, choice) => {
  const conflict = await disagree();
  await expect(conflict.resolve(choice as never)).rejects.toMatchObject({ code: 'INVALID_VALUE' });
  expect(db.conflicts$.value).toEqual([conflict]);
  await conflict.resolve({ version: 1 });
});

test('[CFL6] a delete that had not seen an edit keeps the row visible and asks', async () => {
  const conflict = await deleteAgainstEdit();
  expect(conflict).toMatchObject({
    kind: 'delete',
    collection: 'notes',
    rowId: 'a',
    deleted: { value: null, user: { id: 'ben' } },
    edited: { value: { id: 'a', title: 'edited', tags: ['x'] }, user: ANNA.user },
  });
  expect(await db.notes.get('a')).toMatchObject({ title: 'edited' });
  await expect(conflict.resolve({ version: 0 } as never)).rejects.toMatchObject({ code: 'INVALID_VALUE' });
});

test.each([
  ['keep', 1],
  ['delete', 0],
] as const)('[CFL7] a delete conflict is settled by %s', async (choice, left) => {
  const conflict = await deleteAgainstEdit();
  await conflict.resolve(choice);
  expect(await db.notes.count()).toBe(left);
  await expect.poll(() => db.conflicts$.value).toEqual([]);
  await expect(conflict.resolve(choice)).rejects.toMatchObject({ code: 'CONFLICT_CHANGED' });
});

test('[CFL8] a burst of writes costs conflicts$ a few reads and no emission', async () => {
  let emissions = 0;
  db.conflicts$.subscribe(() => (emissions += 1));
  for (let i = 0; i < 50; i++) await db.notes.insert({ title: `${i}`, tags: ['x'] });
  await expect.poll(() => db.status$.value.pending.changes).toBe(50);
  expect(emissions).toBe(1);
});

test('[CFL9] resolve() after close() is CLOSED', async () => {
  const conflict = await disagree();
  await db.close();
  await expect(conflict.resolve({ version: 0 })).rejects.toMatchObject({ code: 'CLOSED' });
});
