import { describe, expect, it } from 'vitest';
import { exchange, LogServer, testDevice, type TestDevice } from './devices.fixture.ts';
const id = 'n1';
const plan = {
  name: 'notes',
  fields: { body: { kind: 'text' as const } },
  groups: [],
  onDeleteVsEdit: 'ask' as const,
  indexes: [],
};
const body = async (d: TestDevice) => (await d.db.dexie.table('notes').get(id)).body as string;
const edit = async (d: TestDevice, from: string, to: string) =>
  d.db.dexie.table('notes').update(id, { body: (await body(d)).replace(from, to) });
describe('text', () => {
  it("[TXB1] bases with one clock but different text: nobody's edit is lost in silence", async () => {
    const server = new LogServer();
    let now = 1_800_000_000_000;
    const make = (skew: number) => testDevice('x', { plan, nowMs: () => now + skew });
    const [a, b, d] = [await make(100_000), await make(0), await make(0)];
    await a.db.dexie.table('notes').add({ id, body: '1\n2\n3\n4\n5\n6\n7\n8\n9\n' });
    await exchange(server, a, b, d);
    await a.pull(server);
    now += 1000;
    await edit(b, '3', '3y'); // y: the smaller clock? it received a's clock, so make x later
    await edit(a, '1', '1x'); // x
    await a.push(server);
    await b.push(server); // log: x, y
    await a.pull(server, 1); // a has x confirmed, not y
    await d.pull(server); // d has x and y
    await edit(a, '5', '5e'); // e1, base: x
    await edit(d, '9', '9f'); // e2, base: x and y merged
    await d.push(server);
    await a.push(server); // log: x, y, e2, e1
    for (const one of [a, b, d]) await one.pull(server);
    expect(JSON.stringify([await body(a), await body(b), await body(d), (await a.db.readConflicts()).length])).toBe(
      JSON.stringify([...Array(3).fill('1x\n2\n3y\n4\n5e\n6\n7\n8\n9f\n'), 0]),
    );
    expect([await body(a), await body(b), await body(d)]).toEqual(Array(3).fill('1x\n2\n3y\n4\n5e\n6\n7\n8\n9f\n'));
  });
  it('[TXB2] a text written by somebody who never saw the other one removes nothing of it in silence', async () => {
    const server = new LogServer();
    const [a, b] = [await testDevice('a', { plan }), await testDevice('b', { plan })];
    await a.db.dexie.table('notes').add({ id, title: 'x' });
    await exchange(server, a, b);
    await b.db.dexie.table('notes').update(id, { body: 'A\n' }); // offline, never saw a text
    await a.db.dexie.table('notes').update(id, { body: 'A\nB\n' });
    await a.sync(server);
    await a.db.dexie.table('notes').update(id, { body: 'Z\nA\nB\n' }); // base: A B
    await exchange(server, a, b);
    await a.pull(server);
    const conflicts = await a.db.readConflicts();
    expect([(await body(a)).includes('B') || conflicts.length > 0, await body(a)]).toEqual([true, await body(b)]);
  });
});
