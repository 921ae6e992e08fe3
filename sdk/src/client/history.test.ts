/** The past of rows: the client over real sockets. */
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { fww } from '../policies/fww.ts';
import { hot } from '../policies/hot.ts';
import { local } from '../policies/local.ts';
import { lww } from '../policies/lww.ts';
import { max } from '../policies/extremum.ts';
import { text } from '../policies/text.ts';
import { set } from '../policies/set.ts';
import { counter } from '../policies/counter.ts';
import { collection } from './definition.ts';
import { closeAll, freshName, remember } from './notes.fixture.ts';
import { open } from './open.ts';
import { serve, type Served } from './served.fixture.ts';
import type { Db, FieldConflict, RejectedWrite, Revision, RowMeta } from './types.ts';

interface Plan {
  title: string;
  owner?: string;
  best?: number;
  note?: string;
  color?: string;
  tags?: string[];
  likes?: number;
  typing?: string;
  folded?: boolean;
}

const collections = {
  plans: collection<Plan>({
    fields: {
      color: lww(),
      owner: fww(),
      best: max(),
      note: text(),
      tags: set(),
      likes: counter(),
      typing: hot(),
      folded: local(),
    },
  }),
};
type PlansDb = Db<typeof collections>;

let server: Served;
let anna: PlansDb;
let ben: PlansDb;

beforeEach(async () => {
  server = await serve({
    authorize: ({ recs }) => !JSON.stringify(recs).includes('forbidden'),
    retention: { tombstoneMs: 1e9, logMs: 1_000 },
  });
  [anna, ben] = [await openDevice('anna'), await openDevice('ben')];
});
afterEach(async () => {
  await closeAll();
  await server.close();
});

async function openDevice(user: string, name = freshName()): Promise<PlansDb> {
  const options = { user: { id: user, name: user.toUpperCase() }, device: { name: `${user}'s phone` } };
  return remember(await open({ name, collections, ...options, sync: { url: server.url }, worker: false }));
}

async function settled(): Promise<void> {
  await anna.sync.settled();
  await ben.sync.settled();
}

/** Both have the row and then write it without hearing of each other, ben later. */
async function apart(mine: Partial<Plan>, theirs: Partial<Plan>): Promise<void> {
  await anna.plans.insert({ id: 'a', title: 'plan' });
  await settled();
  ben.sync.pause();
  await anna.plans.update('a', mine);
  await anna.sync.settled();
  await new Promise((resolve) => setTimeout(resolve, 5));
  await ben.plans.update('a', theirs);
  ben.sync.resume();
  await settled();
  await anna.sync.settled();
}

const briefly = ({ state, user, values }: Revision<Plan>): unknown[] => [state, user?.id, values];

test('[HIS1] history() tells who wrote what, when and where, newest first, and survives a reload', async () => {
  const name = freshName();
  const db = await openDevice('carl', name);
  await db.plans.insert({ id: 'a', title: 'one', tags: ['x'] });
  const earliest = Date.now();
  await db.plans.update('a', { title: 'two', note: 'n' });
  await db.plans.update('a', (draft) => void delete draft.note);
  await db.sync.settled();
  ben.sync.pause();
  db.sync.pause();
  await db.plans.delete('a');
  const history = await db.plans.history('a');
  expect(history.map(({ action, state, fields, values, row, pending }) => ({ action, state, fields: [...fields].sort(), values, row, pending }))).toEqual([
    { action: 'delete', state: 'current', fields: [], values: {}, row: null, pending: true },
    { action: 'update', state: 'former', fields: ['note'], values: {}, row: { id: 'a', title: 'two', tags: ['x'], likes: 0 }, pending: false },
    { action: 'update', state: 'former', fields: ['note', 'title'], values: { title: 'two', note: 'n' }, row: { id: 'a', title: 'two', note: 'n', tags: ['x'], likes: 0 }, pending: false },
    { action: 'insert', state: 'former', fields: ['tags', 'title'], values: { title: 'one', tags: ['x'] }, row: { id: 'a', title: 'one', tags: ['x'], likes: 0 }, pending: false },
  ]); // prettier-ignore
  const user = { id: 'carl', name: 'CARL' };
  for (const revision of history)
    expect(revision).toMatchObject({ user, device: { name: "carl's phone" }, here: true });
  expect(history[0]!.at.getTime()).toBeGreaterThanOrEqual(history[1]!.at.getTime());
  expect(history[1]!.at.getTime()).toBeGreaterThanOrEqual(earliest);
  expect(await db.plans.history('a', { limit: 2 })).toEqual(history.slice(0, 2));
  await db.close();
  expect(await (await openDevice('carl', name)).plans.history('a', { limit: 4 })).toMatchObject(
    history.map(({ id, row }) => ({ id, row })),
  );
});

