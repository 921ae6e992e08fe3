/**
 * Storage in PostgreSQL, which any number of nodes may share: one server with one identity, whichever node a device is at.
 *
 * A transaction holds the rows of its spaces. Whatever ends it that is nobody's fault (a deadlock, a lost connection, a
 * server that restarts) has it run again from the begin; so has a commit whose answer did not come, because what it did is
 * found by then: a change is stored once.
 */
import { takeOver, type Limits, type Sid, type StoredEntry } from '@skerry/sdk/kernel';
import pg from 'pg';

import type { Logger } from '../../log.ts';
import type { AccessRows } from '../access-rows.ts';
import { StorageError } from '../port.ts';
import type {
  Hint,
  Look,
  Measured,
  MeasuredPlace,
  PinnedSpace,
  Question,
  ReadLimit,
  Storage,
  Transaction,
} from '../port.ts';
import { questionOfSpace } from '../questions.ts';
import { newSid } from '../random.ts';
import { postgresAccess } from './access.ts';
import { again, committed, rolledBack } from './attempts.ts';
import { PostgresFailure } from './failure.ts';
import { Hints } from './hints.ts';
import { measureSpace } from './measuring.ts';
import { migrate } from './migrations.ts';
import { pinSpace } from './pinned.ts';
import { lookAt, readEntries } from './reading.ts';
import { Sessions, type Session } from './sessions.ts';
import type { Settings } from './settings.ts';
import { quoted, statementsIn, type Statements } from './statements.ts';
import { PostgresTransaction } from './transaction.ts';

/** Spaces that are asked for together. */
const PAGE = 500;

export async function openPostgres(settings: Settings, logger: Logger | undefined): Promise<Storage> {
  const sessions = new Sessions(settings);
  const statements = statementsIn(settings.schema);
  const stop = new AbortController();
  try {
    const sid = await again({ stop: stop.signal, patienceMs: settings.patienceMs }, () =>
      sessions.use((session) => rolledBack(session, () => prepare(session, statements, settings.schema, logger))),
    );
    return new PostgresStorage(settings, sessions, statements, stop, sid);
  } catch (cause) {
    await sessions.close();
    throw refusalOf(cause);
  }
}

/** A wrong password, a database that is not there, a right that is missing: said by the server, and about nobody's content. */
function refusalOf(cause: unknown): unknown {
  if (!(cause instanceof pg.DatabaseError)) return cause;
  return new StorageError('broken', `the database refuses: ${cause.message}`, { cause });
}

async function prepare(
  session: Session,
  statements: Statements,
  schema: string,
  logger: Logger | undefined,
): Promise<Sid> {
  const version = await migrate(session, statements, schema);
  if (version === 0) logger?.info('database-created', { schema });
  const [unsafe] = await session.query<{ readonly names: string | null }>(UNSAFE, []);
  if (unsafe?.names) logger?.error('unsafe-database', { settings: unsafe.names });
  // Not beside a migration, which brings an identity: where there is none yet, both would have the row.
  const text = `INSERT INTO ${quoted(schema)}.meta (key, value)
    SELECT 'sid', $1 WHERE NOT EXISTS (SELECT FROM ${quoted(schema)}.meta WHERE key = 'migrating') ON CONFLICT DO NOTHING`;
  await session.query({ name: 'skerry_identify', text }, [newSid()]);
  const [row] = await session.query<{ readonly value: Sid }>(statements.sid, []);
  if (!row) throw new StorageError('busy', 'a migration into this database is not finished: run it again');
  return row.value;
}

/** With one of these off, what was committed is lost with the power. */
const UNSAFE = {
  name: 'skerry_unsafe',
  text: `SELECT string_agg(name, ', ' ORDER BY name) AS names FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off'`,
};

interface TableSize {
  readonly name: string;
  readonly bytes: number;
}

class PostgresStorage implements Storage {
  readonly access: AccessRows;
  readonly #settings: Settings;
  readonly #sessions: Sessions;
  readonly #statements: Statements;
  readonly #stop: AbortController;
  readonly #hints: Hints;
  readonly #pinned = new Set<PinnedSpace>();
  /** Pinned spaces, and those about to be. */
  #pins = 0;
  #sid: Sid;
  /** Set by the first failure of the disk: what was called written may not be, so nothing is written any more. */
  #broken: StorageError | null = null;
  #closed: Promise<void> | null = null;

  constructor(settings: Settings, sessions: Sessions, statements: Statements, stop: AbortController, sid: Sid) {
    this.#settings = settings;
    this.#sessions = sessions;
    this.#statements = statements;
    this.#stop = stop;
    this.#sid = sid;
    this.access = postgresAccess({
      statements,
      read: (work) => this.#read(work),
      write: (work) => this.#write(work),
    });
    this.#hints = new Hints({ sessions, statements, schema: settings.schema, pollMs: settings.pollMs });
  }

  get sid(): Sid {
    return this.#sid;
  }

  get maxPinned(): number {
    return this.#settings.snapshots;
  }

  look(space: string, question: Question): Promise<Look> {
    return this.#read((session) => lookAt(session, this.#statements, this.#sid, space, question));
  }

