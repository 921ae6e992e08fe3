/** A consistent copy of the database, beside a running server or without one. */
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

import { StorageError } from '../storage/port.ts';
import { examine } from '../storage/sqlite/examine.ts';
import { copyDatabase, openForReading, removeDatabase, syncFile } from '../storage/sqlite/file.ts';

export interface BackedUp {
  readonly spaces: number;
  readonly entries: number;
  readonly records: number;
  readonly bytes: number;
}

/**
 * Has the whole copy, examined and on disk, at `target` when it resolves; nothing is there when it rejects. A damaged
 * database is not copied: the damage would take the place of the last good copy.
 */
export async function backUp(file: string, target: string): Promise<BackedUp> {
  if (existsSync(target)) throw new StorageError('broken', `${target} is there already; choose another name`);
  mkdirSync(dirname(target), { recursive: true });
  const part = `${target}.part`;
  const source = openForReading(file);
  try {
    await copyDatabase(source, part);
    const { findings, ...sum } = examineFile(part);
    if (findings.length > 0)
      throw new StorageError('damaged', `${file} is damaged: ${findings[0]!}; see \`skerry-server doctor\``);
    renameSync(part, target);
    syncFile(target);
    return { ...sum, bytes: statSync(target).size };
  } catch (cause) {
    removeDatabase(part);
    throw cause;
  } finally {
    source.close();
  }
}

export function examineFile(file: string): ReturnType<typeof examine> {
  const database = openForReading(file);
  try {
    return examine(database);
  } finally {
    database.close();
  }
}
