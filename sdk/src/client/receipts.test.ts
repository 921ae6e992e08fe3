/** What becomes of commits: the client over real sockets. */
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { noOverlap } from '../constraints/no-overlap.ts';
import type { LocalDatabase } from '../store/local-database.ts';
import type { AskedChange } from '../store/receipts.ts';
import { INITIAL_SYNC_STATE } from '../worker/link.ts';
import { seededRandom } from '../lib/random.ts';
import { TestPeering } from '../testing/test-peering.ts';
import { TestServer } from '../testing/test-server.ts';
import { commitOf } from './commit.ts';
import { collection } from './definition.ts';
import { createLifetime } from './lifetime.ts';
import { closeAll, freshName, openNotes, remember, type Booking, type NotesDb } from './notes.fixture.ts';
import { open } from './open.ts';
import { createReceipts } from './receipts.ts';
import { serve, type Served } from './served.fixture.ts';
import type { Commit, FieldConflict, Receipt, RejectedWrite } from './types.ts';

const NOTE = { title: 'one', tags: ['x'], likes: 1 };

let server: Served;
let mayWrite: (text: string) => boolean;

beforeEach(async () => {
  mayWrite = (text) => !text.includes('forbidden');
  server = await serve({ authorize: ({ recs }) => mayWrite(JSON.stringify(recs)) });
});
afterEach(async () => {
  await closeAll();
  await server.close();
});

function openDevice(name = freshName(), url = server.url): Promise<NotesDb> {
  return openNotes({ name, sync: { url }, worker: false });
}

function insert(db: NotesDb, id: string, title = 'one'): Promise<Commit<string>> {
  return db.transaction((tx) => tx.notes.insert({ ...NOTE, id, title }));
}

function edit(db: NotesDb, id: string, title: string): Promise<Commit<void>> {
  return db.transaction((tx) => tx.notes.update(id, { title }));
}

const stateOf = (commit: Commit<unknown>): string => commit.receipt$.value.state;
const reaches = (commit: Commit<unknown>, state: Receipt['state']): Promise<unknown> =>
  expect.poll(() => stateOf(commit)).toBe(state);

async function disagree(anna: NotesDb, ben: NotesDb): Promise<[Commit<unknown>, Commit<unknown>]> {
  await insert(anna, 'a');
  await anna.sync.settled();
  await ben.sync.settled();
  ben.sync.pause();
  const mine = await edit(anna, 'a', 'universe');
  await anna.sync.settled();
  const theirs = await edit(ben, 'a', 'unicorn');
  return [mine, theirs];
}

test('[RCT1] a receipt goes from saved over sending to accepted, and each state is told once', async () => {
  const db = await openDevice();
  await db.sync.settled();
  db.sync.pause();
  await expect.poll(() => db.status$.value.connection).toBe('paused');
  const commit = await insert(db, 'a');
  const told: string[] = [];
  commit.receipt$.subscribe(({ state }) => told.push(state));
  expect(told).toEqual(['saved']);
  server.delayMs = 150;
  db.sync.resume();
  await reaches(commit, 'accepted');
  expect(told).toEqual(['saved', 'sending', 'accepted']);
  await db.sync.settled();
  expect(told).toEqual(['saved', 'sending', 'accepted']);
  const late: string[] = [];
  commit.receipt$.subscribe(({ state }) => late.push(state));
  expect(late).toEqual(['accepted']);
});

test('[RCT2] what was on its way over a link that broke is saved again, and accepted later', async () => {
  const db = await openDevice();
  await db.sync.settled();
  server.delayMs = 1e6;
  const commit = await insert(db, 'a');
  await reaches(commit, 'sending');
  server.stop();
  await reaches(commit, 'saved');
  server.delayMs = 0;
  server.start();
  await db.sync.now();
  await reaches(commit, 'accepted');
});

test('[RCT3] it is as true in a tab that does not sync', async () => {
  const name = freshName();
  const [one, other] = [await openDevice(name), await openDevice(name)];
  await one.sync.settled();
  const commits = [await insert(one, 'a'), await insert(other, 'b'), await insert(other, 'c', 'forbidden')];
  await reaches(commits[0]!, 'accepted');
  await reaches(commits[1]!, 'accepted');
  await reaches(commits[2]!, 'rejected');
  await Promise.all(commits.slice(0, 2).map((commit) => commit.confirmed()));
  await expect(commits[2]!.confirmed()).rejects.toMatchObject({ code: 'FORBIDDEN' });
});

