/** Storage trouble as docs/faults.md lists it, where a test can make it by patching IndexedDB. The rest is in e2e/browser/storage.spec.ts. */
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { META, OUTBOX } from '../store/layout.ts';
import { OPEN_ATTEMPTS_MS } from '../store/watched-open.ts';
import { closeAll, freshName, openNotes, type NotesDb } from './notes.fixture.ts';
import type { SyncEvent } from './types.ts';

const NOTE = { title: 'a', tags: ['x'] };

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  await closeAll();
});

/** What the browser does when it closes a connection: the old handle is dead, and an event says so. */
function forceClose(db: NotesDb): void {
  const handle = db.dexie.backendDB();
  handle.close();
  handle.onclose!(new Event('close'));
}

function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.addEventListener('success', () => resolve());
    request.addEventListener('error', () => reject(request.error ?? new Error('not deleted')));
  });
}

/** What transaction() does from now on. Dexie takes hold of it when a database is opened. */
let onTransaction: ((handle: IDBDatabase, begin: () => IDBTransaction) => IDBTransaction) | null = null;
const { transaction } = IDBDatabase.prototype;

beforeEach(() => {
  onTransaction = null;
  vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...args) {
    const begin = (): IDBTransaction => transaction.apply(this, args);
    return onTransaction ? onTransaction(this, begin) : begin();
  });
});

/** The next transaction, and no other, goes through `change`. */
function onNextTransaction(change: (trans: IDBTransaction) => void): void {
  onTransaction = (_handle, begin) => {
    onTransaction = null;
    const trans = begin();
    change(trans);
    return trans;
  };
}

/** Every connection that is open now is dead, as when WebKit's database server dies, and so many opens fail. */
function loseServer({ opens }: { readonly opens: number }): {
  readonly used: () => number;
  readonly opened: () => number;
} {
  const uses = new Map<IDBDatabase, number>();
  let opened = 0;
  onTransaction = (handle, begin) => {
    if (opened > opens) return begin();
    uses.set(handle, (uses.get(handle) ?? 0) + 1);
    throw new DOMException('Connection to Indexed Database server lost. Refresh the page to try again', 'UnknownError');
  };
  const { open } = IDBFactory.prototype;
  vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(function (this: IDBFactory, ...args) {
    opened += 1;
    if (opened > opens) return open.apply(this, args);
    throw new DOMException('Connection to Indexed Database server lost. Refresh the page to try again', 'UnknownError');
  });
  return { used: () => Math.max(...uses.values()), opened: () => opened };
}

function heard(db: NotesDb): string[] {
  const types: string[] = [];
  db.events$.subscribe((event: SyncEvent) => types.push(event.type));
  return types;
}

describe('a connection that is lost', () => {
  test('[STT1] S8: closed by the browser, it is opened anew: calls, live queries and states go on', async () => {
    const db = await openNotes();
    const events = heard(db);
    const titles: string[][] = [];
    db.notes.live().subscribe((notes) => titles.push(notes.map((note) => note.title)));
    await db.notes.insert(NOTE);
    await expect.poll(() => titles.at(-1)).toEqual(['a']);
    forceClose(db);
    await db.notes.insert({ title: 'b', tags: ['x'] });
    await expect.poll(() => titles.at(-1)?.toSorted()).toEqual(['a', 'b']);
    await expect.poll(() => db.outbox$.value.length).toBe(2);
    await expect.poll(() => events).toEqual(['local-write', 'storage-lost', 'storage-back', 'local-write']);
    expect(db.storage$.value).toMatchObject({ modes: [], reset: null });
  });

  test('[STT1] S8: what another context wrote meanwhile is in the live queries when the connection is back', async () => {
    const name = freshName();
    const [db, other] = [await openNotes({ name }), await openNotes({ name })];
    const titles: string[][] = [];
    db.notes.live().subscribe((notes) => titles.push(notes.map((note) => note.title)));
    await expect.poll(() => titles.length).toBe(1);
    forceClose(db);
    await other.notes.insert(NOTE);
    await expect.poll(() => titles.at(-1)).toEqual(['a']);
    await expect.poll(() => db.status$.value.pending.changes).toBe(1);
  });

  test.each([0, 1, 2, 3, 4, 5, 6])(
    '[STT2] S9: the database server is lost and %d opens fail: no call uses the dead handle again, and none is lost',
    async (opens) => {
      const db = await openNotes();
      await db.notes.insert({ id: 'before', ...NOTE });
      const server = loseServer({ opens });
      const calls = [
        db.notes.insert({ id: 'a', ...NOTE }),
        db.notes.update('before', { title: 'later' }),
        db.transaction((tx) => tx.notes.insert({ id: 'b', ...NOTE })).then(() => undefined),
        db.notes.get('before').then((row) => row!.id),
      ];
      expect(await Promise.all(calls)).toEqual(['a', undefined, undefined, 'before']);
      expect(server.opened()).toBe(opens + 1);
      expect(server.used()).toBeLessThanOrEqual(calls.length);
      expect((await db.notes.find()).map(({ id, title }) => [id, title])).toEqual([
        ['a', 'a'],
        ['b', 'a'],
        ['before', 'later'],
      ]);
      expect(db.status$.value.pending.changes).toBe(4);
    },
  );

  test('[STT3] a transaction whose end is not known is read back: saved is told as saved, and not done twice', async () => {
    const db = await openNotes();
    await db.notes.insert({ id: 'a', ...NOTE, likes: 0 });
    // The commit arrives, its answer does not: the connection dies first.
    let isCut = false;
    onNextTransaction((trans) => {
      trans.addEventListener('complete', (event) => {
        isCut = true;
        event.stopImmediatePropagation();
        trans.onabort!(new Event('abort'));
        forceClose(db);
      });
    });
    await db.notes.update('a', (note) => void (note.likes! += 1));
    expect(isCut).toBe(true);
    expect(await db.notes.get('a')).toMatchObject({ likes: 1 });
    await expect.poll(() => db.outbox$.value.length).toBe(2);
  });

  test('[STT5] S7: a commit that never ends is given up within its limit, and the truth is read back', async () => {
    const db = await openNotes();
    // Saved by now, and nobody is told.
    onNextTransaction((trans) => trans.addEventListener('complete', (event) => event.stopImmediatePropagation()));
    await db.notes.insert({ id: 'a', ...NOTE });
    expect(await db.notes.get('a')).toMatchObject({ title: 'a' });
    expect(await db.notes.count()).toBe(1);
  }, 15_000);
});

