/** A database that an app with Dexie alone has left in a real profile, opened by the demo under its name. */
import type { DemoDb } from '../fixtures/demo.ts';
import { expect, expectConverged, test } from '../fixtures/test.ts';

const COUNT = 300;

/** In the page: takes the demo's database away and leaves one of plain Dexie under its name, of this version. */
async function leavePlainDatabase(db: DemoDb, { version, count }: { version: number; count: number }): Promise<string> {
  const { name } = db.dexie;
  // The class that the page's own database is made of.
  const Dexie = db.dexie.constructor as new (name: string) => DemoDb['dexie'];
  await db.close();
  await new Dexie(name).delete();
  const plain = new Dexie(name);
  plain.version(version).stores({ notes: 'id, title', settings: '++, &key' });
  const rows = Array.from({ length: count }, (_, i) => ({
    id: `n${i}`,
    title: `Note ${i}`,
    body: '',
    tags: [],
    pinned: false,
  }));
  await plain.table('notes').bulkAdd(rows);
  await plain.table('settings').add({ key: 'theme', since: new Date(0) });
  plain.close();
  return name;
}

async function settingsOf(db: DemoDb): Promise<unknown[]> {
  const Dexie = db.dexie.constructor as new (name: string) => DemoDb['dexie'];
  const plain = await new Dexie(db.dexie.name).open();
  const rows = await plain.table('settings').toArray();
  plain.close();
  return rows.map(({ since }: { since: Date }) => since.getTime());
}

for (const version of [1, 3]) {
  test(`[ADO7] a plain Dexie database of version ${version} in a real profile is adopted, also when the browser is killed meanwhile`, async ({
    world,
  }) => {
    const anna = await world.device('anna', "Anna's laptop");
    await anna.settled();
    await anna.installed();
    await anna.db(leavePlainDatabase, { version, count: COUNT });
    // Goes to the page and does not wait for the database: it is being adopted.
    await anna.page.reload({ waitUntil: 'commit' });
    await anna.kill();
    await anna.start();
    const ben = await world.device('ben', "Ben's phone");
    await expectConverged(anna, ben);
    const found = await ben.db((db) => db.notes.find({ orderBy: 'id' }));
    expect(found.map(({ id }) => id).toSorted()).toEqual(Array.from({ length: COUNT }, (_, i) => `n${i}`).toSorted());
    expect(await anna.db(settingsOf)).toEqual([0]);
  });
}
