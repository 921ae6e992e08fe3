/** The policies as an app meets them: through open(), conflicts$ and events$, between devices that sync. */
import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { hot } from '../policies/hot.ts';
import { local } from '../policies/local.ts';
import { map } from '../policies/map.ts';
import { ASK, merge, type MergeFunction, type MergeInput } from '../policies/merge.ts';
import { collection } from './definition.ts';
import { mergesOf } from './merges.ts';
import { closeAll, freshName, remember } from './notes.fixture.ts';
import { open } from './open.ts';
import { serve, type Served } from './served.fixture.ts';
import type { FieldConflict, SyncEvent } from './types.ts';

interface Span {
  from: number;
  to: number;
}
interface Plan {
  title: string;
  labels: Record<string, string>;
  span?: Span;
  typing?: string;
  folded?: boolean;
}

const widest: MergeFunction<Span> = ({ versions }) => ({
  from: Math.min(...versions.map(({ from }) => from)),
  to: Math.max(...versions.map(({ to }) => to)),
});

const collectionsWith = (fn: MergeFunction<Span>) => ({
  plans: collection<Plan>({
    fields: { labels: map(), span: merge('widest', fn), typing: hot(), folded: local() },
  }),
});

let server: Served;
beforeEach(async () => {
  server = await serve();
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await closeAll();
  await server.close();
});

async function device(id: string, fn = widest, options: { worker?: false; logger?: never } = { worker: false }) {
  const db = await open({
    name: freshName(),
    collections: collectionsWith(fn),
    user: { id },
    sync: { url: server.url },
    ...options,
  });
  return remember(db);
}
type Device = Awaited<ReturnType<typeof device>>;

/** Both have what either wrote. */
async function settle(...devices: readonly Device[]): Promise<void> {
  for (const db of devices) await db.sync.settled();
  for (const db of devices) await db.sync.settled();
}

/** What both write at once, over a row that both have. */
async function atOnce(devices: readonly [Device, Device], patches: readonly [Partial<Plan>, Partial<Plan>]) {
  const [anna, ben] = devices;
  await anna.plans.insert({ id: 'p', title: 'A', labels: {}, span: { from: 4, to: 6 } });
  await settle(anna, ben);
  for (const db of devices) db.sync.pause();
  for (const [i, db] of devices.entries()) await db.plans.update('p', patches[i]!);
  for (const db of devices) db.sync.resume();
  await settle(anna, ben);
}

describe('map', () => {
  test('[MAP10] a conflict names the key; one decision about it closes it everywhere and leaves the other keys', async () => {
    const devices = [await device('anna'), await device('ben')] as const;
    const [anna, ben] = devices;
    await atOnce(devices, [{ labels: { x: 'a', mine: '1' } }, { labels: { x: 'b', yours: '2' } }]);
    expect(await anna.plans.get('p')).toEqual(await ben.plans.get('p'));
    const [conflict] = anna.conflicts$.value as readonly FieldConflict[];
    expect(conflict).toMatchObject({
      fields: ['labels'],
      key: 'x',
      base: { labels: {} },
      versions: [{ value: { labels: { x: 'a' } } }, { value: { labels: { x: 'b' } } }],
      provisional: { labels: { x: 'b' } },
    });
    expect(ben.conflicts$.value.map(({ id }) => id)).toEqual([conflict!.id]);
    await conflict!.resolve({ value: { labels: { x: 'both' } } });
    await settle(anna, ben);
    expect([anna.conflicts$.value, ben.conflicts$.value]).toEqual([[], []]);
    for (const db of devices) expect((await db.plans.get('p'))?.labels).toEqual({ mine: '1', x: 'both', yours: '2' });
  });

  test('[MAP10] a version can be taken, the key taken away, and nothing else said', async () => {
    const anna = await device('anna');
    const disagree = async (): Promise<FieldConflict> => {
      const seen = await anna.plans.readToken('p');
      await anna.plans.update('p', { labels: { x: 'a' } });
      await anna.plans.update('p', { labels: { x: 'b' } }, { seen });
      await expect.poll(() => anna.conflicts$.value.length).toBe(1);
      return anna.conflicts$.value[0] as FieldConflict;
    };
    await anna.plans.insert({ id: 'p', title: 'A', labels: {} });
    const first = await disagree();
    for (const value of [
      { labels: {} },
      { labels: { x: 'c', y: 'd' } },
      { labels: { y: 'd' } },
      { labels: undefined },
      { labels: { x: NaN } },
    ])
      await expect(first.resolve({ value })).rejects.toMatchObject({ code: 'INVALID_VALUE' });
    await first.resolve({ version: 0 });
    expect((await anna.plans.get('p'))?.labels).toEqual({ x: 'a' });
    await anna.plans.update('p', { labels: {} });
    await expect.poll(() => anna.conflicts$.value.length).toBe(0);
    const second = await disagree();
    await second.resolve({ value: { labels: { x: undefined } } });
    expect((await anna.plans.get('p'))?.labels).toEqual({});
  });

  test('[MAP11] a map is empty when nobody has written it, and holds an object', async () => {
    const anna = await device('anna');
    await anna.plans.insert({ id: 'p', title: 'A' } as never);
    expect(await anna.plans.get('p')).toEqual({ id: 'p', title: 'A', labels: {} });
    for (const labels of [[], 'x', null, { ['x'.repeat(2_100)]: 'too long' }])
      await expect(anna.plans.update('p', { labels } as never)).rejects.toMatchObject({ code: 'INVALID_VALUE' });
    await anna.plans.update('p', (draft) => void (draft.labels['x'] = 'a'));
    expect((await anna.plans.find({ filter: ({ labels }) => labels['x'] === 'a' })).length).toBe(1);
  });
});

