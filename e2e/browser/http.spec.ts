/** Where no WebSocket gets through, everything works over HTTP. */
import { createRandom, spread } from '../fixtures/random.ts';
import { SETTLE_MS } from '../fixtures/device.ts';
import { expect, expectConverged, test, type Device } from '../fixtures/test.ts';

const NOTE = { title: 'A word', body: 'first line', tags: ['start'], pinned: false };
const SEED = Number(process.env['SEED'] ?? 1);

interface World {
  device(user: string, device: string): Promise<Device>;
}

/** A device behind a proxy that refuses upgrades; from its first connection on, which this waits for. */
async function blocked(world: World, user: string, name: string): Promise<Device> {
  const device = await world.device(user, name);
  device.link.setBlocksUpgrades(true);
  device.link.kill();
  await device.reload();
  await device.settled();
  return device;
}

/** What carries the next connection of this device. */
function nextTransport(device: Device): Promise<string> {
  return device.db(
    (db) =>
      new Promise<string>((resolve) => {
        db.events$.subscribe((event) => event.type === 'transport' && resolve(event.transport));
        db.sync.pause();
        db.sync.resume();
      }),
  );
}

test('[E2EW1] two devices behind proxies that refuse WebSockets: live edits, offline edits, a conflict and its decision', async ({
  world,
}) => {
  const [anna, ben] = [await blocked(world, 'anna', "Anna's laptop"), await blocked(world, 'ben', "Ben's phone")];
  expect([await nextTransport(anna), await nextTransport(ben)]).toEqual(['http', 'http']);
  const id = await anna.db((db, note) => db.notes.insert(note), NOTE);
  await expect.poll(() => ben.db((db, note) => db.notes.get(note), id)).toMatchObject(NOTE);
  for (const device of [anna, ben]) device.cut();
  await anna.db((db, note) => db.notes.update(note, { title: 'universe' }), id);
  await ben.db((db, note) => db.notes.update(note, { title: 'unicorn' }), id);
  await anna.pending(1);
  for (const device of [anna, ben]) device.heal();
  await expectConverged(anna, ben);
  const conflicts = await anna.conflicts();
  expect(conflicts).toMatchObject([{ kind: 'field', rowId: id, fields: ['title'] }]);
  expect(await ben.conflicts()).toEqual(conflicts);
  await ben.db(async (db) => {
    const open = db.conflicts$.value[0]!;
    if (open.kind !== 'field') throw new Error(`a conflict of fields, not ${open.kind}`);
    await open.resolve({ version: open.versions.findIndex(({ value }) => value['title'] === 'unicorn') });
  });
  await expectConverged(anna, ben);
  expect(await anna.db((db, note) => db.notes.get(note), id)).toMatchObject({ title: 'unicorn' });
  // What was blocked is found free at the next page.
  anna.link.setBlocksUpgrades(false);
  await anna.reload();
  await anna.settled();
  expect(await nextTransport(anna)).toBe('websocket');
});

for (const direction of ['up', 'down'] as const) {
  test(`[E2EW2] HTTP cut in the middle of requests and answers, ${direction}: nothing is lost, nothing counts twice`, async ({
    world,
  }) => {
    const [anna, ben] = [await blocked(world, 'anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
    await anna.db((db, note) => db.notes.insert(note), { ...NOTE, id: 'note' });
    await anna.db((db) => db.counters.insert({ id: 'hits', name: 'hits', value: 0 }));
    await expectConverged(anna, ben);
    const before = anna.link.carried[direction];
    await editBoth(anna, ben, -1);
    const bytes = anna.link.carried[direction] - before;
    let cuts = 0;
    const places = spread(20, bytes, createRandom(SEED));
    for (const [edit, place] of places.entries()) {
      const cut = anna.link.cutAfter(direction, place).then(() => void (cuts += 1));
      await Promise.race([cut, editBoth(anna, ben, edit)]);
    }
    const cleo = await world.device('cleo', 'a device that was never there');
    await expectConverged(anna, ben, cleo);
    expect(cuts).toBeGreaterThanOrEqual(places.length / 2);
    expect(await cleo.conflicts()).toEqual([]);
    expect(await cleo.db((db) => db.notes.get('note'))).toMatchObject({ title: `edit ${places.length - 1}` });
    expect(await cleo.db((db) => db.counters.get('hits'))).toMatchObject({ value: 2 * (places.length + 1) });
  });
}

/** An edit that goes up and another that comes down. */
async function editBoth(here: Device, there: Device, edit: number): Promise<void> {
  await here.db(async (db, number) => {
    await db.notes.update('note', { title: `edit ${number}` });
    await db.counters.update('hits', (hits) => void (hits.value += 1));
  }, edit);
  await there.db((db) => db.counters.update('hits', (hits) => void (hits.value += 1)));
  await Promise.all([here.settled(), there.settled()]);
}

test('[E2EW3] a server that is killed and started again, over HTTP: what it acknowledged is there, the rest follows', async ({
  world,
}) => {
  const [anna, ben] = [await blocked(world, 'anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  await anna.db((db) => db.counters.insert({ id: 'hits', name: 'hits', value: 0 }));
  await expectConverged(anna, ben);
  for (let round = 0; round < 3; round++) {
    const writing = anna.db(async (db) => {
      for (let i = 0; i < 30; i++) await db.counters.update('hits', (hits) => void (hits.value += 1));
    });
    await anna.link.carriedMore('up', 3_000);
    await world.server.kill();
    await writing;
    await world.server.start();
    await expect.poll(() => anna.db((db) => db.status$.value.pending.changes), { timeout: SETTLE_MS }).toBe(0);
  }
  await expectConverged(anna, ben);
  expect(await ben.db((db) => db.counters.get('hits'))).toMatchObject({ value: 90 });
});
