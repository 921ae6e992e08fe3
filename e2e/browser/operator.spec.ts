/** What an operator does to a server, under devices that know more than it does afterwards. */
import { join } from 'node:path';

import type { DemoDb } from '../fixtures/demo.ts';
import { expect, expectConverged, test } from '../fixtures/test.ts';

const BEFORE = 10;
const AFTER = 25;

test('[E2EO1] a server restored from a backup gets back from its devices what it lacks: nothing is lost, nothing counts twice', async ({
  world,
}, info) => {
  const [anna, ben] = [await world.device('anna', "Anna's laptop"), await world.device('ben', "Ben's phone")];
  await anna.db((db) => db.counters.insert({ id: 'hits', name: 'hits', value: 0 }));
  await anna.db(write, { from: 0, count: BEFORE, name: 'anna' });
  await expectConverged(anna, ben);
  const backup = join(info.outputDir, 'backup.db');
  // Beside the running server.
  expect(await world.server.tool('backup', backup)).toContain(backup);
  await anna.db(write, { from: BEFORE, count: AFTER, name: 'anna' });
  await ben.db(write, { from: 0, count: AFTER, name: 'ben' });
  await expectConverged(anna, ben);
  // And one that is not sent when the server is lost.
  ben.cut();
  await ben.db(write, { from: AFTER, count: 1, name: 'ben' });

  await world.server.kill();
  expect(await world.server.tool('restore', backup, '--replace')).toContain('as a new server');
  await world.server.start();
  ben.heal();
  await expectConverged(anna, ben);

  const cleo = await world.device('cleo', 'a device that was never there');
  await expectConverged(anna, ben, cleo);
  expect(await cleo.db((db) => db.notes.count())).toBe(BEFORE + AFTER + AFTER + 1);
  expect(await cleo.db((db) => db.counters.get('hits'))).toMatchObject({ value: BEFORE + AFTER + AFTER + 1 });
  expect(await cleo.conflicts()).toEqual([]);
  await world.server.kill();
  expect(await world.server.tool('doctor')).toContain('is sound');
});

async function write(
  db: DemoDb,
  { from, count, name }: { readonly from: number; readonly count: number; readonly name: string },
): Promise<void> {
  for (let i = from; i < from + count; i += 1) {
    await db.transaction(async (tx) => {
      await tx.notes.insert({ id: `${name}-${i}`, title: `${i}`, body: '', tags: [], pinned: false });
      await tx.counters.update('hits', (hits) => void (hits.value += 1));
    });
  }
}
