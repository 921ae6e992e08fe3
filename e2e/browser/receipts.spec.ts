/** What became of a commit, and what a row was before, in a real browser with the packaged worker. */
import { expect, expectConverged, test } from '../fixtures/test.ts';

const NOTE = { id: 'note', title: 'A word', body: 'first line', tags: [], pinned: false };

test('[E2EK1] a commit made in the tab that does not sync is saved without a network, accepted with one, and conflicted when another device disagrees', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  await anna.db((db, note) => db.notes.insert(note), NOTE);
  await expectConverged(anna, ben);
  const tab = await anna.openTab();
  for (const device of [anna, ben]) device.cut();
  await ben.db((db) => db.notes.update('note', { title: 'unicorn' }));
  const told = anna.db(
    async (db) => {
      const commit = await db.transaction((tx) => tx.notes.update('note', { title: 'universe' }));
      const states: string[] = [];
      const isConflicted = new Promise<void>((resolve) => {
        commit.receipt$.subscribe(({ state }) => {
          states.push(state);
          if (state === 'conflicted') resolve();
        });
      });
      await commit.confirmed();
      await isConflicted;
      return states;
    },
    undefined,
    tab,
  );
  await anna.pending(1);
  anna.heal();
  await anna.settled();
  ben.heal();
  const states = await told;
  expect(states[0]).toBe('saved');
  expect(states.filter((state) => state !== 'sending')).toEqual(['saved', 'accepted', 'conflicted']);
});

test('[E2EK2] what a row was is known after a reload, here and to whom it was synced, and is restored everywhere', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  await anna.db((db, note) => db.notes.insert(note), NOTE);
  await expectConverged(anna, ben);
  await anna.db((db) => db.notes.update('note', { title: 'Another word' }));
  await expectConverged(anna, ben);
  await ben.db((db) => db.notes.delete('note'));
  await expectConverged(ben, anna);
  await anna.installed();
  await anna.reload();
  for (const device of [anna, ben]) {
    const told = await device.db(async (db) =>
      (await db.notes.history('note')).map(({ action, user, row }) => [action, user?.id, row?.title]),
    );
    expect(told).toEqual([
      ['delete', 'ben', undefined],
      ['update', 'anna', 'Another word'],
      ['insert', 'anna', 'A word'],
    ]);
  }
  await ben.db(async (db) => {
    const [, , first] = await db.notes.history('note');
    await db.notes.restore('note', first!);
  });
  await expectConverged(ben, anna);
  expect(await anna.db((db) => db.notes.get('note'))).toEqual(NOTE);
});
