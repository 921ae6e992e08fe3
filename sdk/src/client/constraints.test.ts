import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { acyclic } from '../constraints/acyclic.ts';
import { noOverlap } from '../constraints/no-overlap.ts';
import { references } from '../constraints/references.ts';
import { unique } from '../constraints/unique.ts';
import { counter } from '../policies/counter.ts';
import { set } from '../policies/set.ts';
import { collection, planCollections } from './definition.ts';
import { closeAll, freshName, remember } from './notes.fixture.ts';
import { open } from './open.ts';
import { serve, type Served } from './served.fixture.ts';
import type { Collections, ConstraintConflict, Db, SyncEvent } from './types.ts';

interface Meeting {
  title: string;
  room: string;
  start: string;
  end: string;
  seats?: number;
}
interface Person {
  name: string;
  mail?: string;
  boss?: string;
  seat?: string;
}

const collections = {
  meetings: collection<Meeting>({
    groups: [['room', 'start', 'end']],
    constraints: [noOverlap('rooms', { by: 'room', from: 'start', to: 'end', confirm: 'home' })],
  }),
  people: collection<Person>({
    constraints: [
      unique('mail', 'mail'),
      acyclic('bosses', { parent: 'boss' }),
      references('seat', { field: 'seat', collection: 'meetings' }),
    ],
  }),
};
type OfficeDb = Db<typeof collections>;

let server: Served;
beforeEach(async () => {
  server = await serve();
});
afterEach(async () => {
  await closeAll();
  await server.close();
});

async function device(id: string, name = freshName(), url = server.url): Promise<OfficeDb> {
  return remember(await open({ name, collections, user: { id }, sync: { url }, worker: false }));
}

async function local(name = freshName()): Promise<OfficeDb> {
  return remember(await open({ name, collections }));
}

const at = (title: string, from: number, to: number): Meeting => ({
  title,
  room: 'A',
  start: `2026-11-20T${from}:00`,
  end: `2026-11-20T${to}:00`,
});

async function conflictOf(db: OfficeDb): Promise<ConstraintConflict> {
  await expect.poll(() => db.conflicts$.value.length).toBe(1);
  return db.conflicts$.value[0] as ConstraintConflict;
}

test('[CST40] a double booking is in conflicts$ with its rows, is counted, and survives a reload', async () => {
  const name = freshName();
  const db = await local(name);
  const events: SyncEvent[] = [];
  db.events$.subscribe((event) => events.push(event));
  const first = await db.meetings.insert(at('Planning', 10, 12));
  const second = await db.meetings.insert(at('Interview', 11, 13));
  const conflict = await conflictOf(db);
  expect(conflict).toMatchObject({
    kind: 'constraint',
    collection: 'meetings',
    constraint: 'rooms',
    rowId: second,
    accepted: [first],
    contested: [second],
  });
  expect(conflict.rows.map(({ title }) => title)).toEqual(['Planning', 'Interview']);
  expect(conflict.detectedAt.getTime()).toBeGreaterThan(Date.now() - 60_000);
  expect(db.status$.value.conflicts).toBe(1);
  expect(events).toContainEqual({
    type: 'conflict-opened',
    at: expect.any(Date),
    conflict: conflict.id,
    collection: 'meetings',
    rowId: second,
  });
  await db.close();
  const again = await local(name);
  expect(again.conflicts$.value).toMatchObject([{ id: conflict.id, contested: [second] }]);
});

test('[CST41] the rows of a conflict are as they are now', async () => {
  const db = await local();
  const id = await db.meetings.insert(at('Planning', 10, 12));
  await db.meetings.insert(at('Interview', 11, 13));
  const before = await conflictOf(db);
  await db.meetings.update(id, { title: 'Retrospective' });
  await expect
    .poll(() => (db.conflicts$.value[0] as ConstraintConflict).rows.map(({ title }) => title))
    .toEqual(['Retrospective', 'Interview']);
  // What was read before is still what would be settled.
  await before.resolve('allow');
  await expect.poll(() => db.conflicts$.value).toEqual([]);
});

