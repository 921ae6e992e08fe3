import { describe, expect, test } from 'vitest';

import { seededRandom } from '../lib/random.ts';
import { compileCollection } from '../policies/registry.ts';
import type { DeviceStore } from '../store/device-store.ts';
import { NOTES, testDevice } from '../store/devices.fixture.ts';
import { createFence } from '../store/fence.ts';
import { openDeviceStore } from '../store/ingest.ts';
import { emptyDisk, MemoryDevice } from '../store/memory-device.ts';
import { storeContract, type StoreSubject } from './store-contract.ts';

/** The storage of the browser. */
async function inIndexedDb(): Promise<StoreSubject> {
  const { db, store } = await testDevice('anna');
  const notes = db.dexie.table('notes');
  return { store, write: async (row) => void (await notes.put(row)), read: (id) => Promise.resolve(notes.get(id)) };
}

let fenced = 0;

/** As the context that leads uses it. */
async function inIndexedDbBehindFence(): Promise<StoreSubject> {
  const name = `fenced-${++fenced}`;
  const { db } = await testDevice('anna', { name });
  const notes = db.dexie.table('notes');
  const store = await openDeviceStore(
    { name, collections: [NOTES] },
    {},
    createFence(() => undefined),
  );
  return { store, write: async (row) => void (await notes.put(row)), read: (id) => Promise.resolve(notes.get(id)) };
}

/** The storage of the simulation. */
async function inMemory(): Promise<StoreSubject> {
  const device = new MemoryDevice({
    schemas: new Map([[NOTES.name, compileCollection(NOTES)]]),
    user: { id: 'anna' },
    nowMs: () => 1_900_000_000_000,
    random: seededRandom(1),
    disk: emptyDisk('device'),
  });
  return {
    store: later(device),
    write: async (row) => void device.write([[{ collection: 'notes', id: row.id, row }]]),
    read: async (id) => device.row('notes', id),
  };
}

/** The same, answered by promises. */
function later(device: MemoryDevice): DeviceStore {
  return {
    readIdentity: async () => device.readIdentity(),
    readOutbox: async (after, max) => device.readOutbox(after, max),
    ingest: async (page, founders) => device.ingest(page, founders),
    ingestSnapshot: async (bootstrap, piece) => device.ingestSnapshot(bootstrap, piece),
    noteServerTime: async (serverNowMs) => device.noteServerTime(serverNowMs),
    correctClock: async (after, serverNowMs) => device.correctClock(after, serverNowMs),
    recover: async (dot, record) => device.recover(dot, record),
    reject: async (dot, error) => device.reject(dot, error),
    inspect: async (inspection) => device.inspect(inspection),
    close: () => undefined,
  };
}

describe.each([
  ['IndexedDB', inIndexedDb],
  ['IndexedDB behind a fence', inIndexedDbBehindFence],
  ['memory', inMemory],
] as const)('[KEP3] [REJ11] the store in %s keeps the contract of stores', (_, open) => {
  test.each(storeContract.map((one) => [one.name, one] as const))('%s', async (_name, { run }) => run(await open()));
});

test('[KEP4] the contract finds a store that breaks it', async () => {
  const broken: Readonly<Record<string, (good: DeviceStore) => Partial<DeviceStore>>> = {
    'a page that comes twice, or overlaps another, has its effect once': (good) => ({
      ingest: async (page, founders) => {
        await good.ingest(page, founders);
        return { type: 'out-of-step', reason: 'known already' };
      },
    }),
    'the outbox has whole changes in the order in which they were written': (good) => ({
      readOutbox: async (after, max) => (await good.readOutbox(after, max)).toReversed(),
    }),
    'a snapshot that is not what it says is refused whole': (good) => ({
      ingestSnapshot: async (bootstrap, piece) => {
        await good.ingestSnapshot(bootstrap, piece);
        return { type: 'staged' };
      },
    }),
  };
  for (const [name, breakIt] of Object.entries(broken)) {
    const subject = await inMemory();
    const store = { ...subject.store, ...breakIt(subject.store) };
    const { run } = storeContract.find((one) => one.name === name)!;
    await expect(run({ ...subject, store }), name).rejects.toThrow('broken promise');
  }
});
