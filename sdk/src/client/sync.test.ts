/** The client over real parts: devices with the engine beside the page, real sockets, the server's session in memory. */
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { closeAll, freshName, openNotes, type NotesDb } from './notes.fixture.ts';
import { serve, type Served } from './served.fixture.ts';
import type { Conflict, FieldConflict, SyncEvent } from './types.ts';

let server: Served;
beforeEach(async () => {
  server = await serve();
});
afterEach(async () => {
  await closeAll();
  await server.close();
});

const device = (id: string, name = freshName()): Promise<NotesDb> =>
  openNotes({ name, user: { id }, device: { name: `${id}'s phone` }, sync: { url: server.url }, worker: false });
const idsOf = (db: NotesDb): string[] => db.conflicts$.value.map((conflict: Conflict) => conflict.id);

test('[SYN1] settled() means: online, nothing pending, and all that the server had can be read', async () => {
  const anna = await device('anna');
  const events: SyncEvent['type'][] = [];
  anna.events$.subscribe((event) => events.push(event.type));
  const ben = await device('ben');
  for (let i = 0; i < 20; i++) {
    await anna.notes.insert({ id: `n${i}`, title: `${i}`, tags: ['x'] });
    await anna.sync.settled();
    expect(anna.status$.value).toMatchObject({
      connection: 'online',
      pending: { changes: 0, oldestAt: null },
      firstSync: 'done',
    });
    expect(anna.outbox$.value).toEqual([]);
    await ben.sync.settled();
    expect(await ben.notes.get(`n${i}`)).toMatchObject({ title: `${i}` });
  }
  expect(server.log.space.log.length).toBe(20);
  expect(events).toEqual(expect.arrayContaining(['local-write', 'connection', 'accepted', 'leader']));
  expect(anna.status$.value.lastSyncedAt).toBeInstanceOf(Date);
});

test('[EVT3] from the events one can tell which of two changes had seen the other, or that neither had', async () => {
  const [anna, ben] = [await device('anna'), await device('ben')];
  const seen = { anna: follow(anna), ben: follow(ben) };
  const both = (): Promise<unknown> => Promise.all([anna.sync.settled(), ben.sync.settled()]);
  const write = async (db: NotesDb, title: string): Promise<string> =>
    (await db.transaction((tx) => tx.notes.update('n', { title }))).id;

  const first = (await anna.transaction((tx) => tx.notes.insert({ id: 'n', title: '', tags: [] }))).id;
  await anna.sync.settled();
  await expect.poll(() => seen.ben.log()).toEqual([first]);
  const after = await write(ben, 'having seen it');
  await ben.sync.settled();
  await expect.poll(() => seen.anna.log()).toEqual([first, after]);
  anna.sync.pause();
  ben.sync.pause();
  const [one, other] = [await write(anna, 'universe'), await write(ben, 'unicorn')];
  expect([seen.ben.saw(after, first), seen.anna.saw(one, after)]).toEqual([true, true]);
  anna.sync.resume();
  ben.sync.resume();
  await both();
  await expect.poll(() => seen.anna.log().length).toBe(4);
  await expect.poll(() => seen.ben.log()).toEqual(seen.anna.log());
  expect([seen.anna.saw(one, other), seen.ben.saw(other, one)]).toEqual([false, false]);
  expect(seen.anna.vector()).toEqual(seen.ben.vector());
});

/** What somebody knows who only listens. */
function follow(db: NotesDb) {
  const events: SyncEvent[] = [];
  db.events$.subscribe((event) => events.push(event));
  const pages = () => events.filter((event) => event.type === 'applied');
  return {
    log: () => pages().flatMap(({ dots }) => dots),
    vector: () => pages().at(-1)?.vector,
    saw(dot: string, other: string): boolean {
      const write = events.find((event) => event.type === 'local-write' && event.dot === dot);
      const page = pages().find(({ dots }) => dots.includes(other));
      if (write?.type !== 'local-write' || !page) throw new Error('neither a write nor a page');
      return Object.entries(page.vector).every(([sid, n]) => (write.saw[sid] ?? 0) >= n);
    },
  };
}

test('[SYN1] settled() waits for what the server has already sent, however slow the way', async () => {
  const [anna, ben] = [await device('anna'), await device('ben')];
  await ben.sync.settled();
  server.delayMs = 100;
  await anna.notes.insert({ id: 'a', title: 'slow', tags: ['x'] });
  await expect.poll(() => server.log.space.log.length).toBe(1);
  await ben.sync.settled();
  expect(await ben.notes.get('a')).toMatchObject({ title: 'slow' });
});

test('[SYN1] settled() counts what another tab of the device wrote', async () => {
  const name = freshName();
  const [one, other] = [await device('anna', name), await device('anna', name)];
  await Promise.all([one.sync.settled(), other.sync.settled()]);
  for (let i = 1; i <= 10; i++) {
    await (i % 2 ? one : other).notes.insert({ title: `${i}`, tags: ['x'] });
    await (i % 2 ? other : one).sync.settled();
    expect(server.log.space.log.length).toBe(i);
  }
});

