/**
 * Puts a backup in the place of a lost database. The server that comes of it is another one than it was (`takeOver`):
 * devices have what the backup lacks, and see by the new identity that they are to bring it back.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';

import { StorageError } from '../storage/port.ts';
import { copyDatabase, makeOneFile, openForReading, removeDatabase, syncFile } from '../storage/sqlite/file.ts';
import { lockFile } from '../storage/sqlite/lock.ts';
import { sqlite } from '../storage/sqlite/sqlite.ts';
import { examineFile } from './backup.ts';

export interface Restored {
  readonly spaces: number;
  /** Where the database that was there before is now; null when there was none. */
  readonly asideTo: string | null;
}

export interface RestoreOptions {
  /** Whether a database that is there may give way. It is kept under another name. */
  readonly replace: boolean;
  readonly nowMs: number;
}

/** The database is in place, whole and with its new identity, when it resolves; everything is as it was when it rejects. */
export async function restore(backup: string, file: string, { replace, nowMs }: RestoreOptions): Promise<Restored> {
  const { findings, spaces } = examineFile(backup);
  if (findings.length > 0) throw new StorageError('damaged', `${backup} is damaged: ${findings[0]!}`);
  mkdirSync(dirname(file), { recursive: true });
  const lock = lockFile(file);
  try {
    const there = PARTS.filter((suffix) => existsSync(file + suffix));
    if (there.length > 0 && !replace)
      throw new StorageError('broken', `there is a database at ${file}; with --replace it is put aside and kept`);
    const part = `${file}.restoring`;
    await prepare(backup, part);
    const asideTo = there.length > 0 ? putAside(file, there, nowMs) : null;
    renameSync(part, file);
    syncFile(file);
    return { spaces, asideTo };
  } finally {
    lock.release();
  }
}

async function prepare(backup: string, part: string): Promise<void> {
  const source = openForReading(backup);
  try {
    await copyDatabase(source, part);
    const storage = await sqlite(part).open();
    await storage.takeOver();
    await storage.close();
    makeOneFile(part);
    rmSync(`${part}-lock`);
  } catch (cause) {
    removeDatabase(part);
    throw cause;
  } finally {
    source.close();
  }
}

/** A write-ahead log that is left over would be written into whatever database stands beside it. */
const PARTS: readonly string[] = ['-wal', '-shm', '-journal', ''];

function putAside(file: string, there: readonly string[], nowMs: number): string {
  const to = `${file}.before-${new Date(nowMs).toISOString().replace(/[:.]/g, '-')}`;
  for (const suffix of there) renameSync(file + suffix, to + suffix);
  return to;
}
