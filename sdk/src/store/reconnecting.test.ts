/** The connection of whoever syncs, lost in every way that a test can make. */
import { afterEach, describe, expect, test, vi } from 'vitest';

import { expectConsistent } from './consistency.fixture.ts';
import { LogServer, testDevice, type TestDevice } from './devices.fixture.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** A change of Anna's that Ben has not taken yet. */
async function place(): Promise<{ readonly server: LogServer; readonly ben: TestDevice }> {
  const server = new LogServer();
  const [anna, ben] = [await testDevice('anna'), await testDevice('ben')];
  await anna.db.dexie.table('notes').add({ id: 'n', title: 'from anna', likes: 1 });
  await anna.push(server);
  return { server, ben };
}

/** Every transaction of a handle that is open now throws, and so many opens fail. */
function lose(opens: number): void {
  const lost = (): DOMException => new DOMException('Connection to Indexed Database server lost', 'UnknownError');
  let failed = 0;
  const { open } = IDBFactory.prototype;
  const { transaction } = IDBDatabase.prototype;
  let isBack = false;
  vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(function (this: IDBFactory, ...args) {
    if (failed++ < opens) throw lost();
    isBack = true;
    return open.apply(this, args);
  });
  vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...args) {
    if (!isBack) throw lost();
    return transaction.apply(this, args);
  });
}

describe('who syncs', () => {
  test.each([0, 1, 2])('[STT13] S9: takes a page in over a new connection, also when %d opens fail', async (opens) => {
    const { server, ben } = await place();
    await ben.store.readIdentity();
    const page = server.page(0);
    lose(opens);
    expect(await ben.store.ingest(page, ['AAAAAAAAAAA'])).toMatchObject({ type: 'ingested', applied: 1 });
    vi.restoreAllMocks();
    expect(await ben.db.dexie.table('notes').get('n')).toMatchObject({ title: 'from anna', likes: 1 });
    await expectConsistent(ben, 'STT13');
  });

  test('[STT13] S9: gives up after some attempts, and works again when the browser does', async () => {
    const { server, ben } = await place();
    await ben.store.readIdentity();
    lose(Infinity);
    await expect(ben.store.ingest(server.page(0), ['AAAAAAAAAAA'])).rejects.toMatchObject({ name: 'UnknownError' });
    vi.restoreAllMocks();
    await ben.pull(server);
    expect(await ben.db.dexie.table('notes').get('n')).toMatchObject({ likes: 1 });
  });

  test('[STT13] S14: a page whose transaction the browser aborts once has its effect once', async () => {
    const { server, ben } = await place();
    await ben.store.readIdentity();
    const { put } = IDBObjectStore.prototype;
    let aborts = 0;
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, ...args) {
      const request = put.apply(this, args);
      if (aborts++ === 0) request.addEventListener('success', () => this.transaction.abort());
      return request;
    });
    await ben.pull(server);
    expect(aborts).toBeGreaterThan(1);
    expect(await ben.db.dexie.table('notes').get('n')).toMatchObject({ likes: 1 });
    await expectConsistent(ben, 'STT13');
  });
});