test('[RCT4] conflicted: accepted, and a conflict about it is open; the decision closes it and is a commit too', async () => {
  const [anna, ben] = [await openDevice(), await openDevice()];
  const [mine, theirs] = await disagree(anna, ben);
  await reaches(mine, 'accepted');
  expect(stateOf(theirs)).toBe('saved');
  ben.sync.resume();
  await ben.sync.settled();
  await reaches(mine, 'conflicted');
  await reaches(theirs, 'conflicted');
  const [conflict] = anna.conflicts$.value as [FieldConflict];
  expect(mine.receipt$.value).toEqual({ state: 'conflicted', conflicts: [conflict.id] });
  await mine.confirmed();
  const resolution = await conflict.resolve({ version: 0 });
  await resolution.confirmed();
  for (const commit of [mine, theirs, resolution]) await reaches(commit, 'accepted');
});

test('[RCT4] a constraint conflict with one of its rows is about it as well', async () => {
  const bookings = collection<Booking & { end?: number }>({
    constraints: [noOverlap('rooms', { by: 'room', from: 'start', to: 'end' })],
  });
  const sync = { url: server.url };
  const db = remember(await open({ name: freshName(), collections: { bookings }, sync, worker: false }));
  const book = (id: string): Promise<Commit<string>> =>
    db.transaction((tx) => tx.bookings.insert({ id, title: id, room: 'A', start: 1, end: 3 }));
  const first = await book('a');
  await reaches(first, 'accepted');
  const second = await book('b');
  await reaches(second, 'conflicted');
  await reaches(first, 'conflicted');
  const [conflict] = db.conflicts$.value;
  expect(first.receipt$.value).toMatchObject({ conflicts: [conflict!.id] });
  await db.bookings.delete('b');
  await reaches(first, 'accepted');
});

test('[RCT5] what a server does not take is rejected, with its dependants, and stays so when somebody has decided', async () => {
  const db = await openDevice();
  await insert(db, 'a');
  await db.sync.settled();
  db.sync.pause();
  const [refused, dependant, other] = [
    await edit(db, 'a', 'forbidden'),
    await edit(db, 'a', 'after it'),
    await insert(db, 'b'),
  ];
  db.sync.resume();
  await expect(refused.confirmed()).rejects.toMatchObject({ code: 'FORBIDDEN' });
  await reaches(dependant, 'rejected');
  await reaches(other, 'accepted');
  await db.sync.settled();
  await expect.poll(() => db.conflicts$.value.length).toBe(1);
  const [conflict] = db.conflicts$.value as [RejectedWrite];
  const discarded = await conflict.resolve('discard');
  await discarded.confirmed();
  await expect.poll(() => db.conflicts$.value).toEqual([]);
  await db.sync.settled();
  expect(refused.receipt$.value).toMatchObject({ state: 'rejected', error: { code: 'FORBIDDEN' } });
  expect(stateOf(dependant)).toBe('rejected');
});

test('[RCT5] also when it is looked at only after that', async () => {
  const db = await openDevice();
  await insert(db, 'a');
  const refused = await edit(db, 'a', 'forbidden');
  await db.sync.settled();
  await expect.poll(() => db.conflicts$.value.length).toBe(1);
  await (db.conflicts$.value[0] as RejectedWrite).resolve('discard');
  await db.sync.settled();
  await expect(refused.confirmed()).rejects.toMatchObject({ code: 'FORBIDDEN' });
  expect(stateOf(refused)).toBe('rejected');
});

test('[RCT5] a retry is a commit of its own', async () => {
  const db = await openDevice();
  const refused = await insert(db, 'a', 'forbidden');
  await expect(refused.confirmed()).rejects.toMatchObject({ code: 'FORBIDDEN' });
  await expect.poll(() => db.conflicts$.value.length).toBe(1);
  mayWrite = () => true;
  const again = await (db.conflicts$.value[0] as RejectedWrite).resolve('retry');
  await again.confirmed();
  expect([stateOf(refused), stateOf(again)]).toEqual(['rejected', 'accepted']);
});

test('[RCT6] a commit that nobody has looked at until it was accepted says so', async () => {
  const db = await openDevice();
  const commit = await insert(db, 'a');
  await db.sync.settled();
  await commit.confirmed();
  expect(commit.receipt$.value).toEqual({ state: 'accepted' });
});

