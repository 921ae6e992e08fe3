/**
 * Looks whether a database says what was written to it: its pages, and then every row against the hashes, digests and
 * numbers beside it. Nothing is changed, and what is found is told in words, with names and without content.
 */
import {
  chainAfter,
  digestText,
  EMPTY_DIGEST,
  exchange,
  reaches,
  recordFromJson,
  recordToJson,
  canonicalJson,
  type Digest,
  type Json,
  type Sid,
} from '@skerry/sdk/kernel';
import type { Database } from 'better-sqlite3';

import { schemaVersion } from './migrations.ts';
import { findSpace, type Space } from './space-row.ts';
import { prepare, type Statements } from './statements.ts';
import { checkText, readRecord } from '../wholeness.ts';

export interface Examined {
  readonly spaces: number;
  readonly entries: number;
  readonly records: number;
  /** Sentences; none when all is well. */
  readonly findings: readonly string[];
}

/** More of one kind would say nothing new. */
const MAX_FINDINGS = 100;

/** All of it at one moment, whatever is written meanwhile. */
export function examine(database: Database): Examined {
  const findings: string[] = [];
  const found = (sentence: string): void => {
    if (findings.length < MAX_FINDINGS) findings.push(sentence);
  };
  const sum = { spaces: 0, entries: 0, records: 0 };
  database.exec('BEGIN');
  try {
    if (!arePagesSound(database, found)) return { ...sum, findings };
    const version = database.pragma('user_version', { simple: true }) as number;
    if (version !== schemaVersion) {
      found(`the database is of version ${version}, this program knows ${schemaVersion}: nothing more can be said`);
      return { ...sum, findings };
    }
    const statements = prepare(database);
    for (const name of statements.spaces.all('', -1) as string[]) {
      const { entries, records } = examineSpace(database, statements, name, (what) =>
        found(`space ${quoted(name)}: ${what}`),
      );
      sum.spaces++;
      sum.entries += entries;
      sum.records += records;
    }
    return { ...sum, findings };
  } finally {
    database.exec('ROLLBACK');
  }
}

type Found = (sentence: string) => void;

function arePagesSound(database: Database, found: Found): boolean {
  try {
    const problems = database.prepare('PRAGMA integrity_check').pluck().all() as string[];
    if (problems.length === 1 && problems[0] === 'ok') return true;
    for (const problem of problems) found(`SQLite: ${problem}`);
  } catch (cause) {
    found(`SQLite: ${(cause as Error).message}`);
  }
  return false;
}

function examineSpace(
  database: Database,
  statements: Statements,
  name: string,
  found: Found,
): { readonly entries: number; readonly records: number } {
  const space = readSpace(statements, name);
  if (!space) {
    found('what is kept about it cannot be read');
    return { entries: 0, records: 0 };
  }
  examineSize(database, space, found);
  return {
    entries: examineLog(database, space, found),
    records: examineRecords(database, space, found),
  };
}

function readSpace(statements: Statements, name: string): Space | null {
  try {
    return findSpace(statements, name);
  } catch {
    return null;
  }
}

const SIZES = `SELECT
  (SELECT bytes FROM space_sizes WHERE space = :id) AS kept,
  (SELECT coalesce(sum(octet_length(text)), 0) FROM log WHERE space = :id)
  + (SELECT coalesce(sum(octet_length(state)), 0) FROM records WHERE space = :id) AS counted`;

function examineSize(database: Database, { id }: Space, found: Found): void {
  const { kept, counted } = database.prepare(SIZES).get({ id }) as { kept: number | null; counted: number };
  if (kept !== counted) found(`its size is kept as ${kept ?? 'nothing'} and is ${counted} bytes`);
}

interface LogRow {
  readonly lsn: number;
  readonly sid: Sid;
  readonly n: number;
  readonly kind: string;
  readonly inc: string | null;
  readonly seq: number | null;
  readonly hash: string | null;
  readonly chain: string;
  readonly text: string | null;
  readonly known: number | null;
}

