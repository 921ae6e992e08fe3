/**
 * One process per database file. The lock is an exclusive transaction on a file of its own beside the database: the
 * operating system ends it with the process, however that ends, so nothing stale is ever left behind.
 */
import Database from 'better-sqlite3';

import { StorageError } from '../port.ts';
import { errorOf } from './failure.ts';

export interface FileLock {
  release(): void;
}

export function lockFile(path: string): FileLock {
  const database = open(`${path}-lock`);
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    throw isHeld(cause) ? inUse(path, cause) : errorOf(cause);
  }
  return { release: () => void database.close() };
}

function open(path: string): Database.Database {
  try {
    return new Database(path, { timeout: 0 });
  } catch (cause) {
    const message = `${path} cannot be opened: its folder must be there, and this user must be allowed to write in it`;
    throw new StorageError('broken', message, { cause });
  }
}

function isHeld(cause: unknown): boolean {
  const failure = errorOf(cause);
  return failure instanceof StorageError && failure.kind === 'busy';
}

function inUse(path: string, cause: unknown): StorageError {
  const message = `${path} is in use by another skerry-server; stop it or choose another --data`;
  return new StorageError('busy', message, { cause });
}
