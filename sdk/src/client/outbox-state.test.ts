/** outbox$ and what is pending, as an open database tells them. */
import 'fake-indexeddb/auto';
import { filter, firstValueFrom } from 'rxjs';
import { afterEach, expect, test, vi } from 'vitest';

import { OUTBOX } from '../store/layout.ts';
import { PIECE_ROWS } from '../store/read-outbox.ts';
import { closeAll, freshName, openNotes, type NotesDb } from './notes.fixture.ts';

afterEach(async () => {
  vi.restoreAllMocks();
  await closeAll();
});

const note = (i: number): { id: string; title: string; tags: string[] } => ({
  id: `n${i}`,
  title: `${i}`,
  tags: ['x'],
});

/** How often the outbox was read since. */
function readsOfOutbox(): () => number {
  let reads = 0;
  for (const method of ['get', 'getAll', 'openCursor', 'getAllKeys', 'openKeyCursor', 'count'] as const) {
    const original = IDBObjectStore.prototype[method] as (...args: unknown[]) => IDBRequest;
    vi.spyOn(IDBObjectStore.prototype, method).mockImplementation(function (this: IDBObjectStore, ...args: unknown[]) {
      if (this.name === OUTBOX) reads += 1;
      return original.apply(this, args) as never;
    });
  }
  return () => reads;
}

function shown(db: NotesDb): unknown {
  return db.outbox$.value.map(({ rows }) => rows.map(({ rowId }) => rowId));
}

test('[OBS13] what this tab writes is in outbox$ and counted at once, and nothing is read for it', async () => {
  const db = await openNotes();
  await db.notes.insert(note(0));
  const told: number[] = [];
  db.outbox$.subscribe((entries) => told.push(entries.length));
  const reads = readsOfOutbox();
  await db.notes.insert(note(1));
  expect(shown(db)).toEqual([['n0'], ['n1']]);
  await db.notes.insertMany([note(2), note(3)]);
  await db.transaction((tx) => tx.notes.update('n0', { title: 'again' }), { label: 'named' });
  expect(shown(db)).toEqual([['n0'], ['n1'], ['n2', 'n3'], ['n0']]);
  expect(db.outbox$.value.at(-1)).toMatchObject({ label: 'named', rows: [{ fields: ['title'], kind: 'write' }] });
  const { changes, bytes, oldestAt } = db.status$.value.pending;
  expect({ changes, bytes }).toEqual({
    changes: 4,
    bytes: db.outbox$.value.reduce((sum, entry) => sum + entry.bytes, 0),
  });
  expect(oldestAt).toEqual(db.outbox$.value[0]!.at);
  await expect.poll(() => told.at(-1)).toBe(4);
  expect(reads()).toBe(0);
  const before = db.outbox$.value;
  await db.sync.settled();
  const other = await openNotes({ name: db.dexie.name });
  expect(other.outbox$.value).toEqual(before);
  expect(other.status$.value.pending).toEqual(db.status$.value.pending);
});

test('[OBS13] two tabs write by turns: each shows all of it, in order', async () => {
  const one = await openNotes();
  const two = await openNotes({ name: one.dexie.name });
  for (let i = 0; i < 10; i++) await (i % 3 === 0 ? one : two).notes.insert(note(i));
  const wanted = Array.from({ length: 10 }, (_, i) => [`n${i}`]);
  for (const db of [one, two]) {
    await expect.poll(() => shown(db)).toEqual(wanted);
    await expect.poll(() => db.status$.value.pending.changes).toBe(10);
  }
});

test('[OBS12] of a long outbox open() reads the beginning; the rest is there when somebody looks', async () => {
  const name = freshName();
  const first = await openNotes({ name });
  const changes = PIECE_ROWS + 50;
  for (let i = 0; i < changes; i++) await first.notes.insert(note(i));
  const pending = first.status$.value.pending;
  await first.close();
  const db = await openNotes({ name });
  expect(db.status$.value.pending).toEqual(pending);
  expect(pending.changes).toBe(changes);
  const entries = await firstValueFrom(db.outbox$.pipe(filter(({ length }) => length === changes)));
  expect(entries.map(({ rows }) => rows[0]!.rowId)).toEqual(Array.from({ length: changes }, (_, i) => `n${i}`));
  await db.notes.insert(note(changes));
  await expect.poll(() => db.outbox$.value.length).toBe(changes + 1);
}, 30_000);

test('[OBS12] the rest of a long outbox is read without anybody looking, a second after it was opened', async () => {
  const name = freshName();
  const first = await openNotes({ name });
  for (let i = 0; i < 10; i++) await first.notes.insert({ ...note(i), body: 'x'.repeat(60_000) });
  await first.close();
  const reads = readsOfOutbox();
  const db = await openNotes({ name });
  const atOpen = reads();
  await expect.poll(reads, { timeout: 5_000 }).toBeGreaterThan(atOpen);
  await expect.poll(() => db.outbox$.value.length).toBe(10);
});
