/**
 * Storage in one SQLite file, in WAL mode with `synchronous = FULL`: a commit that has returned survives power loss.
 *
 * One connection writes, another reads, so that a long catch-up never waits for a commit. SQLite works synchronously;
 * the busy timeout is short because it blocks the whole process, and waiting longer is done between attempts.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Inc, Sid, StoredEntry } from '@skerry/sdk/kernel';
import Database from 'better-sqlite3';

import { StorageError } from '../port.ts';
import type { KnownWriter, ReadLimit, Storage, StorageSource, Transaction } from '../port.ts';
import { newSid } from '../random.ts';
import { Serial } from '../serial.ts';
import { errorOf } from './failure.ts';
import { lockFile, type FileLock } from './lock.ts';
import { migrate } from './migrations.ts';
import { append, factsOf, findSpace, knownOf, prepare, readEntries, type Statements } from './statements.ts';

const BUSY_TIMEOUT_MS = 50;
const BUSY_RETRY_MS = 100;
const BUSY_GIVE_UP_MS = 10_000;

/** The database file at `path`; it and its folder are made when they are missing. */
export function sqlite(path: string): StorageSource {
  return { open: async () => openStorage(path) };
}

function openStorage(path: string): Storage {
  mkdirSync(dirname(path), { recursive: true });
  const lock = lockFile(path);
  try {
    const writer = openDatabase(path);
    migrate(writer);
    const sid = identify(writer);
    return new SqliteStorage(sid, writer, openDatabase(path), lock);
  } catch (cause) {
    lock.release();
    throw cause;
  }
}

function openDatabase(path: string): Database.Database {
  const database = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  return database;
}

function identify(database: Database.Database): Sid {
  database.prepare(`INSERT INTO meta (key, value) VALUES ('sid', ?) ON CONFLICT DO NOTHING`).run(newSid());
  return database.prepare(`SELECT value FROM meta WHERE key = 'sid'`).pluck().get() as Sid;
}

class SqliteStorage implements Storage {
  readonly sid: Sid;
  readonly #writer: Database.Database;
  readonly #reader: Database.Database;
  readonly #lock: FileLock;
  readonly #write: Statements;
  readonly #read: Statements;
  readonly #serial = new Serial();
  /** Set by the first failure of the disk: what was called written may not be, so nothing is written any more. */
  #broken: StorageError | null = null;

  constructor(sid: Sid, writer: Database.Database, reader: Database.Database, lock: FileLock) {
    this.sid = sid;
    this.#writer = writer;
    this.#reader = reader;
    this.#lock = lock;
    this.#write = prepare(writer);
    this.#read = prepare(reader);
  }

  async head(space: string): Promise<number> {
    return findSpace(this.#read, space)?.head ?? 0;
  }

  async known(space: string, incs: readonly Inc[]): Promise<ReadonlyMap<Inc, KnownWriter>> {
    const found = findSpace(this.#read, space);
    return found ? knownOf(this.#read, found.id, incs) : new Map();
  }

  async read(space: string, after: number, max: ReadLimit): Promise<readonly StoredEntry[]> {
    const found = findSpace(this.#read, space);
    return found ? readEntries(this.#read, found.id, after, max) : [];
  }

  transact<T>(_spaces: readonly string[], work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#serial.run(async () => {
      await this.#begin();
      try {
        const result = await work(this.#transaction());
        this.#writer.exec('COMMIT');
        return result;
      } catch (cause) {
        throw this.#rollBack(cause);
      }
    });
  }

  async close(): Promise<void> {
    await this.#serial.run(async () => {
      this.#reader.close();
      this.#writer.close();
      this.#lock.release();
    });
  }

  /** Waits for somebody else's lock, a backup's say, without blocking the process. */
  async #begin(): Promise<void> {
    const until = performance.now() + BUSY_GIVE_UP_MS;
    for (;;) {
      if (this.#broken) throw this.#broken;
      try {
        this.#writer.exec('BEGIN IMMEDIATE');
        return;
      } catch (cause) {
        const error = errorOf(cause);
        if (!(error instanceof StorageError) || error.kind !== 'busy' || performance.now() > until)
          throw this.#remember(error);
        await delay(BUSY_RETRY_MS);
      }
    }
  }

  #transaction(): Transaction {
    return {
      facts: async (questions) => questions.map((question) => factsOf(this.#write, question)),
      append: async (entries) => append(this.#write, entries),
    };
  }

  #rollBack(cause: unknown): unknown {
    const error = this.#remember(errorOf(cause));
    try {
      if (this.#writer.inTransaction) this.#writer.exec('ROLLBACK');
    } catch (failure) {
      return this.#remember(new StorageError('broken', 'a transaction could not be rolled back', { cause: failure }));
    }
    return error;
  }

  #remember(error: unknown): unknown {
    if (error instanceof StorageError && error.kind === 'broken') this.#broken ??= error;
    return error;
  }
}
