/** A page's connection where two troubles meet: frozen while it is looked for, cleared while it is lost, closed while somebody waits. */
import 'fake-indexeddb/auto';
import { afterEach, expect, test, vi } from 'vitest';

import { openLocalDatabase } from './database.ts';
import { NOTES } from './devices.fixture.ts';
import type { LocalDatabase, LocalDatabaseOptions } from './local-database.ts';
import { META, OUTBOX } from './layout.ts';
import { RECONNECT_MS } from './connection.ts';

const opened: LocalDatabase[] = [];
let count = 0;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  for (const db of opened.splice(0)) db.close();
});

interface Watched {
  readonly db: LocalDatabase;
  readonly name: string;
  readonly news: { readonly type: string }[];
  readonly writes: number[];
}

async function watch(name = `connection-${++count}`, options: Partial<LocalDatabaseOptions> = {}): Promise<Watched> {
  const news: { readonly type: string }[] = [];
  const writes: number[] = [];
  const db = await openLocalDatabase({
    name,
    collections: [NOTES],
    durability: 'relaxed',
    onLocalWrite: ({ position }) => void writes.push(position),
    onStorage: (one) => void news.push(one),
    ...options,
  });
  opened.push(db);
  return { db, name, news, writes };
}

const typesOf = ({ news }: Watched): string[] => news.map(({ type }) => type);

function write({ db }: Pick<Watched, 'db'>, id: string): Promise<unknown> {
  return db.transact({ isOurs: true }, async () => db.dexie.table('notes').put({ id, title: id }));
}

const read = ({ db }: Watched): Promise<number> => db.persevere(() => db.dexie.table('notes').count());

function forceClose({ db }: Watched): void {
  const handle = db.dexie.backendDB();
  handle.close();
  handle.onclose!(new Event('close'));
}

/** The browser clears the site's data under the running page. */
async function clear(watched: Watched): Promise<void> {
  const handle = watched.db.dexie.backendDB();
  handle.close();
  await new Promise<void>((resolve, reject) => {
    const request = indexedDB.deleteDatabase(watched.name);
    request.addEventListener('success', () => resolve());
    request.addEventListener('error', () => reject(request.error ?? new Error('not deleted')));
  });
  handle.onclose!(new Event('close'));
}

/** Whether an upgrade of the database would be held up. */
function canBeDeleted(name: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = indexedDB.deleteDatabase(name);
    request.addEventListener('blocked', () => resolve(false));
    request.addEventListener('success', () => resolve(true));
  });
}

/** So many opens fail from now on. */
function failOpens(times: number): () => number {
  let calls = 0;
  const { open } = IDBFactory.prototype;
  vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(function (this: IDBFactory, ...args) {
    if (calls++ < times) throw new DOMException('Connection to Indexed Database server lost.', 'UnknownError');
    return open.apply(this, args);
  });
  return () => calls;
}

test('[STT14] cleared, and what was unsent cannot be put into the new database at first: it is at the next try, and told', async () => {
  const one = await watch();
  await write(one, 'a');
  await write(one, 'b');
  const { put } = IDBObjectStore.prototype;
  let cuts = 0;
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, ...args) {
    const request = put.apply(this, args);
    if (this.name === OUTBOX && cuts++ === 0) request.addEventListener('success', () => this.transaction.abort());
    return request;
  });
  await clear(one);
  expect(await read(one)).toBe(2);
  expect(cuts).toBe(3);
  expect(one.news.filter(({ type }) => type === 'storage-reset')).toEqual([
    expect.objectContaining({ kept: 2, lost: 0 }),
  ]);
  expect(await one.db.dexie.table(OUTBOX).count()).toBe(2);
});

test('[STT14] cleared, put back, and lost again before the rows were shown: nothing is twice, and nothing is told as lost', async () => {
  const one = await watch();
  await write(one, 'a');
  const { put } = IDBObjectStore.prototype;
  let cuts = 0;
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, ...args) {
    const request = put.apply(this, args);
    if (this.name === 'notes' && cuts++ === 0) request.addEventListener('success', () => this.transaction.abort());
    return request;
  });
  await clear(one);
  expect(await read(one)).toBe(1);
  expect(cuts).toBe(2);
  expect(one.news.filter(({ type }) => type === 'storage-reset')).toEqual([
    expect.objectContaining({ kept: 1, lost: 0 }),
  ]);
  expect(await one.db.dexie.table(OUTBOX).count()).toBe(1);
});

