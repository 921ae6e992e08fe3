/** The main job: two people write offline, reconnect, agree, and a person settles what they disagree about. */
import { expect, expectConverged, test, type Device } from '../fixtures/test.ts';

const NOTE = { title: 'A word', body: 'first line', tags: ['start'], pinned: false };

interface World {
  device(user: string, device: string): Promise<Device>;
}

interface TwoDevices {
  readonly anna: Device;
  readonly ben: Device;
  /** The note that both have. */
  readonly id: string;
}

/** One note on two devices whose links are cut. */
async function apart(world: World): Promise<TwoDevices> {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  const id = await anna.db((db, note) => db.notes.insert(note), NOTE);
  await anna.settled();
  await expect.poll(() => ben.db((db, note) => db.notes.get(note), id)).toMatchObject(NOTE);
  for (const device of [anna, ben]) device.cut();
  return { anna, ben, id };
}

/** Both gave the note another title while apart, and have met again. */
async function clash(world: World): Promise<TwoDevices> {
  const devices = await apart(world);
  const { anna, ben, id } = devices;
  await anna.db((db, note) => db.notes.update(note, { title: 'universe' }), id);
  await ben.db((db, note) => db.notes.update(note, { title: 'unicorn' }), id);
  anna.heal();
  ben.heal();
  await expectConverged(anna, ben);
  return devices;
}

test('[E2EA1] universe and unicorn: both words are on both devices, one person decides, both agree', async ({
  world,
}) => {
  const { anna, ben, id } = await clash(world);

  const [conflict, ...others] = await anna.conflicts();
  expect(others).toEqual([]);
  expect(conflict).toMatchObject({ kind: 'field', collection: 'notes', rowId: id, fields: ['title'] });
  expect(new Set(conflict!.values)).toEqual(new Set([{ title: 'universe' }, { title: 'unicorn' }]));
  expect(new Set(conflict!.users)).toEqual(new Set(['anna', 'ben']));
  expect(await ben.conflicts()).toEqual([conflict]);

  await ben.db(async (db) => {
    const open = db.conflicts$.value[0]!;
    if (open.kind !== 'field') throw new Error(`a conflict of fields, not ${open.kind}`);
    await open.resolve({ version: open.versions.findIndex(({ value }) => value['title'] === 'unicorn') });
  });
  await expectConverged(anna, ben);
  expect(await anna.conflicts()).toEqual([]);
  expect(await anna.db((db, note) => db.notes.get(note), id)).toMatchObject({ title: 'unicorn' });
});

test('[E2EA2] a conflict survives a reload, and a decision made offline closes it on the other device later', async ({
  world,
}) => {
  const { anna, ben, id } = await clash(world);
  const before = await anna.conflicts();
  await anna.installed();
  anna.cut();
  await anna.reload();
  await expect.poll(() => anna.conflicts()).toEqual(before);

  await anna.db(async (db) => {
    const open = db.conflicts$.value[0]!;
    if (open.kind !== 'field') throw new Error(`a conflict of fields, not ${open.kind}`);
    await open.resolve({ value: { title: 'universe of unicorns' } });
  });
  await expect.poll(() => anna.conflicts()).toEqual([]);
  expect(await ben.conflicts()).toEqual(before);
  anna.heal();
  await expectConverged(anna, ben);
  expect(await ben.conflicts()).toEqual([]);
  expect(await ben.db((db, note) => db.notes.get(note), id)).toMatchObject({ title: 'universe of unicorns' });
});

test('[E2EB1] edits of different fields, tags and pins merge in silence', async ({ world }) => {
  const { anna, ben, id } = await apart(world);
  await anna.db((db, note) => db.notes.update(note, { title: 'from Anna', tags: ['start', 'red'] }), id);
  await anna.db((db, note) => db.notes.update(note, { pinned: true }), id);
  await ben.db((db, note) => db.notes.update(note, { body: 'from Ben', tags: ['start', 'blue'] }), id);
  anna.heal();
  ben.heal();
  await expectConverged(anna, ben);
  expect(await anna.conflicts()).toEqual([]);
  const merged = await ben.db((db, note) => db.notes.get(note), id);
  expect({ ...merged, tags: merged!.tags.toSorted() }).toMatchObject({
    title: 'from Anna',
    body: 'from Ben',
    tags: ['blue', 'red', 'start'],
    pinned: true,
  });
});

for (const choice of ['keep', 'delete'] as const) {
  test(`[E2EC1] delete against edit is a conflict on both devices; "${choice}" closes it on both`, async ({
    world,
  }) => {
    const { anna, ben, id } = await apart(world);
    await anna.db((db, note) => db.notes.delete(note), id);
    await ben.db((db, note) => db.notes.update(note, { body: 'three more paragraphs' }), id);
    expect(await anna.db((db, note) => db.notes.get(note), id)).toBeUndefined();
    anna.heal();
    ben.heal();
    await expectConverged(anna, ben);

    expect(await anna.conflicts()).toMatchObject([
      { kind: 'delete', collection: 'notes', rowId: id, users: ['anna', 'ben'] },
    ]);
    expect(await ben.conflicts()).toEqual(await anna.conflicts());
    expect(await anna.db((db, note) => db.notes.get(note), id)).toMatchObject({ body: 'three more paragraphs' });

    await anna.db(async (db, decision) => {
      const open = db.conflicts$.value[0]!;
      if (open.kind !== 'delete') throw new Error(`a conflict of a delete, not ${open.kind}`);
      await open.resolve(decision);
    }, choice);
    await expectConverged(anna, ben);
    expect(await ben.conflicts()).toEqual([]);
    const kept = { ...NOTE, id, body: 'three more paragraphs' };
    expect(await ben.db((db) => db.notes.find())).toEqual(choice === 'keep' ? [kept] : []);
  });
}