test('[RCT6] commits that nobody looks at are never asked for, and those that somebody does look at are asked for together', async () => {
  const db = await openNotes();
  const lifetime = createLifetime();
  const asked: number[] = [];
  const local = {
    dexie: db.dexie,
    readFates: async (changes: readonly AskedChange[]) => {
      asked.push(changes.length);
      const fates = changes.map(({ dot }) => ({
        dot,
        isPending: false,
        order: null,
        isEmptied: false,
        isInLog: false,
      }));
      return { fates, rejected: [], conflicts: [], servers: { topology: null, cursor: {}, seen: {} } };
    },
  } as unknown as LocalDatabase;
  const receipts = createReceipts({ local, lifetime, isSynced: true, logger: undefined });
  const commits = Array.from({ length: 1_000 }, (_, i) =>
    commitOf({ local, lifetime, receipts }, i, {
      dot: `${'a'.repeat(16)}.${i + 1}`,
      order: i + 1,
      deviceId: 'd',
      undo: [],
    }),
  );
  await insert(db, 'a');
  receipts.setLink({ ...INITIAL_SYNC_STATE, connection: 'online' });
  receipts.noteSent(3);
  await new Promise((resolve) => setTimeout(resolve));
  expect(asked).toEqual([]);
  const looked = commits.slice(0, 3);
  looked.forEach((commit) => commit.receipt$.subscribe());
  for (const commit of looked) await reaches(commit, 'accepted');
  expect(Math.max(...asked)).toBe(3);
  lifetime.close();
});

test('[RCT7] a commit that wrote nothing is accepted, and confirmed at once', async () => {
  const db = await openNotes({ sync: { url: 'ws://127.0.0.1:1' }, worker: false });
  const commit = await db.transaction((tx) => tx.notes.count());
  expect(commit.id).toBe('');
  expect(commit.receipt$.value).toEqual({ state: 'accepted' });
  await commit.confirmed();
  await commit.confirmed({ by: 'regions' });
});

test('[RCT8] close() completes the receipt and ends the wait with CLOSED', async () => {
  const db = await openNotes({ sync: { url: 'ws://127.0.0.1:1' }, worker: false });
  const commit = await insert(db, 'a');
  const unseen = await insert(db, 'b');
  let isComplete = false;
  commit.receipt$.subscribe({ complete: () => (isComplete = true) });
  const waiting = expect(commit.confirmed()).rejects.toMatchObject({ code: 'CLOSED' });
  await db.close();
  await waiting;
  expect(isComplete).toBe(true);
  expect(commit.receipt$.value).toEqual({ state: 'saved' });
  await expect(commit.confirmed()).rejects.toMatchObject({ code: 'CLOSED' });
  let isLateComplete = false;
  unseen.receipt$.subscribe({ complete: () => (isLateComplete = true) });
  expect(isLateComplete).toBe(true);
});

test('[RCT9] without a server a commit stays saved, and waiting for a confirmation is NO_SERVER', async () => {
  const db = await openNotes();
  const commit = await insert(db, 'a');
  expect(commit.receipt$.value).toEqual({ state: 'saved' });
  await expect(commit.confirmed()).rejects.toMatchObject({ code: 'NO_SERVER' });
});

test('[RCT10] a wait is given up by its signal, and bad options are refused', async () => {
  const db = await openNotes({ sync: { url: 'ws://127.0.0.1:1' }, worker: false });
  const commit = await insert(db, 'a');
  const gone = AbortSignal.abort(new Error('of the app'));
  await expect(commit.confirmed({ signal: gone })).rejects.toMatchObject({ code: 'ABORTED', cause: gone.reason });
  const giving = new AbortController();
  const waiting = expect(commit.confirmed({ signal: giving.signal })).rejects.toMatchObject({ code: 'ABORTED' });
  giving.abort();
  await waiting;
  for (const bad of [null, 'server', { by: 'everybody' }, { signal: {} }])
    await expect(commit.confirmed(bad as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
});

test('[RCT11] by regions waits until every server is known to have it; with one server it is the same as by server', async () => {
  const alone = await openDevice();
  await (await insert(alone, 'a')).confirmed({ by: 'regions' });
  const founders = ['region-one-', 'region-two-'];
  const near = await serve({ sid: founders[0]!, founders });
  try {
    const { timeline } = near;
    const far = new TestServer({ sid: founders[1]!, founders, timeline, commitMs: () => 1 });
    const links = [
      new TestPeering({ timeline, random: seededRandom(1), to: far, from: near.log }),
      new TestPeering({ timeline, random: seededRandom(2), to: near.log, from: far }),
    ];
    const db = await openDevice(freshName(), near.url);
    await db.sync.settled();
    for (const link of links) link.stop();
    const commit = await insert(db, 'b');
    await commit.confirmed();
    let isEverywhere = false;
    const confirmed = commit.confirmed({ by: 'regions' }).then(() => (isEverywhere = true));
    near.log.maintain();
    await db.sync.settled();
    expect([stateOf(commit), isEverywhere]).toEqual(['accepted', false]);
    for (const link of links) link.start();
    await expect.poll(() => far.has(commit.id)).toBe(true);
    far.maintain();
    await confirmed;
    await (await insert(db, 'c')).confirmed();
  } finally {
    await near.close();
  }
});