test('[HIS4] what lww, fww and max pass over is in the history of both, also when it was written over since', async () => {
  await apart({ color: 'red', owner: 'anna', best: 9 }, { color: 'blue', owner: 'ben', best: 4 });
  for (const db of [anna, ben]) {
    expect(await db.plans.get('a')).toMatchObject({ color: 'blue', owner: 'anna', best: 9 });
    const lost = async (): Promise<unknown> =>
      (await db.plans.history('a')).flatMap(({ values }) => [values.color, values.owner, values.best]);
    expect(await lost()).toEqual(expect.arrayContaining(['red', 'ben', 4]));
  }
  await anna.plans.update('a', { color: 'green', owner: 'both', best: 10 });
  await settled();
  for (const db of [anna, ben]) {
    const told = (await db.plans.history('a')).flatMap(({ values }) => [values.color, values.owner, values.best]);
    expect(told).toEqual(expect.arrayContaining(['red', 'blue', 'ben', 4, 9]));
  }
});

test('[HIS4] a write of which nothing was ever shown stood aside', async () => {
  await apart({ best: 9 }, { best: 4 });
  const [aside, current] = await anna.plans.history('a');
  expect([aside, current].map((one) => briefly(one!))).toEqual([
    ['aside', 'ben', { best: 4 }],
    ['current', 'anna', { best: 9 }],
  ]);
  expect(aside).toMatchObject({ row: { title: 'plan', best: 4 }, here: false, user: { id: 'ben', name: 'BEN' } });
});

test('[HIS5] the versions of a conflict are in the history, before and after somebody decided', async () => {
  await apart({ title: 'universe' }, { title: 'unicorn' });
  const titles = async (db: PlansDb): Promise<unknown> => (await db.plans.history('a')).map(briefly);
  expect(await titles(anna)).toEqual([
    ['current', 'ben', { title: 'unicorn' }],
    ['former', 'anna', { title: 'universe' }],
    ['former', 'anna', { title: 'plan' }],
  ]);
  expect(await titles(ben)).toEqual([
    ['aside', 'anna', { title: 'universe' }],
    ['current', 'ben', { title: 'unicorn' }],
    ['former', 'anna', { title: 'plan' }],
  ]);
  const [conflict] = ben.conflicts$.value as readonly FieldConflict[];
  await conflict!.resolve({ value: { title: 'multiverse' } });
  await settled();
  await anna.sync.settled();
  for (const db of [anna, ben]) {
    const told = await db.plans.history('a');
    expect(briefly(told[0]!)).toEqual(['current', 'ben', { title: 'multiverse' }]);
    expect(told.map(({ values }) => values.title).sort()).toEqual(['multiverse', 'plan', 'unicorn', 'universe']);
  }
});

test('[HIS6] a write that a server did not take is told as withdrawn, also when it was discarded', async () => {
  await anna.plans.insert({ id: 'a', title: 'one' });
  await anna.sync.settled();
  await anna.plans.update('a', { title: 'forbidden' });
  await expect.poll(() => anna.conflicts$.value.length).toBe(1);
  const told = [
    ['withdrawn', 'anna', { title: 'forbidden' }],
    ['current', 'anna', { title: 'one' }],
  ];
  expect((await anna.plans.history('a')).map(briefly)).toEqual(told);
  await (anna.conflicts$.value[0] as RejectedWrite).resolve('discard');
  await settled();
  expect((await anna.plans.history('a')).map(briefly)).toEqual(told);
  await anna.plans.restore('a', (await anna.plans.history('a'))[0]!);
  expect(await anna.plans.get('a')).toMatchObject({ title: 'forbidden' });
});

