import { wrap, type IDBPDatabase } from 'idb';
import { afterEach, describe, expect, test } from 'vitest';

import type { Row } from '../core/view.ts';
import { readGolden } from '../lib/golden.fixture.ts';
import { seededRandom } from '../lib/random.ts';
import { exchange, LogServer, NOTES, testDevice, type TestDevice } from './devices.fixture.ts';
import { restoreDatabase, type GoldenDatabase } from './golden-database.fixture.ts';
import { HISTORY_LIMITS, type HistoryLimits } from './history-limits.ts';
import { NOT_COUNTED, type HistoryMark, type HistoryRow } from './history-row.ts';
import { sweepHistory } from './history-sweep.ts';
import { HISTORY } from './layout.ts';

const PLAN = {
  ...NOTES,
  fields: { ...NOTES.fields, title: { kind: 'lww' } as const, labels: { kind: 'map' } as const },
};
const START = 1_800_000_000_000;

const opened: TestDevice[] = [];
afterEach(() => opened.splice(0).forEach((device) => device.close()));

async function device(user: string, options: Parameters<typeof testDevice>[1] = {}): Promise<TestDevice> {
  const made = await testDevice(user, { plan: PLAN, ...options });
  opened.push(made);
  return made;
}

const notes = ({ db }: TestDevice) => db.dexie.table('notes');
const kept = async ({ db }: TestDevice): Promise<HistoryRow[]> => {
  const rows = (await db.dexie.table(HISTORY).toArray()) as (HistoryRow | HistoryMark)[];
  return rows.filter((row): row is HistoryRow => row.n !== 0);
};
const markOf = async ({ db }: TestDevice): Promise<HistoryMark> =>
  ((await db.dexie.table(HISTORY).get(0)) as HistoryMark | undefined) ?? NOT_COUNTED;
const past = ({ db }: TestDevice, id = 'a') => db.readHistory('notes', id, Infinity);
const sweep = ({ db }: TestDevice, limits: Partial<HistoryLimits>, nowMs = Date.now()): Promise<void> =>
  sweepHistory(wrap(db.dexie.backendDB()) as IDBPDatabase, nowMs, { ...HISTORY_LIMITS, ...limits });

describe('what is kept', () => {
  test('[HIS2] rows that are made, here or by a first sync, keep nothing; one field that is written keeps one small row', async () => {
    const server = new LogServer();
    const [anna, ben] = [await device('anna'), await device('ben')];
    await notes(anna).bulkAdd(
      Array.from({ length: 300 }, (_, i) => ({ id: `n${i}`, title: 'x'.repeat(200), tags: ['y'] })),
    );
    await notes(anna).update('n1', { likes: 1 });
    await anna.push(server);
    await ben.pull(server);
    expect(await kept(ben)).toEqual([]);
    await anna.pull(server);
    expect(await kept(anna)).toHaveLength(1);
    await notes(anna).update('n2', { pinned: true });
    const rows = await kept(anna);
    expect(rows).toHaveLength(2);
    for (const { bytes } of rows) expect(bytes).toBeLessThan(200);
  });

  test('[HIS3] a transaction is one step of a row, however often it writes it; what it undoes itself and what fails leaves none', async () => {
    const anna = await device('anna');
    await notes(anna).add({ id: 'a', title: 'one', tags: [] });
    await anna.db.transact({}, async () => {
      await notes(anna).update('a', { title: 'two' });
      await notes(anna).update('a', { title: 'three', likes: 1 });
    });
    expect((await past(anna)).map(({ row }) => row?.['title'])).toEqual(['three', 'one']);
    await anna.db.transact({}, async () => {
      await notes(anna).update('a', { title: 'four' });
      await notes(anna).update('a', { title: 'three' });
    });
    const failing = anna.db.transact({}, async () => {
      await notes(anna).update('a', { title: 'five' });
      throw new Error('of the app');
    });
    await expect(failing).rejects.toThrow('of the app');
    expect(await kept(anna)).toHaveLength(1);
    expect((await past(anna)).map(({ row }) => row?.['title'])).toEqual(['three', 'one']);
  });

  test('[HIS6] what a server refused is told as withdrawn, and not any more when another server had taken it', async () => {
    const server = new LogServer();
    const anna = await device('anna');
    await notes(anna).add({ id: 'a', title: 'one', tags: [] });
    await anna.sync(server);
    const { dot } = await anna.db.transact({}, () => notes(anna).update('a', { title: 'refused' }));
    await notes(anna).update('a', { tags: ['kept'] });
    const [sent] = await anna.store.readOutbox(null, { changes: 1, bytes: 1e6 });
    await anna.store.reject(dot as string, { code: 'FORBIDDEN', message: 'no' });
    expect((await past(anna)).map(({ state, values }) => [state, values])).toEqual([
      ['withdrawn', { tags: ['kept'] }],
      ['withdrawn', { title: 'refused' }],
      ['current', { title: 'one' }],
    ]);
    server.admit(sent!.change);
    await anna.pull(server);
    expect(await notes(anna).get('a')).toMatchObject({ title: 'refused' });
    expect((await past(anna)).map(({ state, row }) => [state, row?.['title']])).toEqual([
      ['withdrawn', 'refused'],
      ['current', 'refused'],
      ['former', 'one'],
    ]);
  });

  test('[HIS6] what went to a recovered copy is told as withdrawn from the row that was deleted', async () => {
    const server = new LogServer();
    const [anna, ben] = [await device('anna'), await device('ben')];
    await notes(anna).add({ id: 'a', title: 'one', tags: [] });
    await exchange(server, anna, ben);
    const { dot } = await anna.db.transact({}, () => notes(anna).update('a', { title: 'edited' }));
    await notes(ben).delete('a');
    await ben.push(server);
    await anna.pull(server);
    const told = async (): Promise<unknown> =>
      (await past(anna)).map(({ state, action, row }) => [state, action, row && row['title']]);
    expect(await told()).toEqual([
      ['current', 'delete', 'edited'],
      ['former', 'update', 'edited'],
      ['former', 'insert', 'one'],
    ]);
    await anna.store.recover(dot as string, { c: 'notes', id: 'a' });
    expect(await told()).toEqual([
      ['current', 'delete', null],
      ['withdrawn', 'update', 'edited'],
      ['former', 'insert', 'one'],
    ]);
  });

  test('[HIS13] a record that every server has forgotten has no history', async () => {
    const anna = await device('anna');
    await notes(anna).add({ id: 'a', title: 'one', tags: [] });
    await notes(anna).update('a', { title: 'two' });
    const { dot } = await anna.db.transact({}, () => notes(anna).add({ id: 'b', title: 'refused', tags: [] }));
    await notes(anna).update('b', { title: 'later' });
    expect(await kept(anna)).toHaveLength(2);
    await anna.store.reject(dot as string, { code: 'FORBIDDEN', message: 'no' });
    expect((await kept(anna)).map(({ id }) => id)).toEqual(['a']);
    await sweep(anna, {});
    expect(await markOf(anna)).toMatchObject({ bytes: (await kept(anna))[0]!.bytes });
  });
});

