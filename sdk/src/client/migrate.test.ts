import 'fake-indexeddb/auto';
import { Dexie } from 'dexie';
import * as fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';

import { counter } from '../policies/counter.ts';
import { lww } from '../policies/lww.ts';
import { set } from '../policies/set.ts';
import { createTestNetwork, type TestNetwork, type TestNetworkDevice } from '../testing/test-network.ts';
import { collection, planCollections } from './definition.ts';
import { closeAll, freshName, remember } from './notes.fixture.ts';
import { open } from './open.ts';
import { serve, type Served } from './served.fixture.ts';
import type { Collections, Db, RejectedWrite } from './types.ts';

afterEach(closeAll);

interface Person1 {
  name: string;
  title: string;
  price?: string;
  labels?: string;
  likes?: number;
}
interface Person2 {
  first: string;
  last: string;
  title: string;
  price?: number;
  tags: string[];
  likes: number;
  state: string;
}
interface Person3 extends Omit<Person2, 'first' | 'last'> {
  given: string;
  family: string;
}

const migrate2 = (old: unknown): Person2 => {
  const { name, labels, price, ...rest } = old as Person1;
  const [first = '', last = ''] = name.split(' ');
  return {
    likes: 0,
    ...rest,
    first,
    last,
    state: 'new',
    tags: labels ? labels.split(',') : [],
    ...(price === undefined ? {} : { price: Math.round(Number(price) * 100) }),
  };
};
const app1 = { people: collection<Person1>({ fields: { title: lww(), likes: counter() } }) };
const app2 = {
  people: collection<Person2>({
    fields: { title: lww(), tags: set(), likes: counter() },
    indexes: ['last'],
    version: 2,
    migrate: migrate2,
  }),
};
const app3 = {
  people: collection<Person3>({
    fields: { title: lww(), tags: set(), likes: counter() },
    version: 3,
    migrate: (old, from) => {
      const { first, last, ...rest } = from === 1 ? migrate2(old) : (old as Person2);
      return { ...rest, given: first, family: last };
    },
  }),
};

type Device<C extends Collections> = TestNetworkDevice<C>;
const world = async (seed = 1): Promise<TestNetwork<Collections>> => createTestNetwork({ collections: {}, seed });

type PeopleDb = Db<typeof app1>;
type Db2 = Db<typeof app2>;

const ada: Person1 = { name: 'Ada King', title: 'Countess', price: '12.50', labels: 'x,y' };

