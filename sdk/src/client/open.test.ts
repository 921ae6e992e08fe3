import 'fake-indexeddb/auto';
import { config, type Observable } from 'rxjs';
import { afterEach, expect, test, vi } from 'vitest';

import { openLocalDatabase } from '../store/database.ts';
import { collection } from './definition.ts';
import { open } from './open.ts';
import type { Collections, OpenOptions, SyncEvent } from './types.ts';
import { closeAll, freshName, openNotes, remember } from './notes.fixture.ts';

afterEach(closeAll);

test('[OPN3] a handle has its collections, and every state has its value at once', async () => {
  const db = await openNotes();
  expect(db.status$.value).toEqual({
    connection: 'local-only',
    pending: { changes: 0, bytes: 0, oldestAt: null },
    progress: null,
    firstSync: 'never',
    lastSyncedAt: null,
    nextAttemptAt: null,
    conflicts: 0,
  });
  expect(db.conflicts$.value).toEqual([]);
  expect(db.outbox$.value).toEqual([]);
  await expect(db.notes.count()).resolves.toBe(0);
});

test('[OPN3] what was written before is there when a database is opened again, pending work too', async () => {
  const name = freshName();
  const first = await openNotes({ name });
  const id = await first.notes.insert({ title: 'kept', tags: ['x'] });
  await first.close();
  const second = await openNotes({ name });
  expect(second.status$.value.pending).toMatchObject({ changes: 1, oldestAt: expect.any(Date) });
  expect(second.outbox$.value).toMatchObject([{ rows: [{ collection: 'notes', rowId: id, kind: 'write' }] }]);
  expect(await second.notes.get(id)).toEqual({ id, title: 'kept', tags: ['x'], likes: 0 });
});

test('[OPN9] a database that was opened before is opened without a write', async () => {
  const name = freshName();
  const modes: string[] = [];
  const begin = IDBDatabase.prototype.transaction;
  IDBDatabase.prototype.transaction = function (stores, mode, options) {
    if (this.name === name) modes.push(mode ?? 'readonly');
    return begin.call(this, stores, mode, options);
  };
  try {
    const first = await openNotes({ name });
    expect(modes).toContain('readwrite');
    await first.notes.insert({ title: 'kept', tags: ['x'] });
    await first.close();
    modes.length = 0;
    const second = await openNotes({ name });
    expect(await second.notes.count()).toBe(1);
    expect(new Set(modes)).toEqual(new Set(['readonly']));
  } finally {
    IDBDatabase.prototype.transaction = begin;
  }
});

test('[OPN4] without a server syncing is settled at once', async () => {
  const db = await openNotes();
  await db.notes.insert({ title: 'a', tags: ['x'] });
  db.sync.pause();
  db.sync.resume();
  await db.sync.now();
  await db.sync.settled();
  expect(db.status$.value.connection).toBe('local-only');
});

