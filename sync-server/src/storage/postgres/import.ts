/**
 * Brings a server's whole data into an empty PostgreSQL, where it goes on as the server it was. Each space is copied in a
 * transaction of its own and then compared, row by row, with what it was copied from; one that is there already is only
 * compared, so that a copy that was interrupted goes on. The database has no identity before everything is in it, and
 * nobody can serve from it until then.
 */
import { createHash } from 'node:crypto';

import { StorageError } from '../port.ts';
import { hashOf } from './access.ts';
import { again, committed, rolledBack } from './attempts.ts';
import { migrate } from './migrations.ts';
import { Sessions, type Session, type Value } from './sessions.ts';
import type { Settings } from './settings.ts';
import { quoted, statementsIn } from './statements.ts';
import { ACCESS_COLUMNS, SPACE_COLUMNS, TABLES, type Table } from './tables.ts';

export type Cell = string | number | boolean | null;
export type Row = readonly Cell[];

/** What is copied. It does not change meanwhile. */
export interface SourceRows {
  readonly sid: string;
  readonly accessVersion: string;
  spaces(): readonly string[];
  /** In the order of SPACE_COLUMNS. */
  space(name: string): Row;
  /** In the order of the table's columns, and of its key. */
  rows(name: string, table: Table): Iterable<Row>;
  /** In the order of ACCESS_COLUMNS, and of scope and key. */
  access(): Iterable<Row>;
}

export interface Imported {
  readonly spaces: number;
  /** Of them there already. */
  readonly found: number;
  readonly rows: number;
}

/** Rows that are written, or read, together, and characters of them. */
const BATCH_ROWS = 500;
const BATCH_LENGTH = 4_000_000;
const PAGE_ROWS = 200;

export async function importInto(settings: Settings, source: SourceRows): Promise<Imported> {
  const sessions = new Sessions({ ...settings, connections: 2 });
  try {
    return await new Import(settings, sessions, source).run();
  } finally {
    await sessions.close();
  }
}

/** How much a space takes is counted by PostgreSQL for itself. */
const BYTES = `UPDATE $s.spaces SET bytes = (SELECT coalesce(sum(octet_length(text)), 0) FROM $s.log WHERE space = $1)
  + (SELECT coalesce(sum(octet_length(state)), 0) FROM $s.records WHERE space = $1) WHERE space = $1`;

class Import {
  readonly #settings: Settings;
  readonly #sessions: Sessions;
  readonly #source: SourceRows;
  readonly #schema: string;

  constructor(settings: Settings, sessions: Sessions, source: SourceRows) {
    this.#settings = settings;
    this.#sessions = sessions;
    this.#source = source;
    this.#schema = quoted(settings.schema);
  }

