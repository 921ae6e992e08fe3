import { once } from 'node:events';
import { join } from 'node:path';
import { fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { canonicalJson, hashOfChange, type Json } from '@skerry/sdk/kernel';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { temporaryFolder } from '../../server.fixture.ts';
import { creation, push } from '../contract.ts';
import { StorageError } from '../port.ts';
import { sqlite } from './sqlite.ts';

const INC = 'AAAAAAAAAAAAAAAA';
const CHANGE = creation(INC, 1);
const ALL = { entries: 9, bytes: 9_999 };

let folder: ReturnType<typeof temporaryFolder>;
let file: string;

beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder.path, 'skerry.db');
});

afterEach(() => folder.remove());

/** A process that holds the database until it is killed. */
async function holder(): Promise<ReturnType<typeof fork>> {
  const script = join(folder.path, 'holder.mjs');
  const source = new URL('./sqlite.ts', import.meta.url).href;
  writeFileSync(
    script,
    `import { sqlite } from ${JSON.stringify(source)};\nawait sqlite(${JSON.stringify(file)}).open();\nprocess.send('open');\nsetInterval(() => {}, 1000);\n`,
  );
  const child = fork(script, { execArgv: ['--conditions=@skerry/source'] });
  await once(child, 'message');
  return child;
}

describe('SQLite storage', { timeout: 30_000 }, () => {
  it('[SQL1] a second process is refused while the first lives, and let in when it was killed', async () => {
    const child = await holder();
    await expect(sqlite(file).open()).rejects.toMatchObject({
      name: 'StorageError',
      kind: 'busy',
      message: expect.stringContaining(file),
    });
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    await (await sqlite(file).open()).close();
  });

  it('[SQL1] a second storage in the same process is refused too', async () => {
    const storage = await sqlite(file).open();
    await expect(sqlite(file).open()).rejects.toThrow('in use');
    await storage.close();
    await (await sqlite(file).open()).close();
  });

  it('[SQL1] what keeps it from locking is not taken for another process', async () => {
    mkdirSync(`${file}-lock`);
    const error = await sqlite(file)
      .open()
      .catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      name: 'StorageError',
      kind: 'broken',
      message: expect.stringContaining('cannot be opened'),
    });
    expect((error as Error).message).not.toContain('another');
  });

  it('[SQL2] a database of a newer server is refused and not touched', async () => {
    await (await sqlite(file).open()).close();
    const database = new Database(file);
    database.pragma('user_version = 1000');
    database.close();
    await expect(sqlite(file).open()).rejects.toBeInstanceOf(StorageError);
    const again = new Database(file);
    expect(again.pragma('user_version', { simple: true })).toBe(1000);
    again.close();
  });

  it('[SQL3] waits for a lock of somebody else without blocking, and then writes', async () => {
    const storage = await sqlite(file).open();
    const other = new Database(file);
    other.exec('BEGIN IMMEDIATE');
    let isDone = false;
    const writing = push(storage, 'a', [CHANGE]).then(() => (isDone = true));
    // Timers of this process run while the storage waits.
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(isDone).toBe(false);
    expect(await storage.read('a', 0, ALL)).toHaveLength(0);
    other.exec('ROLLBACK');
    other.close();
    await writing;
    expect(await storage.read('a', 0, ALL)).toHaveLength(1);
    await storage.close();
  });

  it('[SQL4] everything is in the write-ahead log before a transaction is called done', async () => {
    const storage = await sqlite(file).open();
    await push(storage, 'a', [CHANGE]);
    const other = new Database(file, { readonly: true });
    expect(other.pragma('journal_mode', { simple: true })).toBe('wal');
    const text = canonicalJson(CHANGE as unknown as Json);
    expect(other.prepare('SELECT lsn, sid, n, kind, inc, seq, hash, text FROM log').all()).toEqual([
      { lsn: 1, sid: storage.sid, n: 1, kind: 'change', inc: INC, seq: 1, hash: hashOfChange(CHANGE), text },
    ]);
    expect(other.prepare('SELECT collection, id FROM records').all()).toEqual([
      { collection: 'notes', id: CHANGE.recs[0]!.id },
    ]);
    expect(other.prepare('SELECT inc, seq FROM writers').all()).toEqual([{ inc: INC, seq: 1 }]);
    other.close();
    await storage.close();
  });

  it('[SQL5] the connection that commits has the disk sync every commit', async () => {
    const storage = await sqlite(file).open();
    const executing = vi.spyOn(Database.prototype, 'exec');
    await push(storage, 'a', [CHANGE]);
    const statements = executing.mock.calls.map(([sql]) => sql);
    const writers = executing.mock.contexts as readonly Database.Database[];
    executing.mockRestore();
    expect(statements).toEqual(['BEGIN IMMEDIATE', 'COMMIT']);
    for (const writer of writers) {
      // 2 is FULL: in WAL mode, less would sync at checkpoints only and lose the newest commits with the power.
      expect(writer.pragma('synchronous', { simple: true })).toBe(2);
      expect(writer.pragma('journal_mode', { simple: true })).toBe('wal');
    }
    await storage.close();
  });
});
