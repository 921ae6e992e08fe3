import { describe, expect, it } from 'vitest';

import { incOf, seqOf } from '../core/dot.ts';
import { LogServer, SID, testDevice, type TestDevice } from './devices.fixture.ts';
import { META, OUTBOX, type OutboxRow, type ReplicaRow } from './layout.ts';

const notesOf = (device: TestDevice) => device.db.dexie.table('notes');
const replicaOf = (device: TestDevice) => device.db.dexie.table(META).get('replica') as Promise<ReplicaRow>;

async function changesOf(device: TestDevice) {
  const items = await device.store.readOutbox(null, { changes: 100, bytes: 1e9 });
  return items.map((item) => item.change);
}

/** Five changes of 200 rows. */
async function addThousand(device: TestDevice): Promise<void> {
  await notesOf(device).bulkAdd(Array.from({ length: 1000 }, (_, i) => ({ id: `n${i}`, title: `t${i}` })));
}

describe('what a change says of the changes before it', () => {
  it('[NUM1] a change depends on the part of the log that the device had applied', async () => {
    const server = new LogServer();
    const [anna, ben] = [await testDevice('anna'), await testDevice('ben')];
    for (const id of ['a', 'b', 'c']) await notesOf(anna).add({ id, title: id });
    await anna.sync(server);
    await ben.pull(server, 2);
    await notesOf(ben).update('a', { title: 'B' });
    await ben.pull(server);
    await notesOf(ben).update('a', { title: 'C' });
    expect((await changesOf(ben)).map((change) => change.deps)).toEqual([{ [SID]: 2 }, { [SID]: 3 }]);
  });

  it('[NUM2] the changes of one bulk write have stamps of their own, in their order', async () => {
    const anna = await testDevice('anna', { nowMs: () => 1_800_000_000_000 });
    await addThousand(anna);
    const [first, ...others] = (await changesOf(anna)).map((change) => change.hlc);
    expect(others).toEqual([1, 2, 3, 4].map((count) => first! + count));
  });

  it('[NUM3] after a bulk write numbering, clock, place and counts are those of its last change', async () => {
    const anna = await testDevice('anna', { name: 'numbered' });
    await addThousand(anna);
    const changes = await changesOf(anna);
    const { dot, hlc } = changes.at(-1)!;
    expect(await replicaOf(anna)).toMatchObject({
      hlc,
      order: 6,
      lastDot: dot,
      seqs: { [incOf(dot)]: 5 },
      outbox: { changes: 5 },
    });
    const otherTab = await testDevice('anna', { name: 'numbered' });
    await notesOf(otherTab).add({ id: 'x' });
    await notesOf(anna).add({ id: 'y' });
    const [x, y] = (await changesOf(anna)).slice(5);
    expect(x!.ex).toEqual([dot]);
    expect([incOf(y!.dot), seqOf(y!.dot), y!.ex]).toEqual([incOf(dot), 6, [x!.dot]]);
  });

  it('[NUM4] a row that is written again counts with the bytes that it has in the end', async () => {
    const anna = await testDevice('anna');
    await anna.db.transact({}, async () => {
      await notesOf(anna).add({ id: 'a', title: 'x'.repeat(10_000) });
      await notesOf(anna).add({ id: 'b', title: 'other' });
      await notesOf(anna).update('a', { title: 'short' });
    });
    const rows = (await anna.db.dexie.table(OUTBOX).toArray()) as OutboxRow[];
    const { changes, bytes } = await anna.db.readPending();
    expect([changes, bytes]).toEqual([1, rows.reduce((sum, row) => sum + row.bytes, 0)]);
    expect(bytes).toBeLessThan(1_000);
  });

  it("[NUM5] a transaction of the app's own stays one change where a bulk write would be several", async () => {
    const anna = await testDevice('anna');
    const rows = Array.from({ length: 450 }, (_, i) => ({ id: `n${i}`, title: 'x'.repeat(400) }));
    await anna.db.transact({}, () => notesOf(anna).bulkAdd(rows));
    const changes = await changesOf(anna);
    expect(changes.map((change) => change.recs.length)).toEqual([450]);
  });
});

describe('who writes', () => {
  it('[IDN3] a database that is closed and opened again under the app writes as a new incarnation', async () => {
    const anna = await testDevice('anna');
    await notesOf(anna).add({ id: 'a', title: 'A' });
    anna.db.dexie.close({ disableAutoOpen: false });
    await anna.db.dexie.open();
    await notesOf(anna).add({ id: 'b', title: 'B' });
    const [a, b] = await changesOf(anna);
    expect(incOf(b!.dot)).not.toBe(incOf(a!.dot));
    expect([seqOf(b!.dot), b!.ex]).toEqual([1, [a!.dot]]);
  });
});
