/**
 * Does at once what a server does by and by (cuts logs, forgets deleted records), and gives the space that this frees back
 * to the disk, for which nobody else may have the database open.
 */
import { statSync } from 'node:fs';
import type { Retention } from '@skerry/sdk/kernel';
import Database from 'better-sqlite3';

import { compactStep, publishStep } from '../storage/compact.ts';
import type { Storage } from '../storage/port.ts';
import { errorOf } from '../storage/sqlite/failure.ts';
import { openForReading } from '../storage/sqlite/file.ts';
import { lockFile } from '../storage/sqlite/lock.ts';
import { sqlite } from '../storage/sqlite/sqlite.ts';

export interface CompactedFile {
  readonly spaces: number;
  readonly entries: number;
  readonly records: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

export async function compactFile(file: string, nowMs: number, retention: Retention): Promise<CompactedFile> {
  openForReading(file).close();
  const bytesBefore = statSync(file).size;
  const storage = await sqlite(file).open();
  const sum = await compactSpaces(storage, nowMs, retention).finally(() => storage.close());
  vacuum(file);
  return { ...sum, bytesBefore, bytesAfter: statSync(file).size };
}

async function compactSpaces(
  storage: Storage,
  nowMs: number,
  retention: Retention,
): Promise<Pick<CompactedFile, 'spaces' | 'entries' | 'records'>> {
  const sum = { spaces: 0, entries: 0, records: 0 };
  let last: string | null = null;
  for (;;) {
    const [space]: readonly string[] = await storage.spaces(last, 1);
    if (space === undefined) return sum;
    await publishStep(storage, space, nowMs, retention);
    let isDone = false;
    while (!isDone) {
      const step = await compactStep(storage, space, nowMs, retention);
      sum.entries += step.entries;
      sum.records += step.records;
      isDone = step.isDone;
    }
    sum.spaces++;
    last = space;
  }
}

function vacuum(file: string): void {
  const lock = lockFile(file);
  const database = new Database(file);
  try {
    database.exec('VACUUM');
    database.pragma('wal_checkpoint(TRUNCATE)');
  } catch (cause) {
    throw errorOf(cause);
  } finally {
    database.close();
    lock.release();
  }
}
