import 'fake-indexeddb/auto';
import { open } from '@skerry/sdk';
import { expect, test } from 'vitest';

import { collections, type DemoDb } from '../data/schema.ts';
import { makeBackup, readBackup, restoreBackup, restoredText, type Backup } from './backup.ts';

const NOTE = { id: 'n', title: 'Groceries', body: 'milk', tags: ['lists'], pinned: false };
const EVENT = { id: 'e', title: 'Planning', room: 'Room A', start: '2026-11-17T10:00', end: '2026-11-17T11:00' };

test('[DBACK1] a backup brings back what is missing, leaves what is different, and says both', async () => {
  await using db = await openFresh();
  await db.notes.insertMany([NOTE, { ...NOTE, id: 'edited' }]);
  await db.events.insert(EVENT);
  const backup = readBackup(await (await makeBackup(db, new Date(0))).text()) as Backup;
  await db.notes.delete('n');
  await db.events.delete('e');
  await db.notes.update('edited', { body: 'milk and bread' });
  const restored = await restoreBackup(db, backup);
  expect(restored).toEqual({ notes: 1, events: 1, different: 1 });
  expect(await db.notes.get('n')).toEqual(NOTE);
  expect(await db.events.get('e')).toEqual(EVENT);
  expect(await db.notes.get('edited')).toMatchObject({ body: 'milk and bread' });
  expect(await restoreBackup(db, backup)).toEqual({ notes: 0, events: 0, different: 1 });
});

test('[DBACK2] a backup opens in a database that never had its rows', async () => {
  await using from = await openFresh();
  await using to = await openFresh();
  await from.notes.insert(NOTE);
  await restoreBackup(to, readBackup(await (await makeBackup(from, new Date(0))).text()) as Backup);
  expect(await to.notes.find()).toEqual([NOTE]);
});

test('[DBACK3] a file that is no backup is said to be none, and why', () => {
  const file = (more: object): string =>
    JSON.stringify({ format: 'skerry-demo-backup', version: 1, notes: [], events: [], ...more });
  expect(readBackup(file({}))).toEqual({ notes: [], events: [] });
  expect(readBackup('BEGIN:VCALENDAR')).toEqual({ wrong: expect.stringContaining('cannot be read') });
  expect(readBackup('null')).toEqual({ wrong: expect.stringContaining('not a backup of this app') });
  expect(readBackup(file({ version: 2 }))).toEqual({ wrong: expect.stringContaining('newer version') });
  for (const notes of [undefined, [null], [{ title: 'no id' }], [{ ...NOTE, body: 7 }]])
    expect(readBackup(file({ notes }))).toEqual({ wrong: expect.stringContaining('damaged') });
});

test('[DBACK4] what came back is told in a sentence', () => {
  expect(restoredText({ notes: 3, events: 1, different: 0 })).toBe('Brought back 3 notes and 1 event.');
  expect(restoredText({ notes: 0, events: 2, different: 1 })).toBe(
    'Brought back 2 events. One is different here and stayed as it is.',
  );
  expect(restoredText({ notes: 0, events: 0, different: 4 })).toBe(
    'Nothing was missing. 4 are different here and stayed as they are.',
  );
});

let databases = 0;

function openFresh(): Promise<DemoDb> {
  return open({ name: `backup-${databases++}`, collections });
}
