/**
 * Keeps the write-ahead log within bounds. SQLite starts it anew only when nobody reads what is in it, so a pinned space
 * lets it grow for as long as it is held; at some size the oldest one has to go.
 */
import { statSync } from 'node:fs';
import type { Database } from 'better-sqlite3';

/** From here on pinned spaces are let go. */
export const MAX_WAL_BYTES = 268_435_456;
/** What stays of the file when the log begins anew. */
const KEPT_WAL_BYTES = 67_108_864;
/** Commits between two looks at the file. */
const COMMITS_PER_LOOK = 32;

export class WalGuard {
  readonly #path: string;
  readonly #database: Database;
  readonly #maxBytes: number;
  #commits = 0;

  constructor(path: string, database: Database, maxBytes: number) {
    this.#path = `${path}-wal`;
    this.#database = database;
    this.#maxBytes = maxBytes;
    database.pragma(`journal_size_limit = ${Math.min(KEPT_WAL_BYTES, maxBytes)}`);
  }

  /** After a commit: lets go of the oldest of those that keep the log from being started anew, until it is small enough. */
  relieve(letGoOldest: () => boolean): void {
    if (++this.#commits % COMMITS_PER_LOOK !== 0 || this.#size() <= this.#maxBytes) return;
    while (this.#unwritten() > this.#maxBytes && letGoOldest());
  }

  #size(): number {
    return statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** What of the log could not be written to the database, because somebody still reads what was there before. */
  #unwritten(): number {
    const [state] = this.#database.pragma('wal_checkpoint(PASSIVE)') as { log: number; checkpointed: number }[];
    const pageSize = this.#database.pragma('page_size', { simple: true }) as number;
    return (state!.log - state!.checkpointed) * pageSize;
  }
}
