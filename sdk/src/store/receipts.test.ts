import { afterEach, expect, test } from 'vitest';

import type { Dot } from '../core/dot.ts';
import { exchange, LogServer, SID, testDevice, type TestDevice } from './devices.fixture.ts';
import { OUTBOX, type OutboxRow } from './layout.ts';
import { isKnownEverywhere, notKnownEverywhere, type ChangeFate } from './receipts.ts';

const opened: TestDevice[] = [];
afterEach(() => opened.splice(0).forEach((device) => device.close()));

async function device(): Promise<TestDevice> {
  const made = await testDevice('anna');
  opened.push(made);
  return made;
}

async function write({ db }: TestDevice, id: string): Promise<{ dot: Dot; order: number; deviceId: string }> {
  const { dot, order, deviceId } = await db.transact({}, () => db.dexie.table('notes').add({ id, title: 'a' }));
  return { dot, order, deviceId };
}

async function fateOf(
  { db }: TestDevice,
  change: { dot: Dot; order: number; deviceId: string },
  id?: string,
): Promise<ChangeFate> {
  const asked = { ...change, ...(id === undefined ? {} : { takenBack: ['notes', id] as const }) };
  return (await db.readFates([asked])).fates[0]!;
}

test('[RCT12] a change is pending until its entry leaves the outbox, whatever else is in it', async () => {
  const server = new LogServer();
  const anna = await device();
  const [first, second] = [await write(anna, 'a'), await write(anna, 'b')];
  expect(await fateOf(anna, first)).toEqual({
    dot: first.dot,
    isPending: true,
    order: first.order,
    isEmptied: false,
    isInLog: false,
  });
  await anna.push(server);
  await anna.pull(server, 1);
  expect(await fateOf(anna, first)).toMatchObject({ dot: first.dot, isPending: false });
  expect(await fateOf(anna, second)).toMatchObject({ dot: second.dot, isPending: true });
});

test('[RCT12] a change that goes on under another dot is found at its place, and what is offered again there is not it', async () => {
  const anna = await device();
  const change = await write(anna, 'a');
  const outbox = anna.db.dexie.table<OutboxRow>(OUTBOX);
  const [row] = await outbox.toArray();
  const renamed = 'hhhhhhhhhhhhhhhh.1';
  await outbox.put({ ...row!, dot: renamed });
  expect(await fateOf(anna, change)).toMatchObject({ dot: renamed, isPending: true });
  await outbox.put({ ...row!, dot: 'rrrrrrrrrrrrrrrr.1', relay: true });
  expect(await fateOf(anna, change)).toMatchObject({ dot: change.dot, isPending: false });
});

test('[RCT12] a change that was taken back holds its place, and is in the log after all when a server had taken it', async () => {
  const server = new LogServer();
  const anna = await device();
  const change = await write(anna, 'a');
  const [sent] = await anna.store.readOutbox(null, { changes: 1, bytes: 1e6 });
  await anna.store.reject(change.dot, { code: 'FORBIDDEN', message: 'no' });
  expect(await fateOf(anna, change, 'a')).toMatchObject({ isPending: true, isEmptied: true, isInLog: false });
  expect((await anna.db.readFates([])).rejected).toMatchObject([{ rowId: 'a', error: { code: 'FORBIDDEN' } }]);
  server.admit(sent!.change);
  await anna.pull(server);
  expect(await fateOf(anna, change, 'a')).toMatchObject({ isPending: false, isInLog: true });
  expect(await anna.db.dexie.table('notes').get('a')).toMatchObject({ title: 'a' });
});

test('[RCT11] known everywhere is what every server has published to know, and the last of the writer stands for those before', async () => {
  const anna = await device();
  const server = new LogServer();
  const change = await write(anna, 'a');
  const { servers: nowhere } = await anna.db.readFates([]);
  expect(notKnownEverywhere(nowhere, change.dot)).toBe('unknown');
  await exchange(server, anna);
  const { servers: alone } = await anna.db.readFates([]);
  expect(notKnownEverywhere(alone, change.dot)).toBeNull();
  const inc = change.dot.split('.')[0]!;
  const members = { [SID]: { knows: {}, horizon: {}, safe: {} }, BBBBBBBBBBB: { knows: {}, horizon: {}, safe: {} } };
  const two = {
    topology: { members, evicted: {} },
    cursor: { [SID]: 4 },
    seen: { [inc]: { seq: 2, stamp: [SID, 3] as const } },
  };
  const until = notKnownEverywhere(two, change.dot);
  expect(until).toEqual([SID, 3]);
  expect(notKnownEverywhere(two, `${inc}.3`)).toBeNull();
  expect(isKnownEverywhere(two, [SID, 3])).toBe(false);
  const told = { ...members, BBBBBBBBBBB: { ...members.BBBBBBBBBBB, knows: { [SID]: 3 } } };
  expect(isKnownEverywhere({ ...two, topology: { members: told, evicted: {} } }, [SID, 3])).toBe(true);
});
