/** Programs of writes, once through the SDK's own calls and once through Dexie: the rows are equal, and so is what is sent. */
import 'fake-indexeddb/auto';
import { add, remove, replacePrefix, type Table } from 'dexie';
import * as fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';

import type { Op } from '../core/change.ts';
import { counter } from '../policies/counter.ts';
import { local } from '../policies/local.ts';
import { lww } from '../policies/lww.ts';
import { map } from '../policies/map.ts';
import { set } from '../policies/set.ts';
import { OUTBOX, type OutboxRow } from '../store/layout.ts';
import { collection } from './definition.ts';
import { closeAll, freshName, remember } from './notes.fixture.ts';
import { open } from './open.ts';
import type { Db } from './types.ts';

afterEach(closeAll);

interface Note {
  id: string;
  title: string;
  tags: string[];
  likes: number;
  room?: string;
  start?: number;
  names?: Record<string, string>;
  extra?: { a?: number; b?: number };
  folded?: boolean;
}

const notes = collection<Note>({
  fields: { title: lww(), tags: set(), likes: counter(), names: map(lww()), folded: local() },
  groups: [['room', 'start']],
  indexes: ['title', '*tags'],
});
const collections = { notes, others: collection<Note>({ fields: { tags: set(), likes: counter() } }) };
type Name = keyof typeof collections;
type NotesDb = Db<typeof collections>;
type Calls = Pick<NotesDb, Name>;

/** One step: what it is called through the SDK, and the same through Dexie in one of the ways that there are. */
interface Step {
  readonly name: string;
  ours(calls: Calls): Promise<unknown>;
  dexie(table: (name: Name) => Table<Note, string>): PromiseLike<unknown>;
}

