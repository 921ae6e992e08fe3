import { openDB, unwrap } from 'idb';
import { expect, test } from 'vitest';

import type { DeviceStore } from './device-store.ts';
import { LogServer, NOTES, peerChange, testDevice, type TestDevice } from './devices.fixture.ts';
import { createFence, fenceConnection, type Fence } from './fence.ts';
import { openDeviceStore } from './ingest.ts';
import { META, OUTBOX, REJECTED, SNAPSHOT } from './layout.ts';
import { openLease } from './lease.ts';

const INC = 'peer'.padEnd(11, '-');
const REFUSED = { code: 'FORBIDDEN', message: 'no' } as const;

interface Led {
  readonly store: DeviceStore;
  readonly fence: Fence;
  readonly lost: string[];
}

async function lead(name: string): Promise<Led> {
  const lost: string[] = [];
  const fence = createFence(() => void lost.push('lost'));
  return { fence, lost, store: await openDeviceStore({ name, collections: [NOTES] }, {}, fence) };
}

async function contentOf(device: TestDevice): Promise<unknown> {
  const tables = ['notes', OUTBOX, REJECTED, META];
  return Promise.all(tables.map((table) => device.db.dexie.table(table).toArray()));
}

/** Everything by which a store writes what a server says. */
function writesOf(store: DeviceStore, server: LogServer, dot: string): readonly (() => Promise<unknown>)[] {
  return [
    () => store.ingest(server.page(0), ['AAAAAAAAAAA']),
    () => store.noteServerTime(Date.now() + 3_600_000),
    () => store.correctClock(null, Date.now() - 3_600_000),
    () => store.reject(dot as never, REFUSED),
    () => store.recover(dot as never, { c: 'notes', id: 'mine' }),
  ];
}

test('[FNC1] a leader whose successor has begun writes nothing any more, and hears of it once', async () => {
  const server = new LogServer();
  server.admit(peerChange(INC as never, 'theirs', [{ t: 'life', v: 'live', pred: [] }]));
  const device = await testDevice('anna', { name: 'fnc1' });
  await device.db.dexie.table('notes').add({ id: 'mine', title: 'x' });
  const zombie = await lead('fnc1');
  const [item] = await zombie.store.readOutbox(null, { changes: 10, bytes: 1e6 });
  const leader = await lead('fnc1');
  const before = await contentOf(device);
  for (const write of writesOf(zombie.store, server, item!.change.dot)) await expect(write()).rejects.toThrow();
  await expect(zombie.store.readOutbox(null, { changes: 10, bytes: 1e6 })).rejects.toThrow();
  expect(await contentOf(device)).toEqual(before);
  expect(zombie.lost).toEqual(['lost']);
  expect((await leader.store.ingest(server.page(0), ['AAAAAAAAAAA'])).type).toBe('ingested');
  expect(leader.lost).toEqual([]);
  zombie.store.close();
  leader.store.close();
  device.close();
});

test('[FNC2] local writes of the page go on, whoever leads', async () => {
  const device = await testDevice('anna', { name: 'fnc2' });
  const zombie = await lead('fnc2');
  const leader = await lead('fnc2');
  await device.db.dexie.table('notes').add({ id: 'mine', title: 'x' });
  expect(await leader.store.readOutbox(null, { changes: 10, bytes: 1e6 })).toHaveLength(1);
  zombie.store.close();
  leader.store.close();
  device.close();
});

test('[FNC3] a connection that is opened again goes on with its epoch, and does not fence a successor', async () => {
  const device = await testDevice('anna', { name: 'fnc3' });
  const { fence, lost, store } = await lead('fnc3');
  store.close();
  const again = await openDeviceStore({ name: 'fnc3', collections: [NOTES] }, {}, fence);
  await again.readIdentity();
  const leader = await lead('fnc3');
  await expect(again.readIdentity()).rejects.toThrow();
  again.close();
  const oncemore = await openDeviceStore({ name: 'fnc3', collections: [NOTES] }, {}, fence);
  await expect(oncemore.readIdentity()).rejects.toThrow();
  await leader.store.readIdentity();
  expect([lost, leader.lost]).toEqual([['lost'], []]);
  oncemore.close();
  leader.store.close();
  device.close();
});

