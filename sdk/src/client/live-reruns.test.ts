import 'fake-indexeddb/auto';
import { afterEach, expect, test } from 'vitest';

import { collection } from './definition.ts';
import { closeAll, freshName, remember } from './notes.fixture.ts';
import { open } from './open.ts';

afterEach(closeAll);

const collections = {
  notes: collection<{ title: string; room: string }>({ indexes: ['room'] }),
  others: collection<{ title: string }>(),
};

test('[OBS10] a live query runs again when what it read was touched, and not otherwise', async () => {
  const name = freshName();
  const db = remember(await open({ name, collections }));
  await db.notes.insertMany(['a', 'b', 'c'].map((id) => ({ id, title: id, room: id === 'c' ? 'C' : 'A' })));
  // A filter is asked whenever the query runs.
  let runs = 0;
  const filter = (row: { readonly id: string }): boolean => {
    if (row.id === 'a') runs += 1;
    return true;
  };
  const heard: string[][] = [];
  const live = db.notes
    .live({ where: { room: 'A' }, filter })
    .subscribe((rows) => heard.push(rows.map((row) => row.title)));
  const one: (string | undefined)[] = [];
  const liveOne = db.notes.liveOne('b').subscribe((row) => one.push(row?.title));
  await expect.poll(() => [heard.length, one.length]).toEqual([1, 1]);
  expect(runs).toBe(1);

  await db.notes.update('c', { title: 'C2' });
  await db.others.insert({ title: 'x' });
  await db.dexie.table('notes').put({ id: 'd', title: 'd', room: 'D' });
  await db.notes.update('b', { title: 'B2' });
  await expect
    .poll(() => heard)
    .toEqual([
      ['a', 'b'],
      ['a', 'B2'],
    ]);
  await expect.poll(() => one).toEqual(['b', 'B2']);
  expect(runs).toBe(2);

  // A row that comes into the range, from another tab.
  const tab = remember(await open({ name, collections }));
  await tab.notes.update('c', { room: 'A' });
  await expect.poll(() => heard.at(-1)).toEqual(['a', 'B2', 'C2']);
  live.unsubscribe();
  liveOne.unsubscribe();
});
