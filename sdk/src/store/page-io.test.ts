import { afterEach, describe, expect, it, vi } from 'vitest';

import { TAIL_LIMITS } from '../core/tail-limits.ts';
import { exchange, LogServer, SID, testDevice, type TestDevice } from './devices.fixture.ts';
import { expectConsistent } from './consistency.fixture.ts';
import { META, OUTBOX, RECORDS, TAIL, type SpaceRow, type TailRow } from './layout.ts';

const notesOf = (device: TestDevice) => device.db.dexie.table('notes');

afterEach(() => {
  vi.restoreAllMocks();
});

/** How often each store is asked from now on, by the name of the request. */
function countReads(): (store: string, name: 'get' | 'getAll') => number {
  const counts = new Map<string, number>();
  for (const name of ['get', 'getAll'] as const) {
    const read = IDBObjectStore.prototype[name] as (...args: unknown[]) => IDBRequest;
    vi.spyOn(IDBObjectStore.prototype, name).mockImplementation(function (this: IDBObjectStore, ...args: unknown[]) {
      const key = `${this.name} ${name}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      return read.apply(this, args) as never;
    });
  }
  return (store, name) => counts.get(`${store} ${name}`) ?? 0;
}

describe('what a page asks of the storage', () => {
  it('[ING15] records that lie together are read at once, and those that lie apart are all found', async () => {
    const server = new LogServer();
    const [anna, ben] = [await testDevice('anna'), await testDevice('ben')];
    const ids = Array.from({ length: 400 }, (_, i) => `n${String(i).padStart(3, '0')}`);
    await notesOf(anna).bulkAdd(ids.map((id) => ({ id, title: 'before' })));
    await exchange(server, anna, ben);
    const edit = async (wanted: (i: number) => boolean, title: string): Promise<void> => {
      for (const id of ids.filter((_, i) => wanted(i))) await notesOf(anna).update(id, { title });
      await anna.push(server);
    };
    await edit((i) => i >= 100 && i < 150, 'together');
    let reads = countReads();
    expect(await ben.pull(server)).toMatchObject({ applied: 50 });
    expect([reads(RECORDS, 'get'), reads(RECORDS, 'getAll')]).toEqual([0, 1]);
    vi.restoreAllMocks();

    await edit((i) => i % 8 === 0, 'apart');
    reads = countReads();
    expect(await ben.pull(server)).toMatchObject({ applied: 50 });
    expect(reads(RECORDS, 'getAll')).toBe(1);
    vi.restoreAllMocks();
    const titles = (await notesOf(ben).bulkGet(ids)).map((row) => (row as { title: string }).title);
    expect(titles).toEqual(ids.map((_, i) => (i % 8 === 0 ? 'apart' : i >= 100 && i < 150 ? 'together' : 'before')));
    await anna.pull(server);
    for (const device of [anna, ben]) await expectConsistent(device, 'ING15');
  });

  it('[ING15] own changes that come back leave the outbox, and nothing that stands behind or between them', async () => {
    const server = new LogServer();
    const anna = await testDevice('anna');
    for (let i = 0; i < 40; i++) await notesOf(anna).add({ id: `n${i}`, title: 'A' });
    await anna.push(server);
    for (let i = 0; i < 5; i++) await notesOf(anna).add({ id: `later${i}`, title: 'B' });
    expect(await anna.store.ingest(server.page(0, 30), [SID])).toMatchObject({ confirmed: 30 });
    expect(await anna.db.dexie.table(OUTBOX).count()).toBe(15);
    await expectConsistent(anna, 'ING15');
    expect(await anna.store.ingest(server.page(30), [SID])).toMatchObject({ confirmed: 10 });
    expect(await anna.db.dexie.table(OUTBOX).count()).toBe(5);
    await expectConsistent(anna, 'ING15');
  });

  it('[DSV6] a tail that is full lets go of its oldest rows, also when they are large, and is otherwise not read', async () => {
    const server = new LogServer();
    const [anna, ben] = [await testDevice('anna'), await testDevice('ben')];
    const tailOf = async (): Promise<{ rows: TailRow[]; tail: SpaceRow['tail'] }> => {
      const rows = (await ben.db.dexie.table(TAIL).toArray()) as TailRow[];
      const { tail } = (await ben.db.dexie.table(META).get('space')) as SpaceRow;
      expect(tail.entries).toBe(rows.reduce((sum, row) => sum + row.entries.length, 0));
      expect(tail.bytes).toBe(rows.reduce((sum, row) => sum + row.bytes, 0));
      return { rows, tail };
    };
    for (let i = 0; i < 8; i++) {
      await notesOf(anna).add({ id: `large${i}`, title: 'x'.repeat(200_000) });
      await exchange(server, anna, ben);
      expect((await tailOf()).tail.bytes).toBeLessThanOrEqual(TAIL_LIMITS.bytes);
    }
    const { rows } = await tailOf();
    expect(rows.length).toBeGreaterThan(3);
    expect(rows.at(-1)!.entries.at(-1)!.stamp).toEqual([SID, server.log.length]);
    // One large row goes, and then there is room.
    await notesOf(anna).add({ id: 'small', title: 'x'.repeat(60_000) });
    await exchange(server, anna, ben);
    await notesOf(anna).add({ id: 'smaller', title: 'x' });
    await anna.push(server);
    const reads = countReads();
    await ben.pull(server);
    expect(reads(TAIL, 'getAll')).toBe(0);
  });
});