test('[FNC1] transactions of one store, and the shortcuts for them, are fenced and work as without a fence', async () => {
  const device = await testDevice('anna', { name: 'fnc5' });
  const [zombie, leader] = [createFence(() => undefined), createFence(() => undefined)];
  const [before, after] = [await openDB('fnc5'), await openDB('fnc5')];
  await fenceConnection(unwrap(before), zombie);
  await before.put(SNAPSHOT, { key: 1 });
  await fenceConnection(unwrap(after), leader);
  await expect(before.clear(SNAPSHOT)).rejects.toThrow();
  await expect(before.transaction(SNAPSHOT).store.get(1)).rejects.toThrow();
  const tx = after.transaction(SNAPSHOT, 'readwrite');
  expect(await tx.store.get(1)).toEqual({ key: 1 });
  await tx.store.put({ key: 2 });
  await tx.done;
  expect(await after.count(SNAPSHOT)).toBe(2);
  await after.clear(SNAPSHOT);
  expect(await after.getAll(SNAPSHOT)).toEqual([]);
  before.close();
  after.close();
  device.close();
});

test('[FNC4] a database that was emptied underneath ends the right to write', async () => {
  const device = await testDevice('anna', { name: 'fnc4' });
  const { store, lost } = await lead('fnc4');
  const db = await openDB('fnc4');
  await db.delete(META, 'leader');
  db.close();
  await expect(store.noteServerTime(1)).rejects.toThrow();
  expect(lost).toEqual(['lost']);
  store.close();
  device.close();
});

test('[FNC4] after a database was emptied no leadership has the epoch of an earlier one, which may be frozen', async () => {
  const device = await testDevice('anna', { name: 'fnc6' });
  const frozen = await lead('fnc6');
  await frozen.store.readIdentity();
  frozen.store.close();
  const db = await openDB('fnc6');
  await db.delete(META, 'leader');
  db.close();
  const leader = await lead('fnc6');
  await leader.store.readIdentity();
  // It goes on over a new connection, with what it knew of the old database.
  const again = await openDeviceStore({ name: 'fnc6', collections: [NOTES] }, {}, frozen.fence);
  await expect(again.noteServerTime(1)).rejects.toThrow();
  expect([frozen.lost, leader.lost]).toEqual([['lost'], []]);
  again.close();
  leader.store.close();
  device.close();
});

test('[LSE1] the lease is whose it is until it is given back or taken; renewing shows that its holder lives', async () => {
  const device = await testDevice('anna', { name: 'lse1' });
  const [a, b] = [openLease('lse1', 'a'), openLease('lse1', 'b')];
  expect(await a.renew(false)).toMatchObject({ isMine: true });
  const seen = await b.renew(false);
  expect(seen.isMine).toBe(false);
  expect(await b.renew(false)).toEqual(seen);
  await a.renew(false);
  expect((await b.renew(false)).says).not.toBe(seen.says);
  expect(await b.renew(true)).toMatchObject({ isMine: true });
  expect(await a.renew(false)).toMatchObject({ isMine: false });
  await a.release();
  expect(await a.renew(false)).toMatchObject({ isMine: false });
  await b.release();
  expect(await a.renew(false)).toMatchObject({ isMine: true });
  device.close();
});

test('[LSE1] of two contexts that ask at once one gets the lease, and the epoch is not its business', async () => {
  const device = await testDevice('anna', { name: 'lse2' });
  const { store, lost } = await lead('lse2');
  const answers = await Promise.all(['a', 'b', 'c'].map((who) => openLease('lse2', who).renew(false)));
  expect(answers.filter(({ isMine }) => isMine)).toHaveLength(1);
  await store.readIdentity();
  expect(lost).toEqual([]);
  store.close();
  device.close();
});