  read(space: string, after: number, max: ReadLimit): Promise<readonly StoredEntry[]> {
    return this.#read((session) => readEntries(session, this.#statements, space, after, max));
  }

  spaces(after: string | null, max: number): Promise<readonly string[]> {
    return this.#read((session) => this.#spaces(session, after, max));
  }

  async pin(space: string, limits: Limits): Promise<PinnedSpace> {
    if (this.#pins >= this.#settings.snapshots)
      throw new StorageError('busy', `${this.#pins} snapshots are being read; more need more connections`);
    this.#pins++;
    try {
      const pinned = await this.#again(async () =>
        pinSpace(await this.#sessions.hold(), this.#statements, this.#sid, space, limits),
      );
      const release = (): void => {
        if (!this.#pinned.delete(held)) return;
        this.#pins--;
        pinned.release();
      };
      const held = { ...pinned, release };
      this.#pinned.add(held);
      return held;
    } catch (cause) {
      this.#pins--;
      throw cause;
    }
  }

  measure(space: string, from: MeasuredPlace | null, max: number): Promise<Measured> {
    return this.#read((session) => measureSpace(session, this.#statements, space, from, max));
  }

  /** The tables, whichever files they are in. */
  async files(): Promise<Readonly<Record<string, number>>> {
    const rows = await this.#read((session) =>
      session.query<TableSize>(this.#statements.files, [quoted(this.#settings.schema)]),
    );
    return Object.fromEntries(rows.map(({ name, bytes }) => [name, bytes]));
  }

  async transact<T>(spaces: readonly string[], work: (transaction: Transaction) => Promise<T>): Promise<T> {
    let isInDoubt = false;
    const onLost = (): void => void (isInDoubt = true);
    const { result, saved } = await this.#write((session) => this.#attempt(session, spaces, work), onLost);
    this.#hints.send(saved);
    // An attempt before this one may have done the work: then nobody here has heard what was in it.
    if (isInDoubt) this.#hints.doubt(spaces);
    return result;
  }

  async takeOver(): Promise<void> {
    const [old, next] = [this.#sid, newSid()];
    const { schema } = this.#settings;
    await this.#write(async (session) => {
      await session.query(this.#statements.exclude, [schema]);
      for (let after: string | null = null; ;) {
        const spaces: readonly string[] = await this.#spaces(session, after, PAGE);
        for (const space of spaces) await this.#takeOver(session, space, old, next);
        if (spaces.length < PAGE) break;
        after = spaces.at(-1)!;
      }
      const text = `UPDATE ${quoted(schema)}.meta SET value = $1 WHERE key = 'sid'`;
      await session.query({ name: 'skerry_rename', text }, [next]);
    });
    this.#sid = next;
  }

  onHint(listener: (hint: Hint | null) => void): void {
    this.#hints.listen(listener);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#stop.abort();
    for (const pinned of this.#pinned) pinned.release();
    await this.#hints.close();
    await this.#sessions.close();
  }

  #again<T>(work: () => Promise<T>): Promise<T> {
    return again({ stop: this.#stop.signal, patienceMs: this.#settings.patienceMs }, work);
  }

  async #read<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#again(() => this.#sessions.use(work)).catch((cause: unknown) => {
      throw this.#remember(cause);
    });
  }

  async #spaces(session: Session, after: string | null, max: number): Promise<readonly string[]> {
    const rows = await session.query<{ readonly space: string }>(this.#statements.spaces, [after ?? '', max]);
    return rows.map(({ space }) => space);
  }

  /** One transaction, done again as long as what fails is passing; on disk when it resolves. */
  #write<T>(work: (session: Session) => Promise<T>, onLost?: () => void): Promise<T> {
    return this.#again(async () => {
      if (this.#broken) throw this.#broken;
      try {
        return await this.#sessions.use((session) => committed(session, work));
      } catch (failure) {
        if (failure instanceof PostgresFailure && failure.isLost) onLost?.();
        throw this.#remember(failure);
      }
    });
  }

  async #attempt<T>(
    session: Session,
    spaces: readonly string[],
    work: (transaction: Transaction) => Promise<T>,
  ): Promise<{ readonly result: T; readonly saved: ReadonlyMap<string, number> }> {
    const transaction = new PostgresTransaction(session, this.#statements, this.#sid);
    const begun = transaction.begin(this.#settings.schema, spaces);
    // What is asked meanwhile travels along. To its end, whatever fails: nothing is written behind a ROLLBACK.
    const [result, beginning] = await Promise.allSettled([work(transaction), begun]);
    if (beginning.status === 'rejected') throw beginning.reason;
    if (result.status === 'rejected') throw result.reason;
    return { result: result.value, saved: transaction.saved };
  }

  async #takeOver(session: Session, space: string, old: Sid, next: Sid): Promise<void> {
    const transaction = new PostgresTransaction(session, this.#statements, next);
    await transaction.lock(space);
    const [view] = await transaction.views([questionOfSpace(space)]);
    takeOver(view!, old);
    await transaction.save(space, view!);
  }

  #remember(failure: unknown): unknown {
    if (failure instanceof StorageError && failure.kind === 'broken') this.#broken ??= failure;
    return failure;
  }
}
