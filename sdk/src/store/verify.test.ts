import { describe, expect, test } from 'vitest';

import type { Constraint } from '../constraints/constraint.ts';
import { incNamed } from '../space/space.fixture.ts';
import { exchange, LogServer, NOTES, peerChange, testDevice, type TestDevice } from './devices.fixture.ts';
import { CLAIMS, COMPONENTS, CONFLICTS, META, OUTBOX, RECORDS, TAIL, type ReplicaRow } from './layout.ts';
import { recordRow, storedRow, type StoredRecordRow } from './packed-record.ts';
import type { DifferenceKind, VerifyReport } from './verify-report.ts';

const ROOMS = {
  ...NOTES,
  constraints: [
    { kind: 'unique', name: 'titles', fields: ['title'] },
  ] as unknown as readonly Constraint<never>[] as never,
};
const BEN = incNamed('ben');

/** Confirmed rows, unsent writes on top, an open conflict, a constraint conflict, a tombstone and a tail. */
async function busyDevice(): Promise<{ device: TestDevice; server: LogServer }> {
  const server = new LogServer();
  const device = await testDevice('anna', { plan: ROOMS });
  const notes = device.db.dexie.table('notes');
  await notes.bulkAdd(Array.from({ length: 250 }, (_, i) => ({ id: `n${i}`, title: `t${i}`, likes: i })));
  await notes.add({ id: 'twin', title: 't1' });
  await exchange(server, device);
  server.admit(peerChange(BEN, 'n0', [{ t: 'set', p: 'title', v: 'by ben', pred: [] }]));
  await device.pull(server);
  await notes.update('n2', { title: 'unsent' });
  await notes.update('n2', { likes: 9 });
  await notes.delete('n3');
  await notes.add({ id: 'new', title: 'unsent too' });
  return { device, server };
}

async function edit<T>(
  { db: { dexie } }: TestDevice,
  store: string,
  key: unknown,
  change: (row: T) => T | null,
): Promise<void> {
  const table = dexie.table(store);
  const next = change((await table.get(key as string)) as T);
  // Behind the tracking's back, as damage comes.
  const raw = dexie.backendDB().transaction(store, 'readwrite');
  if (next === null) raw.objectStore(store).delete(key as string);
  else raw.objectStore(store).put(next);
  await new Promise((resolve) => raw.addEventListener('complete', resolve));
}

const record = (id: string): readonly [string, string] => ['notes', id];

function kindsOf({ differences }: VerifyReport): readonly string[] {
  return differences.map(({ kind, rowId }) => (rowId === undefined ? kind : `${kind} ${rowId}`)).toSorted();
}

