import { expect, it } from 'vitest';
import { exchange, LogServer, testDevice } from './devices.fixture.ts';
const id = 'n1';
it('[CLK1] a clock that was wrong once and is right again ranks fairly', async () => {
  const YEAR = 365 * 86_400_000;
  let now = 1_900_000_000_000,
    skew = YEAR;
  const server = new LogServer();
  const anna = await testDevice('anna', { nowMs: () => now + skew });
  const ben = await testDevice('ben', { nowMs: () => now });
  await anna.db.dexie.table('notes').add({ id, title: 'A', pinned: false });
  await anna.store.correctClock(null, now); // the server refused the stamp
  await exchange(server, anna, ben);
  skew = 0; // the person sets the clock right, and the next welcome tells the server's time
  await anna.store.noteServerTime(now);
  now += 60_000;
  await ben.db.dexie.table('notes').update(id, { pinned: 'ben, first' });
  now += 60_000;
  await anna.db.dexie.table('notes').update(id, { pinned: 'anna, a minute later' });
  await exchange(server, anna, ben);
  await anna.pull(server);
  expect((await ben.db.dexie.table('notes').get(id)).pinned).toBe('anna, a minute later');
});
