import { expect, test } from 'vitest';

import { msOf } from '../core/clock.ts';
import type { ConstraintPlan, OpenConstraintConflict } from '../core/constraint.ts';
import { exchange, LogServer, NOTES, testDevice, type TestDevice } from './devices.fixture.ts';
import { CLAIMS, COMPONENTS, CONFLICTS, OUTBOX, RECORDS } from './layout.ts';
import { recordRow, type StoredRecordRow } from './packed-record.ts';
import type { LocalDatabase } from './local-database.ts';

const ROOMS: ConstraintPlan = { kind: 'noOverlap', name: 'rooms', by: 'room', from: 'start', to: 'end' };
const OWNER: ConstraintPlan = { kind: 'references', name: 'owner', field: 'owner', collection: 'people' };
const PLAN = { ...NOTES, constraints: [ROOMS, OWNER] };
const PEOPLE = { name: 'people', fields: {}, groups: [], onDeleteVsEdit: 'ask', indexes: [] } as const;

const device = (user: string, options: Parameters<typeof testDevice>[1] = {}): Promise<TestDevice> =>
  testDevice(user, { plan: PLAN, others: [PEOPLE], ...options });
const at = (start: number, end: number, room = 'A') => ({ room, start, end });
const broken = (one: TestDevice): Promise<readonly OpenConstraintConflict[]> => one.db.readConstraintConflicts();
const rowsOf = async (one: TestDevice): Promise<readonly (readonly string[])[]> =>
  (await broken(one)).map(({ rowIds }) => rowIds).toSorted();
const notes = ({ db }: TestDevice) => db.dexie.table('notes');
const only = async (one: TestDevice): Promise<OpenConstraintConflict> => {
  const [conflict, ...more] = await broken(one);
  if (!conflict || more.length > 0) throw new Error('exactly one conflict expected');
  return conflict;
};

test('[CST30] bookings made apart are one conflict with one id on both devices, and one decision closes it on both', async () => {
  const server = new LogServer();
  const [anna, ben] = [await device('anna'), await device('ben')];
  await notes(anna).add({ id: 'a', title: 'A', ...at(10, 12) });
  await notes(ben).add({ id: 'b', title: 'B', ...at(11, 13) });
  expect(await Promise.all([broken(anna), broken(ben)])).toEqual([[], []]);
  await anna.push(server);
  await ben.push(server);
  const result = await anna.pull(server);
  expect(result).toMatchObject({ conflictsChanged: [{ type: 'conflict-opened', collection: 'notes', rowId: 'b' }] });
  await ben.pull(server);
  const conflict = await only(anna);
  expect(await broken(ben)).toEqual([conflict]);
  // Conflicts of records are read apart, and kept in the same table.
  expect(await anna.db.readConflicts()).toEqual([]);

  await anna.db.resolveConstraint(conflict, { id: 'b', change: (row) => ({ ...row, start: 20, end: 21 }) });
  expect(await broken(anna)).toEqual([]);
  const [item] = await anna.store.readOutbox(null, { changes: 1, bytes: 1e6 });
  expect(item!.change).toMatchObject({ kind: 'resolve', recs: [{ c: 'notes', id: 'b' }] });
  await exchange(server, anna, ben);
  expect(await broken(ben)).toEqual([]);
  await expect(ben.db.resolveConstraint(conflict, 'allow')).rejects.toMatchObject({ code: 'CONFLICT_CHANGED' });
});

test('[CST31] allowing travels as a record of ours, which no table shows, and is void after the next edit of the fields', async () => {
  const server = new LogServer();
  const [anna, ben] = [await device('anna'), await device('ben')];
  await notes(anna).bulkAdd([
    { id: 'a', ...at(10, 12) },
    { id: 'b', ...at(11, 13) },
  ]);
  await exchange(server, anna, ben);
  const conflict = await only(ben);
  await ben.db.resolveConstraint(conflict, 'allow');
  expect(await broken(ben)).toEqual([]);
  await exchange(server, ben, anna);
  expect(await broken(anna)).toEqual([]);
  expect(anna.db.dexie.tables.map(({ name }) => name)).not.toContain('$waivers');
  await notes(anna).update('a', { title: 'still allowed' });
  expect(await broken(anna)).toEqual([]);
  await notes(anna).update('a', { end: 12.5 });
  expect((await only(anna)).id).toBe(conflict.id);
  await expect(anna.db.resolveConstraint(conflict, 'allow')).rejects.toMatchObject({ code: 'CONFLICT_CHANGED' });
  await exchange(server, anna, ben);
  expect(await broken(ben)).toEqual(await broken(anna));
});