describe('verify', { timeout: 30_000 }, () => {
  test('[VFY1] finds nothing where nothing is wrong, and says what it looked at', async () => {
    const { device } = await busyDevice();
    const told: number[] = [];
    const report = await device.db.verify({ onProgress: ({ done }) => told.push(done) });
    expect(report).toEqual({
      isSound: true,
      differences: [],
      more: 0,
      checked: { records: 252, rows: 251, conflicts: 2, changes: 4, claims: 251, tail: expect.any(Number) },
      unfinished: [],
      tookMs: expect.any(Number),
    });
    expect(report.checked.tail).toBeGreaterThan(0);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(told.at(-1)).toBe(252);
  });

  type Damage = readonly [kinds: readonly string[], plant: (device: TestDevice) => Promise<void>];
  const flipped = (row: StoredRecordRow): StoredRecordRow => {
    const read = recordRow(row);
    const cells = new Map(
      [...read.base!.cells].map(([path, all]) => [path, all.map((one) => ({ ...one, v: 'flipped' }))]),
    );
    return storedRow({ ...read, base: { ...read.base!, cells } });
  };
  const damages: Readonly<Record<DifferenceKind, Damage>> = {
    'record-unreadable': [
      ['claim-unexpected n7', 'digest', 'record-unreadable n7'],
      (device) => edit<StoredRecordRow>(device, RECORDS, record('n7'), (row) => ({ ...row, base: '[[' })),
    ],
    'row-missing': [['row-missing n99'], (device) => edit(device, 'notes', 'n99', () => null)],
    'row-differs': [
      ['row-differs n240'],
      (device) => edit<object>(device, 'notes', 'n240', (row) => ({ ...row, title: 'bit rot' })),
    ],
    'row-unexpected': [
      ['row-unexpected ghost', 'row-unexpected n3'],
      async (device) => {
        await edit(device, 'notes', 'ghost', () => ({ id: 'ghost', title: 'x' }));
        await edit(device, 'notes', 'n3', () => ({ id: 'n3', title: 'x' }));
      },
    ],
    'overlay-differs': [
      ['overlay-differs n2', 'row-differs n2'],
      (device) =>
        edit<StoredRecordRow>(device, RECORDS, record('n2'), (row) => {
          const read = recordRow(row);
          return storedRow({ ...read, overlay: { ...read.overlay!, counters: new Map([['likes#c', 77]]) } });
        }),
    ],
    'pending-missing': [
      ['outbox-sums', 'pending-missing new'],
      async (device) => {
        const last = (await device.db.dexie.table(OUTBOX).toCollection().last()) as { order: number };
        await edit(device, OUTBOX, [last.order, 0], () => null);
      },
    ],
    'pending-unknown': [
      ['overlay-differs new', 'pending-unknown new'],
      (device) => edit<StoredRecordRow>(device, RECORDS, record('new'), (row) => ({ ...row, pending: [] })),
    ],
    'conflict-missing': [
      ['conflict-missing n0'],
      async (device) => {
        const [conflict] = await device.db.readConflicts();
        await edit(device, CONFLICTS, conflict!.id, () => null);
      },
    ],
    'conflict-differs': [
      ['conflict-differs n0'],
      async (device) => {
        const [conflict] = await device.db.readConflicts();
        await edit<object>(device, CONFLICTS, conflict!.id, (row) => ({ ...row, fields: ['body'] }));
      },
    ],
    'conflict-unexpected': [
      ['conflict-unexpected n9'],
      async (device) => {
        const [conflict] = await device.db.readConflicts();
        await edit(device, CONFLICTS, 'old', () => ({ ...conflict!, id: 'old', rowId: 'n9' }));
      },
    ],
    'tombstone-mark': [
      ['tombstone-mark n8'],
      (device) => edit<StoredRecordRow>(device, RECORDS, record('n8'), (row) => ({ ...row, dead: 1 })),
    ],
    'claim-missing': [['claim-missing n5'], (device) => edit(device, CLAIMS, ['notes/titles', 'n5'], () => null)],
    'claim-differs': [
      ['claim-differs n5'],
      (device) => edit<object>(device, CLAIMS, ['notes/titles', 'n5'], (claim) => ({ ...claim, bucket: 'elsewhere' })),
    ],
    'claim-unexpected': [
      ['claim-unexpected gone'],
      (device) =>
        edit<object>(device, CLAIMS, ['notes/titles', 'gone'], () => ({
          name: 'notes/titles',
          id: 'gone',
          bucket: 'b',
          width: 0,
          from: 0,
        })),
    ],
    'component-missing': [['component-missing n1 twin'], (device) => editComponent(device, () => null)],
    'component-differs': [
      ['component-differs n1 twin'],
      (device) => editComponent(device, (component) => ({ ...component, isOpen: false })),
    ],
    'component-unexpected': [
      ['component-unexpected n1 twin'],
      async (device) => {
        const [component] = (await device.db.dexie.table(COMPONENTS).toArray()) as { id: string }[];
        await edit(device, COMPONENTS, 'other', () => ({ ...component!, id: 'other' }));
      },
    ],
    digest: [
      ['digest', 'row-differs n4', 'claim-differs n4'],
      (device) => edit<StoredRecordRow>(device, RECORDS, record('n4'), flipped),
    ],
    'outbox-sums': [
      ['outbox-sums'],
      (device) =>
        edit<ReplicaRow>(device, META, 'replica', (row) => ({
          ...row,
          outbox: { ...row.outbox, bytes: row.outbox.bytes + 1 },
        })),
    ],
    'tail-sums': [
      ['tail-sums'],
      async (device) => {
        const [first] = (await device.db.dexie.table(TAIL).toArray()) as { position: number }[];
        await edit(device, TAIL, first!.position, () => null);
      },
    ],
  };

  test.each(Object.entries(damages))('[VFY2] finds planted damage: %s', async (kind, [expected, plant]) => {
    const { device } = await busyDevice();
    await plant(device);
    const report = await device.db.verify();
    expect(kindsOf(report)).toEqual(expected.toSorted());
    expect(report.isSound).toBe(false);
    expect(report.differences.map((one) => one.kind)).toContain(kind);
  });

  test('[VFY4] S18: goes by slices: tasks of the page and a write come in between', async () => {
    const { device } = await busyDevice();
    const ids = Array.from({ length: 3_000 }, (_, i) => ({ id: `more-${i}`, title: `more ${i}` }));
    await device.db.dexie.table('notes').bulkAdd(ids);
    const told: string[] = [];
    const timer = setInterval(() => told.push('task'));
    const written: Promise<unknown>[] = [];
    const report = await device.db.verify({
      onProgress: ({ done }) => {
        told.push('slice');
        if (done > 0 && written.length === 0)
          written.push(
            Promise.resolve(device.db.dexie.table('notes').update('n5', { likes: 77 })).then(() => told.push('write')),
          );
      },
    });
    clearInterval(timer);
    await Promise.all(written);
    expect(report).toMatchObject({ isSound: true, checked: { records: 3_252 } });
    expect(told.filter((one) => one === 'slice').length).toBeGreaterThan(30);
    expect(told.filter((one) => one === 'task').length).toBeGreaterThan(10);
    expect(told.slice(told.indexOf('write')).filter((one) => one === 'slice').length).toBeGreaterThan(10);
  });

  test('[VFY3] writes and pages that come meanwhile are no damage', async () => {
    const { device, server } = await busyDevice();
    const end = new AbortController();
    const writing = (async () => {
      for (let i = 0; !end.signal.aborted; i++) {
        await device.db.dexie.table('notes').update(`n${i % 200}`, { title: `again ${i}` });
        if (i % 10 === 0) await exchange(server, device);
      }
    })();
    for (let i = 0; i < 5; i++) expect((await device.db.verify()).differences).toEqual([]);
    end.abort();
    await writing;
    expect(await device.db.verify()).toMatchObject({ isSound: true, unfinished: [] });
  });
});

async function editComponent(device: TestDevice, change: (component: object) => object | null): Promise<void> {
  const [component] = (await device.db.dexie.table(COMPONENTS).toArray()) as { id: string }[];
  await edit<object>(device, COMPONENTS, component!.id, change);
}
