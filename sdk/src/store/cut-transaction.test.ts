/** A device that dies inside an IndexedDB transaction, at every one of its writes. */
import { afterEach, describe, expect, it, vi } from 'vitest';

import { expectConsistent } from './consistency.fixture.ts';
import { exchange, LogServer, SID, testDevice, type TestDevice } from './devices.fixture.ts';
import { dumpDatabase } from './golden-database.fixture.ts';
import { META, type ReplicaRow } from './layout.ts';

const IDS = ['from', 'to', 'receipt'] as const;
const WRITES = ['put', 'add', 'delete'] as const;

afterEach(() => {
  vi.restoreAllMocks();
});

/** Every transaction from now on, or as many as `times`, is cut when its `at`-th write is in the database. Returns how many writes the last had. */
function cutAt(at: number, times = Infinity): () => number {
  const counts = new Map<IDBTransaction, number>();
  let cuts = 0;
  // Without being told to, a transaction commits when all of its requests are answered: until then it can be cut.
  vi.spyOn(IDBTransaction.prototype, 'commit').mockImplementation(() => undefined);
  for (const name of WRITES) {
    const write = IDBObjectStore.prototype[name] as (...args: unknown[]) => IDBRequest;
    vi.spyOn(IDBObjectStore.prototype, name).mockImplementation(function (this: IDBObjectStore, ...args: unknown[]) {
      const request = write.apply(this, args);
      const count = (counts.get(this.transaction) ?? 0) + 1;
      counts.set(this.transaction, count);
      if (count === at && ++cuts <= times) request.addEventListener('success', () => this.transaction.abort());
      return request as never;
    });
  }
  return () => [...counts.values()].at(-1) ?? 0;
}

async function twoDevices(name: string): Promise<{ server: LogServer; anna: TestDevice; ben: TestDevice }> {
  const server = new LogServer();
  const [anna, ben] = [await testDevice('anna'), await testDevice('ben', { name })];
  await anna.db.dexie.table('notes').bulkAdd(IDS.map((id) => ({ id, title: 'before', likes: 10 })));
  await exchange(server, anna, ben);
  return { server, anna, ben };
}

const transfer = ({ db }: TestDevice, likes = 7): Promise<unknown> =>
  db.transact({}, async () => {
    await db.dexie.table('notes').update('from', { likes });
    await db.dexie.table('notes').update('to', { likes: 13 });
    await db.dexie.table('notes').update('receipt', { title: 'moved 3' });
  });

async function shown({ db }: TestDevice): Promise<unknown> {
  const rows = (await db.dexie.table('notes').bulkGet([...IDS])) as { title: string; likes: number }[];
  return rows.map(({ title, likes }) => [title, likes]);
}

const AFTER = [
  ['before', 7],
  ['before', 13],
  ['moved 3', 10],
];

/** Cuts a piece of work at each of its writes; after each cut the database is as before. Then lets it through. */
async function cutEverywhere(name: string, work: () => Promise<unknown>): Promise<number> {
  const before = await dumpDatabase(name);
  for (let at = 1; ; at++) {
    const countWrites = cutAt(at);
    const outcome = await work().then(
      () => 'done',
      () => 'cut',
    );
    const writes = countWrites();
    vi.restoreAllMocks();
    if (outcome === 'done') {
      expect(writes, 'it went through because nothing was cut').toBeLessThan(at);
      return writes;
    }
    expect(await dumpDatabase(name), `cut at write ${at}`).toEqual(before);
  }
}

describe('a device that dies inside a transaction', () => {
  it('[ING13] a page that is cut at any of its writes has changed nothing, its cursor included, and is taken whole afterwards', async () => {
    const { server, anna, ben } = await twoDevices('cut-page');
    await ben.db.dexie.table('notes').update('receipt', { likes: 11 });
    await transfer(anna);
    await anna.push(server);
    const writes = await cutEverywhere('cut-page', () => ben.pull(server));
    expect(writes).toBeGreaterThan(5);
    expect(await shown(ben)).toEqual([AFTER[0], AFTER[1], ['moved 3', 11]]);
    const replica = (await ben.db.dexie.table(META).get('replica')) as ReplicaRow;
    expect(replica.cursor).toEqual({ [SID]: server.log.length });
    await expectConsistent(ben, 'ING13');
  });

  it('[STO14] a transaction over several records that is cut at any of its writes has left none of them, and nothing to send', async () => {
    const { server, anna, ben } = await twoDevices('cut-write');
    const writes = await cutEverywhere('cut-write', () => transfer(ben));
    expect(writes).toBeGreaterThan(5);
    expect(await shown(ben)).toEqual(AFTER);
    await expectConsistent(ben, 'STO14');
    await exchange(server, ben, anna);
    expect(await shown(anna)).toEqual(AFTER);
  });

  it('[STT4] S14: a transaction that the browser aborts once, at any of its writes, is made again and has its effect once', async () => {
    const { server, anna, ben } = await twoDevices('abort-once');
    let likes = 10;
    for (let at = 1; at < 10; at++) {
      cutAt(at, 1);
      await transfer(ben, (likes -= 1));
      vi.restoreAllMocks();
    }
    await exchange(server, ben, anna);
    for (const device of [anna, ben]) expect(((await shown(device)) as unknown[])[0], 'S14').toEqual(['before', likes]);
    await expectConsistent(ben, 'STT4');
  });
});
