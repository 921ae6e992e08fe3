/** The rows of who may do what, in the tables of the database. */
import type { Database } from 'better-sqlite3';

import type { AccessChange, AccessRow, AccessRows } from '../access-rows.ts';

interface Questions {
  get(scope: string, key: string): string | null;
  list(scope: string): readonly AccessRow[];
}

/** `durably` runs work alone with the writer, in a transaction that is on disk when it resolves. */
export function sqliteAccess(
  reader: Database,
  writer: Database,
  durably: <T>(work: () => Promise<T>) => Promise<T>,
): AccessRows {
  const read = questionsOf(reader);
  const version = reader.prepare(`SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'access'`).pluck();
  const since = reader.prepare('SELECT * FROM access WHERE version > ? ORDER BY version, scope, key LIMIT ?');
  return {
    get: async (scope, key) => read.get(scope, key),
    list: async (scope) => read.list(scope),
    version: async () => version.get() as number,
    since: async (after, max) => since.all(after, max) as AccessRow[],
    change: changing(writer, durably),
  };
}

function changing(writer: Database, durably: <T>(work: () => Promise<T>) => Promise<T>): AccessRows['change'] {
  const write = questionsOf(writer);
  const count = writer
    .prepare(`UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'access' RETURNING CAST(value AS INTEGER)`)
    .pluck();
  const remove = writer.prepare('DELETE FROM access WHERE scope = ? AND key = ?');
  const put = writer.prepare(
    'INSERT INTO access (scope, key, text, version) VALUES (?, ?, ?, ?) ON CONFLICT (scope, key) DO UPDATE SET text = excluded.text, version = excluded.version',
  );
  return (work) =>
    durably(() => {
      let version: number | null = null;
      const change: AccessChange = {
        get: async (scope, key) => write.get(scope, key),
        list: async (scope) => write.list(scope),
        set: async (scope, key, text) => {
          version ??= count.get() as number;
          if (text === null) remove.run(scope, key);
          else put.run(scope, key, text, version);
        },
      };
      return work(change);
    });
}

function questionsOf(database: Database): Questions {
  const get = database.prepare('SELECT text FROM access WHERE scope = ? AND key = ?').pluck();
  const list = database.prepare('SELECT * FROM access WHERE scope = ? ORDER BY key');
  return {
    get: (scope, key) => (get.get(scope, key) as string | undefined) ?? null,
    list: (scope) => list.all(scope) as AccessRow[],
  };
}