test('[HIS9] hot and local fields are in no history, and restore() leaves them as they are', async () => {
  await anna.plans.insert({ id: 'a', title: 'one', typing: 'anna', folded: true });
  await anna.plans.update('a', { title: 'two', typing: 'ben', folded: false });
  await anna.plans.update('a', { typing: 'nobody' });
  const history = await anna.plans.history('a');
  expect(history.map(({ row, fields }) => [row, [...fields].sort()])).toEqual([
    [{ id: 'a', title: 'two', tags: [], likes: 0 }, ['title']],
    [{ id: 'a', title: 'one', tags: [], likes: 0 }, ['title']],
  ]);
  await anna.plans.restore('a', history[1]!.id);
  expect(await anna.plans.get('a')).toMatchObject({ title: 'one', typing: 'nobody', folded: false });
});

test('[HIS10] restore() writes a row as it was, everywhere, as a write that is in the history too', async () => {
  // Both on one page, so that Ben sees the outcome alone.
  anna.sync.pause();
  await expect.poll(() => anna.status$.value.connection).toBe('paused');
  await anna.plans.insert({ id: 'a', title: 'one', note: 'first', tags: ['x'], likes: 3 });
  await anna.plans.update('a', (draft) => {
    Object.assign(draft, { title: 'two', tags: ['y'], likes: 5 });
    delete draft.note;
  });
  anna.sync.resume();
  await settled();
  const [, first] = await ben.plans.history('a');
  expect(first).toBeUndefined();
  const [, former] = await anna.plans.history('a');
  await anna.plans.restore('a', former!);
  await settled();
  for (const db of [anna, ben])
    expect(await db.plans.get('a')).toEqual({ id: 'a', title: 'one', note: 'first', tags: ['x'], likes: 3 });
  expect((await anna.plans.history('a')).map(({ state, row }) => [state, row!.title])).toEqual([
    ['current', 'one'],
    ['former', 'two'],
    ['former', 'one'],
  ]);
  expect((await ben.plans.history('a')).map(({ row }) => row!.title)).toEqual(['one', 'two']);
});

test('[HIS10] a deleted row is made again as it was', async () => {
  await anna.plans.insert({ id: 'a', title: 'one', tags: ['x'], likes: 3, folded: true });
  await settled();
  await ben.plans.delete('a');
  await settled();
  await anna.sync.settled();
  const [deleted, before] = await anna.plans.history('a');
  expect([deleted!.action, deleted!.user?.id, deleted!.row]).toEqual(['delete', 'ben', null]);
  await anna.plans.restore('a', before!);
  await settled();
  expect(await ben.plans.get('a')).toEqual({ id: 'a', title: 'one', tags: ['x'], likes: 3 });
  expect(await anna.plans.history('a', { limit: 1 })).toMatchObject([{ action: 'insert', state: 'current' }]);
});

