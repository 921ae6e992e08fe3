/** Databases for tests: each a schema of its own in the PostgreSQL of the run. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';

import type { StorageSource } from '../port.ts';
import { postgres, type PostgresOptions } from './postgres.ts';

export interface Schemas {
  readonly url: string;
  /** The name of one that is not there yet. */
  name(): string;
  /** The address of a new database beside this one. */
  database(): Promise<string>;
  source(options?: PostgresOptions): StorageSource;
  /** Whatever SQL, as somebody with a console. */
  run(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** Removes all of them, and ends its connections. */
  drop(): Promise<void>;
}

/** Of the PostgreSQL at this address, or of that of the run. */
export function newSchemas(url: string = inject('databaseUrl')): Schemas {
  const names: string[] = [];
  const databases: string[] = [];
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  pool.on('error', () => undefined);
  const name = (): string => {
    const next = `t_${randomBytes(8).toString('hex')}`;
    names.push(next);
    return next;
  };
  const run: Schemas['run'] = async (text, values = []) => (await pool.query(text, [...values])).rows;
  return {
    url,
    name,
    run,
    database: async () => {
      const created = name();
      databases.push(created);
      await run(`CREATE DATABASE ${created}`);
      return Object.assign(new URL(url), { pathname: `/${created}` }).href;
    },
    source: (options = {}) => postgres(url, { schema: name(), connections: 4, ...options }),
    drop: async () => {
      for (const each of databases.splice(0)) await run(`DROP DATABASE IF EXISTS ${each} WITH (FORCE)`);
      for (const each of names.splice(0)) await run(`DROP SCHEMA IF EXISTS ${each} CASCADE`);
      await pool.end();
    },
  };
}