describe('a write that was rejected', () => {
  async function rejectedAfterUpdate(write: (db: PeopleDb) => Promise<unknown>): Promise<Db2> {
    const server = await serve({ authorize: ({ recs }) => !JSON.stringify(recs).includes('forbidden') });
    servers.push(server);
    const [name, sync] = [freshName(), { url: server.url }];
    const old = remember(await open({ name, collections: app1, sync, worker: false }));
    await old.people.insert({ id: 'ada', ...ada });
    await old.sync.settled();
    await write(old);
    await expect.poll(() => old.conflicts$.value.length).toBe(1);
    await old.close();
    return remember(await open({ name, collections: app2, sync, worker: false }));
  }
  const servers: Served[] = [];
  afterEach(async () => {
    await closeAll();
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  test('[VER9] by an older version is shown and tried again as migrate() makes it', async () => {
    const db = await rejectedAfterUpdate((old) =>
      old.people.update('ada', { name: 'Ada forbidden', price: '13.50', title: 'Lady', likes: 3 }),
    );
    const [rejected] = db.conflicts$.value as RejectedWrite[];
    expect(rejected!.attempted).toEqual({ last: 'forbidden', price: 1350, title: 'Lady', likes: 3 });
    db.sync.pause();
    await rejected!.resolve('retry');
    expect(await db.people.get('ada')).toEqual({
      id: 'ada',
      first: 'Ada',
      last: 'forbidden',
      title: 'Lady',
      price: 1350,
      tags: ['x', 'y'],
      likes: 3,
      state: 'new',
    });
  });

  test('[VER9] a row that an older version made is made again in the shape of today', async () => {
    const db = await rejectedAfterUpdate((old) =>
      old.people.insert({ id: 'bob', name: 'Bob forbidden', title: 'Sir' }),
    );
    const [rejected] = db.conflicts$.value as RejectedWrite[];
    db.sync.pause();
    await rejected!.resolve('retry');
    expect(await db.people.get('bob')).toEqual({
      id: 'bob',
      first: 'Bob',
      last: 'forbidden',
      title: 'Sir',
      tags: [],
      likes: 0,
      state: 'new',
    });
    expect(await db.people.find({ where: { last: 'forbidden' } })).toHaveLength(1);
  });

  test('[VER9] by this version it is as it was written, over a row of an older one too', async () => {
    const server = await serve({ authorize: ({ recs }) => !JSON.stringify(recs).includes('forbidden') });
    servers.push(server);
    const [name, sync] = [freshName(), { url: server.url }];
    const old = remember(await open({ name, collections: app1, sync, worker: false }));
    await old.people.insert({ id: 'ada', ...ada });
    await old.sync.settled();
    await old.close();
    const db = remember(await open({ name, collections: app2, sync, worker: false }));
    await db.people.update('ada', { last: 'forbidden', price: 1350 });
    await expect.poll(() => db.conflicts$.value.length).toBe(1);
    const [rejected] = db.conflicts$.value as RejectedWrite[];
    expect(rejected!.attempted).toEqual({ last: 'forbidden', price: 1350 });
    db.sync.pause();
    await rejected!.resolve('retry');
    expect(await db.people.get('ada')).toMatchObject({ first: 'Ada', last: 'forbidden', price: 1350 });
  });
});

describe('migrate', () => {
  test('[VER1] rows of an older version are shown as migrate() makes them, by queries too, and nothing is written', async () => {
    const net = await world();
    const a = await net.device('a', { collections: app1 });
    await a.db.people.insert({ id: 'ada', ...ada });
    await a.restart({ collections: app2 });
    const db = (a as unknown as Device<typeof app2>).db;
    const sent = db.outbox$.value.length;
    const row = { id: 'ada', first: 'Ada', last: 'King', title: 'Countess', price: 1250, tags: ['x', 'y'], likes: 0 };
    expect(await db.people.get('ada')).toEqual({ ...row, state: 'new' });
    expect(await db.people.find({ where: { last: 'King' } })).toHaveLength(1);
    expect(await db.dexie.table('people').get('ada')).toEqual({ ...row, state: 'new' });
    expect(db.outbox$.value).toHaveLength(sent);
    // A version later, straight from the first.
    await a.restart({ collections: app3 });
    const { first: given, last: family, ...rest } = row;
    expect(await (a as unknown as Device<typeof app3>).db.people.get('ada')).toEqual({
      ...rest,
      given,
      family,
      state: 'new',
    });
    await net.close();
  });

  test('[VER2] an edit by a newer version writes what it changed; older ones go on with their fields, and both follow', async () => {
    const net = await world();
    const old = await net.device('old', { collections: app1 });
    const fresh = await net.device('fresh', { collections: app2 });
    await old.db.people.insert({ id: 'ada', ...ada });
    await net.settled();
    expect(await fresh.db.people.get('ada')).toMatchObject({ first: 'Ada', last: 'King', price: 1250 });
    await fresh.db.people.update('ada', { first: 'Augusta', title: 'Lady' });
    await net.settled();
    expect(fresh.db.conflicts$.value).toEqual([]);
    // The older version sees its own fields, and what is the same in both.
    expect(await old.db.people.get('ada')).toEqual({ id: 'ada', ...ada, likes: 0, title: 'Lady', first: 'Augusta' });
    expect(await fresh.db.people.get('ada')).toMatchObject({ first: 'Augusta', last: 'King', title: 'Lady' });
    // What the older version writes into a field that was migrated is migrated again; what the newer one wrote stays.
    await old.db.people.update('ada', { name: 'Ada Lovelace', price: '13.00' });
    await net.settled();
    expect(await fresh.db.people.get('ada')).toMatchObject({ first: 'Augusta', last: 'Lovelace', price: 1300 });
    await old.db.people.update('ada', { name: 'Grace Lovelace' });
    await net.settled();
    expect(await fresh.db.people.get('ada')).toMatchObject({ first: 'Grace', last: 'Lovelace' });
    await fresh.db.people.update('ada', { last: 'Hopper', tags: ['x', 'y', 'z'], price: 2 });
    await net.settled();
    expect(await fresh.db.people.get('ada')).toEqual({
      id: 'ada',
      first: 'Grace',
      last: 'Hopper',
      title: 'Lady',
      price: 2,
      tags: ['x', 'y', 'z'],
      likes: 0,
      state: 'new',
    });
    expect(fresh.db.outbox$.value).toEqual([]);
    await net.close();
  });

  test('[VER3] devices of the new version that edit different fields of an old row while apart do not disagree', async () => {
    const net = await world(4);
    const [a, b, old] = [
      await net.device('a', { collections: app2 }),
      await net.device('b', { collections: app2 }),
      await net.device('old', { collections: app1 }),
    ];
    await old.db.people.insert({ id: 'ada', ...ada, likes: 2 });
    await net.settled();
    net.partition();
    await a.db.people.update('ada', { price: 99, state: 'read' });
    await b.db.people.update('ada', (draft) => void (draft.likes += 1));
    await b.db.people.update('ada', { title: 'Lady' });
    await old.db.people.update('ada', (draft) => {
      draft.name = 'Ada Byron';
      draft.likes = (draft.likes ?? 0) + 4;
    });
    net.heal();
    await net.settled();
    const row = { id: 'ada', first: 'Ada', last: 'Byron', title: 'Lady', price: 99, tags: ['x', 'y'], likes: 7 };
    expect(await a.db.people.get('ada')).toEqual({ ...row, state: 'read' });
    expect(await b.db.people.get('ada')).toEqual({ ...row, state: 'read' });
    expect(a.db.conflicts$.value).toEqual([]);
    await net.close();
  });

  test('[VER4] rows of a newer version are shown and edited by an older one, which takes nothing from them', async () => {
    const net = await world();
    const old = await net.device('old', { collections: app1 });
    const fresh = await net.device('fresh', { collections: app2 });
    const made = { first: 'Ada', last: 'King', title: 'Countess', tags: ['t'], likes: 1, state: 'new' };
    await fresh.db.people.insert({ id: 'ada', ...made });
    await net.settled();
    expect(await old.db.people.get('ada')).toEqual({ id: 'ada', ...made });
    await old.db.people.update('ada', { title: 'Lady' });
    await net.settled();
    expect(await fresh.db.people.get('ada')).toEqual({ id: 'ada', ...made, title: 'Lady' });
    await fresh.db.people.delete('ada');
    await net.settled();
    await old.db.people.insert({ id: 'ada', name: 'Grace Hopper', title: 'Admiral' });
    await net.settled();
    expect(await fresh.db.people.get('ada')).toMatchObject({ first: 'Grace', last: 'Hopper', title: 'Admiral' });
    await net.close();
  });

  test('[VER5] a migrate() that throws, or makes no row, concerns its row: it is shown as it was written, and told once', async () => {
    const name = freshName();
    const first = await open({ name, collections: app1 });
    await first.people.insertMany([
      { id: 'a', name: 'A B', title: 't' },
      { id: 'b', title: 'no name' } as Person1 & { id: string },
      { id: 'c', title: 'no name' } as Person1 & { id: string },
    ]);
    await first.close();
    const errors: string[] = [];
    const logger = { error: (text: string) => void errors.push(text), info: () => undefined, debug: () => undefined };
    const db = remember(await open({ name, collections: app2, logger }));
    expect(await db.people.get('a')).toMatchObject({ first: 'A', last: 'B' });
    expect(await db.people.get('b')).toEqual({ id: 'b', title: 'no name', tags: [], likes: 0 });
    expect(errors).toEqual([expect.stringMatching(/migrate\(\) of people cannot be used for b/)]);
    await db.people.update('b', { title: 'still' });
    expect(await db.people.get('b')).toMatchObject({ title: 'still' });
  });

  test('[VER6] undo of an edit shows what migrate() had made; a conflict about an old field can be settled', async () => {
    const net = await world(2);
    const old = await net.device('old', { collections: app1 });
    const [a, b] = [await net.device('a', { collections: app2 }), await net.device('b', { collections: app2 })];
    await old.db.people.insert({ id: 'ada', ...ada });
    await net.settled();
    const commit = await a.db.transaction((tx) => tx.people.update('ada', { first: 'Augusta' }));
    await commit.undo();
    expect(await a.db.people.get('ada')).toMatchObject({ first: 'Ada', last: 'King' });
    net.partition();
    await a.db.people.update('ada', { last: 'A' });
    await b.db.people.update('ada', { last: 'B' });
    net.heal();
    await net.settled();
    const [conflict] = a.db.conflicts$.value;
    if (conflict?.kind !== 'field') throw new Error('a conflict');
    await conflict.resolve({ value: { last: 'C' } });
    await net.settled();
    for (const { db } of [a, b]) expect(await db.people.get('ada')).toMatchObject({ first: 'Ada', last: 'C' });
    await net.close();
  });

  test('[VER7] a version that is no whole number from 1 is INVALID_SCHEMA, and so is a migrate that is no function', () => {
    for (const options of [{ version: 0 }, { version: 1.5 }, { version: '2' }, { migrate: 7 }])
      expect(() => planCollections({ people: { options } } as unknown as Collections)).toThrow(
        /people\.(version|migrate)/,
      );
  });

  test('[ADO6] rows of a plain Dexie database are of version 0 for migrate()', async () => {
    const name = freshName();
    const plain = new Dexie(name);
    plain.version(1).stores({ events: 'id' });
    await plain.table('events').add({ id: 'e', at: new Date(0) });
    plain.close();
    const events = collection<{ at: string }>({
      migrate: (old, from) => ({ at: from === 0 ? (old as { at: Date }).at.toISOString() : '' }),
    });
    const db = remember(await open({ name, collections: { events } }));
    expect(await db.events.get('e')).toEqual({ id: 'e', at: '1970-01-01T00:00:00.000Z' });
    await db.close();
    const again = remember(await open({ name, collections: { events } }));
    expect(await again.events.get('e')).toEqual({ id: 'e', at: '1970-01-01T00:00:00.000Z' });
  });
});

type AnyPeople = {
  readonly db: { readonly people: { readonly [call: string]: (...args: never[]) => Promise<never> } };
};

test('[VER8] devices of three versions, with any edits: those of one version end equal, and what a person wrote last is there', async () => {
  const device = fc.constantFrom(0, 1, 2, 3, 4);
  const value = fc.constantFrom('p', 'q', 'r', 's t');
  const action = fc.oneof(
    { weight: 5, arbitrary: fc.record({ type: fc.constant('edit' as const), device, field: fc.nat(3), value }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('partition' as const), device }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('settle' as const) }) },
  );
  const fields = [
    ['name', 'title', 'name', 'title'],
    ['first', 'last', 'title', 'state'],
    ['given', 'family', 'title', 'state'],
  ];
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 3, maxLength: 12 }), async (actions) => {
      const net = await world(7);
      const apps = [app1, app2, app2, app3, app3];
      const versions = [0, 1, 1, 2, 2];
      const devices = [];
      for (const [i, app] of apps.entries())
        devices.push((await net.device(`d${i}`, { collections: app as Collections })) as unknown as AnyPeople);
      await devices[0]!.db.people['insert']!({ id: 'x', name: 'A B', title: 'T' } as never);
      await net.settled();
      for (const one of actions) {
        if (one.type === 'partition') net.partition(devices[one.device] as never);
        if (one.type === 'settle') {
          net.heal();
          await net.settled();
        }
        if (one.type !== 'edit') continue;
        const field = fields[versions[one.device]!]![one.field]!;
        await devices[one.device]!.db.people['update']!('x' as never, { [field]: one.value } as never);
        expect(await devices[one.device]!.db.people['get']!('x' as never)).toMatchObject({ [field]: one.value });
      }
      net.heal();
      await net.settled();
      const rows = await Promise.all(devices.map(({ db }) => db.people['get']!('x' as never)));
      expect(rows[2]).toEqual(rows[1]);
      expect(rows[4]).toEqual(rows[3]);
      // Everybody has seen everything: the next edit of each version is what all of them show of it.
      await devices[1]!.db.people['update']!('x' as never, { last: 'END' } as never);
      await net.settled();
      expect(await devices[2]!.db.people['get']!('x' as never)).toMatchObject({ last: 'END' });
      await net.close();
    }),
    { numRuns: 6 },
  );
}, 60_000);
