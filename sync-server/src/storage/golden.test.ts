import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dotOf, type Change } from '@skerry/sdk/kernel';

import { contentOf } from '../hub/prepare.ts';
import { temporaryFolder } from '../server.fixture.ts';
import type { NewEntry, Storage } from './port.ts';
import { sqlite } from './sqlite/sqlite.ts';

/** A folder per released version of the database: its file as a server left it, and what is in it. */
const FIXTURES = new URL('./fixtures/', import.meta.url).pathname;
const FRAMES = new URL('../../../sdk/src/protocol/fixtures/v1/', import.meta.url).pathname;
const isUpdating = process.env['UPDATE_GOLDEN'] === '1';
const ALL = { entries: 1_000, bytes: 1_000_000 };
const SPACES = ['default', "' OR '1'='1", '\u{1f984}'];

let folder: ReturnType<typeof temporaryFolder>;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => folder.remove());

/** The changes of the golden pushes, the ones of a newer version included. */
function goldenChanges(): readonly Change[] {
  return ['device-push.json', 'device-push-newer.json'].flatMap(
    (name) => (JSON.parse(readFileSync(join(FRAMES, name), 'utf8')) as { changes: readonly Change[] }).changes,
  );
}

function entriesOf(space: string): readonly NewEntry[] {
  return goldenChanges().map((change, i) => {
    const { hash, text } = contentOf(change);
    return { space, n: i + 1, dot: change.dot, hash, change: text, owner: i === 0 ? 'ada' : null };
  });
}

async function fill(file: string): Promise<void> {
  const storage = await sqlite(file).open();
  await storage.transact(SPACES, (transaction) => transaction.append(SPACES.flatMap(entriesOf)));
  await storage.close();
}

/** The tables and everything in them but the identity, which is random. */
function dump(file: string): { readonly version: number; readonly text: string } {
  const database = new Database(file, { readonly: true });
  const version = database.pragma('user_version', { simple: true }) as number;
  const schema = database.prepare('SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name').all();
  const tables = database.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`).pluck().all();
  const rows = tables.map((name) => [
    name,
    database
      .prepare(`SELECT * FROM "${String(name)}" ORDER BY 1, 2`)
      .all()
      .filter((row) => (row as { key?: string }).key !== 'sid'),
  ]);
  database.close();
  return { version, text: `${JSON.stringify({ version, schema, rows }, null, 1)}\n` };
}

async function contentsOf(storage: Storage): Promise<unknown> {
  const incs = ['AZoBc3l2Tm9ydGhz', 'BZoBd0xhcHRvcEJl'];
  const spaces = SPACES.map(async (space) => ({
    space,
    head: await storage.head(space),
    known: [...(await storage.known(space, incs))].map(([inc, known]) => [inc, { ...known }]),
    entries: await storage.read(space, 0, ALL),
  }));
  return { sid: storage.sid, spaces: await Promise.all(spaces) };
}

const versions = existsSync(FIXTURES) ? readdirSync(FIXTURES).sort() : [];

describe('golden databases', () => {
  it('[GLD5] a new database is as the newest golden one', async () => {
    const file = join(folder.path, 'skerry.db');
    await fill(file);
    const { version, text } = dump(file);
    const golden = join(FIXTURES, `v${version}`);
    if (isUpdating) {
      mkdirSync(golden, { recursive: true });
      copyFileSync(file, join(golden, 'skerry.db'));
      writeFileSync(join(golden, 'dump.json'), text);
      const storage = await sqlite(file).open();
      writeFileSync(join(golden, 'contents.json'), `${JSON.stringify(await contentsOf(storage), null, 1)}\n`);
      await storage.close();
    }
    const path = join(golden, 'dump.json');
    expect(
      text,
      `${path} is not what today's server makes. Is migration ${version} released? Then it may not be changed: add another. ` +
        `If not, or if this is the first run with a new one: UPDATE_GOLDEN=1 npx vitest run golden`,
    ).toBe(existsSync(path) ? readFileSync(path, 'utf8') : null);
  });

  it.each(versions)("[GLD6] the database file %s is read by today's server, and goes on", async (version) => {
    const file = join(folder.path, 'skerry.db');
    copyFileSync(join(FIXTURES, version, 'skerry.db'), file);
    const storage = await sqlite(file).open();
    expect(await contentsOf(storage)).toEqual(
      JSON.parse(readFileSync(join(FIXTURES, version, 'contents.json'), 'utf8')),
    );
    const n = (await storage.head('default')) + 1;
    const dot = dotOf('CZoBd0xhcHRvcEJl', 1);
    await storage.transact(['default'], (transaction) =>
      transaction.append([{ space: 'default', n, dot, hash: 'h', change: '{}', owner: null }]),
    );
    expect(await storage.read('default', n - 1, ALL)).toEqual([{ n, dot, change: '{}' }]);
    await storage.close();
  });

  it('[GLD6] what it holds of golden changes is what a device gets of them', async () => {
    for (const version of versions) {
      const { spaces } = JSON.parse(readFileSync(join(FIXTURES, version, 'contents.json'), 'utf8')) as {
        spaces: readonly { entries: readonly { change: string }[] }[];
      };
      const texts = goldenChanges().map((change) => contentOf(change).text);
      for (const { entries } of spaces) expect(entries.map(({ change }) => change)).toEqual(texts);
    }
  });
});