test('[STT3] what was read back as saved is announced like any write, and survives that the database is cleared', async () => {
  const one = await watch();
  const { transaction } = IDBDatabase.prototype;
  let isCut = true;
  vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...args) {
    const trans = transaction.apply(this, args);
    if (isCut || args[1] !== 'readwrite') return trans;
    isCut = true;
    // Saved, and then the connection dies with the answer.
    trans.addEventListener('complete', (event) => {
      event.stopImmediatePropagation();
      trans.onabort!(new Event('abort'));
      forceClose(one);
    });
    return trans;
  });
  // Dexie takes hold of transaction() when it opens.
  forceClose(one);
  await read(one);
  isCut = false;
  await write(one, 'a');
  expect(isCut).toBe(true);
  expect(one.writes).toHaveLength(1);
  await clear(one);
  expect(await read(one)).toBe(1);
  expect(one.news.at(-2)).toMatchObject({ type: 'storage-reset', kept: 1, lost: 0 });
});

test('[STT15] frozen while its connection is looked for: it holds none until it goes on, then there is one', async () => {
  const one = await watch();
  const calls = failOpens(2);
  forceClose(one);
  await expect.poll(calls).toBeGreaterThan(0);
  one.db.rest();
  // The search would have found it by now.
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(one.db.dexie.backendDB()).toBeNull();
  expect(await canBeDeleted(one.name)).toBe(true);
  await one.db.wake();
  await write(one, 'a');
  expect(await read(one)).toBe(1);
});

test('[STT15] frozen while the browser opens its connection: a late answer leaves none open', async () => {
  const one = await watch();
  const { open } = IDBFactory.prototype;
  let answer: (() => void) | undefined;
  vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(function (this: IDBFactory, ...args) {
    // What comes of it is heard later.
    const real = open.apply(this, args);
    const held = new EventTarget() as IDBOpenDBRequest;
    real.addEventListener('success', () => {
      Object.defineProperty(held, 'result', { value: real.result });
      answer = () => {
        held.addEventListener('success', (event) => held.onsuccess?.(event));
        held.dispatchEvent(new Event('success'));
      };
    });
    return held;
  });
  forceClose(one);
  await expect.poll(() => answer).toBeDefined();
  one.db.rest();
  vi.restoreAllMocks();
  await new Promise((resolve) => setTimeout(resolve));
  answer!();
  expect(one.db.dexie.backendDB()).toBeNull();
  expect(await canBeDeleted(one.name)).toBe(true);
});

test('[STT15] going on while its connection is looked for: one opening, at once', async () => {
  const one = await watch();
  await write(one, 'a');
  const { open } = IDBFactory.prototype;
  let calls = 0;
  vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(function (this: IDBFactory, ...args) {
    calls += 1;
    return open.apply(this, args);
  });
  one.db.rest();
  const [reading, writing] = [read(one), write(one, 'b')];
  await one.db.wake();
  await Promise.all([reading, writing]);
  expect(calls).toBe(1);
  expect(await read(one)).toBe(2);
  // Nobody is told of a rest.
  expect(typesOf(one)).toEqual([]);
});

test('[STT15] a call that waits while the page is frozen for long goes on afterwards', async () => {
  const one = await watch();
  one.db.rest();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const reading = read(one);
  const writing = write(one, 'a');
  const ends: string[] = [];
  reading.then(
    () => ends.push('read'),
    (error: { code: string }) => ends.push(error.code),
  );
  writing.then(
    () => ends.push('written'),
    (error: { code: string }) => ends.push(error.code),
  );
  for (let ms = 0; ms < RECONNECT_MS * 3; ms += 500) await vi.advanceTimersByTimeAsync(500);
  expect(ends).toEqual([]);
  vi.useRealTimers();
  await one.db.wake();
  await Promise.all([reading, writing]);
  expect(ends.toSorted()).toEqual(['read', 'written']);
});

test('[STT16] closed while it is frozen or while its connection is looked for: calls end at once, and nothing is opened any more', async () => {
  const frozen = await watch();
  frozen.db.rest();
  const waiting = write(frozen, 'a');
  frozen.db.close();
  await expect(waiting).rejects.toThrow();
  const looking = await watch();
  const calls = failOpens(Infinity);
  const ended = write(looking, 'a').then(
    () => 'saved',
    () => 'ended',
  );
  await ended;
  forceClose(looking);
  const reading = read(looking);
  await expect.poll(calls).toBeGreaterThan(0);
  looking.db.close();
  await expect(reading).rejects.toThrow();
  vi.restoreAllMocks();
  const opens = vi.spyOn(IDBFactory.prototype, 'open');
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(opens).not.toHaveBeenCalled();
  expect(await canBeDeleted(looking.name)).toBe(true);
});

