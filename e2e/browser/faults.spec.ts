/** Real faults under real traffic: the server killed, the link cut at any byte, a link that only looks alive. */
import type { DemoDb } from '../fixtures/demo.ts';
import type { Direction } from '../fixtures/proxy.ts';
import { createRandom, spread } from '../fixtures/random.ts';
import { expect, expectConverged, SETTLE_MS, test, type Device } from '../fixtures/test.ts';

const NOTE = { title: 'A word', body: 'first line', tags: [], pinned: false };
const SEED = Number(process.env['SEED'] ?? 1);

const WRITES = 60;
const KILLS = 4;

test('[E2EG1] a server killed during pushes loses nothing it acknowledged and applies nothing twice', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  await anna.db((db) => db.counters.insert({ id: 'hits', name: 'hits', value: 0 }));
  await anna.settled();
  let killedWhilePushing = 0;
  for (const bytes of spread(KILLS, 12_000, createRandom(SEED))) {
    const reached = anna.link.carriedMore('up', bytes);
    const writing = anna.db(writeMany, { count: WRITES, prefix: `kill-at-${bytes}` });
    await Promise.race([reached, writing.then(() => anna.settled())]);
    await world.server.kill();
    anna.cut();
    await writing;
    const { acknowledged, pending } = await anna.db(readAcknowledged, `kill-at-${bytes}-${WRITES - 1}`);
    if (pending > 0) killedWhilePushing += 1;

    // What the device no longer holds to send must be on the server, which nobody can help now.
    await world.server.start();
    await expect.poll(() => ben.db(countMissing, acknowledged), { timeout: SETTLE_MS }).toBe(0);
    anna.heal();
    await anna.settled();
  }
  expect(killedWhilePushing).toBeGreaterThanOrEqual(KILLS / 2);

  const cleo = await world.device('cleo', 'a device that was never there');
  await expectConverged(anna, ben, cleo);
  expect(await cleo.db((db) => db.notes.count())).toBe(KILLS * WRITES);
  expect(await cleo.db((db) => db.counters.get('hits'))).toMatchObject({ value: KILLS * WRITES });
  expect(await cleo.conflicts()).toEqual([]);
});

async function writeMany(
  db: DemoDb,
  { count, prefix }: { readonly count: number; readonly prefix: string },
): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    await db.transaction(async (tx) => {
      await tx.notes.insert({ id: `${prefix}-${i}`, title: `${i}`, body: '', tags: [], pinned: false });
      await tx.counters.update('hits', (hits) => void (hits.value += 1));
    });
  }
}

/** The notes that are not in the outbox any more. Waits until the outbox shows `last`, or that it was acknowledged as well. */
async function readAcknowledged(
  db: DemoDb,
  last: string,
): Promise<{ readonly acknowledged: readonly string[]; readonly pending: number }> {
  const written = await db.notes.find();
  const pendingIds = (): ReadonlySet<string> =>
    new Set(db.outbox$.value.flatMap(({ rows }) => rows.map(({ rowId }) => rowId)));
  while (!pendingIds().has(last) && db.status$.value.pending.changes > 0) await new Promise(requestAnimationFrame);
  const pending = pendingIds();
  return { acknowledged: written.map(({ id }) => id).filter((id) => !pending.has(id)), pending: pending.size };
}

async function countMissing(db: DemoDb, ids: readonly string[]): Promise<number> {
  const present = new Set((await db.notes.find()).map(({ id }) => id));
  return ids.filter((id) => !present.has(id)).length;
}

