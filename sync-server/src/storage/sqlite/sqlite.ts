/**
 * Storage in one SQLite file, in WAL mode with `synchronous = FULL`: a commit that has returned survives power loss.
 *
 * One connection writes, another reads, so that a long catch-up never waits for a commit; each pinned space has its own. SQLite works synchronously;
 * the busy timeout is short because it blocks the whole process, and waiting longer is done between attempts.
 */
import { mkdirSync } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { newSpaceMeta, takeOver, type Limits, type Sid, type StoredEntry } from '@skerry/sdk/kernel';
import Database from 'better-sqlite3';

import type { Logger } from '../../log.ts';
import { StorageError } from '../port.ts';
import type {
  Look,
  Measured,
  MeasuredPlace,
  Piece,
  PinnedSpace,
  Question,
  ReadLimit,
  Storage,
  StorageSource,
  Transaction,
} from '../port.ts';
import type { AccessRows } from '../access-rows.ts';
import { questionOfSpace } from '../questions.ts';
import { newSid } from '../random.ts';
import { Serial } from '../serial.ts';
import { sqliteAccess } from './access.ts';
import { errorOf } from './failure.ts';
import { lockFile, type FileLock } from './lock.ts';
import { measureSpace } from './measuring.ts';
import { migrate } from './migrations.ts';
import { pinSpace } from './pinned.ts';
import { chainsAt, knownOf, positionFor, readEntries } from './reading.ts';
import { findSpace } from './space-row.ts';
import { prepare, type Statements } from './statements.ts';
import { SqliteTransaction } from './transaction.ts';
import { MAX_WAL_BYTES, WalGuard } from './wal.ts';

const BUSY_TIMEOUT_MS = 50;
const BUSY_RETRY_MS = 100;
const BUSY_GIVE_UP_MS = 10_000;

/** The database file at `path`; it and its folder are made when they are missing. */
export function sqlite(path: string, { maxWalBytes = MAX_WAL_BYTES }: SqliteOptions = {}): StorageSource {
  return { open: async (logger) => openStorage(path, maxWalBytes, logger) };
}

export interface SqliteOptions {
  /** From this size of the write-ahead log on, snapshots that keep it from being tidied are let go: 256 MiB without it. */
  readonly maxWalBytes?: number;
}

