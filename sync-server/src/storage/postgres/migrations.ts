/**
 * Brings the tables to the present schema in one transaction, one node at a time; `version` in `meta` counts the steps done.
 * A database from a newer server is refused and not touched.
 */
import { StorageError } from '../port.ts';
import { sql as spaces } from './migrations/0001-spaces.sql.ts';
import type { Session } from './sessions.ts';
import { quoted, type Statements } from './statements.ts';

/** In order; never changed once released, only added to. The previous release goes on beside each: nodes are updated one by one. */
export const STEPS: readonly string[] = [spaces];

/** What is known of the database before anything is done with it. */
interface About {
  readonly version: number;
  readonly encoding: string;
  readonly has_tables: boolean;
}

/** Answers which version it had. */
export async function migrate(session: Session, { exclude }: Statements, schema: string): Promise<number> {
  await session.run('BEGIN ISOLATION LEVEL READ COMMITTED');
  await session.query(exclude, [schema]);
  const [about] = await session.query<About>(ABOUT, [`${quoted(schema)}.meta`]);
  checkServer(about!);
  const done = about!.has_tables ? await versionOf(session, schema) : 0;
  if (done > STEPS.length)
    throw new StorageError(
      'broken',
      `the database is of version ${done}, this server knows ${STEPS.length}: update the server`,
    );
  if (done < STEPS.length) {
    if (!about!.has_tables) await session.run(`CREATE SCHEMA IF NOT EXISTS ${quoted(schema)}`);
    await session.run(`SET LOCAL search_path TO ${quoted(schema)}`);
    for (const step of STEPS.slice(done)) await session.run(step);
    await session.query(SET_VERSION, [String(STEPS.length)]);
  }
  await session.run('COMMIT');
  return done;
}

async function versionOf(session: Session, schema: string): Promise<number> {
  const text = `SELECT value FROM ${quoted(schema)}.meta WHERE key = 'version'`;
  const [row] = await session.query<{ readonly value: string }>({ name: 'skerry_version', text }, []);
  return Number(row?.value ?? 0);
}

function checkServer({ version, encoding }: About): void {
  if (version < OLDEST)
    throw new StorageError('broken', `PostgreSQL ${Math.floor(version / 10_000)} is too old: 15 or newer is needed`);
  if (encoding !== 'UTF8')
    throw new StorageError('broken', `the database has the encoding ${encoding}: one with UTF8 is needed`);
}

const OLDEST = 150_000;

const ABOUT = {
  name: 'skerry_about',
  text: `SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding, to_regclass($1) IS NOT NULL AS has_tables`,
};
const SET_VERSION = {
  name: 'skerry_set_version',
  text: `INSERT INTO meta (key, value) VALUES ('version', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
};