const LOG_ROWS = `SELECT lsn, sid, n, kind, inc, seq, hash, chain, text,
  (SELECT seq FROM writers WHERE writers.space = log.space AND writers.inc = log.inc) AS known
  FROM log WHERE space = ? ORDER BY lsn`;

/** Numbers without gaps, chains that follow, texts under their hashes, writers that are known as far as they wrote. */
function examineLog(database: Database, { id, meta }: Space, found: Found): number {
  const last = new Map<Sid, LogRow>();
  const seqs = new Map<string, number>();
  let [count, lsn] = [0, 0];
  for (const row of database.prepare(LOG_ROWS).iterate(id) as IterableIterator<LogRow>) {
    const at = `entry ${row.lsn} of the log`;
    if (count > 0 && row.lsn !== lsn + 1) found(`${at} follows entry ${lsn}: what was between them is missing`);
    for (const problem of problemsOf(row, last.get(row.sid), seqs)) found(`${at} ${problem}`);
    last.set(row.sid, row);
    if (row.kind === 'change') seqs.set(row.inc!, row.seq!);
    lsn = row.lsn;
    count++;
  }
  if (count > 0 && lsn !== meta.lsn) found(`its log ends at entry ${lsn} and should end at ${meta.lsn}`);
  for (const [sid, n] of Object.entries(meta.cursor)) {
    const end = last.get(sid);
    if (end && (end.n !== n || end.chain !== meta.chain[sid]))
      found(`the entries of server ${sid} end with number ${end.n} and another chain hash than the space has for ${n}`);
    if (!end && !reaches(meta.truncated, [sid, n])) found(`the entries of server ${sid} up to number ${n} are missing`);
  }
  return count;
}

function* problemsOf(row: LogRow, before: LogRow | undefined, seqs: ReadonlyMap<string, number>): Iterable<string> {
  const dot = row.inc === null ? null : `${row.inc}.${row.seq}`;
  if (before && row.n !== before.n + 1) yield `is number ${row.n} of server ${row.sid}, after ${before.n}`;
  const chain = before?.chain ?? (row.n === 1 ? '' : null);
  if (chain !== null && row.chain !== chainAfter(chain, { dot, text: row.text }))
    yield 'has a chain hash that does not follow from the one before';
  if (!isWhole(() => checkText(row.text, row.hash)) || !isJson(row.text))
    yield 'has a text that is not what was written';
  if (row.kind !== 'change') return;
  const seq = seqs.get(row.inc!);
  if (seq !== undefined && row.seq !== seq + 1) yield `is change ${row.seq} of writer ${row.inc}, after ${seq}`;
  if (row.known === null || row.known < row.seq!)
    yield `is by writer ${row.inc}, of whom less is known than was written`;
}

interface StateRow {
  readonly c: string;
  readonly id: string;
  readonly state: string;
  readonly digest: string;
}

const RECORD_ROWS = 'SELECT collection AS c, id, state, digest FROM records WHERE space = ? ORDER BY collection, id';

/** States under their digests, and a sum of digests that is the space's. */
function examineRecords(database: Database, { id, meta }: Space, found: Found): number {
  let sum = EMPTY_DIGEST;
  let count = 0;
  for (const row of database.prepare(RECORD_ROWS).iterate(id) as IterableIterator<StateRow>) {
    count++;
    const digest = digestIn(row);
    if (digest) sum = exchange(sum, EMPTY_DIGEST, digest);
    else found(`record ${quoted(`${row.c}/${row.id}`)} is not what was written`);
  }
  if (digestText(sum) !== digestText(meta.digest))
    found('the sum of its records is not its digest: one is missing or from another time');
  return count;
}

/** Null when the state is not what was written, as far as can be known. */
function digestIn({ c, id, ...row }: StateRow): Digest | null {
  try {
    const json = readRecord(c, id, row);
    const again = canonicalJson(recordToJson(recordFromJson(json)) as unknown as Json);
    return again === row.state ? (JSON.parse(row.digest) as Digest) : null;
  } catch {
    return null;
  }
}

function isJson(text: string | null): boolean {
  return text === null || isWhole(() => JSON.parse(text));
}

function isWhole(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

function quoted(name: string): string {
  return JSON.stringify(name);
}
