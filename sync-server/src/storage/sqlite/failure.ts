/** What a failure of SQLite means to the server. Anything else is a bug of ours and stays what it is. */
import Database from 'better-sqlite3';

import { StorageError } from '../port.ts';

export function errorOf(cause: unknown): unknown {
  if (!(cause instanceof Database.SqliteError)) return cause;
  const { code } = cause;
  if (code === 'SQLITE_FULL') return new StorageError('full', 'the disk is full', { cause });
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED'))
    return new StorageError('busy', 'the database is locked', { cause });
  if (code === 'SQLITE_NOTADB') return new StorageError('broken', 'the file is not a database', { cause });
  const isDisk = ['SQLITE_IOERR', 'SQLITE_CORRUPT', 'SQLITE_READONLY', 'SQLITE_CANTOPEN'].some((kind) =>
    code.startsWith(kind),
  );
  return isDisk ? new StorageError('broken', `the disk failed: ${code}`, { cause }) : cause;
}
