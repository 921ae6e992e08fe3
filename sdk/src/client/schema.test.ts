import 'fake-indexeddb/auto';
import { type } from 'arktype';
import * as v from 'valibot';
import { afterEach, describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';

import { SkerryError } from '../lib/errors.ts';
import { ask } from '../policies/ask.ts';
import { map } from '../policies/map.ts';
import { set } from '../policies/set.ts';
import { createTestNetwork } from '../testing/test-network.ts';
import { collection, planCollections } from './definition.ts';
import { closeAll, freshName, remember } from './notes.fixture.ts';
import { open } from './open.ts';
import type { Collections, Id, StandardSchema, Stored } from './types.ts';

afterEach(closeAll);

interface Task {
  title: string;
  tags: string[];
  effort: number;
}
interface TaskInput {
  title: string;
  tags?: string[] | undefined;
  effort: number;
}

/** The same rows in three libraries: a trimmed title of 1 to 10 characters, tags by default empty, effort of 0 to 9. */
const inValibot = v.object({
  title: v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(10)),
  tags: v.optional(v.array(v.string()), []),
  effort: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(9)),
});
const inZod = z.object({
  title: z.string().trim().min(1).max(10),
  tags: z.array(z.string()).default([]),
  effort: z.number().int().min(0).max(9),
});
const inArktype = type({
  title: type('string.trim').to('1 <= string <= 10'),
  tags: type('string[]').default(() => []),
  effort: '0 <= number.integer <= 9',
});
const libraries: readonly (readonly [string, StandardSchema<TaskInput, Task>])[] = [
  ['valibot', inValibot],
  ['zod', inZod],
  ['arktype', inArktype],
];

const openTasks = async (schema: StandardSchema<TaskInput, Task>) =>
  remember(await open({ name: freshName(), collections: { tasks: collection(schema, { fields: { tags: set() } }) } }));

const failure = async (promise: PromiseLike<unknown>): Promise<SkerryError> => {
  const error: unknown = await Promise.resolve(promise).then(
    () => null,
    (reason: unknown) => reason,
  );
  // What Dexie throws wraps ours.
  const ours = error instanceof SkerryError ? error : ((error as { inner?: unknown }).inner ?? error);
  expect(ours).toBeInstanceOf(SkerryError);
  return ours as SkerryError;
};