test('[CST42] a conflict is settled by changing a row, deleting one, or allowing all of them', async () => {
  const db = await local();
  const ids = await db.meetings.insertMany([at('Planning', 10, 12), { ...at('Interview', 11, 13), seats: 3 }]);
  const moved = await (await conflictOf(db)).resolve({ change: ids[1]!, to: { room: 'B', seats: undefined } });
  expect(moved.id).not.toBe('');
  expect(await db.meetings.get(ids[1]!)).toEqual({ id: ids[1], ...at('Interview', 11, 13), room: 'B' });
  await expect.poll(() => db.conflicts$.value).toEqual([]);
  await db.meetings.update(ids[1]!, { room: 'A' });
  await (await conflictOf(db)).resolve('allow');
  await expect.poll(() => db.conflicts$.value).toEqual([]);
  await db.meetings.update(ids[1]!, { end: at('', 11, 14).end });
  await (await conflictOf(db)).resolve({ delete: ids[0]! });
  await expect.poll(() => db.conflicts$.value).toEqual([]);
  expect(await db.meetings.count()).toBe(1);
});

test('[CST43] a bad choice is INVALID_VALUE and a change that does not help leaves a conflict', async () => {
  const db = await local();
  const ids = await db.meetings.insertMany([at('Planning', 10, 12), at('Interview', 11, 13)]);
  const conflict = await conflictOf(db);
  const choices: unknown[] = [
    undefined,
    'keep',
    {},
    { change: ids[0] },
    { change: ids[0], to: {} },
    { change: ids[0], to: { id: 'x' } },
    { change: 'other', to: { room: 'B' } },
    { delete: 'other' },
    { delete: 7 },
    { delete: ids[0], change: ids[0], to: { room: 'B' } },
    { change: ids[0], to: { start: () => 1 } },
  ];
  for (const choice of choices)
    await expect(conflict.resolve(choice as never)).rejects.toMatchObject({ code: 'INVALID_VALUE' });
  expect(db.conflicts$.value).toEqual([conflict]);
  await conflict.resolve({ change: ids[0]!, to: { start: '2026-11-20T09:00' } });
  await expect(conflict.resolve('allow')).rejects.toMatchObject({ code: 'CONFLICT_CHANGED' });
  expect((await conflictOf(db)).id).toBe(conflict.id);
  await db.close();
  await expect(conflict.resolve('allow')).rejects.toMatchObject({ code: 'CLOSED' });
});

test('[CST44] two devices that were cut off have one conflict with one id, and one decision closes it on both', async () => {
  const [anna, ben] = [await device('anna'), await device('ben')];
  await Promise.all([anna.sync.settled(), ben.sync.settled()]);
  server.stop();
  await anna.meetings.insert(at('Planning', 10, 12));
  const interview = await ben.meetings.insert(at('Interview', 11, 13));
  server.start();
  for (const db of [anna, ben, anna, ben]) await db.sync.settled();
  const [onAnna, onBen] = [await conflictOf(anna), await conflictOf(ben)];
  expect(onAnna.id).toBe(onBen.id);
  expect(onAnna.rows).toEqual(onBen.rows);
  await onAnna.resolve({ change: interview, to: { room: 'B' } });
  await anna.sync.settled();
  await ben.sync.settled();
  await expect.poll(() => ben.conflicts$.value).toEqual([]);
  await expect(onBen.resolve('allow')).rejects.toMatchObject({ code: 'CONFLICT_CHANGED' });
});