describe('what is told', () => {
  test('[HIS7] writes of several people that come in one page are told one by one, with what each wrote', async () => {
    const server = new LogServer();
    const [anna, ben, carl] = [await device('anna'), await device('ben'), await device('carl')];
    await notes(anna).add({ id: 'a', title: 'one', tags: ['x'], room: 'R' });
    await anna.push(server);
    for (const one of [anna, ben, carl]) await one.pull(server);
    await notes(ben).update('a', { title: 'two' });
    await exchange(server, ben, carl);
    await notes(carl).update('a', { tags: ['x', 'y'], likes: 3 });
    await exchange(server, carl);
    await anna.pull(server);
    const told = (await past(anna)).map(({ writer, fields, row, action }) => [
      writer?.user?.id,
      action,
      [...fields].sort(),
      row,
    ]);
    const row = { id: 'a', title: 'one', tags: ['x'], likes: 0, labels: {}, room: 'R' };
    expect(told).toEqual([
      ['carl', 'update', ['likes', 'tags'], { ...row, title: 'two', tags: ['x', 'y'], likes: 3 }],
      ['ben', 'update', ['title'], { ...row, title: 'two' }],
      ['anna', 'insert', expect.arrayContaining(['room', 'tags', 'title']), row],
    ]);
  });

  test('[HIS8] everything that was shown is told as it was, whoever wrote it and however it came', async () => {
    for (let seed = 1; seed <= 15; seed++) {
      const random = seededRandom(seed);
      const one = <T>(of: readonly T[]): T => of[Math.floor(random.fraction() * of.length)]!;
      const server = new LogServer();
      const [anna, ben] = [await device('anna'), await device('ben')];
      await notes(anna).add({ id: 'a', title: '0', tags: ['x'], likes: 1, labels: { a: 1 } });
      await exchange(server, anna, ben);
      const shown = [JSON.stringify(await notes(anna).get('a'))];
      for (let step = 1; step <= 30; step++) {
        const writer = one([anna, anna, ben]);
        await act(one, writer, String(step), server);
        const row = (await notes(anna).get('a')) as Row | undefined;
        const text = JSON.stringify(row ?? null);
        if (text !== shown.at(-1)) shown.push(text);
      }
      const told = (await past(anna))
        .filter(({ state }) => state !== 'aside')
        .map(({ row }) => row)
        .reverse();
      expect(told.at(-1), `seed ${seed}`).toEqual(JSON.parse(shown.at(-1)!));
      let from = 0;
      for (const text of shown) {
        const at = told.findIndex((row, i) => i >= from && isSame(row, JSON.parse(text) as Row | null));
        expect(at, `seed ${seed}: ${text} is told behind ${from} of ${JSON.stringify(told)}`).toBeGreaterThanOrEqual(
          from,
        );
        from = at;
      }
      const ids = (await past(anna)).map(({ mark }) => mark.dot);
      expect(new Set(ids).size, `seed ${seed}`).toBe(ids.length);
    }
  }, 60_000);
});

