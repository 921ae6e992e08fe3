import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { appendChange, decodeDeviceMessage, DEFAULT_LIMITS, incOf, nextStamp, type Change } from '@skerry/sdk/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { contentOf } from '../../hub/prepare.ts';
import { creation, push } from '../contract.ts';
import { questionOfPushes } from '../questions.ts';
import type { Storage } from '../port.ts';
import { STEPS } from './migrations.ts';
import { postgres } from './postgres.ts';
import { newSchemas, type Schemas } from './schemas.fixture.ts';

/** A file per version of the tables: what a server left in them, and how they were made. */
const FIXTURES = new URL('./fixtures/', import.meta.url).pathname;
const FRAMES = new URL('../../../../sdk/src/protocol/fixtures/v1/', import.meta.url).pathname;
const isUpdating = process.env['UPDATE_GOLDEN'] === '1';
const ALL = { entries: 1_000, bytes: 1_000_000 };
const SPACES = ['default', "' OR '1'='1", '\u{1f984}'];
const SID = 'the-server-';

type Row = Readonly<Record<string, unknown>>;

interface Dump {
  readonly version: number;
  readonly columns: readonly Row[];
  readonly indexes: readonly Row[];
  readonly rows: Readonly<Record<string, readonly Row[]>>;
}

let schemas: Schemas;

beforeAll(() => {
  schemas = newSchemas();
});

afterAll(() => schemas.drop());

/** The changes of the golden pushes, the ones of a newer version included. */
function goldenChanges(): readonly Change[] {
  return ['device-push.json', 'device-push-newer.json'].flatMap((name) => {
    const decoded = decodeDeviceMessage(readFileSync(join(FRAMES, name), 'utf8'), DEFAULT_LIMITS);
    return decoded.type === 'ok' && decoded.message.type === 'push' ? decoded.message.changes : [];
  });
}

const open = (schema: string): Promise<Storage> => postgres(schemas.url, { schema }).open();

/** The golden changes in every space, as nobody has checked them; the first is by somebody who said who she is. */
async function fill(schema: string): Promise<void> {
  const changes = goldenChanges().map((change) => ({ change, ...contentOf(change), isPermitted: true }));
  const incs = [...new Set(changes.map(({ change }) => incOf(change.dot)))];
  const storage = await open(schema);
  await storage.transact(SPACES, async (transaction) => {
    for (const space of SPACES) {
      const question = questionOfPushes(space, [{ owner: null, changes, bad: null, incs }]);
      const [view] = await transaction.views([question]);
      for (const [i, change] of changes.entries())
        appendChange(view!, nextStamp(view!), change, i === 0 ? 'ada' : null);
      await transaction.save(space, view!);
    }
  });
  for (const space of SPACES) await storage.access.change((rows) => rows.set(space, 'owner', 'ada'));
  await storage.close();
}

/** The tables and everything in them, with another name for the identity, which is random. */
async function dump(schema: string): Promise<Dump> {
  const columns = await schemas.run(
    `SELECT table_name, column_name, data_type, is_nullable, collation_name, column_default FROM information_schema.columns
     WHERE table_schema = $1 ORDER BY table_name, ordinal_position`,
    [schema],
  );
  const indexes = await schemas.run(
    `SELECT indexname, replace(indexdef, $1, 'skerry') AS indexdef FROM pg_indexes WHERE schemaname = $1 ORDER BY indexname`,
    [schema],
  );
  const tables = [...new Set(columns.map((column) => String(column['table_name'])))];
  const rows = tables.map(async (table) => {
    const found = await schemas.run(`SELECT to_json(t) AS row FROM "${schema}"."${table}" AS t`);
    const texts = found.map(({ row }) => JSON.stringify(row)).sort();
    return [table, texts.map((text) => JSON.parse(text) as Row)] as const;
  });
  const text = JSON.stringify(Object.fromEntries(await Promise.all(rows)));
  const [meta] = await schemas.run(`SELECT value FROM "${schema}".meta WHERE key = 'sid'`);
  return {
    version: STEPS.length,
    columns,
    indexes,
    rows: JSON.parse(text.replaceAll(String(meta!['value']), SID)) as Dump['rows'],
  };
}

/** A database as a server of that version has left it. */
async function restore({ version, rows }: Dump): Promise<string> {
  const schema = schemas.name();
  await schemas.run(`CREATE SCHEMA ${schema}`);
  for (const step of STEPS.slice(0, version))
    await schemas.run(`SET search_path TO ${schema}; ${step}; RESET search_path`);
  for (const [table, all] of Object.entries(rows)) {
    await schemas.run(`DELETE FROM ${schema}.${table}`);
    for (const row of all)
      await schemas.run(
        `INSERT INTO ${schema}.${table} SELECT * FROM json_populate_record(NULL::${schema}.${table}, $1)`,
        [JSON.stringify(row)],
      );
  }
  return schema;
}

const versions = existsSync(FIXTURES) ? readdirSync(FIXTURES).sort() : [];
const read = (name: string): Dump => JSON.parse(readFileSync(join(FIXTURES, name), 'utf8')) as Dump;

describe('golden tables of PostgreSQL', { timeout: 60_000 }, () => {
  it('[GLD7] new tables, and what is written to them, are as in the newest golden file', async () => {
    const schema = schemas.name();
    await fill(schema);
    const now = await dump(schema);
    const path = join(FIXTURES, `v${now.version}.json`);
    if (isUpdating) {
      mkdirSync(FIXTURES, { recursive: true });
      writeFileSync(path, `${JSON.stringify(now, null, 1)}\n`);
    }
    expect(
      now,
      `${path} is not what today's server makes. Is migration ${now.version} released? Then it may not be changed: add another. ` +
        `If not, or if this is the first run with a new one: UPDATE_GOLDEN=1 npx vitest run golden`,
    ).toEqual(existsSync(path) ? read(`v${now.version}.json`) : null);
  });

  it.each(versions)("[GLD7] the tables of %s are read by today's server, which goes on", async (name) => {
    const schema = await restore(read(name));
    const storage = await open(schema);
    expect(storage.sid).toBe(SID);
    const changes = goldenChanges();
    for (const space of SPACES) {
      const entries = await storage.read(space, 0, ALL);
      expect(entries.map(({ dot }) => dot)).toEqual(changes.map(({ dot }) => dot));
      const { known, meta } = await storage.look(space, { writers: [incOf(changes[0]!.dot)], cursor: {} });
      expect([...known.values()][0]!.owner).toBe('ada');
      expect(await push(storage, space, [creation('CZoBd0xhcHRvcEJl', 1)])).not.toHaveProperty('refused');
      expect((await storage.read(space, meta.lsn, ALL)).map(({ stamp }) => stamp)).toEqual([[SID, meta.lsn + 1]]);
      expect(await storage.access.get(space, 'owner')).toBe('ada');
    }
    await storage.close();
  });
});