function openStorage(path: string, maxWalBytes: number, logger: Logger | undefined): Storage {
  mkdirSync(dirname(path), { recursive: true });
  const lock = lockFile(path);
  try {
    const writer = openDatabase(path);
    migrate(writer, logger);
    const sid = identify(writer);
    return new SqliteStorage({ path, maxWalBytes, sid, writer, reader: openDatabase(path), lock });
  } catch (cause) {
    lock.release();
    throw errorOf(cause);
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

interface Opened {
  readonly path: string;
  readonly maxWalBytes: number;
  readonly sid: Sid;
  readonly writer: Database.Database;
  readonly reader: Database.Database;
  readonly lock: FileLock;
}

/** A further connection, for which there may be no file descriptor left just now: nothing is wrong with the disk then. */
function openAnother(path: string): Database.Database {
  try {
    return openDatabase(path);
  } catch (cause) {
    throw new StorageError('busy', 'no further connection to the database can be opened', { cause });
  }
}

class SqliteStorage implements Storage {
  readonly access: AccessRows;
  readonly #path: string;
  readonly #writer: Database.Database;
  readonly #reader: Database.Database;
  readonly #lock: FileLock;
  readonly #write: Statements;
  readonly #read: Statements;
  readonly #serial = new Serial();
  readonly #pinned = new Set<PinnedSpace>();
  readonly #wal: WalGuard;
  #sid: Sid;
  /** Set by the first failure of the disk: what was called written may not be, so nothing is written any more. */
  #broken: StorageError | null = null;

  constructor({ path, maxWalBytes, sid, writer, reader, lock }: Opened) {
    this.#path = path;
    this.#sid = sid;
    this.#writer = writer;
    this.#reader = reader;
    this.#lock = lock;
    this.#wal = new WalGuard(path, writer, maxWalBytes);
    this.#write = prepare(writer);
    this.#read = prepare(reader);
    this.access = sqliteAccess(reader, writer, (work) => this.#durably(work));
  }

  get sid(): Sid {
    return this.#sid;
  }

  async look(space: string, { writers, cursor }: Question): Promise<Look> {
    return this.#reading((): Look => {
      const found = findSpace(this.#read, space);
      if (!found) return { meta: newSpaceMeta([this.#sid]), known: new Map(), chain: {}, position: 0 };
      return {
        meta: found.meta,
        known: knownOf(this.#read, found.id, writers),
        chain: chainsAt(this.#read, found, cursor),
        position: positionFor(this.#read, found, cursor),
      };
    });
  }

  async read(space: string, after: number, max: ReadLimit): Promise<readonly StoredEntry[]> {
    return this.#reading(() => {
      const id = this.#read.spaceId.get(space) as number | undefined;
      return id === undefined ? [] : readEntries(this.#read, id, after, max);
    });
  }

  async spaces(after: string | null, max: number): Promise<readonly string[]> {
    return this.#reading(() => this.#read.spaces.all(after ?? '', max) as string[]);
  }

  async pin(space: string, limits: Limits): Promise<PinnedSpace> {
    const database = openAnother(this.#path);
    const pinned = this.#told(() => pinSpace(database, space, this.#sid, limits));
    const release = (): void => {
      if (this.#pinned.delete(held)) pinned.release();
    };
    const piece = (index: number): Promise<Piece> => pinned.piece(index).catch((cause: unknown) => this.#tell(cause));
    const held = { ...pinned, piece, isGone: () => !this.#pinned.has(held), release };
    this.#pinned.add(held);
    return held;
  }

  #releaseOldest(): boolean {
    const [oldest] = this.#pinned;
    oldest?.release();
    return oldest !== undefined;
  }

  async measure(space: string, from: MeasuredPlace | null, max: number): Promise<Measured> {
    return this.#reading(() => measureSpace(this.#read, space, from, max));
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(dirname(this.#path));
    return bavail * bsize;
  }

  async files(): Promise<Readonly<Record<string, number>>> {
    const sizes = Object.entries({ database: this.#path, wal: `${this.#path}-wal` }).map(async ([file, path]) => {
      const { size } = await stat(path).catch(() => ({ size: 0 }));
      return [file, size] as const;
    });
    return Object.fromEntries(await Promise.all(sizes));
  }

  transact<T>(_spaces: readonly string[], work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#durably(() => work(new SqliteTransaction(this.#sid, this.#write).asPort()));
  }

  async takeOver(): Promise<void> {
    const [old, next] = [this.#sid, newSid()];
    await this.#durably(async () => {
      const transaction = new SqliteTransaction(next, this.#write);
      for (const space of this.#write.spaces.all('', -1) as string[]) {
        const view = transaction.view(questionOfSpace(space));
        takeOver(view, old);
        transaction.save(space, view);
      }
      this.#writer.prepare(`UPDATE meta SET value = ? WHERE key = 'sid'`).run(next);
    });
    this.#sid = next;
  }

  async close(): Promise<void> {
    await this.#serial.run(async () => {
      for (const pinned of this.#pinned) pinned.release();
      this.#reader.close();
      this.#writer.close();
      this.#lock.release();
    });
  }

  /** At one moment, whatever is written meanwhile. */
  #reading<T>(read: () => T): T {
    return this.#told(() => this.#reader.transaction(read)());
  }

  /** A page that cannot be read is as bad as one that cannot be written: nobody knows what else is lost. */
  #told<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      return this.#tell(cause);
    }
  }

  #tell(cause: unknown): never {
    throw this.#remember(errorOf(cause));
  }

  /** Alone with the database; on disk when it resolves. */
  #durably<T>(work: () => Promise<T>): Promise<T> {
    return this.#serial.run(async () => {
      await this.#begin();
      const result = await this.#commit(work);
      this.#told(() => this.#wal.relieve(() => this.#releaseOldest()));
      return result;
    });
  }

  async #commit<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.#writer.exec('COMMIT');
      return result;
    } catch (cause) {
      throw this.#rollBack(cause);
    }
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
