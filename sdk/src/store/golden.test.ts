import { afterEach, describe, expect, it, vi } from 'vitest';

import { expectGolden, goldenVersions, readGolden } from '../lib/golden.fixture.ts';
import type { Change } from '../core/change.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import { NEWER_CHANGE } from '../protocol/frames.fixture.ts';
import { LogServer, testDevice, type TestDevice } from './devices.fixture.ts';
import { dumpDatabase, restoreDatabase, type GoldenDatabase } from './golden-database.fixture.ts';

const FOLDER = new URL('./fixtures/', import.meta.url);
/** Of the rows of `layout.ts`: counted up when a released one changes. */
const ROWS_VERSION = 3;
const RAISE = 'raise ROWS_VERSION in this test and let the code read the older rows too';
const NOW = 1_800_000_000_000;

interface Golden {
  readonly database: GoldenDatabase;
  /** The log that its device had pulled a part of. */
  readonly log: readonly Change[];
  /** What the app, the engine and the person see of it. */
  readonly seen: Json;
}

afterEach(() => {
  vi.restoreAllMocks();
});

/** Identities that are the same in every run. */
function mockRandom(): void {
  let byte = 0;
  vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
    new Uint8Array(array!.buffer).forEach((_, i, bytes) => void (bytes[i] = byte = (byte * 5 + 7 + i) % 256));
    return array;
  });
}

const notesOf = (device: TestDevice) => device.db.dexie.table('notes');

/** A device with everything that rows can say: base and overlay, siblings, a delete against an edit, several parts, newer keys. */
async function writeEverything(name: string): Promise<LogServer> {
  let nowMs = NOW;
  const server = new LogServer();
  server.admit(NEWER_CHANGE);
  const [anna, ben] = [
    await testDevice('anna', { name, nowMs: () => (nowMs += 1_000) }),
    await testDevice('ben', { name: `${name}-ben`, nowMs: () => (nowMs += 1_000) }),
  ];
  await notesOf(anna).add({
    id: 'a',
    title: 'A',
    tags: ['x', 'y'],
    likes: 3,
    room: 'R',
    start: '10',
    end: '11',
    body: { n: [1, null] },
  });
  await notesOf(anna).add({ id: 'gone', title: 'G' });
  for (const device of [anna, ben]) await device.sync(server);
  await ben.pull(server);
  await notesOf(anna).update('a', { title: 'B', room: 'S', pinned: 1 });
  await notesOf(ben).update('a', { title: 'C', room: 'T', tags: ['x', 'z'], likes: 5 });
  await notesOf(anna).delete('gone');
  await notesOf(ben).update('gone', { title: 'H' });
  await ben.sync(server);
  await anna.sync(server);
  await anna.db.transact({ label: 'two steps' }, async () => {
    await notesOf(anna).update('a', { tags: ['x'], likes: 9 });
    await notesOf(anna).add({ id: 'b', title: 'pending', start: '9', end: '10' });
  });
  await notesOf(ben).update('a', { body: 'later' });
  await ben.push(server);
  for (const device of [anna, ben]) device.close();
  return server;
}

/** In an order of its own: what a store gives back has none. */
async function whatIsSeen(device: TestDevice): Promise<Json> {
  const items = await device.store.readOutbox(null, { changes: 100, bytes: 1e9 });
  const { deviceId, cursor, writers } = await device.store.readIdentity();
  const seen = {
    rows: await notesOf(device).toArray(),
    conflicts: await device.db.readConflicts(),
    outbox: items.map(({ position, change }) => ({ position, change })),
    summary: (await device.db.readOutbox(null)).summaries,
    pending: await device.db.readPending(),
    identity: { deviceId, cursor, writers },
    writers: [...(await device.db.readWriters(['BZoBd0xhcHRvcEJl']))],
  };
  return JSON.parse(JSON.stringify(seen)) as Json;
}

describe('golden rows', () => {
  it('[GLD3] rows are written as they were', async () => {
    mockRandom();
    const server = await writeEverything('golden-now');
    const database = await dumpDatabase('golden-now');
    const device = await testDevice('anna', { name: 'golden-now', nowMs: () => NOW + 1e6 });
    const golden: Golden = { database, log: server.log, seen: await whatIsSeen(device) };
    device.close();
    expectGolden(FOLDER, ROWS_VERSION, 'device.json', `${JSON.stringify(golden, null, 1)}\n`, RAISE);
  });

  it.each(goldenVersions(FOLDER))(
    '[GLD4] the database of version %i is opened, shows the same and goes on',
    async (version) => {
      const golden = JSON.parse(readGolden(FOLDER, version).get('device.json')!) as Golden;
      const name = `golden-${version}`;
      await restoreDatabase(name, golden.database);
      const device = await testDevice('anna', { name, nowMs: () => NOW + 1e6 });
      expect(canonicalJson(await whatIsSeen(device))).toBe(canonicalJson(golden.seen));
      const server = new LogServer();
      for (const change of golden.log) server.admit(change);
      await notesOf(device).update('a', { title: 'decided' });
      await device.sync(server);
      await device.pull(server);
      expect(await notesOf(device).get('a')).toMatchObject({
        title: 'decided',
        body: 'later',
        tags: ['x'],
        likes: 9,
      });
      expect(await device.db.readPending()).toMatchObject({ changes: 0, bytes: 0 });
      device.close();
    },
  );
});
