import { describe, expect, it } from 'vitest';

import type { OpenFieldConflict } from '../core/conflict.ts';
import { changesOf, exchange, LogServer, SID, testDevice, type TestDevice } from './devices.fixture.ts';
import { META, OUTBOX, RECORDS, type ReplicaRow } from './layout.ts';

const id = 'note-1';
/** Rows without what every row has: an empty set, a counter at 0. */
async function rows(device: TestDevice): Promise<Record<string, unknown>[]> {
  const stored = (await device.db.dexie.table('notes').orderBy('id').toArray()) as { tags: string[]; likes: number }[];
  return stored.map(({ tags, likes, ...row }) => ({
    ...row,
    ...(tags.length > 0 ? { tags } : {}),
    ...(likes === 0 ? {} : { likes }),
  }));
}

const replica = (device: TestDevice) => device.db.dexie.table(META).get('replica') as Promise<ReplicaRow>;

async function twoDevicesWithANote(note: Record<string, unknown> = { title: 'Horse' }) {
  const server = new LogServer();
  const [anna, ben] = [await testDevice('anna'), await testDevice('ben')];
  await anna.db.dexie.table('notes').add({ id, ...note });
  await exchange(server, anna, ben);
  return { server, anna, ben };
}

describe('local writes', () => {
  it('[STO1] a write puts row, state, outbox, numbering and clock down together', async () => {
    const anna = await testDevice('anna');
    await anna.db.dexie.table('notes').add({ id, title: 'A', tags: ['b', 'a'] });
    expect(await rows(anna)).toEqual([{ id, title: 'A', tags: ['a', 'b'] }]);
    const [item] = await anna.store.readOutbox(null, { changes: 10, bytes: 1e6 });
    expect(item!.change).toMatchObject({
      writer: { user: { id: 'anna' } },
      deps: {},
      recs: [{ c: 'notes', id, rv: [] }],
    });
    expect((await replica(anna)).outbox).toMatchObject({ changes: 1 });
  });

  it('[STO2] only changed fields travel, and a write that changes nothing makes no change', async () => {
    const anna = await testDevice('anna');
    await anna.db.dexie.table('notes').add({ id, title: 'A', pinned: false });
    await anna.db.dexie.table('notes').update(id, { pinned: true, title: 'A' });
    await anna.db.dexie.table('notes').put({ id, title: 'A', pinned: true });
    const items = await anna.store.readOutbox(null, { changes: 10, bytes: 1e6 });
    expect(items.map(({ change }) => change.recs[0]!.ops.map((op) => ('p' in op ? op.p : op.t)))).toEqual([
      ['life', 'title', 'pinned'],
      ['pinned'],
    ]);
  });

  it('[STO3] a transaction is one change, however many steps it writes', async () => {
    const anna = await testDevice('anna');
    const { dot } = await anna.db.transact({ label: 'move' }, async () => {
      for (let i = 0; i < 25; i++) await anna.db.dexie.table('notes').add({ id: `n${i}`, title: `t${i}`, likes: 1 });
      await anna.db.dexie.table('notes').update('n3', { likes: 5 });
      await anna.db.dexie.table('notes').delete('n4');
    });
    const items = await anna.store.readOutbox(null, { changes: 10, bytes: 1e6 });
    expect(items.map(({ change }) => [change.dot, change.label, change.recs.length])).toEqual([[dot, 'move', 24]]);
    expect(items[0]!.change.recs.find((rec) => rec.id === 'n3')!.ops).toContainEqual({ t: 'inc', p: 'likes#c', n: 5 });
    expect(await anna.db.readPending()).toMatchObject({ changes: 1 });
  });

  it('[STO4] a transaction that fails leaves nothing and uses no number', async () => {
    const anna = await testDevice('anna');
    const failed = anna.db.transact({}, async () => {
      await anna.db.dexie.table('notes').add({ id: 'x', title: 'x' });
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    await anna.db.dexie.table('notes').add({ id, title: 'A' });
    const items = await anna.store.readOutbox(null, { changes: 10, bytes: 1e6 });
    expect(items.map(({ change }) => change.dot.split('.')[1])).toEqual(['1']);
    expect(await rows(anna)).toEqual([{ id, title: 'A' }]);
  });

  it('[STO12] a transaction that awaits something else stays whole: all of it, or none when it fails', async () => {
    const anna = await testDevice('anna');
    const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
    const failed = anna.db.transact({}, async () => {
      await anna.db.dexie.table('notes').add({ id: 'x', title: 'x' });
      await pause();
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect([await rows(anna), await anna.db.dexie.table(OUTBOX).count()]).toEqual([[], 0]);
    await anna.db.transact({}, async () => {
      await anna.db.dexie.table('notes').add({ id, title: 'A' });
      await pause();
    });
    expect([await rows(anna), await anna.db.dexie.table(OUTBOX).count()]).toEqual([[{ id, title: 'A' }], 1]);
  });

  it('[STO5] a transaction that undoes what it wrote makes no change', async () => {
    const anna = await testDevice('anna');
    const { dot } = await anna.db.transact({}, async () => {
      await anna.db.dexie.table('notes').add({ id: 'x', title: 'x' });
      await anna.db.dexie.table('notes').delete('x');
    });
    expect(dot).toBe('');
    expect(await anna.db.dexie.table(OUTBOX).count()).toBe(0);
    expect(await anna.db.dexie.table(RECORDS).count()).toBe(0);
    expect(await anna.db.readPending()).toMatchObject({ changes: 0, bytes: 0 });
  });

  it('[STO6] a bulk write is split into changes within the limits, all in one local transaction', async () => {
    const anna = await testDevice('anna');
    await anna.db.dexie
      .table('notes')
      .bulkAdd(Array.from({ length: 1000 }, (_, i) => ({ id: `n${String(i).padStart(4, '0')}`, title: `t${i}` })));
    const items = await anna.store.readOutbox(null, { changes: 100, bytes: 1e9 });
    expect(items.map(({ change }) => change.recs.length)).toEqual([200, 200, 200, 200, 200]);
    expect(items.map(({ change }) => change.dot.split('.')[1])).toEqual(['1', '2', '3', '4', '5']);
    const server = new LogServer();
    const ben = await testDevice('ben');
    await exchange(server, anna, ben);
    expect(await ben.db.dexie.table('notes').count()).toBe(1000);
    expect(await anna.db.readPending()).toMatchObject({ changes: 0, bytes: 0, oldestMs: null });
  });

  it('[STO7] deletes, ranges and modify() through Dexie are tracked like our own writes', async () => {
    const { server, anna, ben } = await twoDevicesWithANote();
    await anna.db.dexie.table('notes').bulkAdd([
      { id: 'a', title: 'x' },
      { id: 'b', title: 'y' },
      { id: 'c', title: 'z' },
    ]);
    await anna.db.dexie.table('notes').where('title').anyOf('x', 'y').modify({ pinned: true });
    await anna.db.dexie.table('notes').where('id').equals('c').delete();
    await exchange(server, anna, ben);
    expect(await rows(ben)).toEqual([
      { id: 'a', title: 'x', pinned: true },
      { id: 'b', title: 'y', pinned: true },
      { id, title: 'Horse' },
    ]);
    await ben.db.dexie.table('notes').clear();
    await exchange(server, ben, anna);
    expect(await rows(anna)).toEqual([]);
  });

  it('[STO8] values that are not plain JSON are refused before anything is saved', async () => {
    const anna = await testDevice('anna');
    const notes = anna.db.dexie.table('notes');
    for (const title of [
      NaN,
      -0,
      'lone \ud800',
      '\u0000',
      new Date(),
      () => 1,
      [,],
      { ['__proto__x']: undefined },
    ] as unknown[]) {
      await expect(notes.add({ id, title })).rejects.toMatchObject({ code: 'INVALID_VALUE' });
    }
    await expect(notes.add({ id, 'a/b': 1 })).rejects.toMatchObject({ code: 'INVALID_FIELD' });
    await expect(notes.add({ id: 7, title: 'x' })).rejects.toMatchObject({ code: 'INVALID_ID' });
    await expect(notes.add({ id, likes: 1.5 })).rejects.toMatchObject({ code: 'INVALID_VALUE' });
    await expect(notes.add({ id, title: 'x'.repeat(900_000) })).rejects.toMatchObject({ code: 'TOO_LARGE' });
    const tags = Array.from({ length: 2_001 }, (_, i) => `t${i}`);
    await expect(notes.add({ id, tags })).rejects.toMatchObject({ code: 'TOO_LARGE' });
    expect(await rows(anna)).toEqual([]);
    expect(await anna.db.dexie.table(OUTBOX).count()).toBe(0);
    await notes.add({ id, title: 'fine' });
    expect(await rows(anna)).toEqual([{ id, title: 'fine' }]);
  });

  it('[STO9] adding an id that exists fails and changes nothing', async () => {
    const { anna } = await twoDevicesWithANote();
    await expect(anna.db.dexie.table('notes').add({ id, title: 'again' })).rejects.toMatchObject({
      name: 'ConstraintError',
    });
    expect(await rows(anna)).toEqual([{ id, title: 'Horse' }]);
    expect(await anna.db.dexie.table(OUTBOX).count()).toBe(0);
  });
});

describe('what a row always has', () => {
  it('[STO10] a set is empty and a counter stands at 0 when nobody has written them', async () => {
    const { server, anna, ben } = await twoDevicesWithANote({ title: 'A' });
    const empty = [{ id, title: 'A', tags: [], likes: 0 }];
    expect([await anna.db.dexie.table('notes').toArray(), await ben.db.dexie.table('notes').toArray()]).toEqual([
      empty,
      empty,
    ]);
    await anna.db.dexie.table('notes').update(id, { tags: ['x'], likes: 2 });
    await anna.db.dexie.table('notes').update(id, { tags: [], likes: 0 });
    await exchange(server, anna, ben);
    expect(await ben.db.dexie.table('notes').toArray()).toEqual(empty);
  });

  it('[STO11] a write that the browser cannot store fails whole, and uses no number', async () => {
    const anna = await testDevice('anna');
    const before = await replica(anna);
    await expect(anna.db.dexie.table('notes').add({ id, title: new Proxy({}, {}) })).rejects.toBeTruthy();
    expect(await replica(anna)).toEqual(before);
    expect(await anna.db.dexie.table(OUTBOX).count()).toBe(0);
    await anna.db.dexie.table('notes').add({ id, title: 'A' });
    expect(await anna.db.readPending()).toMatchObject({ changes: 1 });
  });
});

describe('bulk writes over rows that exist', () => {
  it('[STO13] a bulk put changes what is there and adds the rest, whether few or many rows lie between its ids', async () => {
    for (const between of [0, 10, 200]) {
      const { server, anna, ben } = await twoDevicesWithANote({ title: 'A' });
      const others = Array.from({ length: between }, (_, i) => ({
        id: `n${String(i).padStart(4, '0')}x`,
        title: 'other',
      }));
      await anna.db.dexie.table('notes').bulkAdd(others);
      const ids = Array.from({ length: 40 }, (_, i) => `n${String(i * 3).padStart(4, '0')}`);
      await anna.db.dexie
        .table('notes')
        .bulkAdd(ids.filter((_, i) => i % 2 === 0).map((key) => ({ id: key, title: 'old', likes: 1 })));
      await anna.db.dexie.table('notes').bulkPut(ids.map((key) => ({ id: key, title: 'new', likes: 2 })));
      const failed = anna.db.dexie
        .table('notes')
        .bulkAdd([...ids.slice(0, 25), 'zz'].map((key) => ({ id: key, title: 'again' })));
      await expect(failed).rejects.toMatchObject({ name: 'BulkError' });
      await exchange(server, anna, ben);
      const wanted = [
        ...ids.map((key) => ({ id: key, title: 'new', likes: 2 })),
        ...others,
        { id, title: 'A' },
        { id: 'zz', title: 'again' },
      ];
      expect(await rows(ben)).toEqual(wanted.sort((a, b) => (a.id < b.id ? -1 : 1)));
      expect(await rows(anna)).toEqual(await rows(ben));
    }
  });
});

describe('two devices', () => {
  it('[CON1] universe and unicorn: both versions on both devices, one conflict with one id, one resolution closes it', async () => {
    const { server, anna, ben } = await twoDevicesWithANote();
    await anna.db.dexie.table('notes').update(id, { title: 'universe' });
    await ben.db.dexie.table('notes').update(id, { title: 'unicorn' });
    await exchange(server, anna, ben);
    await anna.pull(server);
    const [onAnna] = await anna.db.readConflicts();
    const [onBen] = await ben.db.readConflicts();
    expect(onAnna).toEqual(onBen);
    const conflict = onAnna as OpenFieldConflict;
    expect(conflict.versions.map((version) => version.v).sort()).toEqual(['unicorn', 'universe']);
    expect(conflict.base).toMatchObject({ v: 'Horse' });
    expect(await rows(anna)).toEqual(await rows(ben));
    await ben.db.resolve(conflict, { row: { title: 'universe' } });
    expect(await ben.db.readConflicts()).toEqual([]);
    await exchange(server, ben, anna);
    expect(await anna.db.readConflicts()).toEqual([]);
    expect([await rows(anna), await rows(ben)]).toEqual([[{ id, title: 'universe' }], [{ id, title: 'universe' }]]);
  });

  it('[CON2] different fields merge in silence', async () => {
    const { server, anna, ben } = await twoDevicesWithANote({ title: 'A', pinned: false, tags: ['x'], likes: 1 });
    await anna.db.dexie.table('notes').update(id, { title: 'B', tags: ['x', 'y'], likes: 3 });
    await ben.db.dexie.table('notes').update(id, { pinned: true, tags: [], likes: 4 });
    await exchange(server, anna, ben);
    await anna.pull(server);
    expect(await rows(anna)).toEqual([{ id, title: 'B', pinned: true, tags: ['y'], likes: 6 }]);
    expect(await rows(ben)).toEqual(await rows(anna));
    expect(await anna.db.readConflicts()).toEqual([]);
  });

  it('[CON3] delete against edit: the row stays visible, keep restores it all, delete deletes it everywhere', async () => {
    for (const life of ['live', 'dead'] as const) {
      const { server, anna, ben } = await twoDevicesWithANote({ title: 'A', tags: ['x'] });
      await anna.db.dexie.table('notes').delete(id);
      expect(await rows(anna)).toEqual([]);
      await ben.db.dexie.table('notes').update(id, { title: 'B' });
      await exchange(server, anna, ben);
      await anna.pull(server);
      expect(await rows(anna)).toEqual([{ id, title: 'B', tags: ['x'] }]);
      expect(await ben.db.readConflicts()).toEqual(await anna.db.readConflicts());
      const [conflict] = await anna.db.readConflicts();
      expect(conflict).toMatchObject({ kind: 'delete', rowId: id });
      await anna.db.resolve(conflict!, { life });
      await exchange(server, anna, ben);
      expect([await rows(anna), await rows(ben)]).toEqual(
        life === 'live' ? [[{ id, title: 'B', tags: ['x'] }], [{ id, title: 'B', tags: ['x'] }]] : [[], []],
      );
      expect([...(await anna.db.readConflicts()), ...(await ben.db.readConflicts())]).toEqual([]);
    }
  });

  it('[CON4] a group wins, loses or conflicts as one', async () => {
    const { server, anna, ben } = await twoDevicesWithANote({ title: 'Standup', room: 'A', start: '10', end: '11' });
    await anna.db.dexie.table('notes').update(id, { room: 'B' });
    await ben.db.dexie.table('notes').update(id, { start: '14', end: '15' });
    await exchange(server, anna, ben);
    await anna.pull(server);
    const [conflict] = (await anna.db.readConflicts()) as OpenFieldConflict[];
    expect(conflict!.fields).toEqual(['end', 'room', 'start']);
    expect(conflict!.versions.map((version) => version.v)).toEqual(
      expect.arrayContaining([
        { room: 'B', start: '10', end: '11' },
        { room: 'A', start: '14', end: '15' },
      ]),
    );
  });

  it('[CON5] resolving a conflict that has changed writes nothing', async () => {
    const { server, anna, ben } = await twoDevicesWithANote();
    await anna.db.dexie.table('notes').update(id, { title: 'universe' });
    await ben.db.dexie.table('notes').update(id, { title: 'unicorn' });
    await exchange(server, anna, ben);
    await anna.pull(server);
    const [stale] = await anna.db.readConflicts();
    const carl = await testDevice('carl');
    await carl.pull(server);
    await carl.db.resolve((await carl.db.readConflicts())[0]!, { row: { title: 'horse' } });
    await exchange(server, carl, anna);
    await expect(anna.db.resolve(stale!, { row: { title: 'x' } })).rejects.toMatchObject({ code: 'CONFLICT_CHANGED' });
    expect(await anna.db.dexie.table(OUTBOX).count()).toBe(0);
    expect(await rows(anna)).toEqual([{ id, title: 'horse' }]);
  });

  it('[CON6] two equal resolutions converge in silence, two different ones make exactly one new conflict', async () => {
    for (const [first, second, open] of [
      ['x', 'x', 0],
      ['x', 'y', 1],
    ] as const) {
      const { server, anna, ben } = await twoDevicesWithANote();
      await anna.db.dexie.table('notes').update(id, { title: 'universe' });
      await ben.db.dexie.table('notes').update(id, { title: 'unicorn' });
      await exchange(server, anna, ben);
      await anna.pull(server);
      await anna.db.resolve((await anna.db.readConflicts())[0]!, { row: { title: first } });
      await ben.db.resolve((await ben.db.readConflicts())[0]!, { row: { title: second } });
      await exchange(server, anna, ben);
      await anna.pull(server);
      expect((await anna.db.readConflicts()).length).toBe(open);
      expect(await anna.db.readConflicts()).toEqual(await ben.db.readConflicts());
    }
  });

  it('[CON7] a form that was opened before someone else saved makes a sibling, not an overwrite', async () => {
    const { server, anna, ben } = await twoDevicesWithANote();
    const seen = await anna.db.readSeen('notes', id);
    await ben.db.dexie.table('notes').update(id, { title: 'Ben' });
    await exchange(server, ben, anna);
    await anna.db.transact({ collections: ['notes'] }, async () => {
      anna.db.writeAsSeen('notes', id, seen);
      await anna.db.dexie.table('notes').update(id, { title: 'Anna' });
    });
    expect((await anna.db.readConflicts()).map((conflict) => conflict.kind)).toEqual(['field']);
  });

  it('[CON8] a device never conflicts with itself: edits made while a push is under way', async () => {
    const { server, anna, ben } = await twoDevicesWithANote({ title: 'A', likes: 0 });
    for (let i = 0; i < 20; i++) {
      await anna.db.dexie.table('notes').update(id, { title: `A${i}`, likes: i });
      await anna.push(server);
      await anna.db.dexie.table('notes').update(id, { title: `B${i}`, likes: i + 1 });
      await anna.pull(server, 1 + (i % 3));
      expect(await anna.db.readConflicts()).toEqual([]);
      expect(await rows(anna)).toEqual([{ id, title: `B${i}`, likes: i + 1 }]);
    }
    await anna.sync(server);
    await ben.pull(server);
    expect(await rows(ben)).toEqual([{ id, title: 'B19', likes: 20 }]);
    expect(await anna.db.readPending()).toMatchObject({ changes: 0, bytes: 0 });
  });

  it('[CON9] a deleted row that is put again lives again, with the new values everywhere', async () => {
    const { server, anna, ben } = await twoDevicesWithANote({
      title: 'A',
      tags: ['x'],
      room: 'R',
      start: '1',
      end: '2',
    });
    await anna.db.dexie.table('notes').delete(id);
    await anna.db.dexie.table('notes').put({ id, title: 'A' });
    await exchange(server, anna, ben);
    expect(await rows(ben)).toEqual([{ id, title: 'A' }]);
    expect(await rows(anna)).toEqual([{ id, title: 'A' }]);
  });
});

describe('pages', () => {
  it('[ING1] a page that comes twice, or again in other pieces, changes nothing', async () => {
    const { server, anna, ben } = await twoDevicesWithANote({ title: 'A', likes: 1 });
    await anna.db.dexie.table('notes').update(id, { likes: 5 });
    await anna.push(server);
    await ben.store.ingest(server.page(0), [SID]);
    const again = await ben.store.ingest(server.page(0), [SID]);
    expect(again).toMatchObject({ type: 'ingested', applied: 0, confirmed: 0, touched: {} });
    expect(await rows(ben)).toEqual([{ id, title: 'A', likes: 5 }]);
  });

  it('[ING2] a page that leaves something out is refused whole', async () => {
    const { server, anna, ben } = await twoDevicesWithANote();
    await anna.db.dexie.table('notes').add({ id: 'n2', title: 'B' });
    await anna.db.dexie.table('notes').add({ id: 'n3', title: 'C' });
    await anna.push(server);
    expect(await ben.store.ingest(server.page(2), [SID])).toMatchObject({ type: 'out-of-step' });
    expect((await rows(ben)).map((row) => row['id'])).toEqual([id]);
    await ben.pull(server);
    expect((await rows(ben)).length).toBe(3);
  });

  it('[ING3] own changes come back without content and leave the outbox', async () => {
    const server = new LogServer();
    const anna = await testDevice('anna');
    await anna.db.transact({}, async () => {
      await anna.db.dexie.table('notes').add({ id: 'a', title: 'A' });
      await anna.db.dexie.table('notes').add({ id: 'b', title: 'B' });
    });
    await anna.push(server);
    const page = server.page(0);
    const bare = { ...page, entries: changesOf(page).map(({ stamp, dot }) => ({ stamp, dot })) };
    expect(await anna.store.ingest(bare, [SID])).toMatchObject({
      type: 'ingested',
      applied: 0,
      confirmed: 1,
      touched: {},
    });
    expect(await anna.db.dexie.table(OUTBOX).count()).toBe(0);
    expect(await anna.db.readPending()).toMatchObject({ changes: 0, bytes: 0, oldestMs: null });
    const ben = await testDevice('ben');
    expect(await ben.store.ingest(bare, [SID])).toMatchObject({ type: 'out-of-step', dot: changesOf(page)[0]!.dot });
  });

  it('[ING4] a collection that this app does not know is kept, and shown once it does', async () => {
    const server = new LogServer();
    const anna = await testDevice('anna');
    await anna.db.dexie.table('notes').add({ id, title: 'A' });
    await anna.push(server);
    const plan = { name: 'other', fields: {}, groups: [], onDeleteVsEdit: 'ask', indexes: [] } as const;
    const old = await testDevice('old', { name: 'upgrading', plan });
    await old.pull(server);
    old.close();
    const updated = await testDevice('old', { name: 'upgrading' });
    expect(await rows(updated)).toEqual([{ id, title: 'A' }]);
  });

  it('[ING5] an operation of a newer version stops the page before its change, and nothing of it is stored', async () => {
    const server = new LogServer();
    const [anna, ben] = [await testDevice('anna'), await testDevice('ben')];
    await anna.db.dexie.table('notes').add({ id, title: 'A' });
    await anna.push(server);
    const paint = { t: 'paint', p: 'x' } as never;
    const recs = (rowId: string) => [{ c: 'notes', id: rowId, rv: [], ops: [paint] }];
    server.log.push({ dot: 'AAAAAAAAAAAAAAAA.1', hlc: 1, recs: recs('painted') });
    await anna.db.dexie.table('notes').update(id, { title: 'B' });
    await anna.push(server);
    const stopped = { type: 'ingested', cursor: { [SID]: 1 }, applied: 1, upgrade: expect.stringContaining('paint') };
    expect(await ben.pull(server)).toMatchObject(stopped);
    expect(await ben.pull(server)).toMatchObject({ ...stopped, applied: 0 });
    expect(await rows(ben)).toMatchObject([{ id, title: 'A' }]);
    expect(await ben.db.dexie.table(RECORDS).count()).toBe(1);
  });

  it('[ING6] a clock that is a year ahead is corrected: stamps are rewritten in order, rows and siblings stay', async () => {
    const server = new LogServer();
    const year = 365 * 86_400_000;
    const now = 1_800_000_000_000;
    const anna = await testDevice('anna', { nowMs: () => now + year });
    await anna.db.dexie.table('notes').add({ id, title: 'A', likes: 1 });
    await anna.db.dexie.table('notes').update(id, { title: 'B' });
    expect(await anna.store.correctClock(null, now)).toEqual({ restamped: 2, offsetMs: -year });
    const items = await anna.store.readOutbox(null, { changes: 10, bytes: 1e6 });
    const [first, second] = items.map(({ change }) => change.hlc);
    expect(first! < second! && second! <= (now + 1) * 1024).toBe(true);
    expect(await rows(anna)).toEqual([{ id, title: 'B', likes: 1 }]);
    await anna.db.dexie.table('notes').update(id, { title: 'C' });
    const [, , third] = await anna.store.readOutbox(null, { changes: 10, bytes: 1e6 });
    expect(third!.change.hlc > second! && third!.change.hlc <= (now + 2) * 1024).toBe(true);
    await anna.sync(server);
    expect(await rows(anna)).toEqual([{ id, title: 'C', likes: 1 }]);
    expect(await anna.db.readConflicts()).toEqual([]);
  });
});

describe('identity', () => {
  it('[IDN1] a connection that is opened again writes as a new incarnation', async () => {
    const first = await testDevice('anna', { name: 'reopened' });
    await first.db.dexie.table('notes').add({ id: 'a', title: 'A' });
    await first.db.dexie.table('notes').add({ id: 'b', title: 'B' });
    first.close();
    const second = await testDevice('anna', { name: 'reopened' });
    await second.db.dexie.table('notes').add({ id: 'c', title: 'C' });
    const dots = (await second.store.readOutbox(null, { changes: 10, bytes: 1e6 })).map(({ change }) => change.dot);
    expect(dots.map((dot) => dot.split('.')[1])).toEqual(['1', '2', '1']);
    expect(new Set(dots.map((dot) => dot.slice(0, 16))).size).toBe(2);
    expect((await second.store.readIdentity()).writers.toSorted()).toEqual(
      [...new Set(dots.map((dot) => dot.slice(0, 16)))].toSorted(),
    );
    const server = new LogServer();
    await second.sync(server);
    expect(server.log.length).toBe(3);
  });

  it('[IDN4] a tab gets its incarnation with its first write; who only reads has none', async () => {
    const { server, anna } = await twoDevicesWithANote();
    const [one, other] = [await testDevice('ben', { name: 'tabs' }), await testDevice('ben', { name: 'tabs' })];
    await one.pull(server);
    expect([await rows(one), await rows(other)]).toEqual([await rows(anna), await rows(anna)]);
    expect((await replica(one)).seqs).toEqual({});
    for (const [i, tab] of [one, one, other, one].entries())
      await tab.db.dexie.table('notes').update(id, { likes: i + 1 });
    const items = await one.store.readOutbox(null, { changes: 10, bytes: 1e6 });
    const [first, second, third, fourth] = items.map(({ change }) => change.dot.split('.') as [string, string]);
    expect([first, second, fourth].map((dot) => dot![0])).toEqual([first![0], first![0], first![0]]);
    expect(third![0]).not.toBe(first![0]);
    expect(items.map(({ change }) => change.dot.split('.')[1])).toEqual(['1', '2', '1', '3']);
    await exchange(server, one, anna);
    expect(await rows(anna)).toEqual([{ id, title: 'Horse', likes: 4 }]);
  });

  it('[IDN2] a store that went back in time under an open connection never reuses a dot', async () => {
    const anna = await testDevice('anna');
    await anna.db.dexie.table('notes').add({ id: 'a', title: 'A' });
    const before = await replica(anna);
    await anna.db.dexie.table('notes').add({ id: 'b', title: 'B' });
    const [, lost] = await anna.store.readOutbox(null, { changes: 10, bytes: 1e6 });
    await anna.db.dexie.table(META).put(before);
    await anna.db.dexie.table(OUTBOX).delete([lost!.position, 0]);
    await anna.db.dexie.table('notes').add({ id: 'c', title: 'C' });
    const items = await anna.store.readOutbox(null, { changes: 10, bytes: 1e6 });
    expect(items.map(({ change }) => change.dot)).not.toContain(lost!.change.dot);
    expect(items.map(({ change }) => change.ex)).toEqual([undefined, [items[0]!.change.dot]]);
  });
});
