import 'fake-indexeddb/auto';
import { afterEach, expect, test, vi } from 'vitest';

import { closeAll, openNotes } from './notes.fixture.ts';
import type { Logger } from './types.ts';

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await closeAll();
});

function listening(): { readonly said: string[]; readonly logger: Logger } {
  const said: string[] = [];
  return { said, logger: { error: () => {}, info: (text) => void said.push(text), debug: () => {} } };
}

test('[QRY10] a query that reads every row says so once a shape, and names the index that would help', async () => {
  const { said, logger } = listening();
  const db = await openNotes({ logger, warnOnScan: true });
  const advice = async (query: Parameters<typeof db.notes.find>[0]): Promise<string | undefined> => {
    said.length = 0;
    await db.notes.find(query);
    return said[0];
  };
  expect(await advice({ where: { body: 'x' } })).toMatch(/notes \(body equals\).*'body' would help/);
  expect(await advice({ where: { body: 'y' } })).toBeUndefined();
  expect(await advice({ where: { body: 'x' }, orderBy: 'likes', limit: 3 })).toMatch(/'\[body\+likes\]'/);
  expect(await advice({ where: { body: { startsWith: 'x' } } })).toMatch(/'body'/);
  expect(await advice({ orderBy: '-body', limit: 3 })).toMatch(/'body'/);
  expect(await advice({ where: { extra: null } })).toMatch(/in no index/);
  expect(await advice({ filter: () => true })).toMatch(/belongs in where/);
  said.length = 0;
  await db.notes.count({ where: { likes: 3 } });
  await db.transaction((tx) => tx.notes.find({ where: { likes: { above: 3 } } }));
  expect(said).toHaveLength(2);
  expect(said.every((text) => /'likes' would help/.test(text))).toBe(true);
  const live = db.bookings.live({ where: { title: 'x' } }).subscribe();
  await expect.poll(() => said).toHaveLength(3);
  live.unsubscribe();
});

test('[QRY10] queries that an index answers, and those that want every row, say nothing', async () => {
  const { said, logger } = listening();
  const db = await openNotes({ logger, warnOnScan: true });
  await db.notes.find();
  await db.notes.find({ orderBy: 'body' });
  await db.notes.find({ where: { title: 'x' }, filter: () => true });
  await db.notes.find({ where: { tags: { contains: 'x' } } });
  await db.notes.find({ orderBy: '-title', limit: 2 });
  await db.notes.find({ limit: 2 });
  await db.notes.find({ where: { id: { anyOf: ['a', 'b'] }, likes: 2 } });
  await db.bookings.find({ where: { room: 'A' }, orderBy: 'start', limit: 2 });
  await db.notes.count();
  expect(said).toEqual([]);
});

test('[QRY10] without a logger the console is told, in development only, and the app can switch it', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const scan = async (options: { readonly warnOnScan?: boolean }): Promise<number> => {
    warn.mockClear();
    await (await openNotes(options)).notes.find({ where: { body: 'x' } });
    return warn.mock.calls.length;
  };
  expect(await scan({})).toBe(0);
  vi.stubEnv('NODE_ENV', 'production');
  expect(await scan({})).toBe(0);
  expect(await scan({ warnOnScan: true })).toBe(1);
  vi.stubEnv('NODE_ENV', 'development');
  expect(await scan({})).toBe(1);
  expect(await scan({ warnOnScan: false })).toBe(0);
});
