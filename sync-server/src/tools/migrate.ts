/**
 * Moves a server from its SQLite file to PostgreSQL: the same server afterwards, to which every device goes on talking. Can
 * be run again wherever it stopped. The file is put aside at the end, so that nobody serves from it by mistake.
 */
import { existsSync, renameSync } from 'node:fs';

import { StorageError } from '../storage/port.ts';
import type { Imported } from '../storage/postgres/import.ts';
import { readSettings } from '../storage/postgres/postgres.ts';
import { COMPANIONS, openForReading } from '../storage/sqlite/file.ts';
import { lockFile } from '../storage/sqlite/lock.ts';
import { rowsOf } from '../storage/sqlite/rows.ts';
import { sqlite } from '../storage/sqlite/sqlite.ts';
import { examineFile } from './backup.ts';

export interface Migrated extends Imported {
  /** Where the file is now. */
  readonly asideTo: string;
}

/** Everything is in PostgreSQL, and has been compared, when it resolves. */
export async function migrateTo(url: string, file: string, nowMs: number): Promise<Migrated> {
  const settings = readSettings(url);
  await bringUpToDate(file);
  const lock = lockFile(file);
  try {
    const { findings } = examineFile(file);
    if (findings.length > 0)
      throw new StorageError('damaged', `${file} is damaged: ${findings[0]!}; see \`skerry-server doctor\``);
    const { importInto } = await import('../storage/postgres/import.ts');
    const database = openForReading(file);
    const imported = await importInto(settings, rowsOf(database)).finally(() => database.close());
    return { ...imported, asideTo: putAside(file, nowMs) };
  } finally {
    lock.release();
  }
}

/** A file of an older server becomes one of this, as when it is served from. */
async function bringUpToDate(file: string): Promise<void> {
  openForReading(file).close();
  await (await sqlite(file).open()).close();
}

function putAside(file: string, nowMs: number): string {
  const to = `${file}.migrated-${new Date(nowMs).toISOString().replace(/[:.]/g, '-')}`;
  for (const suffix of ['', ...COMPANIONS])
    if (suffix !== '-lock' && existsSync(file + suffix)) renameSync(file + suffix, to + suffix);
  return to;
}
