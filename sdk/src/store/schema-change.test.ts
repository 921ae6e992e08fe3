import { describe, expect, it } from 'vitest';
import { exchange, LogServer, SID, testDevice, type NOTES, type TestDevice } from './devices.fixture.ts';
import { openLocalDatabase } from './database.ts';
import { openDeviceStore } from './ingest.ts';

const id = 'n1';
type Plan = typeof NOTES;
const plan = (
  fields: Plan['fields'],
  groups: Plan['groups'] = [],
  onDeleteVsEdit: Plan['onDeleteVsEdit'] = 'ask',
): Plan => ({ name: 'notes', fields, groups, onDeleteVsEdit, indexes: [] });
const PLAIN = plan({});
const notes = (d: TestDevice) => d.db.dexie.table('notes');
const row = async (d: TestDevice) => (await notes(d).get(id)) as Record<string, unknown>;
let n = 0;
/** Two devices with a note of the old app; then both open the new app. */
async function upgraded(note: Record<string, unknown>, next: Plan, old: Plan = PLAIN) {
  const server = new LogServer();
  const names = [`s${++n}`, `s${++n}`];
  const before = await Promise.all(names.map((name) => testDevice(name, { name, plan: old })));
  await notes(before[0]!).add({ id, ...note });
  await exchange(server, ...before);
  for (const d of before) d.close();
  const [anna, ben] = await Promise.all(names.map((name) => testDevice(name, { name, plan: next })));
  return { server, anna: anna!, ben: ben! };
}
const sync = async (server: LogServer, a: TestDevice, b: TestDevice) => {
  await exchange(server, a, b);
  await a.pull(server);
};

describe('schema changes', () => {
  it('[EVO1] register -> counter: an edit of another field does not touch the count', async () => {
    const { server, anna, ben } = await upgraded({ title: 'A', likes: 5 }, plan({ likes: { kind: 'counter' } }));
    await notes(anna).update(id, { title: 'B' });
    await notes(ben).update(id, { pinned: true });
    await sync(server, anna, ben);
    expect((await row(anna)).likes).toBe(5);
  });
  it('[EVO2] register -> counter: two increments add up', async () => {
    const { server, anna, ben } = await upgraded({ title: 'A', likes: 5 }, plan({ likes: { kind: 'counter' } }));
    await notes(anna).update(id, { likes: 6 });
    await notes(ben).update(id, { likes: 6 });
    await sync(server, anna, ben);
    expect((await row(anna)).likes).toBe(7);
  });
  it('[EVO3] register -> counter: setting it to 0 is not lost', async () => {
    const { anna } = await upgraded({ title: 'A', likes: 5 }, plan({ likes: { kind: 'counter' } }));
    await notes(anna).update(id, { likes: 0 });
    expect((await row(anna)).likes).toBe(0);
  });
  it('[EVO4] register with text -> counter: other fields can still be edited', async () => {
    const { anna } = await upgraded({ title: 'A', likes: 'five' }, plan({ likes: { kind: 'counter' } }));
    await notes(anna).update(id, { title: 'B' });
    expect((await row(anna)).title).toBe('B');
  });
  it('[EVO5] register with text -> set: other fields can still be edited', async () => {
    const { anna } = await upgraded({ title: 'A', tags: 'a, b' }, plan({ tags: { kind: 'set' } }));
    await notes(anna).update(id, { title: 'B' });
    expect((await row(anna)).title).toBe('B');
  });
  it('[EVO6] register -> set: the last element goes', async () => {
    const { anna } = await upgraded({ title: 'A', tags: ['a', 'b'] }, plan({ tags: { kind: 'set' } }));
    await notes(anna).update(id, { tags: [] });
    expect((await row(anna)).tags).toEqual([]);
  });
  it('[EVO7] register -> set, in two steps', async () => {
    const { anna } = await upgraded({ title: 'A', tags: ['a', 'b'] }, plan({ tags: { kind: 'set' } }));
    await notes(anna).update(id, { tags: ['a'] });
    await notes(anna).update(id, { tags: [] });
    expect((await row(anna)).tags).toEqual([]);
  });
  it('[EVO8] register -> set: a removal survives an edit of another field elsewhere', async () => {
    const { server, anna, ben } = await upgraded({ title: 'A', tags: ['a', 'b'] }, plan({ tags: { kind: 'set' } }));
    await notes(anna).update(id, { tags: ['b'] });
    await notes(ben).update(id, { title: 'B' });
    await sync(server, anna, ben);
    expect((await row(anna)).tags).toEqual(['b']);
  });
  it('[EVO9] registers -> group: an edit of another field makes no conflict about the group', async () => {
    const { server, anna, ben } = await upgraded({ title: 'A', start: '10', end: '11' }, plan({}, [['start', 'end']]));
    await notes(anna).update(id, { title: 'B' });
    await notes(ben).update(id, { start: '9' });
    await sync(server, anna, ben);
    expect([await anna.db.readConflicts(), (await row(anna)).start]).toEqual([[], '9']);
  });
  it('[EVO10] registers -> group: an edit by the old app is not hidden by an unrelated edit of the new one', async () => {
    const server = new LogServer();
    const old = await testDevice('old', { name: `s${++n}`, plan: PLAIN });
    const fresh = await testDevice('new', { name: `s${++n}`, plan: plan({}, [['start', 'end']]) });
    await notes(old).add({ id, title: 'A', start: '10', end: '11' });
    await sync(server, old, fresh);
    await notes(fresh).update(id, { title: 'B' });
    await sync(server, fresh, old);
    await notes(old).update(id, { start: '9' });
    await sync(server, old, fresh);
    expect([(await row(old)).start, (await row(fresh)).start]).toEqual(['9', '9']);
  });
  it('[EVO11] group -> registers: a removed field stays removed', async () => {
    const { anna } = await upgraded({ title: 'A', start: '10', end: '11' }, PLAIN, plan({}, [['start', 'end']]));
    await notes(anna).update(id, { start: undefined });
    expect(await row(anna)).toEqual({ id, title: 'A', end: '11' });
  });
  it('[EVO12] register -> group: a removed field stays removed', async () => {
    const { anna } = await upgraded({ title: 'A', start: '10', end: '11' }, plan({}, [['start', 'end']]));
    await notes(anna).update(id, { start: undefined });
    expect(await row(anna)).toEqual({ id, title: 'A', end: '11' });
  });
  it('[EVO13] an app that knows less syncs for a while: the other one sees everything afterwards', async () => {
    const server = new LogServer();
    const tasks = { ...PLAIN, name: 'tasks' };
    const both = { name: 'app5', collections: [PLAIN, tasks] };
    const common = { user: { id: 'u' }, durability: 'relaxed' as const, onLocalWrite: () => undefined };
    const writer = await openLocalDatabase({ ...common, name: 'w5', collections: [tasks] });
    const writerStore = await openDeviceStore({ name: 'w5', collections: [tasks] });
    const push = async () => {
      for (const i of await writerStore.readOutbox(null, { changes: 100, bytes: 1e9 })) server.admit(i.change);
    };
    await writer.dexie.table('tasks').add({ id, title: 'A' });
    await push();
    let db = await openLocalDatabase({ ...common, ...both });
    let store = await openDeviceStore(both);
    await store.ingest(server.page(0), [SID]);
    expect(await db.dexie.table('tasks').get(id)).toMatchObject({ title: 'A' });
    // Another tab with the older app syncs.
    const older = await openDeviceStore({ name: 'app5', collections: [PLAIN] });
    await writer.dexie.table('tasks').update(id, { title: 'B' });
    await push();
    await older.ingest(server.page(1), [SID]);
    older.close();
    store.close();
    db.close();
    db = await openLocalDatabase({ ...common, ...both });
    expect(await db.dexie.table('tasks').get(id)).toMatchObject({ title: 'B' });
  });
});