test('[HIS11] a bad revision is refused, and nothing is written', async () => {
  anna.sync.pause();
  await expect.poll(() => anna.status$.value.connection).toBe('paused');
  await anna.plans.insert({ id: 'a', title: 'one' });
  await anna.plans.insert({ id: 'b', title: 'other' });
  const [other] = await anna.plans.history('b');
  await anna.plans.delete('a');
  const [deleted] = await anna.plans.history('a');
  const pending = anna.status$.value.pending.changes;
  for (const unknown of [other!, 'never.1'])
    await expect(anna.plans.restore('a', unknown)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(anna.plans.restore('nobody', other!)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  for (const bad of [deleted!, {}, null, '', 3])
    await expect(anna.plans.restore('a', bad as never)).rejects.toMatchObject({ code: 'INVALID_VALUE' });
  for (const bad of [0, -1, 1.5, '1'])
    await expect(anna.plans.history('a', { limit: bad as number })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  await expect(anna.plans.history('')).rejects.toMatchObject({ code: 'INVALID_ID' });
  expect(await anna.plans.history('nobody')).toEqual([]);
  expect(await anna.plans.get('a')).toBeUndefined();
  expect(anna.status$.value.pending.changes).toBe(pending);
  await anna.close();
  await expect(anna.plans.history('a')).rejects.toMatchObject({ code: 'CLOSED' });
  await expect(anna.plans.restore('a', other!)).rejects.toMatchObject({ code: 'CLOSED' });
});

test('[HIS12] both work in a transaction, as it shows the row, and the commit can be undone', async () => {
  await anna.plans.insert({ id: 'a', title: 'one' });
  await anna.plans.update('a', { title: 'two' });
  const commit = await anna.transaction(async (tx) => {
    const [, former] = await tx.plans.history('a');
    await tx.plans.update('a', { color: 'red' });
    await tx.plans.restore('a', former!);
    expect((await tx.plans.history('a')).map(({ row }) => row)).toMatchObject([
      { title: 'one' },
      { title: 'two' },
      { title: 'one' },
    ]);
  });
  expect(await anna.plans.get('a')).toEqual({ id: 'a', title: 'one', tags: [], likes: 0 });
  await commit.undo();
  expect(await anna.plans.get('a')).toMatchObject({ title: 'two' });
});

test('[HIS15] what a snapshot replaces is in the history', async () => {
  await anna.plans.insert({ id: 'a', title: 'one' });
  await settled();
  ben.sync.pause();
  await anna.plans.update('a', { title: 'two' });
  await anna.plans.update('a', { title: 'three', tags: ['x'] });
  await anna.sync.settled();
  for (let i = 0; i < 4; i++) {
    server.log.maintain();
    server.pass(2_000);
    await expect.poll(() => server.log.nowMs).toBeGreaterThan(Date.now() + i * 2_000);
  }
  server.log.maintain();
  expect(server.log.log).toEqual([]);
  ben.sync.resume();
  await settled();
  expect((await ben.plans.history('a')).map(({ state, row }) => [state, row!.title])).toEqual([
    ['current', 'three'],
    ['former', 'one'],
  ]);
});

function follow(db: PlansDb, id: string): RowMeta[] {
  const told: RowMeta[] = [];
  db.plans.meta(id).subscribe((meta) => told.push(meta));
  return told;
}

test('[MTA1] meta() says who wrote the row last, where and when, and whether that is still to be sent', async () => {
  ben.sync.pause();
  await ben.plans.insert({ id: 'a', title: 'one' });
  const told = follow(ben, 'a');
  await expect
    .poll(() => told.at(-1))
    .toMatchObject({
      author: { id: 'ben', name: 'BEN' },
      device: { name: "ben's phone" },
      here: true,
      pending: true,
      conflicts: [],
    });
  const { at } = told.at(-1)!;
  ben.sync.resume();
  await expect.poll(() => told.at(-1)!.pending).toBe(false);
  await settled();
  await anna.plans.update('a', { title: 'two' });
  await expect.poll(() => told.at(-1)).toMatchObject({ author: { id: 'anna' }, here: false, pending: false });
  expect(told.at(-1)!.at!.getTime()).toBeGreaterThanOrEqual(at!.getTime());
  await anna.plans.delete('a');
  await expect.poll(() => told.at(-1)!.at!.getTime()).toBeGreaterThanOrEqual(Date.now() - 60_000);
  expect(told.at(-1)).toMatchObject({ author: { id: 'anna' } });
});

test('[MTA2] it names the open conflicts about the row, of whatever kind', async () => {
  await apart({ title: 'universe' }, { title: 'unicorn' });
  const told = follow(anna, 'a');
  await expect.poll(() => told.at(-1)?.conflicts).toEqual(anna.conflicts$.value.map(({ id }) => id));
  expect(told.at(-1)!.conflicts).toHaveLength(1);
  await anna.plans.update('a', { note: 'forbidden' });
  await expect.poll(() => told.at(-1)?.conflicts.length).toBe(2);
  await expect.poll(() => anna.conflicts$.value.map(({ id }) => id).sort()).toEqual(told.at(-1)!.conflicts);
  await (anna.conflicts$.value.find(({ kind }) => kind === 'field') as FieldConflict).resolve({ version: 0 });
  await expect.poll(() => told.at(-1)?.conflicts.length).toBe(1);
});

test('[MTA3] of a row that was never here nothing is said; a write of another row is not told, nor one that changes no answer', async () => {
  const told = follow(anna, 'a');
  await expect.poll(() => told.length).toBe(1);
  expect(told).toEqual([{ author: null, device: null, at: null, here: false, pending: false, conflicts: [] }]);
  await anna.plans.insert({ id: 'b', title: 'other' });
  await settled();
  await anna.plans.insert({ id: 'a', title: 'one' });
  await expect.poll(() => told.length).toBeGreaterThan(1);
  expect(told[1]).toMatchObject({ author: { id: 'anna' } });
  await settled();
  expect(() => anna.plans.meta('')).toThrow();
});