test('[STT17] lost between its making and its adoption, a database is still one that was made now', async () => {
  const name = `connection-${++count}`;
  const { transaction } = IDBDatabase.prototype;
  let begun = 0;
  vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...args) {
    begun += 1;
    // The first after it was made: the identity is in it.
    if (begun === 2) throw new DOMException('Connection to Indexed Database server lost.', 'UnknownError');
    return transaction.apply(this, args);
  });
  const { db } = await watch(name);
  expect(db.isMadeNow).toBe(true);
  expect(await db.dexie.table(META).get('replica')).toBeDefined();
});

test('[STT14] cleared with changes in the outbox that another tab wrote: nobody claims that none was lost', async () => {
  const one = await watch();
  const earlier = await watch(one.name);
  await write(earlier, 'theirs');
  await write(one, 'ours');
  await one.db.readOutbox(null);
  earlier.db.close();
  await clear(one);
  expect(await read(one)).toBe(1);
  expect(one.news.find(({ type }) => type === 'storage-reset')).toMatchObject({ kept: 1, lost: null, lostDots: [] });
});

test('[STT15] frozen inside a transaction: what is under way is finished; what reads it back goes on afterwards', async () => {
  const one = await watch();
  let runs = 0;
  await one.db.transact({}, async () => {
    runs += 1;
    await one.db.dexie.table('notes').put({ id: 'a', title: 'a' });
    one.db.rest();
    await one.db.dexie.table('notes').put({ id: 'b', title: 'b' });
  });
  expect(runs).toBe(1);
  await one.db.wake();
  expect(await read(one)).toBe(2);
  // The connection dies with the answer to a commit just before the page is frozen.
  const { transaction } = IDBDatabase.prototype;
  let isArmed = true;
  vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...args) {
    const trans = transaction.apply(this, args);
    if (!isArmed || args[1] !== 'readwrite') return trans;
    isArmed = false;
    trans.addEventListener('complete', (event) => {
      event.stopImmediatePropagation();
      forceClose(one);
      trans.onabort!(new Event('abort'));
      one.db.rest();
    });
    return trans;
  });
  isArmed = false;
  one.db.rest();
  await one.db.wake();
  isArmed = true;
  const writing = write(one, 'c');
  await expect.poll(() => isArmed).toBe(false);
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(one.db.dexie.backendDB()).toBeNull();
  await one.db.wake();
  await writing;
  expect(await read(one)).toBe(3);
  const { summaries } = await one.db.readOutbox(null);
  expect(summaries.map(({ rows }) => rows.map(({ rowId }) => rowId))).toEqual([['a', 'b'], ['c']]);
});

test('[STT14] adopting, cleared under it or in two tabs at once: no row is adopted twice, and none without being told is lost', async () => {
  const name = `connection-${++count}`;
  await new Promise<void>((resolve) => {
    const request = indexedDB.open(name, 10);
    request.addEventListener('upgradeneeded', () => {
      const store = request.result.createObjectStore('notes', { keyPath: 'id' });
      for (let i = 0; i < 450; i++) store.put({ id: `old-${i}`, title: `${i}` });
    });
    request.addEventListener('success', () => (request.result.close(), resolve()));
  });
  const { transaction } = IDBDatabase.prototype;
  let writes = 0;
  // The third and the fifth writing transaction find the connection dead.
  vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...args) {
    if (args[1] === 'readwrite' && [3, 5].includes(++writes))
      throw new DOMException('Connection to Indexed Database server lost.', 'UnknownError');
    return transaction.apply(this, args);
  });
  const [one, other] = await Promise.all([watch(name), watch(name)]);
  expect(writes).toBeGreaterThan(5);
  expect(await read(one)).toBe(450);
  const changes = (await one.db.dexie.table(OUTBOX).toArray()) as { recs: { id: string }[] }[];
  const ids = changes.flatMap(({ recs }) => recs.map(({ id }) => id));
  expect(ids.toSorted()).toEqual([...new Set(ids)].toSorted());
  expect(ids).toHaveLength(450);
  expect(await read(other)).toBe(450);
});
