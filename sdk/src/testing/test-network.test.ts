import 'fake-indexeddb/auto';
import { afterEach, expect, test } from 'vitest';

import { collection } from '../client/definition.ts';
import { counter } from '../policies/counter.ts';
import { text } from '../policies/text.ts';
import { createTestNetwork, type TestNetwork } from './test-network.ts';

interface Note {
  title: string;
  body: string;
  likes: number;
}

const collections = { notes: collection<Note>({ fields: { body: text(), likes: counter() } }) };
type Network = TestNetwork<typeof collections>;

let network: Network | null = null;
afterEach(async () => {
  await network?.close();
  network = null;
});

function create(seed = 1): Network {
  network = createTestNetwork({ collections, seed });
  return network;
}

const NOTE = { title: 'Plan', body: 'one\ntwo\n', likes: 0 };

test('[NET1] two devices edit one field while they are apart: one conflict, the same on both', async () => {
  const { device, partition, heal, settled, expectConverged } = create();
  const [anna, ben] = [await device('anna'), await device('ben')];
  const id = await anna.db.notes.insert(NOTE);
  await settled();
  expect(await ben.db.notes.get(id)).toMatchObject(NOTE);
  partition();
  await anna.db.notes.update(id, { title: 'Plan A' });
  await ben.db.notes.update(id, { title: 'Plan B' });
  heal();
  await expectConverged();
  const [conflict] = anna.db.conflicts$.value;
  expect(conflict).toMatchObject({ kind: 'field', fields: ['title'] });
  expect(ben.db.conflicts$.value.map((one) => one.id)).toEqual([conflict!.id]);
});

test('[NET2] a partition holds for the devices that it names', async () => {
  const { device, partition, heal, settled, expectConverged } = create();
  const [anna, ben] = [await device('anna'), await device('ben')];
  partition(ben);
  const id = await anna.db.notes.insert(NOTE);
  await settled();
  expect(await ben.db.notes.get(id)).toBeUndefined();
  heal(ben);
  await expectConverged();
  expect(await ben.db.notes.get(id)).toBeDefined();
});

test('[NET3] faults: a cut, a killed server, lost answers and a slow line cost nothing but time', async () => {
  const { device, faults, clock, heal, expectConverged } = create(7);
  const [anna, ben] = [await device('anna'), await device('ben')];
  const id = await anna.db.notes.insert(NOTE);
  faults.slow(ben, 2_000);
  for (let i = 0; i < 5; i++) {
    await anna.db.notes.update(id, (draft) => void (draft.likes += 1));
    if (i === 1) faults.cut(anna);
    if (i === 2) faults.killServer();
    if (i === 3) faults.loseAnswers(anna);
    await clock.advance(700);
  }
  heal();
  await expectConverged();
  expect((await ben.db.notes.get(id))!.likes).toBe(5);
});

test('[NET4] time moves only when the test says so, and a wrong clock is corrected', async () => {
  const { device, clock, settled, expectConverged } = create();
  const startMs = clock.nowMs;
  const anna = await device('anna', { skewMs: 3_600_000 });
  const ben = await device('ben');
  await anna.db.notes.insert(NOTE);
  expect(clock.nowMs).toBe(startMs);
  await settled();
  expect(clock.nowMs).toBeGreaterThan(startMs);
  clock.skew(ben, -3_600_000);
  await ben.db.notes.insert(NOTE);
  await expectConverged();
});

test('[NET5] a device that is restarted has everything, and sends what it could not send before', async () => {
  const { device, partition, heal, expectConverged } = create();
  const [anna, ben] = [await device('anna'), await device('ben')];
  partition(anna);
  const id = await anna.db.notes.insert(NOTE);
  await anna.restart();
  expect(await anna.db.notes.get(id)).toMatchObject(NOTE);
  heal();
  await expectConverged();
  expect(await ben.db.notes.get(id)).toMatchObject(NOTE);
});

test('[NET6] devices that do not agree are told apart by what only one of them shows', async () => {
  const { device, settled, expectConverged } = create();
  const [anna, ben] = [await device('anna'), await device('ben')];
  await anna.db.notes.insert(NOTE);
  await settled();
  // Behind the SDK's back, as no app can.
  const { backendDB } = { backendDB: () => ben.db.dexie.backendDB() };
  const tx = backendDB().transaction('notes', 'readwrite');
  tx.objectStore('notes').clear();
  await new Promise((resolve) => tx.addEventListener('complete', resolve));
  await expect(expectConverged()).rejects.toThrow(/anna and ben differ in notes/);
});
