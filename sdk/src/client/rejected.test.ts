/** Writes that the server does not take, and edits of forgotten rows: the client over real sockets. */
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, test } from 'vitest';

import type { Change } from '../core/change.ts';
import { closeAll, freshName, openNotes, type NotesDb } from './notes.fixture.ts';
import { serve, type Served } from './served.fixture.ts';
import type { Conflict, RecoveredCopy, RejectedWrite, SyncEvent } from './types.ts';

let server: Served;
let anna: NotesDb;
let ben: NotesDb;
let name: string;
let mayWrite: (change: Change) => boolean;

beforeEach(async () => {
  mayWrite = ({ recs }) => !JSON.stringify(recs).includes('forbidden');
  server = await serve({
    authorize: (change) => mayWrite(change),
    retention: { tombstoneMs: 1_000, logMs: 1e9 },
  });
  name = freshName();
  anna = await openDevice('anna', name);
  ben = await openDevice('ben');
});
afterEach(async () => {
  await closeAll();
  await server.close();
});

function openDevice(user: string, device = freshName()): Promise<NotesDb> {
  return openNotes({ name: device, user: { id: user }, sync: { url: server.url }, worker: false });
}

async function settled(): Promise<void> {
  await anna.sync.settled();
  await ben.sync.settled();
}

async function conflictOf<K extends Conflict['kind']>(db: NotesDb, kind: K): Promise<Extract<Conflict, { kind: K }>> {
  await expect.poll(() => db.conflicts$.value.map((conflict) => conflict.kind)).toContain(kind);
  return db.conflicts$.value.find((conflict) => conflict.kind === kind) as Extract<Conflict, { kind: K }>;
}

/** Anna's change of a row that both have. */
async function refused(patch: { title?: string; likes?: number; tags?: string[] }): Promise<RejectedWrite> {
  await anna.notes.insert({ id: 'a', title: 'one', tags: ['x'], likes: 1 });
  await settled();
  await anna.notes.update('a', { title: 'forbidden', ...patch });
  return conflictOf(anna, 'rejected');
}

test('[RJW1] a write that the server does not take is withdrawn, told, and kept as a conflict', async () => {
  const events: SyncEvent[] = [];
  anna.events$.subscribe((event) => events.push(event));
  const rejected = await refused({ likes: 4, tags: ['x', 'y'] });
  expect(rejected).toMatchObject({
    kind: 'rejected',
    collection: 'notes',
    rowId: 'a',
    action: 'write',
    attempted: { title: 'forbidden', likes: 4, tags: ['x', 'y'] },
    error: { code: 'FORBIDDEN' },
  });
  await settled();
  for (const db of [anna, ben]) expect(await db.notes.get('a')).toMatchObject({ title: 'one', likes: 1, tags: ['x'] });
  expect(anna.status$.value).toMatchObject({ conflicts: 1, pending: { changes: 0 } });
  expect(ben.conflicts$.value).toEqual([]);
  expect(events.filter(({ type }) => type === 'rejected')).toMatchObject([
    { rowId: 'a', error: { code: 'FORBIDDEN' } },
  ]);
  expect(events.filter(({ type }) => type === 'conflict-opened')).toMatchObject([{ conflict: rejected.id }]);
});

test('[RJW2] it survives a reload, and a late subscriber gets it', async () => {
  const { id, attempted } = await refused({});
  await settled();
  await anna.close();
  const again = await openNotes({ name });
  let seen: readonly Conflict[] = [];
  again.conflicts$.subscribe((conflicts) => (seen = conflicts));
  expect(seen).toMatchObject([{ kind: 'rejected', id, attempted }]);
});

test('[RJW3] retry writes it again as an ordinary change: counters and sets go on from what is there now', async () => {
  const rejected = await refused({ likes: 4, tags: ['y'] });
  await settled();
  await ben.notes.update('a', { likes: 10, tags: ['x', 'z'] });
  await settled();
  mayWrite = () => true;
  const commit = await rejected.resolve('retry');
  expect(commit.id).not.toBe('');
  await settled();
  for (const db of [anna, ben]) {
    expect(await db.notes.get('a')).toMatchObject({ title: 'forbidden', likes: 13, tags: ['y', 'z'] });
    await expect.poll(() => db.conflicts$.value).toEqual([]);
  }
});

test('[RJW4] { value } writes these fields instead, discard forgets it, and undo takes a discard back', async () => {
  const rejected = await refused({});
  await rejected.resolve({ value: { title: 'allowed' } });
  await settled();
  expect(await ben.notes.get('a')).toMatchObject({ title: 'allowed' });
  await anna.notes.update('a', { title: 'forbidden again' });
  const second = await conflictOf(anna, 'rejected');
  const discarded = await second.resolve('discard');
  await expect.poll(() => anna.conflicts$.value).toEqual([]);
  await discarded.undo();
  expect((await conflictOf(anna, 'rejected')).id).toBe(second.id);
  expect(await anna.notes.get('a')).toMatchObject({ title: 'allowed' });
});

