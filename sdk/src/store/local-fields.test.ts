import { expect, test } from 'vitest';

import { local } from '../policies/local.ts';
import { ask } from '../policies/ask.ts';
import { compileCollection } from '../policies/registry.ts';
import { seededRandom } from '../lib/random.ts';
import { LogServer, SID, NOTES, testDevice, exchange, type TestDevice } from './devices.fixture.ts';
import { RECORDS, type RecordRow } from './layout.ts';
import { emptyDisk, MemoryDevice } from './memory-device.ts';

const PLAN = { ...NOTES, fields: { ...NOTES.fields, folded: local() } };
let count = 0;
const device = (user: string, name = `local-${++count}`, plan: typeof NOTES = PLAN): Promise<TestDevice> =>
  testDevice(user, { name, plan });
const notes = ({ db }: TestDevice) => db.dexie.table('notes');
const row = ({ db }: TestDevice): Promise<Record<string, unknown> | undefined> =>
  Promise.resolve(db.dexie.table('notes').get('r'));

/** Anna and Ben have the row; Anna has folded it. */
async function pair(): Promise<{ server: LogServer; anna: TestDevice; ben: TestDevice }> {
  const server = new LogServer();
  const [anna, ben] = [await device('anna'), await device('ben')];
  await notes(anna).add({ id: 'r', title: 'A', folded: true });
  await exchange(server, anna, ben);
  return { server, anna, ben };
}

test('[LOC2] what others write leaves a local field as it is', async () => {
  const { server, anna, ben } = await pair();
  await notes(ben).update('r', { title: 'B', folded: 'only with Ben' });
  await exchange(server, anna, ben);
  expect([(await row(anna))?.['folded'], (await row(ben))?.['folded']]).toEqual([true, 'only with Ben']);
  expect((await row(anna))?.['title']).toBe('B');
  expect(JSON.stringify(server.log)).not.toContain('folded');
});

test('[LOC2] it is there again when the database is opened again, and when its views are computed anew', async () => {
  const name = `local-${++count}`;
  const anna = await device('anna', name);
  await notes(anna).add({ id: 'r', title: 'A', folded: true });
  anna.close();
  const again = await device('anna', name);
  expect(await row(again)).toMatchObject({ folded: true });
  again.close();
  const other = await device('anna', name, {
    ...PLAN,
    fields: { ...PLAN.fields, title: { kind: 'lww' } },
  } as typeof NOTES);
  expect(await row(other)).toMatchObject({ title: 'A', folded: true });
  other.close();
});

test('[LOC3] writes through Dexie store it like any other field: a put without it takes it away', async () => {
  const { anna } = await pair();
  await notes(anna).update('r', { folded: 2 });
  expect(await row(anna)).toMatchObject({ title: 'A', folded: 2 });
  await notes(anna).where('id').equals('r').modify({ folded: 3 });
  expect(await row(anna)).toMatchObject({ folded: 3 });
  await notes(anna).put({ id: 'r', title: 'A' });
  expect(await row(anna)).not.toHaveProperty('folded');
  expect((await anna.db.readPending()).changes).toBe(0);
  await expect(notes(anna).update('r', { folded: new Date() })).rejects.toMatchObject({ code: 'INVALID_VALUE' });
});

test('[LOC4] a row that is kept after all, or made again by somebody else, has it again; made again here it has what is given', async () => {
  const { server, anna, ben } = await pair();
  await notes(ben).delete('r');
  await notes(anna).update('r', { title: 'B' });
  await exchange(server, anna, ben);
  await exchange(server, anna, ben);
  const [conflict] = await anna.db.readConflicts();
  expect(await anna.db.readRecord('notes', 'r')).toMatchObject({ title: 'B', folded: true });
  await anna.db.resolve(conflict!, { life: 'dead' });
  expect(await row(anna)).toBeUndefined();
  await exchange(server, anna, ben);
  await notes(ben).add({ id: 'r', title: 'again' });
  await exchange(server, anna, ben);
  await exchange(server, anna, ben);
  expect(await row(anna)).toMatchObject({ title: 'again', folded: true });
  await notes(anna).delete('r');
  await notes(anna).add({ id: 'r', title: 'mine' });
  expect(await row(anna)).not.toHaveProperty('folded');
});

test('[LOC5] a form that was open for a while changes of it only what was changed in the form', async () => {
  const { anna } = await pair();
  const seen = await anna.db.readSeen('notes', 'r');
  await notes(anna).update('r', { folded: 'later' });
  const save = (fields: object): Promise<unknown> =>
    anna.db.transact({}, async () => {
      const shown = anna.db.writeAsSeen('notes', 'r', seen);
      expect(shown['folded']).toBe(true);
      await notes(anna).put({ ...shown, ...fields });
    });
  await save({ title: 'form' });
  expect(await row(anna)).toMatchObject({ title: 'form', folded: 'later' });
  await save({ title: 'form 2', folded: 'form' });
  expect(await row(anna)).toMatchObject({ folded: 'form' });
  await save({ folded: undefined });
  expect(await row(anna)).not.toHaveProperty('folded');
});