describe('merge', () => {
  test('[MRG10] both devices show the same merge, nobody is asked, and nobody writes it', async () => {
    const devices = [await device('anna'), await device('ben')] as const;
    const [anna, ben] = devices;
    await atOnce(devices, [{ span: { from: 1, to: 6 } }, { span: { from: 4, to: 9 } }]);
    const inLog = server.log.space.log.length;
    for (const db of devices) {
      expect(await db.plans.get('p')).toMatchObject({ span: { from: 1, to: 9 } });
      expect(db.conflicts$.value).toEqual([]);
      expect(db.outbox$.value).toEqual([]);
    }
    await settle(anna, ben);
    expect(server.log.space.log.length).toBe(inLog);
    // The next write has seen the merged value and closes what was apart.
    await anna.plans.update('p', { span: { from: 1, to: 8 } });
    await settle(anna, ben);
    expect(await ben.plans.get('p')).toMatchObject({ span: { from: 1, to: 8 } });
  });

  test('[MRG10] the function gets the ancestor that every write carries', async () => {
    const bases = new Set<unknown>();
    const fn: MergeFunction<Span> = (input) => {
      bases.add(JSON.stringify(input.base));
      return widest(input);
    };
    const devices = [await device('anna', fn), await device('ben', fn)] as const;
    await atOnce(devices, [{ span: { from: 1, to: 6 } }, { span: { from: 4, to: 9 } }]);
    expect([...bases]).toEqual([JSON.stringify({ from: 4, to: 6 })]);
  });

  test('[MRG11] a function that fails is told once, its field is asked about, and everything else goes on', async () => {
    const failing: MergeFunction<Span> = () => {
      throw new Error('not today');
    };
    const devices = [await device('anna', failing), await device('ben')] as const;
    const [anna, ben] = devices;
    const events: SyncEvent[] = [];
    anna.events$.subscribe((event) => events.push(event));
    await atOnce(devices, [
      { span: { from: 1, to: 6 }, labels: { a: '1' } },
      { span: { from: 4, to: 9 }, labels: { b: '2' } },
    ]);
    for (let i = 0; i < 3; i++) {
      await ben.plans.update('p', { title: `title ${i}` });
      await settle(ben, anna);
      await anna.plans.update('p', { typing: `${i}` });
    }
    const told = events.filter(({ type }) => type === 'policy-failed');
    expect(told).toEqual([
      {
        type: 'policy-failed',
        at: expect.any(Date),
        collection: 'plans',
        rowId: 'p',
        field: 'span',
        policy: 'widest',
        error: expect.objectContaining({ code: 'POLICY_FAILED', message: expect.stringContaining('not today') }),
      },
    ]);
    expect(anna.conflicts$.value.map((conflict) => conflict.kind === 'field' && conflict.fields)).toEqual([['span']]);
    expect(await anna.plans.get('p')).toMatchObject({ title: 'title 2', labels: { a: '1', b: '2' } });
    expect(ben.conflicts$.value).toEqual([]);
    await (anna.conflicts$.value[0] as FieldConflict).resolve({ version: 0 });
    await settle(anna, ben);
    expect((await ben.plans.get('p'))?.span).toEqual((await anna.plans.get('p'))?.span);
  });

  test('[MRG11] the logger hears of it, and of a field with many concurrent values', async () => {
    const errors: string[] = [];
    const logger = { error: (message: string) => void errors.push(message), info() {}, debug() {} };
    const anna = await device('anna', () => ASK, { worker: false, logger: logger as never });
    await anna.plans.insert({ id: 'p', title: 'A', labels: {} });
    const seen = await anna.plans.readToken('p');
    for (let i = 0; i < 20; i++) await anna.plans.update('p', { title: `${i}` }, { seen });
    expect(errors).toEqual([
      'plans.title has 17 concurrent values; a field that everyone writes at once should be hot().',
    ]);
  });

  test('[MRG11] what failed while nobody listened is told to who listens when it fails again', async () => {
    const anna = await device('anna', () => NaN as never);
    await anna.plans.insert({ id: 'p', title: 'A', labels: {} });
    const seen = await anna.plans.readToken('p');
    for (const to of [1, 2]) await anna.plans.update('p', { span: { from: 0, to } }, { seen });
    const events: SyncEvent[] = [];
    anna.events$.subscribe((event) => events.push(event));
    for (const title of ['B', 'C']) await anna.plans.update('p', { title });
    expect(events.filter(({ type }) => type === 'policy-failed')).toHaveLength(1);
  });

  test('[MRG12] with a function sync runs in this context, where the function is', async () => {
    const spawned: unknown[] = [];
    vi.stubGlobal(
      'Worker',
      class {
        constructor(...about: unknown[]) {
          spawned.push(about);
          throw new Error('no worker here');
        }
      },
    );
    const devices = [await device('anna', widest, {}), await device('ben', widest, {})] as const;
    await atOnce(devices, [{ span: { from: 1, to: 6 } }, { span: { from: 4, to: 9 } }]);
    expect(await devices[0].plans.get('p')).toMatchObject({ span: { from: 1, to: 9 } });
    expect(spawned).toEqual([]);
    const plain = remember(
      await open({ name: freshName(), collections: { notes: collection() }, sync: { url: server.url } }),
    );
    await expect.poll(() => spawned.length).toBeGreaterThan(0);
    expect(plain.status$.value.connection).not.toBe('online');
  });

  test('[MRG15] a worker file of the app names the functions, and sync runs there', async () => {
    const { port1: near, port2: far } = new MessageChannel();
    for (const name of ['addEventListener', 'removeEventListener', 'postMessage'] as const)
      vi.stubGlobal(name, far[name].bind(far));
    // What the worker file of an app does.
    const { defineMerges } = await import('../worker.ts');
    let calls = 0;
    defineMerges({ widest: (input: MergeInput<Span>) => (calls++, widest(input)) });
    far.start();
    const ben = await device('ben');
    const anna = remember(
      await open({
        name: freshName(),
        collections: collectionsWith(widest),
        sync: { url: server.url },
        worker: () => Object.assign(near, { terminate: () => near.close() }) as unknown as Worker,
      }),
    );
    await atOnce([anna, ben], [{ span: { from: 1, to: 6 } }, { span: { from: 4, to: 9 } }]);
    expect(calls).toBeGreaterThan(0);
    expect(await anna.plans.get('p')).toMatchObject({ span: { from: 1, to: 9 } });
    expect(anna.conflicts$.value).toEqual([]);
    await anna.close();
    far.close();
  });

  test('[MRG13] one name stands for one function', async () => {
    const same = { a: collection<Plan>({ fields: { span: merge('widest', widest) } }), ...collectionsWith(widest) };
    expect(mergesOf(same)).toEqual({ widest });
    const other = { ...same, b: collection<Plan>({ fields: { span: merge('widest', () => ASK) } }) };
    expect(() => mergesOf(other)).toThrow(expect.objectContaining({ code: 'INVALID_SCHEMA' }));
    const none = { a: collection<Plan>({ fields: { span: merge('widest', undefined as never) } }) };
    await expect(open({ name: freshName(), collections: none })).rejects.toMatchObject({ code: 'INVALID_SCHEMA' });
    const nested = { a: collection<{ m: Record<string, Span> }>({ fields: { m: map(merge('deep', widest)) } }) };
    expect(Object.keys(mergesOf(nested))).toEqual(['deep']);
  });
});

