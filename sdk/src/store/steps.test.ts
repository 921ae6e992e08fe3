import { describe, expect, it } from 'vitest';
import { changesOf, exchange, LogServer, SID, testDevice, type TestDevice, NOTES } from './devices.fixture.ts';
import { RECORDS } from './layout.ts';
import { recordRow } from './packed-record.ts';
import { checkChange } from '../protocol/check-change.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import { openDeviceStore } from './ingest.ts';

const id = 'n1';
const all = (d: TestDevice) => d.db.dexie.table('notes').orderBy('id').toArray();
const items = (d: TestDevice) => d.store.readOutbox(null, { changes: 100, bytes: 1e9 });
async function two(note: Record<string, unknown> = { title: 'A' }) {
  const server = new LogServer();
  const [anna, ben] = [await testDevice('anna'), await testDevice('ben')];
  await anna.db.dexie.table('notes').add({ id, ...note });
  await exchange(server, anna, ben);
  return { server, anna, ben, notes: anna.db.dexie.table('notes') };
}
/** Two titles written apart, and the conflict that Anna has of them. */
async function clash() {
  const devices = await two();
  const { server, anna, ben, notes } = devices;
  await notes.update(id, { title: 'universe' });
  await ben.db.dexie.table('notes').update(id, { title: 'unicorn' });
  await exchange(server, anna, ben);
  await anna.pull(server);
  const [conflict] = await anna.db.readConflicts();
  return { ...devices, conflict };
}