async function act(
  one: <T>(of: readonly T[]) => T,
  writer: TestDevice,
  text: string,
  server: LogServer,
): Promise<void> {
  const row = (await notes(writer).get('a')) as Row | undefined;
  switch (one(['title', 'tags', 'likes', 'labels', 'room', 'delete', 'sync', 'sync'])) {
    case 'title':
      return void (await notes(writer).put({ id: 'a', tags: [], ...row, title: text }));
    case 'tags':
      return void (row && (await notes(writer).update('a', { tags: one([['x'], ['x', text], [text], []]) })));
    case 'likes':
      return void (row && (await notes(writer).update('a', { likes: Number(row['likes']) + 1 })));
    case 'labels':
      return void (row && (await notes(writer).update('a', { labels: one([{}, { a: text }, { b: text, a: 1 }]) })));
    case 'room':
      return void (row && (await notes(writer).update('a', { room: text, start: one(['10', '11']) })));
    case 'delete':
      return void (await notes(writer).delete('a'));
    case 'sync':
      return writer.sync(server);
  }
}

function isSame(a: Row | null, b: Row | null): boolean {
  try {
    expect(a).toEqual(b);
    return true;
  } catch {
    return false;
  }
}

test('[HIS16] a database of layout 2 has a history from its first write on', async () => {
  const name = 'layout-2';
  const folder = new URL('./fixtures/', import.meta.url);
  const { database } = JSON.parse(readGolden(folder, 2).get('device.json')!) as { readonly database: GoldenDatabase };
  await restoreDatabase(name, database);
  const anna = await device('anna', { name, plan: NOTES });
  const before = await notes(anna).get('a');
  expect((await past(anna)).filter(({ state }) => state === 'current').map(({ row }) => row)).toEqual([before]);
  await notes(anna).update('a', { likes: 100 });
  const told = (await past(anna)).filter(({ state }) => state !== 'aside');
  expect(told.map(({ row, state }) => [state, row])).toEqual([
    ['current', { ...before, likes: 100 }],
    ['former', before],
  ]);
});

describe('limits', () => {
  async function written(count: number, nowMs = () => START): Promise<TestDevice> {
    const anna = await device('anna', { nowMs });
    await notes(anna).bulkAdd([
      { id: 'a', title: '0', tags: [] },
      { id: 'b', title: '0', tags: [] },
    ]);
    for (let i = 1; i <= count; i++) await notes(anna).update('a', { title: String(i) });
    await notes(anna).update('b', { title: '1' });
    return anna;
  }

  test('[HIS14] of each row the latest steps stay', async () => {
    const anna = await written(8);
    await sweep(anna, { stepsPerRow: 3 }, START);
    expect((await past(anna)).map(({ row }) => row!['title'])).toEqual(['8', '7', '6', '5']);
    expect(await past(anna, 'b')).toHaveLength(2);
    const sum = (await kept(anna)).reduce((total, { bytes }) => total + bytes, 0);
    expect(await markOf(anna)).toMatchObject({ bytes: sum });
  });

  test('[HIS14] of all rows together the newest stay that fit', async () => {
    const anna = await written(8);
    const bytes = (await kept(anna)).slice(-3).reduce((sum, row) => sum + row.bytes, 10);
    await sweep(anna, { bytes }, START);
    expect((await kept(anna)).map(({ id }) => id)).toEqual(['a', 'a', 'b']);
    await notes(anna).update('a', { title: 'again' });
    await sweep(anna, { bytes }, START);
    expect((await kept(anna)).map(({ id }) => id)).toEqual(['a', 'b', 'a']);
  });

  test('[HIS14] what is too old goes', async () => {
    let nowMs = START;
    const anna = await written(8, () => (nowMs += 1_000));
    const times = (await kept(anna)).map(({ at }) => at);
    await sweep(anna, { ageMs: 10_000 }, times[6]! + 10_000);
    expect((await kept(anna)).map(({ at }) => at)).toEqual(times.slice(6));
  });

  test('[HIS14] a context looks by itself when it has written much, and when the database is opened', async () => {
    const name = 'swept-by-itself';
    const anna = await device('anna', { name, nowMs: () => START });
    await notes(anna).add({ id: 'a', title: '0', tags: [] });
    for (let i = 1; i <= 256; i++) await notes(anna).update('a', { title: String(i) });
    await expect.poll(() => kept(anna)).toHaveLength(HISTORY_LIMITS.stepsPerRow);
    opened.splice(0).forEach((one) => one.close());
    const later = await device('anna', { name, nowMs: () => START + HISTORY_LIMITS.ageMs + 1 });
    await expect.poll(() => kept(later)).toEqual([]);
    expect((await past(later)).map(({ row, state }) => [row!['title'], state])).toEqual([['256', 'current']]);
  });
});