test('[LOC6] a transaction that fails leaves it as it was, and one that takes its own write back too', async () => {
  const { anna } = await pair();
  const undone = anna.db.transact({}, async () => {
    await notes(anna).update('r', { folded: 'undone', title: 'B' });
    throw new Error('undo');
  });
  await expect(undone).rejects.toThrow('undo');
  expect(await row(anna)).toMatchObject({ title: 'A', folded: true });
  await anna.db.transact({}, async () => {
    await notes(anna).update('r', { title: 'B', folded: 1 });
    await notes(anna).update('r', { title: 'A' });
    await notes(anna).add({ id: 's', title: 'gone at once', folded: 1 });
    await notes(anna).delete('s');
  });
  expect(await row(anna)).toMatchObject({ title: 'A', folded: 1 });
  expect((await anna.db.readPending()).changes).toBe(0);
  expect(((await anna.db.dexie.table(RECORDS).toArray()) as RecordRow[]).map(({ id }) => id)).toEqual(['r']);
});

test('[LOC7] a field that becomes local shows only what is local, and one that no longer is shows nothing of it and sends nothing', async () => {
  const name = `local-${++count}`;
  const shared = { ...NOTES, fields: { ...NOTES.fields, folded: ask() } };
  const server = new LogServer();
  const before = await device('anna', name, shared as typeof NOTES);
  await notes(before).add({ id: 'r', title: 'A', folded: 'shared' });
  await before.sync(server);
  before.close();
  const after = await device('anna', name);
  expect(await row(after)).not.toHaveProperty('folded');
  await notes(after).update('r', { folded: 'secret' });
  expect(await row(after)).toMatchObject({ folded: 'secret' });
  after.close();
  const back = await device('anna', name, shared as typeof NOTES);
  expect(await row(back)).toMatchObject({ folded: 'shared' });
  await notes(back).update('r', { title: 'B' });
  await back.sync(server);
  expect(JSON.stringify(server.log)).not.toContain('secret');
  back.close();
});

test('[LOC7] concurrent values under the path of a field that is local are no conflict', async () => {
  const { server, anna, ben } = await pair();
  const [carla, dan] = [await device('carla', undefined, NOTES), await device('dan', undefined, NOTES)];
  await exchange(server, carla, dan);
  await notes(carla).update('r', { folded: 'x' });
  await notes(dan).update('r', { folded: 'y' });
  await exchange(server, carla, dan);
  expect(await carla.db.readConflicts()).toHaveLength(1);
  await exchange(server, anna, ben);
  expect(await anna.db.readConflicts()).toEqual([]);
  expect(await row(anna)).toMatchObject({ folded: true });
  expect(await row(ben)).not.toHaveProperty('folded');
});

test('[LOC8] the device in memory does the same', () => {
  const schemas = new Map([['notes', compileCollection(PLAN)]]);
  const memory = (seed: number): MemoryDevice =>
    new MemoryDevice({
      schemas,
      user: { id: 'u' },
      nowMs: () => 1_800_000_000_000,
      random: seededRandom(seed),
      disk: emptyDisk(`device${seed}`),
    });
  const [anna, ben] = [memory(1), memory(2)];
  const everything = { changes: 100, bytes: 1e9 };
  const server = new LogServer();
  const sync = (from: MemoryDevice): void => {
    for (const { change } of from.readOutbox(null, everything)) server.admit(change);
    for (const to of [anna, ben]) to.ingest(server.page(0), [SID]);
  };
  const edit = (to: MemoryDevice, fields: object): unknown =>
    to.write([[{ collection: 'notes', id: 'r', edit: (shown) => ({ id: 'r', ...shown, ...fields }) }]]);
  edit(anna, { title: 'A', folded: true });
  sync(anna);
  edit(ben, { title: 'B' });
  sync(ben);
  edit(anna, { likes: 1 });
  expect(anna.row('notes', 'r')).toMatchObject({ title: 'B', folded: true, likes: 1 });
  expect(ben.row('notes', 'r')).not.toHaveProperty('folded');
  const seen = anna.seen('notes', 'r');
  edit(anna, { folded: false });
  anna.write([[{ collection: 'notes', id: 'r', row: { id: 'r', title: 'form', folded: true }, seen }]]);
  expect(anna.row('notes', 'r')).toMatchObject({ title: 'form', folded: false });
  expect(JSON.stringify(server.log)).not.toContain('folded');
});