test('[CST45] claims are tentative until the server has them; then the one that it got first is confirmed on both devices', async () => {
  const [anna, ben] = [await device('anna'), await device('ben')];
  await Promise.all([anna.sync.settled(), ben.sync.settled()]);
  anna.sync.pause();
  ben.sync.pause();
  const planning = await anna.meetings.insert(at('Planning', 10, 12));
  const interview = await ben.meetings.insert(at('Interview', 11, 13));
  const states: string[] = [];
  anna.meetings.claims(planning).subscribe(([claim]) => states.push(claim!.state));
  await expect.poll(() => states).toEqual(['tentative']);
  // Ben's reaches the server first, though it was written later.
  ben.sync.resume();
  await ben.sync.settled();
  anna.sync.resume();
  await anna.sync.settled();
  await ben.sync.settled();
  await expect.poll(() => states.at(-1)).toBe('contested');
  for (const db of [anna, ben]) {
    const read = async (id: string): Promise<unknown> =>
      new Promise((resolve) => db.meetings.claims(id).subscribe((claims) => resolve(claims)));
    await expect.poll(() => read(interview)).toEqual([{ constraint: 'rooms', state: 'confirmed', before: [] }]);
    await expect.poll(() => read(planning)).toEqual([{ constraint: 'rooms', state: 'contested', before: [interview] }]);
  }
  await anna.meetings.delete(planning);
  await expect.poll(() => states.at(-1)).toBe('released');
});

test('[CST46] equal addresses, a circle of bosses and a missing seat are conflicts', async () => {
  const db = await local();
  await db.people.insertMany([
    { id: 'a', name: 'A', mail: 'x@example.org', boss: 'b' },
    { id: 'b', name: 'B', mail: 'x@example.org', boss: 'a', seat: 'nowhere' },
  ]);
  await expect
    .poll(() => db.conflicts$.value.map((one) => one.kind === 'constraint' && one.constraint).toSorted())
    .toEqual(['bosses', 'mail', 'seat']);
});

test('[CST47] resolve() inside a transaction belongs to it', async () => {
  const db = await local();
  const ids = await db.meetings.insertMany([at('Planning', 10, 12), at('Interview', 11, 13)]);
  const conflict = await conflictOf(db);
  const failing = db.transaction(async (tx) => {
    await conflict.resolve('allow');
    await tx.meetings.update(ids[0]!, { title: 'never' });
    throw new Error('given up');
  });
  await expect(failing).rejects.toThrow('given up');
  expect(db.conflicts$.value).toEqual([conflict]);
  await db.transaction(async (tx) => {
    await conflict.resolve({ delete: ids[1]! });
    await tx.meetings.update(ids[0]!, { title: 'alone' });
  });
  await expect.poll(() => db.conflicts$.value).toEqual([]);
  expect(db.outbox$.value.at(-1)?.rows.map(({ kind }) => kind)).toEqual(['delete', 'write']);
});

test.each<[string, Collections]>([
  [
    'a collection that is not there',
    { notes: collection<Person>({ constraints: [references('r', { field: 'boss', collection: 'bosses' })] }) },
  ],
  [
    'a set',
    { notes: collection<{ tags: string[] }>({ fields: { tags: set() }, constraints: [unique('tags', ['tags'])] }) },
  ],
  ['a counter', { notes: collection<{ n: number }>({ fields: { n: counter() }, constraints: [unique('n', ['n'])] }) }],
  ['the id', { notes: collection<{ id: string }>({ constraints: [unique('ids', ['id'])] }) }],
  ['no field', { notes: collection<Person>({ constraints: [unique('none', [])] }) }],
  ['a field that cannot be', { notes: { options: { constraints: [{ kind: 'unique', name: 'x', fields: ['a/b'] }] } } }],
  ['a name twice', { notes: collection<Person>({ constraints: [unique('x', ['name']), unique('x', ['mail'])] }) }],
  ['no name', { notes: collection<Person>({ constraints: [unique('', ['name'])] }) }],
  [
    'one field for both ends',
    { notes: collection<Meeting>({ constraints: [noOverlap('x', { by: 'room', from: 'start', to: 'start' })] }) },
  ],
  ['an unknown kind', { notes: { options: { constraints: [{ kind: 'atMost', name: 'x' }] } } } as never],
  ['no list', { notes: { options: { constraints: { kind: 'unique' } } } } as never],
  [
    'an unknown confirmation',
    { notes: { options: { constraints: [{ kind: 'unique', name: 'x', fields: ['a'], confirm: 'all' }] } } } as never,
  ],
  [
    'a home without asking it',
    { notes: { options: { constraints: [{ kind: 'unique', name: 'x', fields: ['a'], home: 'S' }] } } } as never,
  ],
  [
    'a condition that is none',
    { notes: { options: { constraints: [{ kind: 'unique', name: 'x', fields: ['a'], when: 'b' }] } } } as never,
  ],
])('[CST48] a constraint about %s is INVALID_SCHEMA before anything is opened', (_what, given) => {
  expect(() => planCollections(given)).toThrow(expect.objectContaining({ code: 'INVALID_SCHEMA' }));
});

