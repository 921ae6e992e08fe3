import 'fake-indexeddb/auto';
import { afterEach, expect, test } from 'vitest';

import { lww } from '../policies/lww.ts';
import { map } from '../policies/map.ts';
import { set } from '../policies/set.ts';
import { collection } from './definition.ts';
import { closeAll, freshName, remember } from './notes.fixture.ts';
import { open } from './open.ts';
import type { Db } from './types.ts';

const collections = {
  diaries: collection<{ heading: string; labels: string[]; moods: Record<string, string>; mileage: number }>({
    fields: { labels: set(), moods: map(lww()) },
  }),
};
const ROW = {
  id: 'secret-id',
  heading: 'secret heading',
  labels: ['secret label'],
  moods: { 'secret key': 'secret mood' },
  mileage: 424_242,
};

afterEach(closeAll);

async function openDiary(): Promise<Db<typeof collections>> {
  return remember(
    await open({
      name: `secret-${freshName()}`,
      collections,
      user: { id: 'secret-user', name: 'Secret Name' },
      device: { name: 'secret device' },
    }),
  );
}

interface Exported {
  readonly stores: Readonly<Record<string, { readonly rows: readonly unknown[]; readonly more: number }>>;
  readonly [section: string]: unknown;
}

async function exported(db: Db<typeof collections>, redact?: boolean): Promise<{ text: string; document: Exported }> {
  const blob = await db.debug.export(redact === undefined ? undefined : { redact });
  expect(blob.type).toBe('application/json');
  const text = await blob.text();
  return { text, document: JSON.parse(text) as Exported };
}

test('[DBG1] an export has what is unsent, word for word, and what a person needs who looks for a fault', async () => {
  const db = await openDiary();
  await db.transaction((tx) => tx.diaries.insert(ROW), { label: 'secret step' });
  const { document } = await exported(db);
  expect(document).toMatchObject({
    format: 'skerry-debug',
    version: 1,
    layout: expect.any(Number),
    status: { connection: 'local-only', pending: { changes: 1 } },
    storage: { risk: { level: expect.any(String) } },
    collections: { diaries: { policies: { labels: { kind: 'set' } } } },
    events: [{ type: 'local-write', records: 1 }],
  });
  expect(document.stores['outbox']!.rows).toMatchObject([
    { head: { label: 'secret step' }, recs: [{ c: 'diaries', id: 'secret-id' }] },
  ]);
  expect(JSON.stringify(document.stores['outbox'])).toContain('secret heading');
  expect(document.stores['records']!.rows).toMatchObject([{ c: 'diaries', id: 'secret-id', pending: [[1, 0]] }]);
  for (const name of ['state', 'outbox', 'rejected', 'writers', 'conflicts', 'quarantine', 'records'])
    expect(document.stores[name]).toMatchObject({ more: 0 });
});

test('[DBG2] redacted, it says nothing that anybody wrote or is called; equal names have equal pseudonyms', async () => {
  const db = await openDiary();
  await db.diaries.insert(ROW);
  await db.transaction((tx) => tx.diaries.update(ROW.id, { mileage: 5, heading: 'secret again' }), {
    label: 'secret step',
  });
  const { text, document } = await exported(db, true);
  expect(text.toLowerCase()).not.toContain('secret');
  for (const word of ['heading', 'labels', 'moods', 'mileage', 'diaries', '424242']) expect(text).not.toContain(word);
  const [first, second] = document.stores['outbox']!.rows as {
    recs: { c: string; id: string; ops: { p?: string; v?: unknown }[] }[];
  }[];
  expect(second!.recs).toMatchObject([{ c: first!.recs[0]!.c, id: first!.recs[0]!.id }]);
  expect(second!.recs[0]!.ops.map(({ v }) => v)).toEqual(expect.arrayContaining(['text of 12', 'a number']));
  const paths = first!.recs[0]!.ops.map(({ p }) => p);
  expect(paths).toEqual(expect.arrayContaining(second!.recs[0]!.ops.map(({ p }) => p)));
});

test('[DBG2] with syncing in the background it has neither the fields that the service worker is told of nor the address', async () => {
  const sync = { url: 'ws://127.0.0.1:1/?key=s3cret', background: true, paused: true };
  const db = remember(await open({ name: freshName(), collections, sync, worker: false }));
  await expect.poll(() => db.dexie.table('$replica').get('background')).toBeDefined();
  const { text, document } = await exported(db, true);
  for (const word of ['labels', 'moods', 'diaries']) expect(text).not.toContain(word);
  expect(document.stores['state']!.rows).toContainEqual(
    expect.objectContaining({ key: 'background', needsToken: false }),
  );
  expect((await exported(db)).text).not.toContain('s3cret');
});

test('[DBG3] an export is bounded; what does not fit is counted, and the outbox has space before the records', async () => {
  const db = await openDiary();
  const heading = 'x'.repeat(400_000);
  for (let i = 0; i < 30; i++) await db.diaries.insert({ ...ROW, id: `${i}`, heading });
  const { text, document } = await exported(db);
  expect(text.length).toBeLessThan(17_000_000);
  expect(document.stores['outbox']).toMatchObject({ more: 0, rows: { length: 30 } });
  const { rows, more } = document.stores['records']!;
  expect(more).toBeGreaterThan(0);
  expect(rows.length + more).toBe(30);
});

test('[DBG4] after close() both are CLOSED', async () => {
  const db = await openDiary();
  await db.close();
  await expect(db.debug.verify()).rejects.toMatchObject({ code: 'CLOSED' });
  await expect(db.debug.export()).rejects.toMatchObject({ code: 'CLOSED' });
});
