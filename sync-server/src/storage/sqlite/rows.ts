/** A database file as rows, for what copies it into another kind of storage. Values are what PostgreSQL has for them. */
import type { Database } from 'better-sqlite3';

import type { Row, SourceRows } from '../postgres/import.ts';
import { ACCESS_COLUMNS, SPACE_COLUMNS, type Table } from '../postgres/tables.ts';

export function rowsOf(database: Database): SourceRows {
  const meta = database.prepare('SELECT value FROM meta WHERE key = ?').pluck();
  const space = database.prepare(`SELECT ${Object.keys(SPACE_COLUMNS).join(', ')} FROM spaces WHERE name = ?`);
  return {
    sid: meta.get('sid') as string,
    spaces: () => database.prepare('SELECT name FROM spaces ORDER BY name').pluck().all() as string[],
    space: (name) => {
      const row = space.get(name) as Readonly<Record<string, string | number>>;
      return Object.entries(SPACE_COLUMNS).map(([column, type]) =>
        type === 'boolean' ? row[column] === 1 : row[column]!,
      );
    },
    rows: (name, { name: table, columns, key }: Table) =>
      database
        .prepare(
          `SELECT ${Object.keys(columns).join(', ')} FROM ${table} WHERE space = (SELECT id FROM spaces WHERE name = ?) ORDER BY ${key.join(', ')}`,
        )
        .raw()
        .iterate(name) as Iterable<Row>,
    access: () =>
      database
        .prepare(`SELECT ${ACCESS_COLUMNS.join(', ')} FROM access ORDER BY scope, key`)
        .raw()
        .iterate() as Iterable<Row>,
    accessVersion: meta.get('access') as string,
  };
}