for (const direction of ['up', 'down'] as const) {
  test(`[E2EI1] a link cut after any number of bytes ${direction}: the last edit wins, no conflict with oneself, the counter is exact`, async ({
    world,
  }) => {
    const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
    await anna.db((db, note) => db.notes.insert(note), { ...NOTE, id: 'note' });
    await anna.db((db) => db.counters.insert({ id: 'hits', name: 'hits', value: 0 }));
    await expectConverged(anna, ben);

    const session = await bytesOfOneSession(anna, direction);
    const sessions: Promise<void>[] = [];
    let cuts = 0;
    const places = spread(40, session, createRandom(SEED));
    for (const [edit, bytes] of places.entries()) {
      anna.link.kill();
      const cut = anna.link.cutAfter(direction, bytes).then(() => void (cuts += 1));
      await editAgain(anna, edit);
      const settled = connectAndSettle(anna);
      await Promise.race([cut, settled]);
      sessions.push(settled);
    }
    await Promise.all(sessions);
    expect(cuts).toBeGreaterThanOrEqual(places.length / 2);

    const cleo = await world.device('cleo', 'a device that was never there');
    await expectConverged(anna, ben, cleo);
    expect(await cleo.conflicts()).toEqual([]);
    expect(await cleo.db((db) => db.notes.get('note'))).toMatchObject({ title: `edit ${places.length - 1}` });
    expect(await cleo.db((db) => db.counters.get('hits'))).toMatchObject({ value: places.length + 1 });
  });
}

/** From an empty link to one more change acknowledged. */
async function bytesOfOneSession(device: Device, direction: Direction): Promise<number> {
  device.link.kill();
  const before = device.link.carried[direction];
  await editAgain(device, -1);
  await connectAndSettle(device);
  return device.link.carried[direction] - before;
}

function editAgain(device: Device, edit: number): Promise<void> {
  return device.db(async (db, number) => {
    await db.notes.update('note', { title: `edit ${number}` });
    await db.counters.update('hits', (hits) => void (hits.value += 1));
  }, edit);
}

/** Skips the wait between attempts, which would only make the test longer. */
function connectAndSettle(device: Device): Promise<void> {
  return device.db(async (db) => {
    await db.sync.now();
    await db.sync.settled({ timeoutMs: 60_000 });
  });
}

test('[E2EJ1] setOffline: the socket stays open and silent; the status tells, and everything arrives once afterwards', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  const id = await anna.db((db, note) => db.notes.insert(note), NOTE);
  await anna.db((db) => db.counters.insert({ id: 'hits', name: 'hits', value: 0 }));
  await expectConverged(anna, ben);
  await anna.context.setOffline(true);
  await anna.db((db, note) => db.notes.update(note, { title: 'written offline' }), id);
  await anna.db((db) => db.counters.update('hits', (hits) => void (hits.value += 1)));
  await ben.db((db, note) => db.notes.update(note, { body: 'meanwhile' }), id);
  await ben.db((db) => db.counters.update('hits', (hits) => void (hits.value += 1)));
  await expect.poll(() => anna.db((db) => db.status$.value.connection), { timeout: 20_000 }).not.toBe('online');
  await anna.pending(2);
  await anna.context.setOffline(false);
  await expectConverged(anna, ben);
  expect(await ben.db((db, note) => db.notes.get(note), id)).toMatchObject({
    title: 'written offline',
    body: 'meanwhile',
  });
  expect(await anna.db((db) => db.counters.get('hits'))).toMatchObject({ value: 2 });
  expect(await anna.conflicts()).toEqual([]);
});

test('[E2EJ2] a black hole is noticed, and the answer that was held back does no harm when it comes late', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  const id = await anna.db((db, note) => db.notes.insert(note), NOTE);
  await expectConverged(anna, ben);
  anna.link.setMode('up-only');
  await anna.db((db, note) => db.notes.update(note, { title: 'the answer got lost' }), id);
  await expect.poll(() => ben.db((db, note) => db.notes.get(note), id)).toMatchObject({ title: 'the answer got lost' });
  await anna.pending(1);
  await expect.poll(() => anna.db((db) => db.status$.value.connection), { timeout: SETTLE_MS }).not.toBe('online');
  await anna.db((db, note) => db.notes.update(note, { title: 'edited again' }), id);
  anna.heal();
  await expectConverged(anna, ben);
  expect(await ben.db((db, note) => db.notes.get(note), id)).toMatchObject({ title: 'edited again' });
  expect(await ben.conflicts()).toEqual([]);
});
