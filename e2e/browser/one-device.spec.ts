/** What one device survives: reloads without a network, its browser killed, two tabs at once. */
import type { DemoDb } from '../fixtures/demo.ts';
import { expect, expectConverged, test } from '../fixtures/test.ts';

const NOTE = { title: 'A word', body: 'first line', tags: [], pinned: false };

test('[E2EE1] the app starts without a network, takes edits, and sends them when the network is back', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  const id = await anna.db((db, note) => db.notes.insert(note), NOTE);
  await anna.settled();
  await anna.installed();
  anna.cut();
  await anna.reload();
  expect(await anna.db((db, note) => db.notes.get(note), id)).toEqual({ ...NOTE, id });

  await anna.db((db, note) => db.notes.update(note, { body: 'written after the reload' }), id);
  await anna.pending(1);
  await anna.reload();
  await anna.pending(1);
  anna.heal();
  await expectConverged(anna, ben);
  expect(await ben.db((db, note) => db.notes.get(note), id)).toMatchObject({ body: 'written after the reload' });
});

test('[E2EE2] the app starts when the server is down, and syncs when it is back', async ({ world }) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  await anna.settled();
  await anna.installed();
  await world.server.kill();
  await anna.reload();
  const id = await anna.db((db, note) => db.notes.insert(note), NOTE);
  await expect(anna.page.locator('html')).not.toHaveAttribute('data-connection', 'online');
  await world.server.start();
  await expectConverged(anna, ben);
  expect(await ben.db((db, note) => db.notes.get(note), id)).toEqual({ ...NOTE, id });
});

test('[E2EF1] a browser killed right after a saved write has it when it opens again, and sends it', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  await anna.settled();
  await anna.installed();
  for (let round = 1; round <= 3; round += 1) {
    anna.cut();
    await anna.db((db, note) => db.notes.insert(note), { ...NOTE, id: `round-${round}` });
    await anna.kill();
    await anna.start();
    await anna.pending(1);
    expect(await anna.db((db, note) => db.notes.get(note), `round-${round}`)).toMatchObject(NOTE);
    anna.heal();
    await expectConverged(anna, ben);
  }
  expect((await ben.db((db) => db.notes.find({ orderBy: 'id' }))).map(({ id }) => id)).toEqual([
    'round-1',
    'round-2',
    'round-3',
  ]);
});

test('[E2EF2] a local write is one transaction of strict durability, the row and what is to be sent together', async ({
  world,
}) => {
  const anna = await world.device('anna', "Anna's laptop");
  await anna.settled();
  // So that nothing but the writes below is written.
  anna.cut();
  const insert = await anna.db(transactionsOf, 'insert');
  const update = await anna.db(transactionsOf, 'update');
  const several = await anna.db(transactionsOf, 'transaction');
  await anna.pending(3);
  for (const transactions of [insert, update, several]) {
    expect(transactions).toEqual([
      { durability: 'strict', mode: 'readwrite', stores: expect.arrayContaining(['notes', '$outbox']) },
    ]);
  }
});

/** The transactions of IndexedDB that wrote a row or a change while something was written through the SDK. */
async function transactionsOf(
  db: DemoDb,
  what: 'insert' | 'update' | 'transaction',
): Promise<readonly { readonly durability: string; readonly mode: string; readonly stores: readonly string[] }[]> {
  const written = new Map<IDBTransaction, Set<string>>();
  const { add, put } = IDBObjectStore.prototype;
  const noting = (write: typeof put): typeof put =>
    function noted(this: IDBObjectStore, ...values) {
      written.set(this.transaction, (written.get(this.transaction) ?? new Set()).add(this.name));
      return write.apply(this, values);
    };
  Object.assign(IDBObjectStore.prototype, { add: noting(add), put: noting(put) });
  try {
    const note = { title: what, body: '', tags: [], pinned: false };
    if (what === 'insert') await db.notes.insert({ ...note, id: 'note' });
    if (what === 'update') await db.notes.update('note', { title: what });
    if (what === 'transaction') {
      await db.transaction(async (tx) => {
        await tx.notes.insert({ ...note, id: 'other' });
        await tx.notes.update('note', { body: what });
      });
    }
  } finally {
    Object.assign(IDBObjectStore.prototype, { add, put });
  }
  return [...written]
    .filter(([, stores]) => stores.has('notes') || stores.has('$outbox'))
    .map(([{ durability, mode }, stores]) => ({ durability, mode, stores: [...stores] }));
}

test('[E2EH1] two tabs of one device show each other what they write, also without a network, and never conflict', async ({
  world,
}) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  const tab = await anna.openTab();
  const id = await anna.db((db, note) => db.notes.insert(note), NOTE);
  await expect.poll(() => anna.db((db, note) => db.notes.get(note), id, tab)).toMatchObject(NOTE);
  await anna.settled();
  anna.cut();
  const live = anna.db(
    (db, note) =>
      new Promise<string>((resolve) => {
        const watching = db.notes.liveOne(note).subscribe((row) => {
          if (row?.title !== 'from the second tab') return;
          queueMicrotask(() => watching.unsubscribe());
          resolve(row.title);
        });
      }),
    id,
  );
  await anna.db((db, note) => db.notes.update(note, { title: 'from the second tab' }), id, tab);
  expect(await live).toBe('from the second tab');
  await anna.db((db, note) => db.notes.update(note, { title: 'and again from the first' }), id);
  await anna.db((db, note) => db.notes.update(note, { title: 'and from the second' }), id, tab);
  await expect.poll(() => anna.db((db) => db.outbox$.value.length, undefined, tab)).toBe(3);
  anna.heal();
  await expectConverged(anna, ben);
  expect(await ben.conflicts()).toEqual([]);
  expect(await ben.db((db, note) => db.notes.get(note), id)).toMatchObject({ title: 'and from the second' });
});

test('[E2EH2] when the tab that syncs is closed, the other one goes on', async ({ world }) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  const tab = await anna.openTab();
  await anna.settled();
  await anna.page.close();
  anna.page = tab;
  const id = await anna.db((db, note) => db.notes.insert(note), NOTE);
  await expectConverged(anna, ben);
  await ben.db((db, note) => db.notes.update(note, { body: 'from Ben' }), id);
  await expectConverged(ben, anna);
  expect(await anna.db((db, note) => db.notes.get(note), id)).toMatchObject({ body: 'from Ben' });
});
