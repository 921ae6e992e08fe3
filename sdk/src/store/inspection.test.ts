import { describe, expect, test } from 'vitest';

import { incNamed } from '../space/space.fixture.ts';
import type { InspectionResult } from './device-store.ts';
import { exchange, LogServer, peerChange, testDevice, type TestDevice } from './devices.fixture.ts';
import { INSPECT_EVERY_MS, INSPECT_RECORDS } from './inspection.ts';
import { RECORDS } from './layout.ts';
import { recordRow, storedRow, type StoredRecordRow } from './packed-record.ts';

const NOW = 1_800_000_000_000;

interface Place {
  nowMs: number;
  readonly device: TestDevice;
  readonly server: LogServer;
}

async function place(): Promise<Place> {
  const here = { nowMs: NOW, server: new LogServer() };
  const device = await testDevice('anna', { nowMs: () => here.nowMs });
  return Object.assign(here, { device });
}

/** Notes n0, n1 and so on, confirmed. */
async function confirmed(here: Place, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, i) => ({ id: `n${i}`, title: `t${i}` }));
  await here.device.db.dexie.table('notes').bulkAdd(rows);
  await exchange(here.server, here.device);
}

/** To its end: the last answer, and how many slices it took. */
async function inspectAll({ device }: Place): Promise<readonly [InspectionResult, number]> {
  let result = await device.store.inspect(null);
  let slices = 1;
  for (; result.type === 'going-on'; slices++) result = await device.store.inspect(result.inspection);
  return [result, slices];
}

async function alter({ device }: Place, id: string, edit: (row: StoredRecordRow) => StoredRecordRow): Promise<void> {
  const records = device.db.dexie.table(RECORDS);
  await records.put(edit((await records.get(['notes', id])) as StoredRecordRow));
}

const flip = (row: StoredRecordRow): StoredRecordRow => {
  const read = recordRow(row);
  const cells = new Map(
    [...read.base!.cells].map(([path, all]) => [path, all.map((one) => ({ ...one, v: 'flipped' }))]),
  );
  return storedRow({ ...read, base: { ...read.base!, cells } });
};

describe('looking over what is stored', { timeout: 30_000 }, () => {
  test('[DIG3] finds nothing where nothing is wrong, with unsent writes on top, at most once a day', async () => {
    const here = await place();
    await confirmed(here, 3);
    await here.device.db.dexie.table('notes').update('n1', { title: 'unsent' });
    await here.device.db.dexie.table('notes').delete('n2');
    expect(await inspectAll(here)).toEqual([{ type: 'done', isDiverged: false, nextInMs: INSPECT_EVERY_MS }, 1]);
    await alter(here, 'n0', flip);
    here.nowMs += INSPECT_EVERY_MS - 1;
    expect(await inspectAll(here)).toEqual([{ type: 'done', isDiverged: false, nextInMs: 1 }, 1]);
    here.nowMs += 1;
    expect((await inspectAll(here))[0]).toMatchObject({ isDiverged: true });
    expect((await here.device.store.readIdentity()).isDiverged).toBe(true);
  });

  test('[DIG3] a clock that was put back does not put it off', async () => {
    const here = await place();
    await confirmed(here, 1);
    await inspectAll(here);
    here.nowMs -= 1_000;
    await alter(here, 'n0', flip);
    expect((await inspectAll(here))[0]).toMatchObject({ isDiverged: true });
  });

  test.each([
    ['a value that was flipped', flip],
    ['a state that cannot be read any more', (row: StoredRecordRow) => ({ ...row, base: '[[' })],
  ])('[DIG3] goes by slices and finds %s in any of them; what comes later does not pass for right', async (_, edit) => {
    for (const id of ['n0', 'n99']) {
      const here = await place();
      await confirmed(here, 2 * INSPECT_RECORDS + 1);
      await alter(here, id, edit);
      expect(await inspectAll(here)).toEqual([{ type: 'done', isDiverged: true, nextInMs: INSPECT_EVERY_MS }, 3]);
      here.server.admit(peerChange(incNamed('ben'), 'new', [{ t: 'set', p: 'title', v: 'x', pred: [] }]));
      await here.device.pull(here.server);
      expect((await here.device.store.readIdentity()).isDiverged).toBe(true);
      here.device.close();
    }
  });

  test('[DIG3] ends without a verdict when a page has moved something meanwhile; local writes do not', async () => {
    const here = await place();
    await confirmed(here, INSPECT_RECORDS + 1);
    const first = await here.device.store.inspect(null);
    if (first.type !== 'going-on') throw new Error('there is a second slice');
    await here.device.db.dexie.table('notes').update('n0', { title: 'unsent' });
    expect(await here.device.store.inspect(first.inspection)).toMatchObject({ type: 'done', isDiverged: false });
    here.nowMs += INSPECT_EVERY_MS;
    const again = await here.device.store.inspect(null);
    await exchange(here.server, here.device);
    if (again.type !== 'going-on') throw new Error('there is a second slice');
    expect(await here.device.store.inspect(again.inspection)).toEqual({ type: 'moved' });
    expect((await inspectAll(here))[0]).toMatchObject({ type: 'done', isDiverged: false });
  });
});
