/** Contexts of one device that have different functions, or none. */
import { expect, test } from 'vitest';

import type { PolicyProblem } from '../core/policy-problem.ts';
import type { MergeFunctions } from '../policies/merge.ts';
import { definedMerges, defineMerges } from '../worker/merges.ts';
import { exchange, SID, LogServer, NOTES, testDevice } from './devices.fixture.ts';
import { openDeviceStore } from './ingest.ts';
import { viewFingerprint } from './views.ts';

const PLAN = { ...NOTES, fields: { ...NOTES.fields, best: { kind: 'merge', name: 'best' } as const } };
const MERGES: MergeFunctions = { best: ({ versions }: { versions: readonly number[] }) => Math.max(...versions) };
let count = 0;

/** A page with the functions, whose device syncs in a context with others; Ben wrote at once. */
async function clash(others: MergeFunctions) {
  const server = new LogServer();
  const name = `merge-${++count}`;
  const problems: PolicyProblem[] = [];
  const anna = await testDevice('anna', { name, plan: PLAN, merges: MERGES, onProblem: (one) => problems.push(one) });
  const ben = await testDevice('ben', { name: `merge-${++count}`, plan: PLAN, merges: MERGES });
  await anna.db.dexie.table('notes').add({ id: 'r', title: 'A', best: 1 });
  await exchange(server, anna, ben);
  await anna.db.dexie.table('notes').update('r', { best: 7 });
  await ben.db.dexie.table('notes').update('r', { best: 5 });
  for (const device of [anna, ben]) await device.push(server);
  const leader = await openDeviceStore({ name, collections: [PLAN] }, others);
  const result = await leader.ingest(server.page(1), [SID]);
  return { server, name, anna, ben, leader, result, problems };
}

test('[MRG14] a syncing context without the function asks and says so once; state and other fields are the same', async () => {
  const { server, anna, ben, leader, result } = await clash({});
  expect(result).toMatchObject({
    type: 'ingested',
    problems: [{ type: 'policy-failed', collection: 'notes', rowId: 'r', field: 'best', policy: 'best' }],
  });
  expect(await anna.db.readConflicts()).toHaveLength(1);
  await ben.pull(server);
  await ben.db.dexie.table('notes').update('r', { title: 'B' });
  await ben.push(server);
  expect(await leader.ingest(server.page(3), [SID])).toMatchObject({ type: 'ingested', problems: [] });
  expect(await anna.db.dexie.table('notes').get('r')).toMatchObject({ title: 'B' });
  leader.close();
});

test('[MRG14] a page that has the function reads anew what a context without it has stored', async () => {
  const { name, anna, leader } = await clash({});
  leader.close();
  anna.close();
  const again = await testDevice('anna', { name, plan: PLAN, merges: MERGES });
  expect(await again.db.readConflicts()).toEqual([]);
  expect(await again.db.dexie.table('notes').get('r')).toMatchObject({ best: 7 });
  again.close();
});

test('[MRG14] a write of a page that has the function shows its merge and closes the conflict', async () => {
  const { anna, leader } = await clash({});
  await anna.db.dexie.table('notes').update('r', { title: 'B' });
  expect(await anna.db.readConflicts()).toEqual([]);
  leader.close();
});

test('[MRG15] functions that a worker defines are those it merges with', async () => {
  for (const bad of [undefined, 'best', {}])
    expect(() => defineMerges({ best: bad as never })).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  defineMerges(MERGES);
  const { anna, leader, result, problems } = await clash(definedMerges);
  expect([await anna.db.readConflicts(), problems]).toEqual([[], []]);
  expect(result).not.toHaveProperty('problems');
  expect(await anna.db.dexie.table('notes').get('r')).toMatchObject({ best: 7 });
  leader.close();
});

test('[MRG16] views depend on the names of the functions and on which are missing', () => {
  const named = (name: string) => ({ ...PLAN, fields: { ...PLAN.fields, best: { kind: 'merge', name } as const } });
  const prints = [
    viewFingerprint(named('best'), [], MERGES),
    viewFingerprint(named('best'), [], {}),
    viewFingerprint(named('other'), [], { other: () => 1 }),
  ];
  expect(new Set(prints).size).toBe(3);
});

test('[MRG16] a function of another name reads the stored rows anew', async () => {
  const { name, anna, leader } = await clash(MERGES);
  leader.close();
  anna.close();
  const plan = { ...PLAN, fields: { ...PLAN.fields, best: { kind: 'merge', name: 'worst' } as const } };
  const worst: MergeFunctions = { worst: ({ versions }: { versions: readonly number[] }) => Math.min(...versions) };
  const again = await testDevice('anna', { name, plan, merges: worst });
  expect(await again.db.dexie.table('notes').get('r')).toMatchObject({ best: 5 });
  again.close();
});

test('[MRG16] what a failing function leaves open is told when the views are computed', async () => {
  const { name, anna, leader } = await clash(MERGES);
  leader.close();
  anna.close();
  const problems: PolicyProblem[] = [];
  const plan = { ...PLAN, fields: { ...PLAN.fields, best: { kind: 'merge', name: 'broken' } as const } };
  const again = await testDevice('anna', {
    name,
    plan,
    merges: { broken: () => NaN },
    onProblem: (one) => problems.push(one),
  });
  expect(problems).toMatchObject([{ type: 'policy-failed', policy: 'broken', rowId: 'r' }]);
  again.close();
});
