import { describe, expect, it } from 'vitest';

import { hlcAt, msOf } from '../core/clock.ts';
import { incOf } from '../core/dot.ts';
import type { Page } from '../protocol/messages.ts';
import { changesOf, exchange, LogServer, SID, NOTES, testDevice, type TestDevice } from './devices.fixture.ts';
import { OUTBOX, RECORDS, type OutboxRow, type RecordRow } from './layout.ts';
import { recordRow, type StoredRecordRow } from './packed-record.ts';

const NOW = 1_800_000_000_000;
const YEAR = 365 * 86_400_000;
const id = 'n1';

const notesOf = (device: TestDevice) => device.db.dexie.table('notes');
const itemsOf = (device: TestDevice, changes = 100) => device.store.readOutbox(null, { changes, bytes: 1e9 });

async function addInSteps(device: TestDevice, name: string, steps: number): Promise<void> {
  await device.db.transact({}, async () => {
    for (let i = 0; i < steps; i++) await notesOf(device).add({ id: `${name}${i}`, title: 'A' });
  });
}

/** As a server gives them to the session that pushed them. */
function withoutContent(page: Page): Page {
  return { ...page, entries: changesOf(page).map(({ stamp, dot }) => ({ stamp, dot })) };
}

describe('own changes', () => {
  it('[ING7] the outbox is read in whole changes, however many steps the last one has', async () => {
    const anna = await testDevice('anna');
    await notesOf(anna).add({ id, title: 'A' });
    await addInSteps(anna, 'x', 9);
    await addInSteps(anna, 'y', 9);
    const [first, ...others] = await itemsOf(anna);
    expect([first, ...others].map((item) => item!.change.recs.length)).toEqual([1, 9, 9]);
    for (const changes of [1, 2, 3, 5]) {
      const read = await itemsOf(anna, changes);
      expect(read).toEqual([first, ...others].slice(0, read.length));
    }
    expect(await anna.store.readOutbox(first!.position, { changes: 1, bytes: 1e9 })).toEqual([others[0]]);
  });

  it('[ING8] an own change leaves the outbox also when a long one lies before it', async () => {
    const server = new LogServer();
    const anna = await testDevice('anna');
    await addInSteps(anna, 'x', 40);
    await notesOf(anna).add({ id, title: 'A' });
    await anna.push(server);
    const page = withoutContent(server.page(0));
    expect(await anna.store.ingest(page, [SID])).toMatchObject({ type: 'ingested', confirmed: 2, applied: 0 });
    expect(await anna.db.dexie.table(OUTBOX).count()).toBe(0);
    expect(await anna.db.readPending()).toMatchObject({ changes: 0, bytes: 0 });
  });

  it('[ING9] the log has the last word about the stamp of an own change, with content and without', async () => {
    for (const isBare of [false, true]) {
      const server = new LogServer();
      const anna = await testDevice('anna', { nowMs: () => NOW + YEAR });
      await notesOf(anna).add({ id, title: 'A' });
      await anna.push(server);
      await anna.store.correctClock(null, NOW);
      const { hlc } = server.log[0]!;
      expect((await itemsOf(anna))[0]!.change.hlc).not.toBe(hlc);
      const page = server.page(0);
      const bare = changesOf(page).map(({ stamp, dot }) => ({ stamp, dot, hlc }));
      await anna.store.ingest(isBare ? { ...page, entries: bare } : page, [SID]);
      const record = (await anna.db.dexie.table(RECORDS).get(['notes', id])) as StoredRecordRow;
      expect(
        recordRow(record)
          .base!.cells.get('title')!
          .map((entry) => entry.hlc),
      ).toEqual([hlc]);
    }
  });
});

describe('changes of others', () => {
  it('[ING10] a device knows who wrote what it pulled', async () => {
    const server = new LogServer();
    const [anna, ben] = [await testDevice('anna'), await testDevice('ben')];
    await notesOf(anna).add({ id, title: 'A' });
    await exchange(server, anna, ben);
    const inc = incOf(server.log[0]!.dot);
    expect((await ben.db.readWriters([inc])).get(inc)).toMatchObject({
      user: { id: 'anna' },
      device: { id: anna.db.deviceId, name: "anna's device" },
    });
  });
});