test('[CST49] a constraint that contradicts the type of its row does not compile', () => {
  const contradicting = [
    // @ts-expect-error -- there is no such field
    collection<Meeting>({ constraints: [noOverlap('x', { by: 'rom', from: 'start', to: 'end' })] }),
    // @ts-expect-error -- the other end is a field too
    collection<Meeting>({ constraints: [noOverlap('x', { by: 'room', from: 'start' })] }),
    // @ts-expect-error -- there is no such field
    collection<Meeting>({ constraints: [unique('x', ['titel'])] }),
    // @ts-expect-error -- a row's id is text
    collection<Meeting>({ constraints: [acyclic('x', { parent: 'seats' })] }),
    // @ts-expect-error -- a condition names fields of the row
    collection<Meeting>({ constraints: [unique('x', ['title'], { when: { sets: 3 } })] }),
    // @ts-expect-error -- a condition says yes or no
    collection<Meeting>({ constraints: [unique('x', ['title'], { when: (row) => row.title })] }),
  ];
  const fitting = collection<Meeting>({
    constraints: [
      unique('x', ['title', 'seats'], { when: { room: ['A', 'B'], seats: 3 } }),
      noOverlap('y', { by: 'room', from: 'start', to: 'end', when: (row) => (row.seats ?? 0) > 2 && row.id !== '' }),
    ],
  });
  expect(contradicting).toHaveLength(6);
  expect(planCollections({ fitting })[0]!.constraints).toHaveLength(2);
});

test('[CST12] a condition that is a function cannot go to a worker of the app: INVALID_OPTION', async () => {
  const meetings = collection<Meeting>({ constraints: [unique('x', ['title'], { when: (row) => row.room !== 'A' })] });
  const worker = (): Worker => {
    throw new Error('not asked for');
  };
  const opened = open({ name: freshName(), collections: { meetings }, sync: { url: server.url }, worker });
  await expect(opened).rejects.toMatchObject({ code: 'INVALID_OPTION' });
});

test('[CST12] a condition that is a function works with syncing: it runs in the page', async () => {
  const meetings = collection<Meeting>({
    constraints: [noOverlap('big', { by: 'room', from: 'start', to: 'end', when: (row) => (row.seats ?? 0) > 2 })],
  });
  const openBig = async () =>
    remember(await open({ name: freshName(), collections: { meetings }, sync: { url: server.url } }));
  const [anna, ben] = [await openBig(), await openBig()];
  await anna.meetings.insert({ ...at('Planning', 10, 12), seats: 3 });
  await ben.meetings.insertMany([
    { ...at('Small', 10, 12), seats: 1 },
    { ...at('Big', 11, 12), seats: 4 },
  ]);
  for (const db of [anna, ben, anna]) await db.sync.settled();
  for (const db of [anna, ben]) await expect.poll(() => db.conflicts$.value).toMatchObject([{ constraint: 'big' }]);
});
