/** What policies with cells of their own leave in the stores and in what is told. */
import { expect, test } from 'vitest';

import { hot } from '../policies/hot.ts';
import { lww } from '../policies/lww.ts';
import { map } from '../policies/map.ts';
import { exchange, LogServer, NOTES, peerChange, testDevice } from './devices.fixture.ts';
import { RECORDS } from './layout.ts';
import { recordRow, type StoredRecordRow } from './packed-record.ts';

const PLAN = { ...NOTES, fields: { ...NOTES.fields, seen: hot(), labels: map(lww()) } };

test('[HOT4] what was written of a row before it came is kept, page by page', async () => {
  const server = new LogServer();
  const inc = (name: string): string => name.padEnd(16, '_');
  server.admit(peerChange(inc('early'), 'r', [{ t: 'lww', p: 'seen#h', v: 7 }]));
  server.admit(
    peerChange(inc('maker'), 'r', [
      { t: 'life', v: 'live', pred: [] },
      { t: 'set', p: 'title', v: 'A', pred: [] },
    ]),
  );
  const anna = await testDevice('anna', { plan: PLAN });
  await anna.pull(server, 1);
  expect(await anna.db.dexie.table('notes').toArray()).toEqual([]);
  await anna.pull(server, 1);
  expect(await anna.db.dexie.table('notes').toArray()).toMatchObject([{ id: 'r', title: 'A', seen: 7 }]);
});

test('[HOT8] a hot write waits in the outbox and leaves it like any other', async () => {
  const server = new LogServer();
  const anna = await testDevice('anna', { plan: PLAN });
  const notes = anna.db.dexie.table('notes');
  await notes.add({ id: 'r', title: 'A' });
  await anna.sync(server);
  await notes.update('r', { seen: 1 });
  await notes.update('r', { seen: 2 });
  await notes.update('r', { seen: 2 });
  expect((await anna.db.readOutbox(null)).summaries.map(({ rows }) => rows)).toEqual(
    [1, 2].map(() => [{ collection: 'notes', rowId: 'r', fields: ['seen'], kind: 'write' }]),
  );
  await anna.sync(server);
  expect((await anna.db.readPending()).changes).toBe(0);
  const [record] = (await anna.db.dexie.table<StoredRecordRow>(RECORDS).toArray()).map(recordRow);
  expect([record!.base!.rv.length, record!.base!.hot?.get('seen#h')?.v]).toEqual([1, 2]);
});

test('[MAP12] a policy that passes over a value of a key says which key', async () => {
  const server = new LogServer();
  const [anna, ben] = [await testDevice('anna', { plan: PLAN }), await testDevice('ben', { plan: PLAN })];
  await anna.db.dexie.table('notes').add({ id: 'r', title: 'A' });
  await exchange(server, anna, ben);
  await anna.db.dexie.table('notes').update('r', { labels: { x: 'first' } });
  await ben.db.dexie.table('notes').update('r', { labels: { x: 'second' } });
  await ben.push(server);
  expect(await anna.pull(server)).toMatchObject({
    merged: [{ collection: 'notes', rowId: 'r', field: 'labels', key: 'x', losers: ['first'] }],
  });
});