test('[CST32] an edit by somebody else between reading a conflict and settling it: CONFLICT_CHANGED, and nothing is written', async () => {
  const anna = await device('anna');
  await notes(anna).bulkAdd([
    { id: 'a', ...at(10, 12) },
    { id: 'b', ...at(11, 13) },
  ]);
  const conflict = await only(anna);
  await notes(anna).update('b', { start: 11.5 });
  const outbox = await anna.db.dexie.table(OUTBOX).toArray();
  for (const choice of ['allow', { id: 'a', change: () => null }] as const)
    await expect(anna.db.resolveConstraint(conflict, choice)).rejects.toMatchObject({ code: 'CONFLICT_CHANGED' });
  expect(await anna.db.dexie.table(OUTBOX).toArray()).toEqual(outbox);
  expect(await anna.db.resolveConstraint(await only(anna), { id: 'a', change: () => null })).toMatchObject({
    dot: expect.stringContaining('.'),
  });
  expect(await broken(anna)).toEqual([]);
});

test('[CST33] steps of a transaction that swap two rooms tell of no conflict, and a transaction that fails leaves none', async () => {
  const told: unknown[] = [];
  const { openLocalDatabase } = await import('./database.ts');
  const db: LocalDatabase = await openLocalDatabase({
    name: 'swap',
    collections: [PLAN, PEOPLE],
    durability: 'relaxed',
    onLocalWrite: ({ conflictsChanged }) => told.push(...conflictsChanged),
  });
  const table = db.dexie.table('notes');
  await table.bulkAdd([
    { id: 'a', ...at(10, 12, 'A') },
    { id: 'b', ...at(10, 12, 'B') },
  ]);
  await db.transact({}, async () => {
    await table.update('a', { room: 'B' });
    await table.update('b', { room: 'A' });
  });
  const failed = db.transact({}, async () => {
    await table.update('a', { room: 'A' });
    throw new Error('given up');
  });
  await expect(failed).rejects.toThrow('given up');
  expect([told, await db.readConstraintConflicts()]).toEqual([[], []]);
  await table.update('a', { room: 'A' });
  await table.delete('a');
  expect(told).toMatchObject([{ type: 'conflict-opened' }, { type: 'conflict-closed' }]);
  expect(await db.dexie.table(COMPONENTS).count()).toBe(0);
});

test('[CST34] a row that is added and taken back in one transaction claims nothing', async () => {
  const anna = await device('anna');
  await notes(anna).add({ id: 'a', ...at(10, 12) });
  await anna.db.transact({}, async () => {
    await notes(anna).add({ id: 'b', ...at(11, 13) });
    await notes(anna).delete('b');
  });
  expect(await broken(anna)).toEqual([]);
  expect(await anna.db.dexie.table(CLAIMS).toArray()).toMatchObject([{ name: 'notes/rooms', id: 'a' }]);
});

test('[CST35] references follow the rows of the other collection, whoever deletes them', async () => {
  const server = new LogServer();
  const [anna, ben] = [await device('anna'), await device('ben')];
  await anna.db.transact({}, async () => {
    await anna.db.dexie.table('people').add({ id: 'p', name: 'Pia' });
    await notes(anna).add({ id: 'a', title: 'A', owner: 'p' });
  });
  await exchange(server, anna, ben);
  expect(await rowsOf(ben)).toEqual([]);
  await ben.db.dexie.table('people').delete('p');
  expect(await rowsOf(ben)).toEqual([['a']]);
  await exchange(server, ben, anna);
  expect(await broken(anna)).toEqual(await broken(ben));
  await anna.db.resolveConstraint(await only(anna), { id: 'a', change: ({ owner: _owner, ...row }) => row as never });
  expect(await rowsOf(anna)).toEqual([]);
});