test('[RJW5] what was settled meanwhile is CONFLICT_CHANGED, a bad choice is INVALID_VALUE, a row that is gone NOT_FOUND', async () => {
  const rejected = await refused({});
  for (const bad of ['keep', {}, { value: {} }, { value: { id: 'b' } }, { value: { title: new Date() } }])
    await expect(rejected.resolve(bad as never)).rejects.toMatchObject({ code: 'INVALID_VALUE' });
  await anna.notes.delete('a');
  await expect(rejected.resolve('retry')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await rejected.resolve('discard');
  await expect(rejected.resolve('retry')).rejects.toMatchObject({ code: 'CONFLICT_CHANGED' });
  expect(await anna.notes.get('a')).toBeUndefined();
});

test('[RJW6] a row that was not taken is tried again as a new one, a delete as a delete', async () => {
  await anna.notes.insert({ id: 'n', title: 'forbidden', tags: ['x'] });
  const insert = await conflictOf(anna, 'rejected');
  await expect.poll(() => anna.notes.get('n')).toBeUndefined();
  mayWrite = () => true;
  await insert.resolve('retry');
  await settled();
  expect(await ben.notes.get('n')).toMatchObject({ title: 'forbidden', tags: ['x'] });
  mayWrite = ({ recs }) => !JSON.stringify(recs).includes('dead');
  await anna.notes.delete('n');
  const removal = await conflictOf(anna, 'rejected');
  expect(removal).toMatchObject({ action: 'delete', attempted: {} });
  await expect.poll(() => anna.notes.get('n')).toMatchObject({ title: 'forbidden' });
  mayWrite = () => true;
  await removal.resolve('retry');
  await settled();
  expect(await ben.notes.get('n')).toBeUndefined();
});

test('[RJW7] changes behind a refused one go on, and the refused transaction comes back whole', async () => {
  await anna.notes.insertMany([
    { id: 'a', title: 'one', tags: [] },
    { id: 'b', title: 'two', tags: [] },
  ]);
  await settled();
  anna.sync.pause();
  await anna.transaction(async (tx) => {
    await tx.notes.update('a', { title: 'forbidden' });
    await tx.notes.update('b', { title: 'with it' });
  });
  await anna.notes.insert({ id: 'c', title: 'behind', tags: [] });
  anna.sync.resume();
  await settled();
  expect((await ben.notes.find()).map(({ title }) => title)).toEqual(['one', 'two', 'behind']);
  expect((await anna.notes.find()).map(({ title }) => title)).toEqual(['one', 'two', 'behind']);
  const told = anna.conflicts$.value.map(({ kind, ...rest }) => [kind, 'rowId' in rest && rest.rowId]);
  expect(told.toSorted()).toEqual([
    ['rejected', 'a'],
    ['rejected', 'b'],
  ]);
});

/** Ben edits while he is away what Anna has deleted and every server forgotten. */
async function recovered(): Promise<{ readonly id: string; readonly copy: RecoveredCopy }> {
  const id = await anna.notes.insert({ title: 'one', tags: ['x'], body: 'text', likes: 2 });
  await settled();
  ben.sync.pause();
  await anna.notes.delete(id);
  await ben.notes.update(id, { title: 'edited', likes: 3 });
  await anna.sync.settled();
  for (let i = 0; i < 4; i++) {
    server.log.maintain();
    server.pass(2_000);
    await expect.poll(() => server.log.nowMs).toBeGreaterThan(Date.now() + i * 2_000);
  }
  expect([...server.log.space.records]).toEqual([]);
  ben.sync.resume();
  await settled();
  return { id, copy: await conflictOf(anna, 'recovered') };
}

test('[RCP1] an edit of a row that was deleted and forgotten is a recovered copy on both devices; restore makes it a row', async () => {
  const events: SyncEvent[] = [];
  ben.events$.subscribe((event) => events.push(event));
  const { id, copy } = await recovered();
  const whole = { title: 'edited', body: 'text', likes: 3, tags: ['x'] };
  expect(copy).toMatchObject({ recoveredFrom: id, row: whole, edited: { user: { id: 'ben' }, here: false } });
  expect((await conflictOf(ben, 'recovered')).id).toBe(copy.id);
  expect(events.filter(({ type }) => type === 'recovered')).toMatchObject([{ rowId: id, copy: copy.rowId }]);
  for (const db of [anna, ben]) expect(await db.notes.find()).toEqual([]);
  const commit = await copy.resolve('restore');
  await settled();
  for (const db of [anna, ben]) {
    expect(await db.notes.find()).toMatchObject([{ ...whole, id: copy.rowId }]);
    await expect.poll(() => db.conflicts$.value).toEqual([]);
  }
  await commit.undo();
  await settled();
  expect(await ben.notes.find()).toEqual([]);
  expect((await conflictOf(ben, 'recovered')).rowId).toBe(copy.rowId);
});

test('[RCP2] discard deletes the copy everywhere', async () => {
  const { copy } = await recovered();
  await copy.resolve('discard');
  await settled();
  for (const db of [anna, ben]) {
    await expect.poll(() => db.conflicts$.value).toEqual([]);
    expect(await db.notes.find()).toEqual([]);
  }
});

test.each([
  ['and is still to be decided', false],
  ['and forgotten', true],
])(
  '[REJ10] a form over a write that is refused while it is open, %s, is saved as if it had not seen it',
  async (_, isForgotten) => {
    await anna.notes.insert({ id: 'a', title: 'one', tags: ['x'], likes: 1 });
    await settled();
    server.stop();
    await anna.notes.update('a', { title: 'forbidden', tags: ['x', 'y'] });
    await anna.notes.update('a', { title: 'forbidden twice' });
    const seen = await anna.notes.readToken('a');
    server.start();
    const rejected = await conflictOf(anna, 'rejected');
    if (isForgotten) await rejected.resolve('discard');
    await settled();
    expect(await anna.notes.get('a')).toMatchObject({ title: 'one', tags: ['x'] });
    await anna.notes.update('a', { title: 'from the form', tags: ['x'], likes: 2 }, { seen });
    await settled();
    for (const db of [anna, ben])
      expect(await db.notes.get('a')).toMatchObject({ title: 'from the form', tags: ['x'], likes: 2 });
    expect(anna.conflicts$.value.map(({ kind }) => kind)).toEqual(isForgotten ? [] : ['rejected']);
    expect(ben.conflicts$.value).toEqual([]);
  },
);