describe('delete and re-creation', () => {
  const P = plan({ likes: { kind: 'counter' }, tags: { kind: 'set' } });
  async function pair(p = P, note: Record<string, unknown> = { title: 'A', likes: 5, tags: ['x'] }) {
    const server = new LogServer();
    const [anna, ben] = [
      await testDevice('a', { name: `s${++n}`, plan: p }),
      await testDevice('b', { name: `s${++n}`, plan: p }),
    ];
    await notes(anna).add({ id, ...note });
    await sync(server, anna, ben);
    return { server, anna, ben };
  }
  it('[EVO14] a row made again under an old id starts at 0', async () => {
    const { anna } = await pair();
    await notes(anna).delete(id);
    await notes(anna).add({ id, title: 'new' });
    expect(await row(anna)).toEqual({ id, title: 'new', likes: 0, tags: [] });
  });
  it('[EVO15] made again on two devices: the count is not taken away twice', async () => {
    const { server, anna, ben } = await pair();
    await notes(anna).delete(id);
    await sync(server, anna, ben);
    await notes(anna).add({ id, title: 'new', likes: 0 });
    await notes(ben).add({ id, title: 'new', likes: 0 });
    await sync(server, anna, ben);
    expect((await row(anna)).likes).toBe(0);
  });
  it('[EVO16] made again on two devices with 1 like each: 2 likes', async () => {
    const { server, anna, ben } = await pair();
    await notes(anna).delete(id);
    await sync(server, anna, ben);
    await notes(anna).add({ id, title: 'new', likes: 1 });
    await notes(ben).add({ id, title: 'new', likes: 1 });
    await sync(server, anna, ben);
    expect((await row(anna)).likes).toBe(2);
  });
  it('[EVO17] delete-wins: a row made again after a lost edit is there', async () => {
    const { server, anna, ben } = await pair(plan({}, [], 'delete-wins'), { title: 'A' });
    await notes(anna).delete(id);
    await notes(ben).update(id, { title: 'B' });
    await sync(server, anna, ben);
    expect(await row(anna)).toBeUndefined();
    await notes(anna).add({ id, title: 'B' });
    expect(await row(anna)).toMatchObject({ title: 'B' });
  });
  it('[EVO18] set element re-added after delete while another removes: equal on both', async () => {
    const { server, anna, ben } = await pair();
    await notes(anna).delete(id);
    await notes(ben).update(id, { tags: ['x', 'y'], likes: 6 });
    await sync(server, anna, ben);
    const [c] = await anna.db.readConflicts();
    await anna.db.resolve(c!, { life: 'dead' });
    await notes(ben).update(id, { tags: ['z'] });
    await sync(server, anna, ben);
    expect([await row(anna), await anna.db.readConflicts()]).toEqual([await row(ben), await ben.db.readConflicts()]);
  });
  it('[EVO19] clear() then the same rows again: nothing is left over', async () => {
    const { anna } = await pair();
    await anna.db.transact({}, async () => {
      await notes(anna).clear();
      await notes(anna).add({ id, title: 'A' });
    });
    expect(await row(anna)).toEqual({ id, title: 'A', likes: 0, tags: [] });
  });
});
