import { expect, test } from 'vitest';

import { LogServer, testDevice } from '../store/devices.fixture.ts';
import { OUTBOX, type OutboxRow } from '../store/layout.ts';
import type { OutboxReading } from '../store/read-outbox.ts';
import { createOutboxReader, type OutboxReader } from './outbox.ts';
import { watchTables } from './refresh.ts';

interface Watched {
  readonly device: Awaited<ReturnType<typeof testDevice>>;
  readonly reader: OutboxReader;
  /** What the reader was given, read by read. */
  readonly readings: readonly OutboxReading[];
  /** What somebody sees who has read nothing before. */
  fresh(): Promise<unknown>;
}

async function watchedOutbox(): Promise<Watched> {
  const device = await testDevice('anna');
  const readings: OutboxReading[] = [];
  const readOutbox: typeof device.db.readOutbox = async (known) => {
    const reading = await device.db.readOutbox(known);
    readings.push(reading);
    return reading;
  };
  const reader = createOutboxReader({ ...device.db, readOutbox });
  watchTables(device.db.dexie, [OUTBOX], reader.note);
  return { device, reader, readings, fresh: () => createOutboxReader(device.db).read() };
}

test('[OBS11] a write reads what it adds to the outbox, however long that is', async () => {
  const { device, reader, readings, fresh } = await watchedOutbox();
  const notes = device.db.dexie.table('notes');
  for (let i = 0; i < 30; i++) await notes.add({ id: `n${i}`, title: `${i}` });
  const first = await reader.read();
  await notes.update('n7', { title: 'again' });
  await notes.bulkAdd([
    { id: 'x', title: 'x' },
    { id: 'y', title: 'y' },
  ]);
  const second = await reader.read();
  expect(readings.map(({ isWhole, summaries }) => [isWhole, summaries.length])).toEqual([
    [true, 30],
    [false, second.length - 30],
  ]);
  expect(second).toEqual(await fresh());
  expect(second.slice(0, 30).every((entry, i) => entry === first[i])).toBe(true);
  expect(await reader.read()).toEqual(second);
  expect(readings.at(-1)).toMatchObject({ isWhole: false, summaries: [] });
});

test('[OBS11] what is confirmed is gone, also when nobody told of it', async () => {
  const { device, reader, readings, fresh } = await watchedOutbox();
  const server = new LogServer();
  const notes = device.db.dexie.table('notes');
  for (let i = 0; i < 5; i++) await notes.add({ id: `n${i}`, title: `${i}` });
  await reader.read();
  await device.push(server);
  // Read back without an announcement, as when it was lost between two tabs.
  await device.store.ingest(server.page(0), ['AAAAAAAAAAA']);
  await notes.add({ id: 'later', title: 'later' });
  expect(await reader.read()).toHaveLength(1);
  expect(await reader.read()).toEqual(await fresh());
  expect(readings.filter(({ isWhole }) => isWhole)).toHaveLength(2);
});

test('[OBS11] what is changed in its place is read again', async () => {
  const { device, reader, fresh } = await watchedOutbox();
  const notes = device.db.dexie.table('notes');
  for (let i = 0; i < 5; i++) await notes.add({ id: `n${i}`, title: `${i}` });
  const [before] = await reader.read();
  const outbox = device.db.dexie.table<OutboxRow>(OUTBOX);
  const row = (await outbox.toCollection().first())!;
  const database = device.db.dexie.backendDB();
  // As the engine corrects a clock: behind Dexie's back, and then it tells that anything may be different.
  await new Promise<void>((resolve) => {
    const tx = database.transaction(OUTBOX, 'readwrite');
    tx.objectStore(OUTBOX).put({ ...row, head: { ...row.head!, hlc: row.head!.hlc - 1024 * 60_000 } });
    tx.oncomplete = () => resolve();
  });
  device.db.announceRemoteChanges({});
  const [after] = await reader.read();
  expect(after!.at.getTime()).toBe(before!.at.getTime() - 60_000);
  expect(await reader.read()).toEqual(await fresh());
});

test('[OBS11] after a read that failed all of it is read', async () => {
  const device = await testDevice('ben');
  let isBroken = false;
  const reader = createOutboxReader({
    ...device.db,
    readOutbox: (known) => (isBroken ? Promise.reject(new Error('disk')) : device.db.readOutbox(known)),
  });
  const notes = device.db.dexie.table('notes');
  await notes.add({ id: 'a', title: 'a' });
  await reader.read();
  isBroken = true;
  await expect(reader.read()).rejects.toThrow('disk');
  isBroken = false;
  await notes.add({ id: 'b', title: 'b' });
  expect((await reader.read()).map(({ rows }) => rows[0]?.rowId)).toEqual(['a', 'b']);
});

async function manyChanges(device: Watched['device'], changes: number): Promise<void> {
  const { dexie } = device.db;
  for (let i = 0; i < changes; i++)
    await dexie.table('notes').add({ id: `n${String(i).padStart(4, '0')}`, title: `${i}` });
}

test('[OBS11] of a long outbox only the places are read again when some of it is confirmed', async () => {
  const { device, reader, readings, fresh } = await watchedOutbox();
  const server = new LogServer();
  await manyChanges(device, 300);
  const first = await reader.read();
  for (const { change } of await device.store.readOutbox(null, { changes: 120, bytes: 1e9 })) server.admit(change);
  await device.pull(server);
  await device.db.dexie.table('notes').add({ id: 'later', title: 'later' });
  const begun = readings.length;
  const second = await reader.read();
  expect(readings.slice(begun).map(({ isWhole, summaries }) => [isWhole, summaries.length])).toEqual([[false, 1]]);
  expect(second).toHaveLength(181);
  expect(second.slice(0, 180).every((entry, i) => entry === first[i + 120])).toBe(true);
  expect(second).toEqual(await fresh());
});

test('[OBS11] the clocks of a long outbox are corrected: all of it is read again', async () => {
  const { device, reader, fresh } = await watchedOutbox();
  await manyChanges(device, 250);
  const before = await reader.read();
  await device.store.correctClock(null, Date.now() - 3_600_000);
  device.db.announceRemoteChanges({});
  const after = await reader.read();
  expect(after).toHaveLength(250);
  expect(after.at(-1)!.at.getTime()).toBeLessThan(before.at(-1)!.at.getTime() - 3_000_000);
  expect(after).toEqual(await fresh());
});

test('[OBS12] a long outbox is read in pieces, each a whole number of changes', async () => {
  const { device, reader, readings } = await watchedOutbox();
  const notes = device.db.dexie.table('notes');
  for (let i = 0; i < 12; i++)
    await device.db.transact({}, async () => {
      await notes.add({ id: `a${i}`, title: 'x'.repeat(40_000) });
      await notes.add({ id: `b${i}`, title: 'y' });
    });
  const entries = await reader.read();
  expect(readings.length).toBeGreaterThan(1);
  expect(readings.map(({ isWhole }) => isWhole)).toEqual(readings.map((_reading, i) => i === 0));
  expect(entries.map(({ rows }) => rows.map(({ rowId }) => rowId))).toEqual(
    Array.from({ length: 12 }, (_, i) => [`a${i}`, `b${i}`]),
  );
});