describe('steps of one transaction', () => {
  it('[STEP1] add, undo, add another: the outbox keeps its head', async () => {
    const anna = await testDevice('anna');
    const notes = anna.db.dexie.table('notes');
    await anna.db.transact({}, async () => {
      await notes.add({ id: 'x', title: 'x' });
      await notes.delete('x');
      await notes.add({ id: 'y', title: 'y' });
    });
    expect((await items(anna)).map((i) => i.change.recs.map((r) => r.id))).toEqual([['y']]);
  });
  it('[STEP2] edit, edit back, edit another', async () => {
    const { anna, notes } = await two();
    await notes.add({ id: 'm', title: 'm' });
    await anna.db.transact({}, async () => {
      await notes.update(id, { title: 'B' });
      await notes.update(id, { title: 'A' });
      await notes.update('m', { title: 'M' });
    });
    expect((await items(anna)).length).toBe(2);
  });
  it('[STEP3] a write and a page after such a transaction', async () => {
    const { anna, ben, server, notes } = await two();
    await anna.db.transact({}, async () => {
      await notes.add({ id: 'x', title: 'x' });
      await notes.delete('x');
      await notes.update(id, { title: 'Z' });
    });
    await ben.db.dexie.table('notes').update(id, { pinned: true });
    await ben.push(server);
    await anna.pull(server);
    expect((await all(anna))[0]).toMatchObject({ title: 'Z', pinned: true });
  });
  it('[STEP4] a token read inside the transaction after its own write makes no sibling of its own past', async () => {
    const { anna, notes } = await two();
    await anna.db.transact({}, async () => {
      await notes.update(id, { title: 'B' });
      const seen = await anna.db.readSeen('notes', id);
      anna.db.writeAsSeen('notes', id, seen);
      await notes.update(id, { title: 'C' });
    });
    expect(await anna.db.readConflicts()).toEqual([]);
    expect((await all(anna))[0]).toMatchObject({ title: 'C' });
  });
  it('[STEP5] a delete after such a token is a delete', async () => {
    const { anna, notes } = await two();
    await anna.db.transact({}, async () => {
      await notes.update(id, { title: 'B' });
      anna.db.writeAsSeen('notes', id, await anna.db.readSeen('notes', id));
      await notes.delete(id);
    });
    expect(await all(anna)).toEqual([]);
    expect(await anna.db.readConflicts()).toEqual([]);
  });
  it('[STEP6] resolve inside a transaction keeps the other edits of the record', async () => {
    const { anna, notes, conflict } = await clash();
    await anna.db.transact({}, async () => {
      await notes.update(id, { pinned: true });
      await anna.db.resolve(conflict!, { row: { title: 'unicorn' } });
    });
    expect((await all(anna))[0]).toMatchObject({ title: 'unicorn', pinned: true });
  });
  it('[STEP7] an edit after the resolution in one transaction keeps the conflict settled', async () => {
    const { anna, notes, conflict } = await clash();
    const shown = (await all(anna))[0].title;
    await anna.db.transact({}, async () => {
      await anna.db.resolve(conflict!, { row: { title: shown } });
      await notes.update(id, { pinned: true });
    });
    expect(await anna.db.readConflicts()).toEqual([]);
  });
  it('[STEP8] bulkPut with a key twice keeps an open conflict in $conflicts', async () => {
    const { anna, notes } = await clash();
    const row = (await all(anna))[0];
    await notes.bulkPut([{ ...row, title: 'other' }, row]);
    const state = await anna.db.dexie.table(RECORDS).get(['notes', id]);
    expect([state.conflicts.length, (await anna.db.readConflicts()).length]).toEqual([1, 1]);
  });
  it('[STEP9] bulkPut of large rows with a key twice is written', async () => {
    const { notes, anna } = await two({ title: 'A' });
    const big = 'x'.repeat(131_000);
    await notes.bulkPut([
      { id, title: big },
      { id: 'b', title: big },
      { id, title: 'A' },
    ]);
    expect((await items(anna)).length).toBe(1);
  });
  it('[STEP10] two adds of one id at once: the second fails', async () => {
    const anna = await testDevice('anna');
    const notes = anna.db.dexie.table('notes');
    const outcomes = await anna.db
      .transact({}, () =>
        Promise.all(
          [notes.add({ id: 'x', title: 'first' }), notes.add({ id: 'x', title: 'second' })].map((p) =>
            Promise.resolve(p).then(
              () => 'ok',
              (e: Error) => e.name,
            ),
          ),
        ),
      )
      .then(
        (r) => r.result,
        (e: Error) => [e.name],
      );
    expect([outcomes, await all(anna)]).toMatchObject([['ok', 'ConstraintError'], [{ title: 'first' }]]);
  });
  it('[STEP11] two updates of one row at once in a transaction keep both fields', async () => {
    const { anna, notes } = await two();
    await anna.db.transact({}, () =>
      Promise.all([notes.update(id, { title: 'B' }), notes.update(id, { pinned: true })]),
    );
    expect((await all(anna))[0]).toMatchObject({ title: 'B', pinned: true });
  });
  it('[STEP12] seen holds for one write: the next one in the transaction replaces what is shown', async () => {
    const { anna, notes } = await two({ title: 'A', pinned: false, body: '1' });
    const seen = await anna.db.readSeen('notes', id);
    await notes.update(id, { body: '2' });
    await anna.db.transact({}, async () => {
      anna.db.writeAsSeen('notes', id, seen);
      await notes.update(id, { title: 'B' });
      await notes.update(id, { body: '3' });
    });
    expect(await anna.db.readConflicts()).toEqual([]);
  });
  it('[STEP13] a counter in a form saved with its token keeps what others added', async () => {
    const { anna, notes } = await two({ likes: 10 });
    const seen = await anna.db.readSeen('notes', id);
    await notes.update(id, { likes: 7 });
    await anna.db.transact({}, async () => {
      anna.db.writeAsSeen('notes', id, seen);
      await notes.update(id, { title: 'x', likes: 10 });
    });
    expect((await all(anna))[0].likes).toBe(7);
  });
  it('[STEP14] a set in a form saved with its token does not bring back what others removed', async () => {
    const { anna, notes } = await two({ tags: ['x', 'y'] });
    const seen = await anna.db.readSeen('notes', id);
    await notes.update(id, { tags: ['x'] });
    await anna.db.transact({}, async () => {
      anna.db.writeAsSeen('notes', id, seen);
      await notes.update(id, { tags: ['x', 'y', 'w'] });
    });
    expect((await all(anna))[0].tags).toEqual(['w', 'x']);
  });
});