describe.each(libraries)('with %s', (_name, schema) => {
  test('[SCH1] a write is stored with the defaults and transforms of the schema', async () => {
    const db = await openTasks(schema);
    const id = await db.tasks.insert({ title: '  Paint  ', effort: 3 });
    expect(await db.tasks.get(id)).toEqual({ id, title: 'Paint', tags: [], effort: 3 });
    await db.tasks.update(id, { title: ' Draw ' });
    expect(await db.tasks.get(id)).toMatchObject({ title: 'Draw', effort: 3 });
    await db.dexie.table('tasks').put({ id: 'own', title: ' Ink', effort: 1 });
    await db.dexie.table('tasks').update('own', { title: 'Ink2 ' });
    expect(await db.tasks.get('own')).toEqual({ id: 'own', title: 'Ink2', tags: [], effort: 1 });
  });

  test('[SCH2] what does not fit is INVALID_VALUE with every issue and its place, by every way to write', async () => {
    const db = await openTasks(schema);
    const id = await db.tasks.insert({ title: 'Paint', effort: 3 });
    const bad = { title: 'much too long for it', tags: ['a', 7], effort: 12 } as unknown as Task;
    const places = [['effort'], ['tags', 1], ['title']];
    const table = db.dexie.table('tasks');
    const writes = [
      () => db.tasks.insert(bad),
      () => db.tasks.insertMany([{ title: 'fine', effort: 1 }, bad]),
      () => db.tasks.update(id, bad),
      () => db.tasks.update(id, (draft) => void Object.assign(draft, bad)),
      () => db.transaction((tx) => tx.tasks.insert(bad)),
      () => table.add({ id: 'x', ...bad }),
      () => table.put({ id: 'x', ...bad }),
      () => table.bulkPut([{ id: 'x', ...bad }]),
      () =>
        table.bulkAdd([
          { id: 'y', title: 'fine', effort: 1 },
          { id: 'x', ...bad },
        ]),
      () => table.update(id, bad),
      () => table.where({ id }).modify(bad),
      () => table.upsert(id, bad),
    ];
    for (const write of writes) {
      const error = await failure(write());
      expect(error.code).toBe('INVALID_VALUE');
      expect(error.issues!.map(({ path }) => path).sort()).toEqual(places);
      expect(error.message).toMatch(/effort: .*tags\[1\]: |tags\[1\]: .*effort: /);
    }
    expect(await db.tasks.find()).toEqual([{ id, title: 'Paint', tags: [], effort: 3 }]);
    expect(db.outbox$.value).toHaveLength(1);
    await db.tasks.update(id, { effort: 4 });
    expect(await db.tasks.get(id)).toMatchObject({ effort: 4 });
  });

  test('[SCH3] a row from elsewhere that does not fit is kept, shown and told once, and stays editable', async () => {
    const net = await createTestNetwork({ seed: 5, collections: {} as Collections });
    const loose = collection<Record<string, unknown>>({ fields: { tags: set() as never } });
    const strict = collection(schema, { fields: { tags: set() } });
    const [a, b] = [
      await net.device('a', { collections: { tasks: loose } }),
      await net.device('b', { collections: { tasks: strict } }),
    ];
    const told: unknown[] = [];
    const events: string[] = [];
    b.db.events$.subscribe((event) => {
      if (event.type !== 'row-invalid') return;
      told.push(event.error.issues!.map(({ path }) => path));
      events.push(event.rowId);
    });
    const odd = { title: 'a title that is much too long', tags: ['t'], effort: 99, later: { x: 1 } };
    await a.db.tasks.insert({ id: 'odd', ...odd });
    await a.db.tasks.insert({ id: 'good', title: 'Fine', tags: [], effort: 1, later: 'kept' });
    await net.settled();
    expect(await b.db.tasks.get('odd')).toEqual({ id: 'odd', ...odd });
    await a.db.tasks.update('odd', { tags: ['t', 'u'] });
    await net.settled();
    await expect.poll(() => events).toEqual(['odd']);
    expect(told).toEqual([expect.arrayContaining([['title'], ['effort']])]);

    // What is wrong already is not asked about again; what the write changes is.
    await b.db.tasks.update('odd', { effort: 5 });
    expect((await failure(b.db.tasks.update('odd', { effort: 77 }))).issues!.map(({ path }) => path)).toEqual([
      ['effort'],
    ]);
    await b.db.tasks.update('good', { title: ' Better ' });
    await net.settled();
    expect(await a.db.tasks.get('odd')).toEqual({ id: 'odd', ...odd, tags: ['t', 'u'], effort: 5 });
    // A field that the schema does not know, of a newer version of the app, survives the edit.
    expect(await a.db.tasks.get('good')).toEqual({ id: 'good', title: 'Better', tags: [], effort: 1, later: 'kept' });
    await net.close();
  });
});

test('[SCH4] an asynchronous schema is INVALID_SCHEMA at the first write, and nothing is written', async () => {
  const slow = z.object({ title: z.string().refine(async (title) => title !== '') });
  const db = remember(await open({ name: freshName(), collections: { tasks: collection(slow) } }));
  const error = await failure(db.tasks.insert({ title: 'x' }));
  expect(error).toMatchObject({ code: 'INVALID_SCHEMA' });
  expect(error.message).toMatch(/synchronous/);
  expect(await db.tasks.count()).toBe(0);
});

test('[SCH4] a schema that throws, or makes no object, refuses the write and nothing else', async () => {
  const made = (validate: (value: unknown) => { value: never }): StandardSchema<{ title: string }> => ({
    '~standard': { version: 1, vendor: 'test', validate },
  });
  const cause = new Error('oops');
  const throwing = made(() => {
    throw cause;
  });
  const db = remember(
    await open({
      name: freshName(),
      collections: { tasks: collection(throwing), lists: collection(made(() => ({ value: 7 as never }))) },
    }),
  );
  expect(await failure(db.tasks.insert({ title: 'x' }))).toMatchObject({ code: 'INVALID_VALUE', cause });
  expect(await failure(db.lists.insert({ title: 'x' }))).toMatchObject({ code: 'INVALID_SCHEMA' });
  expect(await db.tasks.count()).toBe(0);
});

