/**
 * What the benchmark measures in the browser. Every number is a list of milliseconds, one for each repetition; the input is
 * fixed, and the answer is checked outside the timed part.
 */
import { filter, firstValueFrom } from 'rxjs';

import { ask, collection, counter, lww, open, set, type Db } from '@skerry/sdk';

import { holders } from './footprint.ts';
import { notes, NOTES } from './notes.ts';
import { openNotes, syncUrl } from './open.ts';
import { openRaw, type RawDatabase } from './raw.ts';
import { fill, fillPlain, liveFifty, reopen } from './reading.ts';
import type { Row } from './row.ts';
import { editElsewhere, editOffline, firstSync, publish } from './syncing.ts';
import { expectEqual, inTurns, longTasks, timed, type Pair } from './timing.ts';

const collections = {
  notes: collection<Row>({ fields: { title: ask(), body: ask(), tags: set(), pinned: lww(), hits: counter() } }),
};
type BenchDb = Db<typeof collections>;

function rowOf(index: number): Row {
  return {
    title: `Note ${index}`,
    body: 'All work and no play makes a dull note. '.repeat(5),
    tags: ['a', 'b'],
    pinned: false,
    hits: 0,
  };
}

function openDb(name: string, isSyncing: boolean): Promise<BenchDb> {
  return open({
    name: `bench-${name}`,
    collections,
    ...(isSyncing ? { sync: { url: syncUrl(), space: 'bench' } } : {}),
  });
}

/** One durable insert, then one durable update of each row. */
async function singleWrites(
  name: string,
  times: number,
): Promise<{ readonly insert: Pair; readonly insertBeside: Pair; readonly update: Pair }> {
  const [db, raw] = [await openDb(name, false), await openRaw(`raw-${name}`)];
  const id = (index: number): string => `row-${index}`;
  const insert = await inTurns(
    'insert',
    times,
    (index) => db.notes.insert({ ...rowOf(index), id: id(index) }),
    (index) => raw.insert({ ...rowOf(index), id: id(index) }),
  );
  const bound = await openRaw(`bound-${name}`);
  const insertBeside = await inTurns(
    'insert',
    times,
    (index) => db.notes.insert({ ...rowOf(index), id: `beside-${index}` }),
    (index) => bound.insertAsTracked({ ...rowOf(index), id: id(index) }),
  );
  const update = await inTurns(
    'update',
    times,
    (index) => db.notes.update(id(index), { body: `second text ${index}` }),
    (index) => raw.update(id(index), { body: `second text ${index}` }),
  );
  await checkRows(db, raw, times);
  await db.close();
  return { insert, insertBeside, update };
}

async function checkRows(db: BenchDb, raw: RawDatabase, times: number): Promise<void> {
  expectEqual('rows', await db.notes.count(), 2 * times);
  expectEqual('raw rows', await raw.count(), times);
  const last = `row-${times - 1}`;
  expectEqual('the last row', (await db.notes.get(last))?.body, (await raw.get(last))?.body);
}

async function bulkInsert(times: number, rows: number): Promise<Pair> {
  const [db, raw] = [await openDb('bulk', false), await openRaw('raw-bulk')];
  const rowsOf = (round: number): readonly (Row & { id: string })[] =>
    Array.from({ length: rows }, (_, index) => ({ ...rowOf(index), id: `row-${round}-${index}` }));
  const pair = await inTurns(
    'bulk insert',
    times,
    (round) => db.notes.insertMany(rowsOf(round)),
    (round) => raw.insertMany(rowsOf(round)),
  );
  expectEqual('rows', await db.notes.count(), times * rows);
  expectEqual('raw rows', await raw.count(), times * rows);
  await db.close();
  return pair;
}

/** All 10,000 notes by one call; beside it the rows and a log row for each. */
async function insertAll(times: number): Promise<Pair> {
  const all = notes();
  const raw = await openRaw('raw-all');
  const pair = await inTurns(
    'insert of 10,000',
    times,
    async (round) => {
      const db = await openNotes(`all-${round}`);
      await db.notes.insertMany(all);
      expectEqual('rows', await db.notes.count(), NOTES);
      await db.close();
    },
    (round) => raw.insertEach(all.map((note) => ({ ...note, id: `${round}-${note.id}` }))),
  );
  expectEqual('raw rows', await raw.count(), times * NOTES);
  return pair;
}

/** From resume to an empty outbox, `changes` saved while paused. */
async function flush(times: number, changes: number): Promise<readonly number[]> {
  const db = await openDb('flush', true);
  const result: number[] = [];
  for (let round = 0; round < times; round += 1) {
    db.sync.pause();
    await firstValueFrom(db.status$.pipe(filter(({ connection }) => connection === 'paused')));
    for (let i = 0; i < changes; i += 1) await db.notes.insert({ ...rowOf(i), id: `flush-${round}-${i}` });
    expectEqual('outbox', db.status$.value.pending.changes, changes);
    result.push(
      await timed(async () => {
        db.sync.resume();
        await db.sync.settled({ timeoutMs: 60_000 });
      }),
    );
    expectEqual('outbox', db.status$.value.pending.changes, 0);
  }
  await db.close();
  return result;
}

/** From the call of insert on one replica to the row in a live query of another one. */
async function propagation(times: number): Promise<readonly number[]> {
  const [here, there] = [await openDb('here', true), await openDb('there', true)];
  await Promise.all([here.sync.settled(), there.sync.settled()]);
  const result: number[] = [];
  for (let i = 0; i < times; i += 1) {
    const id = `travels-${i}`;
    const arrived = new Promise<void>((resolve) => {
      const watching = there.notes.liveOne(id).subscribe((row) => {
        if (row === null) return;
        queueMicrotask(() => watching.unsubscribe());
        resolve();
      });
    });
    result.push(
      await timed(async () => {
        await here.notes.insert({ ...rowOf(i), id });
        await arrived;
      }),
    );
  }
  expectEqual('arrived', await there.notes.count({ where: { id: { startsWith: 'travels-' } } }), times);
  await Promise.all([here.close(), there.close()]);
  return result;
}

export const bench = {
  singleWrites,
  bulkInsert,
  insertAll,
  flush,
  propagation,
  reading: { fill, fillPlain, reopen, liveFifty },
  syncing: { publish, firstSync, editOffline, editElsewhere },
  holders,
  longTasks,
};

declare global {
  interface Window {
    bench: typeof bench;
  }
}
window.bench = bench;