describe('what is saved can be sent', () => {
  const cases: [string, (d: TestDevice) => PromiseLike<unknown>][] = [
    ['long set element', (d) => d.db.dexie.table('notes').add({ id, tags: ['x'.repeat(2100)] })],
    [
      '2100 set elements',
      (d) => d.db.dexie.table('notes').add({ id, tags: Array.from({ length: 2100 }, (_, i) => `t${i}`) }),
    ],
    ['id __proto__', (d) => d.db.dexie.table('notes').add({ id: '__proto__', title: 'x' })],
    [
      'group value at depth 64',
      (d) => {
        let v: unknown = 1;
        for (let i = 0; i < 64; i++) v = [v];
        return d.db.dexie.table('notes').add({ id, room: v, start: 1 });
      },
    ],
    [
      'plain value at depth 64',
      (d) => {
        let v: unknown = 1;
        for (let i = 0; i < 64; i++) v = [v];
        return d.db.dexie.table('notes').add({ id, title: v });
      },
    ],
    [
      '5001 records in one transaction',
      (d) =>
        d.db.transact(
          {},
          () => d.db.dexie.table('notes').bulkAdd(Array.from({ length: 5001 }, (_, i) => ({ id: `r${i}` }))) as never,
        ),
    ],
    [
      'label __proto__',
      (d) => d.db.transact({ label: '__proto__' }, () => d.db.dexie.table('notes').add({ id, title: 'x' }) as never),
    ],
    [
      'large change and long label',
      (d) =>
        d.db.transact(
          { label: '€'.repeat(1024) },
          () => d.db.dexie.table('notes').add({ id, title: 'x'.repeat(785_000) }) as never,
        ),
    ],
    [
      'counter over a wide range',
      (d) =>
        d.db.dexie
          .table('notes')
          .add({ id, likes: -5 })
          .then(() => d.db.dexie.table('notes').update(id, { likes: Number.MAX_SAFE_INTEGER })),
    ],
    ['number 1e400-like clock', (d) => d.db.dexie.table('notes').add({ id, title: 1e308 })],
    [
      '1100 fields',
      (d) =>
        d.db.dexie
          .table('notes')
          .add({ id, ...Object.fromEntries(Array.from({ length: 2100 }, (_, i) => [`f${i}`, i])) }),
    ],
  ];
  for (const [name, write] of cases) {
    it(`[STEP15] ${name}: refused here, or taken by the server`, async () => {
      const anna = await testDevice('anna');
      const error = await Promise.resolve(write(anna)).then(
        () => null,
        (e: unknown) => e,
      );
      const out = await items(anna);
      const verdicts = out
        .map((i) => checkChange(JSON.parse(JSON.stringify(i.change)), DEFAULT_LIMITS))
        .filter((v) => v.type === 'bad')
        .map((v) => (v as { reason: string }).reason);
      const big = out.filter((i) => i.bytes > DEFAULT_LIMITS.changeBytes).map((i) => i.bytes);
      expect({ verdicts, big, error: error && (error as Error).name }).toEqual({
        verdicts: [],
        big: [],
        error: error && (error as Error).name,
      });
    });
  }
  it('[STEP16] a far future clock is answered CLOCK, not INVALID_CHANGE', async () => {
    const anna = await testDevice('anna', { nowMs: () => Date.UTC(2300, 0, 1) });
    await anna.db.dexie.table('notes').add({ id, title: 'x' });
    expect(
      (await items(anna))
        .map((i) => checkChange(JSON.parse(JSON.stringify(i.change)), DEFAULT_LIMITS))
        .map((v) => v.type),
    ).toEqual(['ok']);
  });
});

describe('two syncing contexts', () => {
  it('[STEP17] restamp by a second context after the first has sent: the stamp stays the one the server has', async () => {
    const server = new LogServer();
    const anna = await testDevice('anna', { name: 'c1', nowMs: () => 1_900_000_000_000 });
    await anna.db.dexie.table('notes').add({ id, title: 'x' });
    const zombie = await openDeviceStore({ name: 'c1', collections: [NOTES], nowMs: () => 1_900_000_000_000 });
    await anna.push(server); // accepted; the acknowledgement is with the first context
    await zombie.correctClock(null, 1_899_999_000_000);
    const page = server.page(0);
    await anna.store.ingest(
      {
        ...page,
        entries: changesOf(page).map(({ stamp, dot, change }) => ({ stamp, dot, hlc: change!.hlc })),
      },
      [SID],
    );
    const record = await anna.db.dexie.table(RECORDS).get(['notes', id]);
    expect(recordRow(record).base!.cells.get('title')![0]!.hlc).toBe(server.log[0]!.hlc);
  });
});
