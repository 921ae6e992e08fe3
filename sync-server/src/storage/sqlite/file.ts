/** A database file as the operator's tools see it, beside a server that may be running on it. */
import { closeSync, existsSync, fsyncSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';

import { StorageError } from '../port.ts';

/** Files that SQLite and the lock keep beside a database. */
export const COMPANIONS: readonly string[] = ['-wal', '-shm', '-journal', '-lock'];

/**
 * Read only, without taking the server's lock. Throws a StorageError for what is no database of a Skerry server; one that
 * is damaged is opened, to be examined.
 */
export function openForReading(path: string): Database.Database {
  if (!existsSync(path)) throw new StorageError('broken', `there is no database at ${path}`);
  const database = new Database(path, { readonly: true, timeout: 10_000 });
  if (isOurs(database)) return database;
  database.close();
  throw new StorageError('broken', `${path} is not a database of a skerry-server`);
}

function isOurs(database: Database.Database): boolean {
  try {
    return database.prepare(`SELECT value FROM meta WHERE key = 'sid'`).get() !== undefined;
  } catch (cause) {
    return cause instanceof Database.SqliteError && cause.code === 'SQLITE_CORRUPT';
  }
}

/**
 * Copies the database as it is at this moment, page by page, to a file that must not be there; what is written meanwhile
 * is not in it. The copy is one file, whole and on disk when this resolves.
 */
export async function copyDatabase(source: Database.Database, target: string): Promise<void> {
  removeDatabase(target);
  // It has everything in clear: nobody else on the machine may read it, at no moment.
  writeFileSync(target, '', { mode: 0o600 });
  // The open transaction holds the moment; without it the copy would begin anew with every write of the server.
  source.exec('BEGIN');
  try {
    source.prepare('SELECT count(*) FROM sqlite_schema').get();
    await source.backup(target, { progress: () => PAGES_PER_STEP });
  } finally {
    source.exec('ROLLBACK');
  }
  makeOneFile(target);
}

/** Without a write-ahead log, which somebody would forget to take along; on disk when this returns. */
export function makeOneFile(path: string): void {
  const database = new Database(path);
  try {
    database.pragma('journal_mode = DELETE');
  } finally {
    database.close();
  }
  syncFile(path);
}

const PAGES_PER_STEP = 2_000;

export function removeDatabase(path: string): void {
  for (const suffix of ['', ...COMPANIONS]) rmSync(path + suffix, { force: true });
}

/** A file and its name are on disk when this returns. */
export function syncFile(path: string): void {
  for (const each of [path, dirname(path)]) {
    const descriptor = openSync(each, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
}