describe('a database that was cleared', () => {
  test('[STT6] S8: cleared under the running page, it is a new device; what was unsent is in the new one', async () => {
    const name = freshName();
    const db = await openNotes({ name });
    const events = heard(db);
    const before = (await db.dexie.table(META).get('replica')) as { deviceId: string };
    await db.notes.insertMany([
      { id: 'a', ...NOTE },
      { id: 'b', ...NOTE },
    ]);
    await db.notes.update('a', { title: 'later' });
    await db.notes.delete('b');
    const dots = db.outbox$.value.map(({ id }) => id);
    const handle = db.dexie.backendDB();
    handle.close();
    await deleteDatabase(name);
    handle.onclose!(new Event('close'));

    await expect.poll(() => db.storage$.value.reset).toMatchObject({ kept: 3, lost: 0 });
    const after = (await db.dexie.table(META).get('replica')) as { deviceId: string };
    expect(after.deviceId).not.toBe(before.deviceId);
    expect(await db.notes.find()).toMatchObject([{ id: 'a', title: 'later', tags: ['x'] }]);
    await expect.poll(() => db.outbox$.value.length).toBe(3);
    expect(db.outbox$.value.map(({ id }) => id)).toEqual(expect.arrayContaining(dots));
    expect(db.storage$.value.risk).toMatchObject({ level: 'high', reason: 'reset' });
    expect(events).toContain('storage-reset');
    expect((await db.debug.verify()).differences).toEqual([]);
    await db.notes.update('a', { title: 'on it goes' });
    await expect.poll(() => db.outbox$.value.length).toBe(4);
    expect(db.status$.value.pending.changes).toBe(4);
  });

  test('[STT6] S8: each of two tabs puts what it wrote into the new database, once', async () => {
    const name = freshName();
    const [one, other] = [await openNotes({ name }), await openNotes({ name })];
    await one.notes.insert({ id: 'one', ...NOTE });
    await other.notes.insert({ id: 'other', ...NOTE });
    const handles = [one, other].map((db) => db.dexie.backendDB());
    for (const handle of handles) handle.close();
    await deleteDatabase(name);
    for (const handle of handles) handle.onclose!(new Event('close'));
    await expect.poll(() => [one, other].map((db) => db.storage$.value.reset?.kept)).toEqual([1, 1]);
    expect((await one.notes.find()).map(({ id }) => id)).toEqual(['one', 'other']);
    expect(await one.dexie.table(OUTBOX).count()).toBe(2);
    expect((await one.debug.verify()).differences).toEqual([]);
  });
});