const id = fc.constantFrom('a', 'b', 'c', 'd');
const collectionName = fc.constantFrom<Name>('notes', 'others');
const title = fc.constantFrom('x1', 'x2', 'y1');
const tags = fc.uniqueArray(fc.constantFrom<string>('p', 'q', 'r'));
const fields = fc.record({
  title,
  tags,
  likes: fc.integer({ min: -3, max: 3 }),
});
const patch = fc.record(
  {
    title,
    tags,
    likes: fc.integer({ min: -3, max: 3 }),
    room: fc.option(fc.constantFrom('A', 'B'), { nil: undefined }),
    start: fc.option(fc.nat(2), { nil: undefined }),
    names: fc.dictionary(fc.constantFrom('k', 'l'), fc.constantFrom('1', '2')),
    extra: fc.option(fc.record({ a: fc.nat(2), b: fc.nat(2) }, { requiredKeys: [] }), { nil: undefined }),
    folded: fc.boolean(),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Partial<Note>>;

const exists = async (calls: Calls, name: Name, key: string): Promise<boolean> =>
  (await calls[name].get(key)) !== undefined;
const change = async (calls: Calls, name: Name, key: string, fn: (draft: Note) => void): Promise<void> => {
  if (await exists(calls, name, key)) await calls[name].update(key, fn);
};

const adding = fc
  .tuple(collectionName, id, fields, fc.constantFrom('add', 'put', 'bulkAdd', 'bulkPut', 'upsert'))
  .map(([name, key, row, way]): Step => ({
    name: `${way} ${name}/${key}`,
    ours: async (calls) => {
      if (!(await exists(calls, name, key))) await calls[name].insert({ id: key, ...row });
    },
    dexie: async (table) => {
      if (await table(name).get(key)) return;
      const whole = { id: key, ...row };
      if (way === 'add') await table(name).add(whole);
      else if (way === 'put') await table(name).put(whole);
      else if (way === 'bulkAdd') await table(name).bulkAdd([whole]);
      else if (way === 'bulkPut') await table(name).bulkPut([whole]);
      else await table(name).upsert(key, row);
    },
  }));

const editing = fc
  .tuple(
    collectionName,
    id,
    patch,
    fc.constantFrom('update', 'put', 'bulkPut', 'modify', 'modifyFn', 'upsert', 'bulkUpdate'),
  )
  .map(([name, key, with_, way]): Step => ({
    name: `${way} ${name}/${key} ${JSON.stringify(with_)}`,
    ours: (calls) => change(calls, name, key, (draft) => void Object.assign(draft, with_)),
    dexie: async (table) => {
      const row = await table(name).get(key);
      if (!row) return;
      if (way === 'update') await table(name).update(key, with_);
      else if (way === 'put') await table(name).put({ ...row, ...with_ });
      else if (way === 'bulkPut') await table(name).bulkPut([{ ...row, ...with_ }]);
      else if (way === 'modify') await table(name).where({ id: key }).modify(with_);
      else if (way === 'modifyFn')
        await table(name)
          .where(':id')
          .equals(key)
          .modify((draft: Note) => void Object.assign(draft, with_));
      else if (way === 'upsert') await table(name).upsert(key, with_);
      else await table(name).bulkUpdate([{ key, changes: with_ }]);
    },
  }));

const modifying = fc.tuple(collectionName, id, fc.integer({ min: -2, max: 4 }), tags).chain(([name, key, n, some]) => {
  const steps: readonly Step[] = [
    {
      name: `add(${n}) ${name}/${key}`,
      ours: (calls) => change(calls, name, key, (draft) => void (draft.likes += n)),
      dexie: (table) => table(name).update(key, { likes: add(n) as never }),
    },
    {
      name: `remove(${n}) ${name}/${key}`,
      ours: (calls) => change(calls, name, key, (draft) => void (draft.likes -= n)),
      dexie: (table) =>
        table(name)
          .where({ id: key })
          .modify({ likes: remove(n) } as never),
    },
    {
      name: `add([${some}]) ${name}/${key}`,
      ours: (calls) => change(calls, name, key, (draft) => void (draft.tags = [...new Set([...draft.tags, ...some])])),
      dexie: (table) => table(name).update(key, { tags: add([...some]) as never }),
    },
    {
      name: `remove([${some}]) ${name}/${key}`,
      ours: (calls) =>
        change(calls, name, key, (draft) => void (draft.tags = draft.tags.filter((tag) => !some.includes(tag)))),
      dexie: (table) => table(name).update(key, { tags: remove([...some]) as never }),
    },
    {
      name: `replacePrefix ${name}/${key}`,
      ours: (calls) => change(calls, name, key, (draft) => void (draft.title = draft.title.replace(/^x/, 'zz'))),
      dexie: (table) => table(name).update(key, { title: replacePrefix('x', 'zz') as never }),
    },
    {
      name: `'extra.a' ${name}/${key}`,
      ours: (calls) => change(calls, name, key, (draft) => void (draft.extra = { ...draft.extra, a: n })),
      dexie: (table) => table(name).update(key, { 'extra.a': n } as never),
    },
  ];
  return fc.constantFrom(...steps);
});

const deleting = fc
  .tuple(collectionName, id, fc.constantFrom('delete', 'bulkDelete', 'where', 'range', 'modify'))
  .map(([name, key, way]): Step => ({
    name: `${way} ${name}/${key}`,
    ours: async (calls) => {
      if (await exists(calls, name, key)) await calls[name].delete(key);
    },
    dexie: (table) => {
      if (way === 'delete') return table(name).delete(key);
      if (way === 'bulkDelete') return table(name).bulkDelete([key]);
      if (way === 'where') return table(name).where({ id: key }).delete();
      if (way === 'range') return table(name).where(':id').between(key, key, true, true).delete();
      return table(name)
        .where({ id: key })
        .modify((_row: Note, ref: { value?: unknown }) => void delete ref.value);
    },
  }));

const step = fc.oneof({ weight: 2, arbitrary: adding }, { weight: 4, arbitrary: editing }, modifying, deleting);
/** Steps of one transaction; many rows at once go through one call of Dexie's outside of any. */
const block = fc.oneof(
  { weight: 3, arbitrary: step.map((one) => ({ isTransaction: false, steps: [one] })) },
  {
    weight: 1,
    arbitrary: fc.array(step, { minLength: 2, maxLength: 5 }).map((steps) => ({ isTransaction: true, steps })),
  },
);

/** What would be sent, without what only says who sends it and when. */
async function outboxOf(db: NotesDb): Promise<unknown> {
  const rows = (await db.dexie.table(OUTBOX).toArray()) as OutboxRow[];
  const incs = new Map<string, string>();
  const named = JSON.stringify(
    rows.map(({ order, part, recs, dot, head }) => ({ order, part, dot, recs, deps: head?.deps, ex: head?.ex })),
    (key, value: unknown) => (key === 'hlc' ? undefined : key === 'ops' ? sorted(value as readonly Op[]) : value),
  );
  return JSON.parse(
    named.replace(/"([A-Za-z0-9_-]{8,})\.(\d+)"/g, (_all, inc: string, seq: string) => {
      if (!incs.has(inc)) incs.set(inc, `writer${incs.size}`);
      return `"${incs.get(inc)!}.${seq}"`;
    }),
  );
}

/** Dexie sorts what it adds to an array; a set has no order. */
function sorted(ops: readonly Op[]): readonly Op[] {
  const place = (op: Op): string => (op.t === 'life' ? '' : op.p);
  return ops.toSorted((x, y) => (place(x) < place(y) ? -1 : 1));
}

async function compare(a: NotesDb, b: NotesDb): Promise<void> {
  for (const name of ['notes', 'others'] as const) expect(await b[name].find()).toEqual(await a[name].find());
  expect(await outboxOf(b)).toEqual(await outboxOf(a));
}

test('[DXW1] random programs of writes leave the same rows and the same changes through Dexie as through the SDK', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(block, { minLength: 2, maxLength: 10 }), async (blocks) => {
      const [a, b] = [await open({ name: freshName(), collections }), await open({ name: freshName(), collections })];
      const table = (name: Name): Table<Note, string> => b.dexie.table(name);
      try {
        for (const { isTransaction, steps } of blocks) {
          if (isTransaction) {
            await a.transaction(async (tx) => {
              for (const one of steps) await one.ours(tx as unknown as Calls);
            });
            await b.dexie.transaction('rw', table('notes'), table('others'), async () => {
              for (const one of steps) await one.dexie(table);
            });
          } else {
            await steps[0]!.ours(a);
            await steps[0]!.dexie(table);
          }
          await compare(a, b);
        }
      } finally {
        await Promise.all([a.close(), b.close()]);
      }
    }),
    { numRuns: 40 },
  );
});