test('[CST36] a constraint that is new finds what is there; one that is gone leaves nothing behind; a changed one is computed anew', async () => {
  const plain = { ...NOTES };
  let anna = await testDevice('anna', { name: 'later', plan: plain });
  await notes(anna).bulkAdd([
    { id: 'a', ...at(10, 12) },
    { id: 'b', ...at(11, 13) },
    { id: 'c', owner: 'nobody' },
  ]);
  const reopened = async (plan: typeof plain, others: readonly (typeof PEOPLE)[] = []): Promise<TestDevice> => {
    anna.close();
    return testDevice('anna', { name: 'later', plan, others });
  };
  anna = await reopened(PLAN, [PEOPLE]);
  expect(await rowsOf(anna)).toEqual([['a', 'b'], ['c']]);
  await anna.db.resolveConstraint(
    (await broken(anna)).find(({ constraint }) => constraint === 'rooms')!,
    'allow',
  );
  expect(await rowsOf(anna)).toEqual([['c']]);
  anna = await reopened(plain);
  expect(await rowsOf(anna)).toEqual([]);
  expect(await anna.db.dexie.table(CLAIMS).count()).toBe(0);
  // What was allowed then still is.
  anna = await reopened(PLAN, [PEOPLE]);
  expect(await rowsOf(anna)).toEqual([['c']]);
  anna = await reopened({ ...plain, constraints: [{ ...ROOMS, when: { title: 'x' } }] } as typeof plain);
  expect(await rowsOf(anna)).toEqual([]);
  expect(await anna.db.dexie.table(CONFLICTS).count()).toBe(0);
});

test('[CST36] a version of the app without the collection is not told of its conflicts; with it they are there again', async () => {
  let anna = await device('anna', { name: 'without' });
  await notes(anna).bulkAdd([
    { id: 'a', ...at(10, 12) },
    { id: 'b', ...at(11, 13) },
  ]);
  anna.close();
  anna = await testDevice('anna', { name: 'without', plan: PEOPLE });
  expect(await broken(anna)).toEqual([]);
  anna.close();
  anna = await device('anna', { name: 'without' });
  expect(await rowsOf(anna)).toEqual([['a', 'b']]);
});

test('[CST37] a corrected clock ranks claims anew', async () => {
  const server = new LogServer();
  const anna = await device('anna', { nowMs: () => 9_000_000 });
  const ben = await device('ben', { nowMs: () => 5_000_000 });
  await notes(anna).add({ id: 'a', ...at(10, 12) });
  await notes(ben).add({ id: 'b', ...at(11, 13) });
  await ben.push(server);
  await anna.pull(server);
  const before = await only(anna);
  expect([before.contested, msOf(before.hlc)]).toEqual([['a'], 9_000_000]);
  await anna.store.correctClock(null, 1_000_000);
  expect((await only(anna)).contested).toEqual(['b']);
  await exchange(server, anna, ben);
  expect(await broken(ben)).toEqual(await broken(anna));
});

test('[CST38] what is kept is what is found from scratch, after pages, several steps and many rows at once', async () => {
  const { compileConstraints } = await import('../constraints/registry.ts');
  const { conflictsFromScratch } = await import('../constraints/from-scratch.ts');
  const { changedRecords } = await import('./changed-records.ts');
  const { seededRandom } = await import('../lib/random.ts');
  const random = seededRandom(7);
  const below = (n: number): number => Math.floor(random.fraction() * n);
  const server = new LogServer();
  const devices = [await device('anna'), await device('ben')];
  for (let round = 0; round < 40; round++) {
    const one = devices[below(2)]!;
    const row = (): object => ({
      id: `n${below(12)}`,
      ...at(below(20), below(25), 'ABC'[below(3)]),
      owner: 'pq'[below(2)]!,
    });
    const kind = below(6);
    if (kind === 0) await notes(one).bulkPut([row(), row(), row(), row()]);
    else if (kind === 1) await notes(one).delete(`n${below(12)}`);
    else if (kind === 2) await one.db.dexie.table('people').put({ id: 'pq'[below(2)]!, name: String(round) });
    else if (kind === 3) await one.db.dexie.table('people').delete('pq'[below(2)]!);
    else if (kind === 4) await one.sync(server);
    else
      await one.db.transact({}, async () => {
        await notes(one).put(row());
        await notes(one).put(row());
      });
    const [conflict] = await broken(one);
    if (conflict && below(4) === 0) await one.db.resolveConstraint(conflict, 'allow');
    const constraints = compileConstraints([PLAN, PEOPLE], one.db.schemas);
    const records = changedRecords(
      constraints,
      one.db.schemas,
      (await one.db.dexie.table<StoredRecordRow>(RECORDS).toArray()).map(recordRow),
    );
    const byId = (await broken(one)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
    expect(byId, `round ${round}`).toEqual(conflictsFromScratch(constraints, records));
  }
  await exchange(server, ...devices);
  await exchange(server, ...devices);
  expect(await broken(devices[0]!)).toEqual(await broken(devices[1]!));
});