test('[SCH8] what is decided about a conflict has to fit; choosing a version that is there is never refused', async () => {
  const schema = z.object({ title: z.string().max(5), labels: z.record(z.string(), z.string().max(3)) });
  const tasks = collection(schema, { fields: { labels: map(ask()) } });
  const net = await createTestNetwork({ collections: { tasks }, seed: 2 });
  const loose = collection<{ title: string; labels: Record<string, string> }>({ fields: { labels: map(ask()) } });
  const a = await net.device('a');
  const b = await net.device('b', { collections: { tasks: loose } });
  await a.db.tasks.insert({ id: 'x', title: 'T', labels: { k: '1', l: '2' } });
  await net.settled();
  net.partition();
  await a.db.tasks.update('x', { title: 'A', labels: { k: 'A', l: '2' } });
  await b.db.tasks.update('x', { title: 'much too long', labels: { k: 'B', l: '2' } });
  net.heal();
  await net.settled();
  const conflicts = a.db.conflicts$.value.filter((one) => one.kind === 'field');
  const titles = conflicts.find(({ key }) => key === undefined)!;
  const labels = conflicts.find(({ key }) => key === 'k')!;
  expect(await failure(titles.resolve({ value: { title: 'no, longer' } }))).toMatchObject({
    code: 'INVALID_VALUE',
    issues: [{ path: ['title'] }],
  });
  expect((await failure(labels.resolve({ value: { labels: { k: 'long' } } }))).issues).toMatchObject([
    { path: ['labels', 'k'] },
  ]);
  expect(a.db.conflicts$.value).toHaveLength(2);
  await labels.resolve({ value: { labels: { k: 'ok' } } });
  await titles.resolve({ version: titles.versions.findIndex(({ here }) => !here) });
  expect(await a.db.tasks.get('x')).toEqual({ id: 'x', title: 'much too long', labels: { k: 'ok', l: '2' } });
  await net.close();
});

test('[SCH5] a strict schema is not shown the id, one that names the id is', async () => {
  const db = remember(
    await open({
      name: freshName(),
      collections: {
        strict: collection(z.strictObject({ title: z.string() })),
        sealed: collection(type({ '+': 'reject', title: 'string' })),
        named: collection(v.object({ id: v.pipe(v.string(), v.startsWith('n-')), title: v.string() })),
      },
    }),
  );
  await db.strict.insert({ id: 'a', title: 'x' });
  await db.sealed.insert({ id: 'a', title: 'x' });
  await db.named.insert({ id: 'n-1', title: 'x' });
  expect(await db.named.get('n-1')).toEqual({ id: 'n-1', title: 'x' });
  expect((await failure(db.named.insert({ id: 'm-1', title: 'x' }))).issues).toMatchObject([{ path: ['id'] }]);
  const unknown = { title: 'x', more: 1 } as { title: string };
  expect((await failure(db.strict.insert(unknown))).code).toBe('INVALID_VALUE');
});

test('[SCH6] a transform may make JSON data of what is not; what it leaves must be', async () => {
  const dated = z.object({ at: z.union([z.string(), z.date().transform((at) => at.toISOString())]), n: z.number() });
  const raw = z.object({ at: z.date() });
  const db = remember(
    await open({ name: freshName(), collections: { dated: collection(dated), raw: collection(raw) } }),
  );
  const id = await db.dated.insert({ at: new Date(0), n: 1 });
  await db.dated.update(id, { n: 2 });
  expect(await db.dated.get(id)).toEqual({ id, at: '1970-01-01T00:00:00.000Z', n: 2 });
  expect((await failure(db.raw.insert({ at: new Date(0) }))).message).toMatch(/raw\.at: a Date is not plain JSON/);
});

test('[SCH7] rows, inputs and policies are typed by the schema', async () => {
  const tasks = collection(inZod, { fields: { tags: set() }, indexes: ['title'] });
  const db = remember(await open({ name: freshName(), collections: { tasks } }));
  expectTypeOf(db.tasks.get).returns.resolves.toEqualTypeOf<Stored<z.output<typeof inZod>> | undefined>();
  expectTypeOf(db.tasks.insert).parameter(0).toEqualTypeOf<Omit<z.input<typeof inZod>, 'id'> & { readonly id?: Id }>();
  const ark = collection(inArktype);
  const val = collection(inValibot);
  expectTypeOf(ark.row!).toEqualTypeOf<Task>();
  expectTypeOf(val.row!).toEqualTypeOf<Task>();
  // @ts-expect-error -- a set() does not fit a number
  collection(inZod, { fields: { effort: set() } });
  // @ts-expect-error -- a title is missing
  await expect(db.tasks.insert({ effort: 1 })).rejects.toMatchObject({ code: 'INVALID_VALUE' });
});

test('[SCH7] what is no schema and no options is INVALID_SCHEMA', () => {
  const other = { '~standard': { version: 2, vendor: 'x', validate: () => ({ value: 1 }) } };
  const plan = (tasks: unknown): unknown => planCollections({ tasks } as Collections);
  expect(() => plan(collection(other as never))).toThrow(/version 1/);
  expect(() => plan(collection((() => 1) as never))).toThrow(/collection\(\)/);
});
