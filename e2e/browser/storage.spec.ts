/** Storage trouble on a real profile: docs/faults.md, S1 to S18. What a browser does not do on demand is in sdk/src/client/storage-faults.test.ts. */
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { DemoDb } from '../fixtures/demo.ts';
import { expect, expectConverged, SETTLE_MS, test, type Device } from '../fixtures/test.ts';

const NOTE = { title: 'A word', body: 'first line', tags: [], pinned: false };

/** Rows, outbox and everything that is derived, as the device itself finds them. */
async function expectSound(...devices: readonly Device[]): Promise<void> {
  for (const device of devices)
    expect(await device.db((db) => db.debug.verify()), device.name).toMatchObject({ differences: [], unfinished: [] });
}

const insertMany = async (db: DemoDb, { prefix, count }: { prefix: string; count: number }): Promise<void> => {
  for (let i = 0; i < count; i += 1)
    await db.notes.insert({ id: `${prefix}-${i}`, title: `${prefix} ${i}`, body: '', tags: [], pinned: false });
};

const countWith = async (db: DemoDb, prefix: string): Promise<number> =>
  (await db.notes.find()).filter(({ id }) => id.startsWith(prefix)).length;

const resetOf = (db: DemoDb): { kept: number; lost: number | null } | null => db.storage$.value.reset;

const deviceIdOf = async (db: DemoDb): Promise<string> =>
  ((await db.dexie.table('$replica').get('replica')) as { deviceId: string }).deviceId;

test('[STE1] S1: a browser that is killed right after its writes were saved has all of them, and sends them', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  anna.cut();
  for (const round of [1, 2, 3]) {
    await anna.db(insertMany, { prefix: `round${round}`, count: 20 });
    anna.heal();
    await anna.page.evaluate(() => undefined);
    anna.cut();
    await anna.kill();
    anna.heal();
    await anna.start();
    expect(await anna.db(countWith, `round${round}`)).toBe(20);
  }
  await expectConverged(anna, ben);
  expect(await ben.db(countWith, 'round')).toBe(60);
  await expectSound(anna, ben);
});

test('[STE1] S2: a renderer that dies inside a transaction leaves all of it or nothing', async ({ world }) => {
  const anna = await world.device('anna', "Anna's laptop");
  anna.cut();
  await anna.db(insertMany, { prefix: 'before', count: 3 });
  const dying = anna.page.evaluate(() => {
    const { skerry } = window;
    void skerry.transaction(async (tx) => {
      for (let i = 0; ; i += 1) {
        await tx.notes.insert({ id: `within-${i}`, title: 'x', body: '', tags: [], pinned: false });
        document.title = `wrote ${i}`;
      }
    });
  });
  await dying;
  await expect.poll(() => anna.page.title()).toMatch(/wrote \d\d/);
  const session = await anna.context.newCDPSession(anna.page);
  const crashed = anna.page.waitForEvent('crash');
  void session.send('Page.crash').catch(() => undefined);
  await crashed;
  anna.heal();
  anna.page = await anna.context.newPage();
  await anna.show(anna.page);
  expect(await anna.db(countWith, 'before')).toBe(3);
  expect(await anna.db(countWith, 'within')).toBe(0);
  await expectSound(anna);
  await anna.settled();
});

/** The profile's log of the database, without its end: what a power cut takes. */
function loseTail(device: Device, bytes: number): void {
  const logs = readdirSync(device.databaseFolder).filter((name) => name.endsWith('.log'));
  const path = join(device.databaseFolder, logs.toSorted().at(-1)!);
  truncateSync(path, Math.max(0, statSync(path).size - bytes));
}

for (const bytes of [40, 1_500, 9_000]) {
  test(`[STE2] S3: a power cut that takes ${bytes} bytes of the database: what the server has comes back, no dot is used twice, nothing conflicts`, async ({
    world,
  }) => {
    const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
    await anna.db((db) => db.counters.insert({ id: 'hits', name: 'hits', value: 0 }));
    await anna.db(async (db) => {
      for (let i = 0; i < 12; i += 1) {
        await db.notes.insert({ id: `acked-${i}`, title: `${i}`, body: '', tags: [], pinned: false });
        await db.counters.update('hits', (hits) => void (hits.value += 1));
      }
    });
    await expectConverged(anna, ben);
    await anna.quit();
    loseTail(anna, bytes);
    await anna.start();
    await anna.db((db) => db.notes.insert({ id: 'after', title: 'after', body: '', tags: [], pinned: false }));
    await anna.settled();
    await anna.db((db) => db.counters.update('hits', (hits) => void (hits.value += 1)));
    await expectConverged(anna, ben);
    expect(await ben.db(countWith, 'acked')).toBe(12);
    expect(await anna.db((db) => db.counters.get('hits'))).toMatchObject({ value: 13 });
    expect(await anna.conflicts()).toEqual([]);
    await expectSound(anna, ben);
  });
}

function truncateManifest(folder: string): void {
  const manifest = readdirSync(folder).find((name) => name.startsWith('MANIFEST'));
  truncateSync(join(folder, manifest!), 20);
}

function flipBytes(folder: string): void {
  const log = join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.log'))!,
  );
  const bytes = readFileSync(log);
  for (let i = 0; i < 20; i += 1) bytes[Math.floor(bytes.length / 2) + i]! ^= 0xff;
  writeFileSync(log, bytes);
}

const DAMAGES = [
  ['S4: its manifest is cut', truncateManifest],
  ['S4: bytes of its log flip', flipBytes],
  ['S10: the browser evicts it', (folder: string) => rmSync(folder, { recursive: true })],
] as const;