describe('opening', () => {
  test('[STT7] S15: an open() that the browser never answers is made again; a late answer does no harm', async () => {
    const name = freshName();
    const { open } = IDBFactory.prototype;
    const late: (() => void)[] = [];
    let calls = 0;
    vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(function (this: IDBFactory, ...args) {
      calls += 1;
      if (calls > 2) return open.apply(this, args);
      const request = new EventTarget() as IDBOpenDBRequest;
      late.push(() => void open.apply(this, args));
      return request;
    });
    const db = await openNotes({ name });
    await db.notes.insert(NOTE);
    late.forEach((answer) => answer());
    expect(calls).toBe(3);
    expect(await db.notes.count()).toBe(1);
  });

  test('[STT7] S5 S11: one that never opens ends with STORAGE_BLOCKED, and a later open() works', async () => {
    const name = freshName();
    const spy = vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(() => new EventTarget() as IDBOpenDBRequest);
    await expect(openNotes({ name })).rejects.toMatchObject({ code: 'STORAGE_BLOCKED', retryable: true });
    // Each more than once only where the browser's own answer to the one before would.
    expect(spy.mock.calls.filter(([asked]) => asked === name).length).toBe(OPEN_ATTEMPTS_MS.length);
    spy.mockRestore();
    await expect((await openNotes({ name })).notes.count()).resolves.toBe(0);
  }, 15_000);

  test('[STT7] S5: one that fails each time ends with STORAGE_FAILED and its cause', async () => {
    const failing = vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(() => {
      throw new DOMException('Internal error opening backing store for indexedDB.open.', 'UnknownError');
    });
    await expect(openNotes()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    expect(failing.mock.calls.length).toBeLessThan(30);
  }, 15_000);

  test('[STT8] S11: a foreign connection that does not give way is STORAGE_BLOCKED; then nothing was upgraded, and it can be opened', async () => {
    const name = freshName();
    const foreign = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open(name, 1);
      request.addEventListener('success', () => resolve(request.result));
    });
    await expect(openNotes({ name })).rejects.toMatchObject({ code: 'STORAGE_BLOCKED' });
    foreign.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await indexedDB.databases()).find((one) => one.name === name)?.version).toBe(1);
    await deleteDatabase(name);
    await expect((await openNotes({ name })).notes.count()).resolves.toBe(0);
  }, 15_000);

  test('[STT8] S11: a tab gives way to one that upgrades, says so, and goes on', async () => {
    const name = freshName();
    const old = await openNotes({ name });
    const events = heard(old);
    await old.notes.insert(NOTE);
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.open(name, old.dexie.backendDB().version + 5);
      request.addEventListener('upgradeneeded', () => void request.result.createObjectStore('more', { keyPath: 'id' }));
      request.addEventListener('success', () => (request.result.close(), resolve()));
      request.addEventListener('error', () => reject(request.error ?? new Error('not opened')));
    });
    await expect.poll(() => events).toEqual(['local-write', 'storage-yielded', 'storage-back']);
    await old.notes.insert(NOTE);
    expect(await old.notes.count()).toBe(2);
    expect(old.storage$.value.modes).toEqual([]);
  });

  test('[STT9] S12: a database of a newer SDK is STORAGE_NEWER, at open() and under a running tab; nothing in it is touched', async () => {
    const name = freshName();
    const db = await openNotes({ name });
    await db.notes.insert(NOTE);
    await db.dexie.table(META).put({ key: 'layout', version: 99 });
    forceClose(db);
    await expect.poll(() => db.storage$.value.risk).toMatchObject({ level: 'critical', reason: 'newer-version' });
    await expect(db.notes.insert(NOTE)).rejects.toMatchObject({ code: 'STORAGE_NEWER' });
    await db.close();
    await expect(openNotes({ name })).rejects.toMatchObject({ code: 'STORAGE_NEWER', hint: expect.any(String) });
    const raw = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open(name);
      request.addEventListener('success', () => resolve(request.result));
    });
    const count = raw.transaction(OUTBOX).objectStore(OUTBOX).count();
    expect(await new Promise((resolve) => count.addEventListener('success', () => resolve(count.result)))).toBe(1);
    raw.close();
  });

  test('[STT10] S16: without IndexedDB, or where the browser forbids it, open() is STORAGE_UNAVAILABLE with a hint', async () => {
    const forbidding = vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(() => {
      throw new DOMException(
        'A mutation operation was attempted on a database that did not allow mutations.',
        'InvalidStateError',
      );
    });
    const unavailable = { code: 'STORAGE_UNAVAILABLE', hint: expect.stringContaining('ordinary window') };
    await expect(openNotes()).rejects.toMatchObject(unavailable);
    expect(forbidding).toHaveBeenCalledTimes(1);
    vi.stubGlobal('indexedDB', undefined);
    await expect(openNotes()).rejects.toMatchObject(unavailable);
  });
});

test('[TXN4] S13: a transaction that awaits a fetch is whole or fails with a code; never half of it is there', async () => {
  const db = await openNotes();
  const writing = db
    .transaction(async (tx) => {
      await tx.notes.insert({ id: 'first', ...NOTE });
      await fetch('data:text/plain,slow').then((response) => response.text());
      await tx.notes.insert({ id: 'second', ...NOTE });
    })
    .then(
      () => 'saved',
      (error: { code: string }) => error.code,
    );
  const ids = { saved: ['first', 'second'], TRANSACTION_ENDED: [] };
  const end = (await writing) as keyof typeof ids;
  expect((await db.notes.find()).map(({ id }) => id)).toEqual(ids[end]);
  expect(db.status$.value.pending.changes).toBe(end === 'saved' ? 1 : 0);
});
