import { join } from 'node:path';
import { dotOf, incOf, seqOf, type Change, type Op } from '@skerry/sdk/kernel';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { contentOf as hashAndText } from '../../hub/prepare.ts';
import { createLogger } from '../../log.ts';
import { temporaryFolder } from '../../server.fixture.ts';
import { contentOf, creation, push, takePage, withStorage } from '../contract.ts';
import { memory } from '../memory.ts';
import { sql as firstSchema } from './migrations/0001-log.sql.ts';
import { sqlite } from './sqlite.ts';

const SID = 'Kq3vXw8-b1M';
const [ADA, EVE] = ['ada', 'eve'].map((name) => name.padEnd(16, '-')) as [string, string];

let folder: ReturnType<typeof temporaryFolder>;
let file: string;

beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder.path, 'skerry.db');
});

afterEach(() => folder.remove());

/** A database as the first released server has left it. */
function writeFirstVersion(spaces: Readonly<Record<string, readonly Change[]>>): void {
  const database = new Database(file);
  database.pragma('journal_mode = WAL');
  database.exec(firstSchema);
  database.pragma('user_version = 1');
  database.prepare(`INSERT INTO meta (key, value) VALUES ('sid', ?)`).run(SID);
  for (const [name, changes] of Object.entries(spaces)) {
    const add = database.prepare('INSERT INTO spaces (name, head) VALUES (?, ?) RETURNING id').pluck();
    const space = add.get(name, changes.length) as number;
    changes.forEach((change, i) => {
      const { hash, text } = hashAndText(change);
      const [inc, seq] = [incOf(change.dot), seqOf(change.dot)];
      database
        .prepare('INSERT INTO log (space, n, inc, seq, hash, change) VALUES (?, ?, ?, ?, ?, ?)')
        .run(space, i + 1, inc, seq, hash, text);
      database
        .prepare('INSERT INTO writers VALUES (?, ?, ?, ?) ON CONFLICT (space, inc) DO UPDATE SET seq = excluded.seq')
        .run(space, inc, seq, inc === ADA ? 'ada' : null);
    });
  }
  database.close();
}

/** Many records of two writers: made, edited at the same time, and some deleted. */
function someHistory(count: number): readonly Change[] {
  return Array.from({ length: count }, (_, i) => {
    const inc = i % 2 === 0 ? ADA : EVE;
    const made = creation(inc, 1 + Math.floor(i / 2), { id: `r${i % 97}` });
    if (i < 97) return i < 2 ? { ...made, writer: { device: { id: `of ${inc}` } } } : made;
    const pred = i % 7 === 0 ? [dotOf((i % 97) % 2 === 0 ? ADA : EVE, 1 + Math.floor((i % 97) / 2))] : [];
    const op: Op = i % 7 === 0 ? { t: 'life', v: 'dead', pred } : { t: 'set', p: 'title', v: `of ${i}`, pred: [] };
    return { ...made, recs: [{ ...made.recs[0]!, rv: pred, ops: [op] }] };
  });
}

function versionOf(path: string): unknown {
  const database = new Database(path, { readonly: true });
  const version = database.pragma('user_version', { simple: true });
  database.close();
  return version;
}

describe('a database of the first version', { timeout: 60_000 }, () => {
  it('[SQL6] becomes what it would be had records, registry and chain been kept from the beginning', async () => {
    const spaces = { notes: someHistory(2_345), other: someHistory(3), empty: [] };
    writeFirstVersion(spaces);
    const expected = await withStorage(memory(), async (storage) => {
      for (const [name, changes] of Object.entries(spaces)) {
        const entries = changes.map((change, i) => ({ stamp: [SID, i + 1] as const, dot: change.dot, change }));
        await takePage(storage, name, entries);
      }
      return Promise.all(['notes', 'other'].map((space) => contentOf(storage, space)));
    });
    await withStorage(sqlite(file), async (storage) => {
      expect(storage.sid).toBe(SID);
      for (const [i, space] of ['notes', 'other'].entries()) {
        const { meta, log, records } = await contentOf(storage, space);
        const { digest, chain, cursor, lsn, truncated } = expected[i]!.meta;
        expect(meta).toMatchObject({ digest, chain, cursor, lsn, truncated });
        expect(Object.keys(meta.topology.members)).toEqual([SID]);
        const told = ({ lsn, stamp, dot, chain, text }: (typeof log)[number]): unknown => ({
          lsn,
          stamp,
          dot,
          chain,
          change: JSON.parse(text!),
        });
        expect(log.map(told)).toEqual(expected[i]!.log.map(told));
        expect(new Map(records.map((record) => [record.id, record.state]))).toEqual(
          new Map(expected[i]!.records.map((record) => [record.id, record.state])),
        );
      }
      const { known } = await storage.look('notes', { writers: [ADA, EVE], cursor: {} });
      expect([...known.values()]).toMatchObject([
        { seq: 1_173, owner: 'ada' },
        { seq: 1_172, owner: null },
      ]);
      const pinned = await storage.pin('other', { recordsPerPiece: 9, pageBytes: 9_999, entriesPerPage: 9 } as never);
      expect((await pinned.piece(0)).writers).toEqual([
        { inc: ADA, device: { id: `of ${ADA}` } },
        { inc: EVE, device: { id: `of ${EVE}` } },
      ]);
      pinned.release();
      expect(await storage.spaces(null, 9)).toEqual(['notes', 'other']);
    });
  });

  it('[SQL6] goes on from where it was: known changes are duplicates, the next ones follow, and it is brought over once', async () => {
    const changes = someHistory(5);
    writeFirstVersion({ notes: changes });
    const logs: string[] = [];
    const logger = createLogger('info', (line) => void logs.push(JSON.parse(line).event as string));
    const storage = await sqlite(file).open(logger);
    expect(
      await push(
        storage,
        'notes',
        changes.filter(({ dot }) => incOf(dot) === EVE),
      ),
    ).toMatchObject({ accepted: [] });
    await push(storage, 'notes', [creation(EVE, 3)]);
    await storage.close();
    await withStorage(sqlite(file), async (again) => {
      const { log } = await contentOf(again, 'notes');
      expect(log.map(({ lsn, stamp }) => [lsn, stamp])).toEqual([1, 2, 3, 4, 5, 6].map((n) => [n, [SID, n]]));
    });
    expect(logs).toEqual(['migrating', 'migrated']);
  });

  it('[SQL6] stays as it was when it cannot be brought over', async () => {
    writeFirstVersion({ notes: someHistory(5) });
    const database = new Database(file);
    database.exec(`UPDATE log SET change = 'damaged' WHERE n = 4`);
    database.close();
    await expect(sqlite(file).open()).rejects.toThrow();
    expect(versionOf(file)).toBe(1);
    const again = new Database(file, { readonly: true });
    expect(again.prepare('SELECT count(*) FROM log').pluck().get()).toBe(5);
    again.close();
  });
});