  async run(): Promise<Imported> {
    const statements = statementsIn(this.#settings.schema);
    await this.#again((session) =>
      rolledBack(session, async () => void (await migrate(session, statements, this.#settings.schema))),
    );
    const isDone = await this.#transact((session) => this.#begin(session));
    const sum = { spaces: 0, found: 0, rows: 0 };
    for (const name of this.#source.spaces()) {
      const isCopied = !isDone && (await this.#transact((session) => this.#copy(session, name)));
      sum.rows += await this.#compare(name);
      sum.spaces++;
      if (!isCopied) sum.found++;
    }
    await this.#transact((session) => this.#finish(session, sum.spaces));
    return sum;
  }

  /** Whether all was done before. Refuses a database in which there is something else. */
  async #begin(session: Session): Promise<boolean> {
    const rows = await this.#all(session, `SELECT key, value FROM ${this.#schema}.meta FOR UPDATE`);
    const meta = new Map(rows.map(([key, value]) => [key, value]));
    const { sid } = this.#source;
    if (meta.get('sid') === sid) return true;
    if (meta.has('sid') || (meta.has('migrating') && meta.get('migrating') !== sid))
      throw new StorageError('broken', 'another server has its data in this database: name an empty one');
    const text = `INSERT INTO ${this.#schema}.meta (key, value) VALUES ('migrating', $1) ON CONFLICT DO NOTHING`;
    await session.change(named('begin', text), [sid]);
    return false;
  }

  /** Whether it was not there yet. */
  async #copy(session: Session, name: string): Promise<boolean> {
    const columns = Object.keys(SPACE_COLUMNS);
    const text = `INSERT INTO ${this.#schema}.spaces (space, ${columns.join(', ')})
      VALUES ($1, ${columns.map((_, i) => `$${i + 2}`).join(', ')}) ON CONFLICT DO NOTHING`;
    if ((await session.change(named('space', text), [name, ...this.#source.space(name)])) === 0) return false;
    for (const table of TABLES)
      for (const batch of batches(this.#source.rows(name, table))) await this.#insert(session, name, table, batch);
    await session.change(named('bytes', BYTES.replaceAll('$s', this.#schema)), [name]);
    return true;
  }

  async #insert(session: Session, space: string, { name, columns }: Table, batch: readonly Row[]): Promise<void> {
    const names = Object.keys(columns);
    const arrays = Object.values(columns).map((type, i) => `$${i + 2}::${type}[]`);
    const text = `INSERT INTO ${this.#schema}.${name} (space, ${names.join(', ')}) SELECT $1, * FROM unnest(${arrays.join(', ')})`;
    const values = names.map((_, i) => batch.map((row) => row[i] as string | number | null));
    await session.change(named(`into_${name}`, text), [space, ...values]);
  }

  /** How many rows there are. Throws when there is one that is not as it was. */
  async #compare(name: string): Promise<number> {
    const here = digest();
    here.add([this.#source.space(name)]);
    for (const table of TABLES) here.add(this.#source.rows(name, table));
    const there = digest();
    const columns = Object.keys(SPACE_COLUMNS).join(', ');
    await this.#again(async (session) => {
      there.begin();
      const text = `SELECT ${columns} FROM ${this.#schema}.spaces WHERE space = $1`;
      there.add(await this.#all(session, text, [name]));
      for (const table of TABLES) for await (const page of this.#pages(session, name, table)) there.add(page);
    });
    if (here.text !== there.text) throw differs(`space ${JSON.stringify(name)}`);
    return here.rows;
  }

  async *#pages(session: Session, space: string, { name, key, columns }: Table): AsyncIterable<readonly Row[]> {
    const names = Object.keys(columns);
    const places = key.map((column) => names.indexOf(column));
    const after = key.map((column, i) => `$${i + 2}::${columns[column]!}`).join(', ');
    const text = `SELECT ${names.join(', ')} FROM ${this.#schema}.${name}
      WHERE space = $1 AND (${key.join(', ')}) > (${after}) ORDER BY ${key.join(', ')} LIMIT ${PAGE_ROWS}`;
    let last: readonly Value[] = key.map((column) => (columns[column] === 'text' ? '' : 0));
    for (;;) {
      const page = await this.#all(session, text, [space, ...last]);
      yield page;
      if (page.length < PAGE_ROWS) return;
      last = places.map((place) => page.at(-1)![place] as string | number);
    }
  }

  /** From here on it is the server. */
  async #finish(session: Session, spaces: number): Promise<void> {
    const [counted] = await this.#all(session, `SELECT count(*) FROM ${this.#schema}.spaces`);
    if (counted![0] !== spaces) throw differs('the list of spaces');
    const meta = `INSERT INTO ${this.#schema}.meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`;
    const removed = await session.change(
      named('unmark', `DELETE FROM ${this.#schema}.meta WHERE key = 'migrating'`),
      [],
    );
    if (removed === 0) return;
    await this.#copyAccess(session);
    await session.change(named('meta', meta), ['access', this.#source.accessVersion]);
    await session.change(named('meta', meta), ['sid', this.#source.sid]);
  }

  async #copyAccess(session: Session): Promise<void> {
    const text = `INSERT INTO ${this.#schema}.access (scope_hash, key_hash, ${ACCESS_COLUMNS.join(', ')})
      SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])`;
    for (const batch of batches(this.#source.access())) {
      const column = (i: number): readonly string[] => batch.map((row) => String(row[i]));
      const hashes = [column(0).map(hashOf), column(1).map(hashOf)];
      const rest = [column(0), column(1), column(2), column(3)];
      await session.change(named('into_access', text), [...hashes, ...rest]);
    }
    const [here, there] = [digest(), digest()];
    here.add(this.#source.access());
    const columns = ACCESS_COLUMNS.join(', ');
    there.add(await this.#all(session, `SELECT ${columns} FROM ${this.#schema}.access ORDER BY scope, key`));
    if (here.text !== there.text) throw differs('who may do what');
  }

  /** Rows without their names. */
  async #all(session: Session, text: string, values: readonly Value[] = []): Promise<readonly Row[]> {
    const rows = await session.query<Readonly<Record<string, Cell>>>(named(digestOf(text), text), values);
    return rows.map((row) => Object.values(row));
  }

  #transact<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#again((session) => committed(session, () => work(session)));
  }

  #again<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const patience = { stop: new AbortController().signal, patienceMs: this.#settings.patienceMs };
    return again(patience, () => this.#sessions.use(work));
  }
}

function named(name: string, text: string): { readonly name: string; readonly text: string } {
  return { name: `skerry_import_${name}`, text };
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function differs(what: string): StorageError {
  return new StorageError('damaged', `${what} is not what it was copied from: empty the database and begin anew`);
}

function* batches(rows: Iterable<Row>): Iterable<readonly Row[]> {
  let batch: Row[] = [];
  let length = 0;
  for (const row of rows) {
    batch.push(row);
    for (const cell of row) length += typeof cell === 'string' ? cell.length : 8;
    if (batch.length < BATCH_ROWS && length < BATCH_LENGTH) continue;
    yield batch;
    [batch, length] = [[], 0];
  }
  if (batch.length > 0) yield batch;
}

interface RowDigest {
  readonly text: string;
  readonly rows: number;
  /** From nothing. */
  begin(): void;
  add(rows: Iterable<Row>): void;
}

/** Over every value of every row, in order. */
function digest(): RowDigest {
  let [hash, rows] = [createHash('sha256'), 0];
  return {
    get text() {
      return hash.copy().digest('hex');
    },
    get rows() {
      return rows;
    },
    begin: () => ([hash, rows] = [createHash('sha256'), 0]),
    add: (all) => {
      for (const row of all) {
        hash.update(`${JSON.stringify(row)}\n`);
        rows++;
      }
    },
  };
}
