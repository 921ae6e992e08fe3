/** Storage in PostgreSQL, 15 or newer. The driver is loaded when it is opened, and by nobody else. */
import { SkerryError } from '@skerry/sdk/kernel';

import type { StorageSource } from '../port.ts';
import type { Settings } from './settings.ts';
import { isPostgresUrl } from './url.ts';

export interface PostgresOptions {
  /** Schema of the tables, `skerry` without it; made when it is missing. */
  readonly schema?: string;
  /** Connections of this node at most, 10 without it, and one to listen on; snapshots have their own. */
  readonly connections?: number;
  /** Devices that read a snapshot from this node at a time, each on a connection of its own: 8 without it. */
  readonly snapshots?: number;
  /** How often a node looks for what other nodes wrote and did not reach it, in milliseconds: 10,000 without it. */
  readonly pollMs?: number;
  /** How long something is tried again that fails for a passing reason, a restart of the database say, in milliseconds: 10,000 without it. */
  readonly patienceMs?: number;
  /** How long one statement may take, and an answer may stay away, in milliseconds: 30,000 without it. */
  readonly answerMs?: number;
}

const DEFAULTS = {
  schema: 'skerry',
  connections: 10,
  snapshots: 8,
  pollMs: 10_000,
  patienceMs: 10_000,
  answerMs: 30_000,
} as const;
/** Of a name in PostgreSQL. */
const MAX_SCHEMA_LENGTH = 48;

/** The database at `postgres://user:password@host:port/database`. Throws INVALID_OPTION. */
export function postgres(url: string, options: PostgresOptions = {}): StorageSource {
  const settings = readSettings(url, options);
  return {
    open: async (logger) => {
      const { openPostgres } = await import('./storage.ts');
      return openPostgres(settings, logger);
    },
  };
}

/** Throws INVALID_OPTION. */
export function readSettings(url: string, options: PostgresOptions = {}): Settings {
  const settings = { ...DEFAULTS, ...options, url };
  checkUrl(url);
  if (!/^[a-z_][a-z0-9_]*$/.test(settings.schema) || settings.schema.length > MAX_SCHEMA_LENGTH)
    throw wrong(`schema: a name of at most ${MAX_SCHEMA_LENGTH} letters a-z, digits and _ is needed`);
  for (const name of ['connections', 'snapshots', 'pollMs', 'patienceMs', 'answerMs'] as const)
    if (!Number.isSafeInteger(settings[name]) || settings[name] < 1) throw wrong(`${name} is not a positive integer`);
  return settings;
}

/** Never says the address: it has a password in it. */
function checkUrl(url: unknown): void {
  if (typeof url !== 'string' || !isPostgresUrl(url))
    throw wrong('the address of the database is not one like postgres://user:password@host:5432/database');
}

function wrong(message: string): SkerryError {
  return new SkerryError('INVALID_OPTION', message);
}
