/**
 * One process per database file. The lock is an exclusive transaction on a file of its own beside the database: the
 * operating system ends it with the process, however that ends, so nothing stale is ever left behind.
 */
import Database from 'better-sqlite3';

import { StorageError } from '../port.ts';

export interface FileLock {
  release(): void;
}

export function lockFile(path: string): FileLock {
  const database = new Database(`${path}-lock`, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    throw new StorageError('busy', `${path} is in use by another skerry-server; stop it or choose another --data`, {
      cause,
    });
  }
  return { release: () => void database.close() };
}