test('[SYN2] two people write one title while cut off: both words on both devices, one decides, both agree', async () => {
  const [anna, ben] = [await device('anna'), await device('ben')];
  await anna.notes.insert({ id: 'a', title: 'A word', tags: ['x'] });
  await anna.sync.settled();
  await ben.sync.settled();
  server.stop();
  await anna.notes.update('a', { title: 'universe' });
  await ben.notes.update('a', { title: 'unicorn' });
  await expect(anna.sync.settled({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  expect(anna.status$.value.pending.changes).toBe(1);

  server.start();
  for (const db of [anna, ben, anna]) {
    await db.sync.now();
    await db.sync.settled();
  }
  expect(idsOf(anna)).toHaveLength(1);
  expect(idsOf(ben)).toEqual(idsOf(anna));
  const [onAnna, onBen] = [anna.conflicts$.value[0] as FieldConflict, ben.conflicts$.value[0] as FieldConflict];
  expect(onAnna.base).toEqual({ title: 'A word' });
  expect(onAnna.versions.map(({ value, user, here }) => ({ ...value, by: user?.id, here }))).toEqual([
    { title: 'universe', by: 'anna', here: true },
    { title: 'unicorn', by: 'ben', here: false },
  ]);
  expect(onBen.versions.map((version) => version.here)).toEqual([false, true]);
  expect(await anna.notes.get('a')).toEqual(await ben.notes.get('a'));

  await onBen.resolve({ version: 0 });
  await ben.sync.settled();
  await anna.sync.settled();
  for (const db of [anna, ben]) {
    expect(db.conflicts$.value).toEqual([]);
    expect(db.status$.value.conflicts).toBe(0);
    expect(await db.notes.get('a')).toMatchObject({ title: 'universe' });
  }
  await expect(onAnna.resolve({ version: 1 })).rejects.toMatchObject({ code: 'CONFLICT_CHANGED' });
});

test('[SYN3] live queries follow remote changes, by index too', async () => {
  const [anna, ben] = [await device('anna'), await device('ben')];
  const found: string[][] = [];
  ben.notes
    .live({ where: { title: { startsWith: 'b' } } })
    .subscribe((notes) => found.push(notes.map((note) => note.id)));
  await expect.poll(() => found.at(-1)).toEqual([]);
  await anna.notes.insertMany(['a', 'b', 'bb'].map((title) => ({ id: title, title, tags: ['x'] })));
  await expect.poll(() => found.at(-1)).toEqual(['b', 'bb']);
  await anna.notes.update('b', { title: 'a' });
  await anna.notes.delete('bb');
  await expect.poll(() => found.at(-1)).toEqual([]);
});

test('[SYN4] pause() holds what is written until resume(), and the status says so', async () => {
  const anna = await device('anna');
  await anna.sync.settled();
  anna.sync.pause();
  await expect.poll(() => anna.status$.value.connection).toBe('paused');
  await anna.notes.insert({ title: 'a', tags: ['x'] });
  await expect(anna.sync.settled({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'TIMEOUT', retryable: true });
  expect(server.log.space.log.length).toBe(0);
  anna.sync.resume();
  await anna.sync.settled();
  expect(server.log.space.log.length).toBe(1);
});

test('[SYN5] opening does not wait for a server that is not there, and work goes on', async () => {
  server.stop();
  const anna = await device('anna');
  await anna.notes.insert({ title: 'a', tags: ['x'] });
  await expect.poll(() => anna.status$.value.nextAttemptAt).toBeInstanceOf(Date);
  expect(anna.status$.value).toMatchObject({ pending: { changes: 1 }, firstSync: 'never', lastSyncedAt: null });
  server.start();
  await anna.sync.now();
  await anna.sync.settled();
  expect(server.log.space.log.length).toBe(1);
});

test('[SYN6] settled() ends with CLOSED when the database is closed, and refuses a bad time limit', async () => {
  server.stop();
  const anna = await device('anna');
  const settled = anna.sync.settled({ timeoutMs: Infinity });
  const bad = anna.sync.settled({ timeoutMs: -1 });
  await expect(bad).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  const ended = expect(settled).rejects.toMatchObject({ code: 'CLOSED' });
  await anna.close();
  await ended;
});

test('[TR15] each connection tells what carries it', async () => {
  const anna = await device('anna');
  const told: unknown[] = [];
  anna.events$.subscribe((event) => event.type === 'transport' && told.push(event));
  await anna.sync.settled();
  expect(told).toEqual([{ type: 'transport', at: expect.any(Date), transport: 'websocket' }]);
  server.stop();
  server.start();
  await anna.sync.now();
  await anna.sync.settled();
  expect(told).toHaveLength(2);
});

test('[SYN7] an address that cannot be used is INVALID_OPTION', async () => {
  await expect(openNotes({ sync: { url: 'ftp://example.org' } })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
});