describe('a clock that is corrected', () => {
  it('[RST1] an edit stays later than what its device had pulled', async () => {
    const server = new LogServer();
    const ahead = await testDevice('ahead', { nowMs: () => NOW + 20_000 });
    const anna = await testDevice('anna', { nowMs: () => NOW + YEAR });
    await notesOf(ahead).add({ id, title: 'A' });
    await exchange(server, ahead, anna);
    await notesOf(anna).update(id, { title: 'B' });
    await anna.store.correctClock(null, NOW);
    const [item] = await itemsOf(anna);
    expect(item!.change.hlc).toBeGreaterThan(server.log[0]!.hlc);
    expect(msOf(item!.change.hlc)).toBeLessThan(NOW + 21_000);
    await notesOf(anna).update(id, { title: 'C' });
    expect((await itemsOf(anna))[1]!.change.hlc).toBeGreaterThan(item!.change.hlc);
  });

  it('[RST2] what the server has keeps its stamp, and the rest stays later than it', async () => {
    const server = new LogServer();
    let nowMs = NOW + 20_000;
    const anna = await testDevice('anna', { nowMs: () => nowMs });
    for (const title of ['A', 'B']) await notesOf(anna).put({ id, title });
    nowMs = NOW + YEAR;
    await notesOf(anna).put({ id, title: 'C' });
    const [a, b] = await itemsOf(anna);
    server.admit(a!.change);
    server.admit(b!.change);
    expect(await anna.store.correctClock(b!.position, NOW)).toMatchObject({ restamped: 1 });
    const stamps = (await itemsOf(anna)).map((item) => item.change.hlc);
    expect(stamps.slice(0, 2)).toEqual([a!.change.hlc, b!.change.hlc]);
    expect(stamps[2]!).toBeGreaterThan(b!.change.hlc);
    await anna.store.ingest(withoutContent(server.page(0)), [SID]);
    await anna.sync(server);
    expect(await notesOf(anna).get(id)).toMatchObject({ title: 'C' });
    expect(await anna.db.readConflicts()).toEqual([]);
  });

  it('[RST4] stamps of a time when the server was a year ahead hold nothing up when it is right again', async () => {
    const server = new LogServer();
    const anna = await testDevice('anna', { nowMs: () => NOW + YEAR });
    await notesOf(anna).put({ id, title: 'A' });
    await anna.sync(server);
    await notesOf(anna).put({ id, title: 'B' });
    for (const title of ['C', 'D']) {
      await anna.store.correctClock(null, NOW);
      const stamps = (await itemsOf(anna)).map((item) => item.change.hlc);
      expect(msOf(stamps.at(-1)!)).toBeLessThan(NOW + 60_000);
      // The echo of what was stamped rightly does not bring the wrong time back.
      await anna.sync(server);
      await notesOf(anna).put({ id, title });
      expect(msOf((await itemsOf(anna))[0]!.change.hlc)).toBeLessThan(NOW + 60_000);
    }
    expect(await notesOf(anna).get(id)).toMatchObject({ title: 'D' });
    expect(await anna.db.readConflicts()).toEqual([]);
  });

  it('[RST3] a correction that fails leaves every stamp as it was', async () => {
    const anna = await testDevice('anna', { nowMs: () => NOW + YEAR });
    for (const title of ['A', 'B']) await notesOf(anna).put({ id, title });
    const [a, b] = (await anna.db.dexie.table(OUTBOX).toArray()) as OutboxRow[];
    // A store that lost its first row: the state of the record cannot be computed.
    await anna.db.dexie.table(OUTBOX).delete([a!.order, a!.part]);
    await expect(anna.store.correctClock(a!.order, NOW)).rejects.toThrow(/outbox/);
    expect(b!.head!.hlc).toBeGreaterThan(hlcAt(NOW + YEAR - 1));
    expect(await anna.db.dexie.table(OUTBOX).toArray()).toEqual([b]);
  });
});

describe('another policy for what is there', () => {
  it('[VIEW1] conflicts open and close with it, in the store and in the records', async () => {
    const [lww, ask] = (['lww', 'ask'] as const).map((kind) => ({
      ...NOTES,
      fields: { ...NOTES.fields, title: { kind } },
    }));
    const name = 'other-policy';
    const server = new LogServer();
    const anna = await testDevice('anna', { name, plan: lww! });
    const ben = await testDevice('ben');
    await notesOf(anna).add({ id, title: 'A' });
    await exchange(server, anna, ben);
    await notesOf(anna).update(id, { title: 'B' });
    await notesOf(ben).update(id, { title: 'C' });
    await exchange(server, anna, ben);
    await anna.pull(server);
    anna.close();
    for (const [plan, open] of [
      [ask, 1],
      [lww, 0],
      [ask, 1],
    ] as const) {
      const device = await testDevice('anna', { name, plan: plan! });
      const conflicts = await device.db.readConflicts();
      const record = (await device.db.dexie.table(RECORDS).get(['notes', id])) as RecordRow;
      expect(conflicts).toEqual(open === 1 ? await ben.db.readConflicts() : []);
      expect(record.conflicts).toEqual(conflicts.map((conflict) => conflict.id));
      device.close();
    }
  });
});