describe('hot and local', () => {
  test('[HOT10] the last write of a hot field is shown everywhere, and a delete beats it without a word', async () => {
    const devices = [await device('anna'), await device('ben')] as const;
    const [anna, ben] = devices;
    await atOnce(devices, [{ typing: 'anna' }, { typing: 'ben' }]);
    expect(await anna.plans.get('p')).toEqual(await ben.plans.get('p'));
    for (const db of devices) db.sync.pause();
    await anna.plans.delete('p');
    await ben.plans.update('p', { typing: 'ben again' });
    for (const db of devices) db.sync.resume();
    await settle(anna, ben);
    for (const db of devices) expect([await db.plans.count(), db.conflicts$.value]).toEqual([0, []]);
  });

  test('[LOC1] a local field is read like all others and is in no change', async () => {
    const [anna, ben] = [await device('anna'), await device('ben')];
    const rows: unknown[] = [];
    anna.plans.live().subscribe((found) => rows.push(found));
    await anna.plans.insert({ id: 'p', title: 'A', labels: {}, folded: true });
    expect(await anna.plans.find({ where: { folded: true } as never })).toHaveLength(1);
    await settle(anna, ben);
    const inLog = server.log.space.log.length;
    await anna.plans.update('p', { folded: false });
    expect(anna.status$.value.pending.changes).toBe(0);
    expect(anna.outbox$.value).toEqual([]);
    await settle(anna, ben);
    expect(server.log.space.log.length).toBe(inLog);
    expect(server.log.space.log.map(({ text }) => text).join()).not.toContain('folded');
    expect(await anna.plans.get('p')).toEqual({ id: 'p', title: 'A', labels: {}, folded: false });
    expect(await ben.plans.get('p')).toEqual({ id: 'p', title: 'A', labels: {} });
    await expect.poll(() => rows.at(-1)).toEqual([{ id: 'p', title: 'A', labels: {}, folded: false }]);
  });
});
