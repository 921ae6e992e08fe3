import { describe, expect, it } from 'vitest';
import { exchange, LogServer, peerChange, testDevice, NOTES, SID, type TestDevice } from './devices.fixture.ts';
import { openDeviceStore } from './ingest.ts';
import { checkChange } from '../protocol/check-change.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
const id = 'n1';
const items = (d: TestDevice) => d.store.readOutbox(null, { changes: 100, bytes: 1e9 });
const verdicts = async (d: TestDevice) =>
  (await items(d))
    .map((i) => checkChange(JSON.parse(JSON.stringify(i.change)), DEFAULT_LIMITS))
    .map((v) => (v.type === 'ok' ? 'ok' : v.reason));
/** Dexie wraps what a bulk write throws. */
const cause = (error: unknown): unknown =>
  (error as { failures?: unknown[] }).failures?.[0] ?? (error as { inner?: unknown }).inner ?? error;
describe('what peers, other tabs and the app itself may do', () => {
  it('[HOS1] a record that 1001 others have touched at once can still be written and sent', async () => {
    const server = new LogServer();
    const anna = await testDevice('anna');
    for (let i = 0; i < 1001; i++)
      server.admit(
        peerChange(`P${String(i).padStart(15, '0')}`, id, [
          { t: 'life', v: 'live', pred: [] },
          { t: 'inc', p: 'likes#c', n: 1 },
        ]),
      );
    await anna.pull(server, 2000);
    await anna.db.dexie.table('notes').update(id, { title: 'B' });
    expect(await verdicts(anna)).toEqual(['ok']);
  });
  it('[HOS2] a group whose names are too long together is refused when it is declared', async () => {
    const fields = Array.from({ length: 20 }, (_, i) => `f${i}`.padEnd(120, 'x'));
    const opened = testDevice('anna', { plan: { ...NOTES, groups: [fields], fields: {}, indexes: [] } });
    await expect(opened).rejects.toMatchObject({ code: 'INVALID_SCHEMA' });
  });
  for (const ticks of [0, 1, 2, 3, 5, 8, 12, 20, 40])
    it(`[HOS3] a value altered by the app while it is written (${ticks} microtasks) is refused or is what travels`, async () => {
      const anna = await testDevice('anna');
      const body = { n: [1] as unknown[] };
      const written = Promise.resolve(anna.db.dexie.table('notes').add({ id, body })).then(
        () => 'ok',
        () => 'refused',
      );
      for (let i = 0; i < ticks; i++) await Promise.resolve();
      body.n.push(NaN);
      await written;
      const [item] = await items(anna);
      if (item) {
        const row = await anna.db.dexie.table('notes').get(id);
        expect(JSON.parse(JSON.stringify(item.change)).recs[0].ops[1].v).toEqual(row.body);
      }
    });
  it('[HOS4] the same in an open transaction, while an earlier step runs', async () => {
    const anna = await testDevice('anna');
    const notes = anna.db.dexie.table('notes');
    const body = { n: [1] as unknown[] };
    await anna.db.transact({}, async () => {
      const a = notes.add({ id: 'o', title: 'x' });
      const b = notes.add({ id, body });
      await a;
      body.n.push(NaN);
      await b;
    });
    const [item] = await items(anna);
    const row = await notes.get(id);
    const sent = JSON.parse(JSON.stringify(item!.change)).recs.find((r: { id: string }) => r.id === id);
    expect(sent.ops[1].v).toEqual(row.body);
  });
  it('[HOS5] what another context has applied is not reported as applied from a page of this one', async () => {
    const server = new LogServer();
    for (let i = 1; i <= 10; i++)
      server.admit({
        dot: `PPPPPPPPPPPPPPPP.${i}`,
        hlc: i,
        recs: [{ c: 'notes', id, rv: [], ops: [{ t: 'inc', p: 'likes#c', n: 1 }] }],
      } as never);
    const anna = await testDevice('anna', { name: 'g4' });
    const other = await openDeviceStore({ name: 'g4', collections: [NOTES] });
    await other.ingest(server.page(0), [SID]);
    expect(await anna.store.ingest(server.page(0, 5), [SID])).toMatchObject({ type: 'ingested', cursor: { [SID]: 5 } });
  });
  it('[HOS6] a stale tab of an older policy leaves no view that the newer one does not have', async () => {
    const server = new LogServer();
    const old = { ...NOTES, fields: { title: { kind: 'ask' as const } }, groups: [], indexes: [] };
    const next = { ...old, fields: { title: { kind: 'lww' as const } } };
    let anna = await testDevice('anna', { name: 'g5', plan: old });
    const ben = await testDevice('ben', { plan: next });
    await anna.db.dexie.table('notes').add({ id, title: 'A' });
    await exchange(server, anna, ben);
    const fresh = await testDevice('anna', { name: 'g5', plan: next }); // a second tab with the new app
    await anna.db.dexie.table('notes').update(id, { title: 'B' });
    await ben.db.dexie.table('notes').update(id, { title: 'C' });
    await exchange(server, anna, ben);
    await anna.pull(server); // the old tab syncs
    anna.close();
    fresh.close();
    anna = await testDevice('anna', { name: 'g5', plan: next });
    expect(await anna.db.readConflicts()).toEqual([]);
  });
  it('[HOS7] writeAsSeen outside of a transaction says so', async () => {
    const anna = await testDevice('anna');
    expect(() => anna.db.writeAsSeen('notes', id, { rv: [], life: [], cells: new Map(), counters: new Map() })).toThrow(
      /transaction/i,
    );
  });
  it('[HOS8] a field called constructor: a conflict about it can be settled as absent', async () => {
    const server = new LogServer();
    const [anna, ben] = [await testDevice('anna'), await testDevice('ben')];
    const notes = anna.db.dexie.table('notes');
    await notes.add({ id, constructor: 'A' });
    await exchange(server, anna, ben);
    await notes.update(id, { constructor: 'B' });
    await ben.db.dexie.table('notes').update(id, { constructor: 'C' });
    await exchange(server, anna, ben);
    await anna.pull(server);
    const [c] = await anna.db.readConflicts();
    await anna.db.resolve(c!, { row: {} });
    expect(await anna.db.readConflicts()).toEqual([]);
  });
  it('[HOS10] a row with a field __proto__ is refused, and not saved without it', async () => {
    const anna = await testDevice('anna');
    const notes = anna.db.dexie.table('notes');
    for (const text of ['{"id":"n","__proto__":1}', '{"id":"n","__proto__":{"title":"inherited"}}']) {
      const row: unknown = JSON.parse(text);
      for (const write of [() => notes.add(row), () => notes.put(row), () => notes.bulkPut([row])])
        await expect(Promise.resolve(write()).catch(cause)).resolves.toMatchObject({ code: 'INVALID_FIELD' });
    }
    expect(await items(anna)).toEqual([]);
    expect(await notes.toArray()).toEqual([]);
  });
  it('[HOS9] resolve inside a transaction over two conflicts of one record', async () => {
    const server = new LogServer();
    const [anna, ben] = [await testDevice('anna'), await testDevice('ben')];
    const notes = anna.db.dexie.table('notes');
    await notes.add({ id, title: 'A', body: 'A' });
    await exchange(server, anna, ben);
    await notes.update(id, { title: 'B', body: 'B' });
    await ben.db.dexie.table('notes').update(id, { title: 'C', body: 'C' });
    await exchange(server, anna, ben);
    await anna.pull(server);
    await anna.db.transact({}, async () => {
      for (const c of await anna.db.readConflicts())
        await anna.db.resolve(c, { row: { [(c as never as { path: string }).path]: 'D' } });
    });
    expect([await anna.db.readConflicts(), await notes.get(id)]).toMatchObject([[], { title: 'D', body: 'D' }]);
  });
});
