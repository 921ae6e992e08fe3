/**
 * From the log of one server to what the kernel keeps of a space: every entry is added anew, with its number as its
 * place, so that chain, records and registry are what they would be had they been kept from the beginning.
 */
import { appendChange, type Change, type Inc, type Sid } from '@skerry/sdk/kernel';
import type { Database } from 'better-sqlite3';

import type { Logger } from '../../log.ts';
import { questionOfPushes } from '../questions.ts';
import { prepare } from './statements.ts';
import { SqliteTransaction } from './transaction.ts';

interface OldEntry {
  readonly n: number;
  readonly inc: Inc;
  readonly hash: string;
  readonly change: string;
  readonly owner: string | null;
}

/** Entries that are in memory at a time. */
const BATCH = 1_000;
/** After so many entries the log of the server is told how far it is. */
const REPORT_EVERY = 50_000;

/** Fills the tables of the present schema from those of version 1, which end in `_1`, and removes these. */
export function replayLog(database: Database, logger: Logger | undefined): void {
  const sid = database.prepare(`SELECT value FROM meta WHERE key = 'sid'`).pluck().get() as Sid | undefined;
  // Without an identity nobody has been served yet.
  if (sid !== undefined) replaySpaces(database, sid, logger);
  for (const table of ['log', 'writers', 'spaces']) database.exec(`DROP TABLE ${table}_1`);
}

function replaySpaces(database: Database, sid: Sid, logger: Logger | undefined): void {
  const spaces = database.prepare('SELECT id, name FROM spaces_1').all() as { id: number; name: string }[];
  const total = database.prepare('SELECT count(*) FROM log_1').pluck().get() as number;
  const entriesAfter = database.prepare(
    'SELECT n, inc, hash, change, (SELECT owner FROM writers_1 AS w WHERE w.space = l.space AND w.inc = l.inc) AS owner FROM log_1 AS l WHERE space = ? AND n > ? ORDER BY n LIMIT ?',
  );
  const transaction = new SqliteTransaction(sid, prepare(database));
  let done = 0;
  if (total > 0) logger?.info('migrating', { spaces: spaces.length, entries: total });
  for (const { id, name } of spaces) {
    let last = 0;
    for (;;) {
      const entries = entriesAfter.all(id, last, BATCH) as OldEntry[];
      if (entries.length === 0) break;
      replay(transaction, name, sid, entries);
      last = entries.at(-1)!.n;
      const before = done;
      done += entries.length;
      if (Math.floor(done / REPORT_EVERY) > Math.floor(before / REPORT_EVERY))
        logger?.info('migrating', { done, entries: total });
    }
  }
  if (total > 0) logger?.info('migrated', { entries: total });
}

function replay(transaction: SqliteTransaction, space: string, sid: Sid, entries: readonly OldEntry[]): void {
  const changes = entries.map((entry) => ({
    change: JSON.parse(entry.change) as Change,
    hash: entry.hash,
    text: entry.change,
    isPermitted: true,
  }));
  const incs = [...new Set(entries.map(({ inc }) => inc))];
  const view = transaction.view(questionOfPushes(space, [{ owner: null, changes, bad: null, incs }]));
  entries.forEach(({ n, owner }, i) => appendChange(view, [sid, n], changes[i]!, owner));
  transaction.save(space, view);
}