const rowOf = (key: string): Note => ({ id: key, title: `t${key}`, tags: [key], likes: 1 });
const keys = ['a', 'b', 'c', 'd', 'e'];

test('[DXW2] writes of many rows at once are one change, like a transaction of ours', async () => {
  const bulk: readonly ((table: Table<Note, string>) => PromiseLike<unknown>)[] = [
    (table) => table.bulkAdd(keys.map(rowOf)),
    (table) => table.bulkPut(keys.map((key) => ({ ...rowOf(key), likes: 2 }))),
    (table) =>
      table.bulkUpdate([
        { key: 'a', changes: { title: 'A' } },
        { key: 'b', changes: { likes: 5 } },
      ]),
    (table) =>
      table
        .where('title')
        .startsWith('t')
        .modify({ folded: true, tags: add(['z']) } as never),
    (table) => table.filter(({ likes }) => likes === 5).modify((row) => void (row.start = 1)),
    (table) => table.where(':id').between('b', 'd').delete(),
    (table) => table.bulkDelete(['d', 'nobody']),
    (table) => table.clear(),
  ];
  const ours: readonly ((tx: Calls) => Promise<unknown>)[] = [
    (tx) => tx.notes.insertMany(keys.map(rowOf)),
    async (tx) => {
      for (const key of keys) await tx.notes.update(key, { likes: 2 });
    },
    async (tx) => {
      await tx.notes.update('a', { title: 'A' });
      await tx.notes.update('b', { likes: 5 });
    },
    async (tx) => {
      for (const { id: key } of await tx.notes.find({ where: { title: { startsWith: 't' } } }))
        await tx.notes.update(key, (draft) => void Object.assign(draft, { folded: true, tags: [...draft.tags, 'z'] }));
    },
    (tx) => tx.notes.update('b', { start: 1 }),
    async (tx) => {
      await tx.notes.delete('b');
      await tx.notes.delete('c');
    },
    (tx) => tx.notes.delete('d'),
    async (tx) => {
      for (const { id: key } of await tx.notes.find()) await tx.notes.delete(key);
    },
  ];
  const [a, b] = [
    remember(await open({ name: freshName(), collections })),
    remember(await open({ name: freshName(), collections })),
  ];
  const flat = async (db: NotesDb): Promise<unknown> =>
    ((await outboxOf(db)) as { order: number; recs: { id: string }[] }[]).reduce<Record<number, unknown[]>>(
      (changes, { order, recs }) => ({ ...changes, [order]: [...(changes[order] ?? []), ...recs] }),
      {},
    );
  for (const [i, fn] of ours.entries()) {
    await a.transaction((tx) => fn(tx as unknown as Calls));
    await bulk[i]!(b.dexie.table('notes'));
    expect(await b.notes.find()).toEqual(await a.notes.find());
    expect(await flat(b)).toEqual(await flat(a));
  }
});

test('[DXW3] a Dexie transaction that throws, or whose write is refused, leaves nothing in any table', async () => {
  const db = remember(await open({ name: freshName(), collections }));
  const [first, second] = [db.dexie.table('notes'), db.dexie.table('others')];
  await db.notes.insert(rowOf('a'));
  const failing: readonly (() => PromiseLike<unknown>)[] = [
    () =>
      db.dexie.transaction('rw', first, second, async () => {
        await first.update('a', { title: 'B' });
        await second.add(rowOf('b'));
        throw new Error('no');
      }),
    () =>
      db.dexie.transaction('rw', first, second, async () => {
        await first.update('a', { title: 'B' });
        await second.add({ ...rowOf('b'), extra: { a: new Date(0) } });
      }),
    () =>
      first.toCollection().modify((row) => {
        row.title = 'B';
        throw new Error('no');
      }),
    // Dexie itself would store the modification as an object.
    () => first.bulkUpdate([{ key: 'a', changes: { likes: add(3) as never } }]),
    () => first.bulkPut([rowOf('x'), { ...rowOf('y'), likes: 1.5 }]),
  ];
  for (const fn of failing) await expect(Promise.resolve(fn())).rejects.toThrow();
  expect(await db.notes.find()).toEqual([{ ...rowOf('a'), names: {} }]);
  expect(await db.others.find()).toEqual([]);
  expect(db.outbox$.value).toHaveLength(1);
  await second.put(rowOf('b'));
  expect(await db.others.count()).toBe(1);
});