for (const [damage, inflict] of DAMAGES) {
  test(`[STE3] ${damage}: the device takes everything anew, sends no delete, and says so`, async ({ world }) => {
    const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
    await anna.db(insertMany, { prefix: 'kept', count: 10 });
    await expectConverged(anna, ben);
    const before = await anna.db(deviceIdOf);
    await anna.quit();
    inflict(anna.databaseFolder);
    await anna.start();
    const after = await anna.db(deviceIdOf);
    await anna.db((db) => db.notes.insert({ id: 'after', title: 'after', body: '', tags: [], pinned: false }));
    await expectConverged(anna, ben);
    for (const device of [anna, ben]) expect(await device.db(countWith, 'kept')).toBe(10);
    // Some damage the browser mends by itself; then this is the device that it was.
    if (after !== before) expect(await anna.db(resetOf)).toMatchObject({ kept: 0, lost: null });
    if (damage.startsWith('S10')) expect(after).not.toBe(before);
    expect(await anna.conflicts()).toEqual([]);
    await expectSound(anna, ben);
  });
}

test('[STE4] S8: site data is cleared under the running page: unsent edits survive, nothing is deleted anywhere, the app goes on', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  await anna.db(insertMany, { prefix: 'kept', count: 5 });
  await expectConverged(anna, ben);
  const before = await anna.db(deviceIdOf);
  anna.cut();
  await anna.db((db) => db.notes.update('kept-0', { title: 'edited just before' }));
  await anna.db((db, note) => db.notes.insert({ id: 'unsent', ...note }), NOTE);
  const session = await anna.context.newCDPSession(anna.page);
  await session.send('Storage.clearDataForOrigin', { origin: anna.origin, storageTypes: 'indexeddb' });
  await expect.poll(() => anna.db(resetOf)).toMatchObject({ kept: 2, lost: 0 });
  expect(await anna.db(deviceIdOf)).not.toBe(before);
  expect(await anna.db((db) => db.notes.get('unsent'))).toMatchObject(NOTE);
  anna.heal();
  await expectConverged(anna, ben);
  expect(await ben.db(countWith, 'kept')).toBe(5);
  expect(await ben.db((db) => db.notes.get('kept-0'))).toMatchObject({ title: 'edited just before' });
  expect(await ben.db((db) => db.notes.get('unsent'))).toMatchObject(NOTE);
  expect(await anna.conflicts()).toEqual([]);
  await expectSound(anna, ben);
});

test('[STE5] S6: without space a write is QUOTA and not saved; small writes, deletes and pushes go on; with space again everything arrives', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  await anna.db(insertMany, { prefix: 'kept', count: 5 });
  await expectConverged(anna, ben);
  const session = await anna.context.newCDPSession(anna.page);
  const allow = async (moreBytes: number): Promise<void> => {
    const usage = await anna.page.evaluate(async () => (await navigator.storage.estimate()).usage ?? 0);
    await session.send('Storage.overrideQuotaForOrigin', { origin: anna.origin, quotaSize: usage + moreBytes });
  };
  await anna.db((db) => db.notes.insert({ id: 'big', title: '0', body: '', tags: [], pinned: false }));
  await anna.settled();
  await allow(0);
  const writeBig = (db: DemoDb): Promise<string> =>
    db.notes.update('big', { title: `${performance.now()}`, body: 'x'.repeat(400_000) }).then(
      () => 'saved',
      (error: { code: string }) => error.code,
    );
  // The browser remembers for a while how much space there was.
  await expect.poll(() => anna.db(writeBig), { timeout: 60_000, intervals: [2_000] }).toBe('QUOTA');
  expect(await anna.db((db) => [db.storage$.value.risk.reason, db.storage$.value.risk.level])).toEqual([
    'full',
    'critical',
  ]);

  await allow(200_000);
  await anna.db((db) => db.notes.delete('kept-0'));
  await anna.db((db) => db.notes.update('kept-1', { title: 'small' }));
  expect(await anna.db((db) => db.storage$.value.modes)).toEqual([]);
  await expect.poll(() => ben.db(countWith, 'kept'), { timeout: SETTLE_MS }).toBe(4);

  // More than there is space for.
  await ben.db(async (db) => {
    for (let i = 0; i < 8; i += 1) {
      // A browser compresses what it stores: of this nothing can be saved.
      const noise = Array.from({ length: 10 }, () => crypto.getRandomValues(new Uint16Array(32_768)));
      const body = noise.map((part) => Array.from(part, (n) => (n % 36).toString(36)).join('')).join('');
      await db.notes.insert({ id: `bens-${i}`, title: 'big', body, tags: [], pinned: false });
    }
  });
  await expect.poll(() => anna.db((db) => db.storage$.value.modes), { timeout: 60_000 }).toContain('pulls-paused');
  await allow(200_000);
  await anna.db((db) => db.notes.delete('kept-2'));
  await expect.poll(() => ben.db(countWith, 'kept'), { timeout: SETTLE_MS }).toBe(3);
  // Each attempt is a connection that is good until the page that finds no space.
  await expect.poll(() => anna.db((db) => db.status$.value.connection), { timeout: 60_000 }).not.toBe('online');

  await session.send('Storage.overrideQuotaForOrigin', { origin: anna.origin });
  await expectConverged(anna, ben);
  await expect.poll(() => anna.db((db) => db.storage$.value.modes)).toEqual([]);
  await expectSound(anna, ben);
});