test('[OPN5] bad options and bad schemas open nothing', async () => {
  const name = freshName();
  const bad = (options: object): Promise<unknown> =>
    open({ name, collections: { notes: collection() }, ...options } as OpenOptions<Collections>);
  await expect(bad({ durability: 'none' })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  await expect(bad({ collections: { close: collection() } })).rejects.toMatchObject({ code: 'INVALID_SCHEMA' });
  await expect(open(undefined as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  expect((await indexedDB.databases()).map((database) => database.name)).not.toContain(name);
});

test('[OPN6] an aborted signal gives up with ABORTED, before and during the opening', async () => {
  const options = { name: freshName(), collections: { notes: collection() } };
  await expect(open({ ...options, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
  const controller = new AbortController();
  const opening = open({ ...options, signal: controller.signal });
  controller.abort(new Error('enough'));
  await expect(opening).rejects.toMatchObject({ code: 'ABORTED', cause: new Error('enough') });
  await expect(remember(await open(options)).notes.count()).resolves.toBe(0);
});

test('[OPN6] whatever it was doing when it is aborted: ABORTED, or it is open and stays so', async () => {
  const { transaction } = IDBDatabase.prototype;
  let isOpen = false;
  for (let stage = 0; !isOpen; stage++) {
    const options = { name: freshName(), collections: { notes: collection() } };
    const controller = new AbortController();
    let begun = 0;
    const spy = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (
      this: IDBDatabase,
      ...args
    ) {
      if (begun++ === stage) controller.abort();
      return transaction.apply(this, args);
    });
    const db = await open({ ...options, signal: controller.signal }).catch((error: { code: string }) => error.code);
    spy.mockRestore();
    isOpen = typeof db === 'object';
    if (typeof db === 'object') remember(db);
    else expect(db).toBe('ABORTED');
    expect(await remember(await open(options)).notes.count()).toBe(0);
    expect(stage).toBeLessThan(50);
  }
});

test('[OPN7] a database that cannot be opened is STORAGE_FAILED', async () => {
  const name = freshName();
  const newer = indexedDB.open(name, 1_000);
  await new Promise((resolve) => newer.addEventListener('success', resolve));
  newer.result.close();
  await expect(openNotes({ name })).rejects.toMatchObject({ name: 'SkerryError', code: 'STORAGE_FAILED' });
});

test('[CLS1] close() completes every observable, can be called twice, and ends every call with CLOSED', async () => {
  const db = await openNotes();
  const id = await db.notes.insert({ title: 'a', tags: ['x'] });
  const completed: string[] = [];
  await expect.poll(() => db.status$.value.pending.changes).toBe(1);
  const observables: Record<string, Observable<unknown>> = {
    conflicts: db.conflicts$,
    outbox: db.outbox$,
    status: db.status$,
    events: db.events$,
    live: db.notes.live(),
  };
  for (const [name, source] of Object.entries(observables)) source.subscribe({ complete: () => completed.push(name) });
  await Promise.all([db.close(), db.close()]);
  await db.close();
  expect(completed.toSorted()).toEqual(['conflicts', 'events', 'live', 'outbox', 'status']);
  expect(db.status$.value.pending.changes).toBe(1);

  const closed = expect.objectContaining({ name: 'SkerryError', code: 'CLOSED' });
  const calls = [
    () => db.notes.insert({ title: 'b', tags: ['x'] }),
    () => db.notes.insertMany([]),
    () => db.notes.update(id, { title: 'b' }),
    () => db.notes.delete(id),
    () => db.notes.get(id),
    () => db.notes.find(),
    () => db.notes.count(),
    () => db.notes.readToken(id),
    () => db.transaction(async () => {}),
    () => db.sync.now(),
    () => db.sync.settled(),
  ];
  for (const call of calls) await expect(call()).rejects.toEqual(closed);
  expect(() => db.notes.live()).toThrow(closed);
  expect(() => db.notes.liveOne(id)).toThrow(closed);
  expect(() => db.sync.pause()).toThrow(closed);
});

test('[CLS3] a write that is under way at close() is saved and says so, or is not and says CLOSED', async () => {
  const name = freshName();
  const db = await openNotes({ name });
  const writing = Promise.allSettled(
    Array.from({ length: 20 }, (_, i) => db.notes.insert({ id: `${i}`, title: 'a', tags: ['x'] })),
  );
  await new Promise((resolve) => setTimeout(resolve, 5));
  await db.close();
  const answers = await writing;
  const saved = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  for (const answer of answers)
    if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'CLOSED' });
  const again = await openNotes({ name });
  expect((await again.notes.find()).map((note) => note.id)).toEqual(saved.toSorted());
});

test('[OPN8] a collection and an index can be added later: what is there stays, and is found by the new index', async () => {
  const name = freshName();
  const first = remember(await open({ name, collections: { notes: collection<{ title: string }>() } }));
  await first.notes.insertMany([
    { id: 'a', title: 'A' },
    { id: 'b', title: 'B' },
  ]);
  await first.close();
  const later = await openNotes({ name });
  expect(await later.notes.find({ where: { title: { above: 'A' } } })).toMatchObject([{ id: 'b', title: 'B' }]);
  await later.bookings.insert({ title: 'c' });
  expect(later.status$.value.pending.changes).toBe(2);
  await later.close();
  const without = remember(await open({ name, collections: { notes: collection<{ title: string }>() } }));
  expect(await without.notes.find({ where: { title: { above: 'A' } } })).toMatchObject([{ id: 'b', title: 'B' }]);
  expect(without.status$.value.pending.changes).toBe(2);
});

test('[CLS2] `await using` closes the handle', async () => {
  let outside;
  {
    await using db = await openNotes();
    outside = db;
    await db.notes.insert({ title: 'a', tags: ['x'] });
  }
  await expect(outside.notes.count()).rejects.toMatchObject({ code: 'CLOSED' });
});

test('[DBH1] an unknown collection is a typed error on the handle and in a transaction', async () => {
  const db = await openNotes();
  const untyped = db as unknown as Record<string, { find(): unknown }>;
  expect(() => untyped['nots']!.find()).toThrow(expect.objectContaining({ code: 'UNKNOWN_COLLECTION' }));
  const inside = db.transaction(async (tx) => (tx as unknown as typeof untyped)['nots']!.find());
  await expect(inside).rejects.toMatchObject({ code: 'UNKNOWN_COLLECTION' });
  await expect(db.notes.count()).resolves.toBe(0);
});

test('[STA1] after a write the status, the outbox and events$ tell of it', async () => {
  const db = await openNotes();
  const events: SyncEvent[] = [];
  db.events$.subscribe((event) => events.push(event));
  const { id } = await db.transaction((tx) => tx.notes.insert({ title: 'a', tags: ['x'] }), { label: 'Add a note' });
  await expect
    .poll(() => db.outbox$.value)
    .toMatchObject([{ id, label: 'Add a note', rows: [{ collection: 'notes' }] }]);
  expect(events).toEqual([{ type: 'local-write', at: expect.any(Date), dot: id, records: 1, saw: {} }]);
  const { bytes, at } = db.outbox$.value[0]!;
  await expect.poll(() => db.status$.value.pending).toEqual({ changes: 1, bytes, oldestAt: at });
});

test('[STA7] pending never says less than is true: a write counts from the moment it resolves', async () => {
  const db = await openNotes();
  for (let i = 1; i <= 100; i++) {
    await db.notes.insert({ title: `${i}`, tags: ['x'] });
    expect(db.status$.value.pending.changes).toBeGreaterThanOrEqual(i);
  }
  await expect.poll(() => db.status$.value.pending.changes).toBe(100);
});

test('[STA2] a write of one tab shows in the rows and states of another', async () => {
  const name = freshName();
  const [one, other] = [await openNotes({ name }), await openNotes({ name })];
  const titles: string[][] = [];
  other.notes.live().subscribe((notes) => titles.push(notes.map((note) => note.title)));
  await expect.poll(() => titles.length).toBe(1);
  await one.notes.insert({ title: 'from the other tab', tags: ['x'] });
  await expect.poll(() => titles.at(-1)).toEqual(['from the other tab']);
  await expect.poll(() => other.status$.value.pending.changes).toBe(1);
  await expect.poll(() => other.outbox$.value.length).toBe(1);
});

test('[STA3] a write made behind the handle, by another context, shows too', async () => {
  const name = freshName();
  const db = await openNotes({ name });
  const behind = await openLocalDatabase({
    name,
    collections: [{ name: 'notes', fields: {}, groups: [], onDeleteVsEdit: 'ask', indexes: ['title', '*tags'] }],
    durability: 'relaxed',
    onLocalWrite: () => {},
  });
  await behind.dexie.table('notes').add({ id: 'x', title: 'behind', tags: ['x'] });
  await expect.poll(() => db.status$.value.pending.changes).toBe(1);
  behind.close();
});

test('[STA4] a subscriber that throws stops nobody else', async () => {
  const thrown: unknown[] = [];
  config.onUnhandledError = (error) => thrown.push(error);
  try {
    const db = await openNotes();
    db.status$.subscribe(() => {
      throw new Error('of the app');
    });
    const pending: number[] = [];
    db.status$.subscribe((status) => pending.push(status.pending.changes));
    await db.notes.insert({ title: 'a', tags: ['x'] });
    await expect.poll(() => pending.at(-1)).toBe(1);
    await db.close();
    await expect.poll(() => thrown.length).toBeGreaterThan(1);
    expect(new Set(thrown.map(String))).toEqual(new Set(['Error: of the app']));
  } finally {
    config.onUnhandledError = null;
  }
});
