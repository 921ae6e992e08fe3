import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  appendChange,
  decodeDeviceMessage,
  DEFAULT_LIMITS,
  digestText,
  incOf,
  nextStamp,
  type Change,
} from '@skerry/sdk/kernel';

import { contentOf } from '../hub/prepare.ts';
import { temporaryFolder } from '../server.fixture.ts';
import { creation, push } from './contract.ts';
import type { Storage } from './port.ts';
import { questionOfPushes } from './questions.ts';
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
  return ['device-push.json', 'device-push-newer.json'].flatMap((name) => {
    const decoded = decodeDeviceMessage(readFileSync(join(FRAMES, name), 'utf8'), DEFAULT_LIMITS);
    return decoded.type === 'ok' && decoded.message.type === 'push' ? decoded.message.changes : [];
  });
}

/** The golden changes in every space, as nobody has checked them; the first is by somebody who said who she is. */
async function fill(file: string): Promise<void> {
  const changes = goldenChanges().map((change) => ({ change, ...contentOf(change), isPermitted: true }));
  const incs = [...new Set(changes.map(({ change }) => incOf(change.dot)))];
  const storage = await sqlite(file).open();
  await storage.transact(SPACES, async (transaction) => {
    for (const space of SPACES) {
      const question = questionOfPushes(space, [{ owner: null, changes, bad: null, incs }]);
      const [view] = await transaction.views([question]);
      for (const [i, change] of changes.entries())
        appendChange(view!, nextStamp(view!), change, i === 0 ? 'ada' : null);
      await transaction.save(space, view!);
    }
  });
  await storage.close();
}

/** The tables and everything in them, with another name for the identity, which is random. */
function dump(file: string): { readonly version: number; readonly text: string } {
  const database = new Database(file, { readonly: true });
  const version = database.pragma('user_version', { simple: true }) as number;
  const schema = database.prepare('SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name').all();
  const tables = database.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`).pluck().all();
  const rows = tables.map((name) => [name, database.prepare(`SELECT * FROM "${String(name)}" ORDER BY 1, 2`).all()]);
  const sid = database.prepare(`SELECT value FROM meta WHERE key = 'sid'`).pluck().get() as string;
  database.close();
  return { version, text: `${JSON.stringify({ version, schema, rows }, null, 1)}\n`.replaceAll(sid, 'the-server-') };
}

async function contentsOf(storage: Storage): Promise<unknown> {
  const writers = ['AZoBc3l2Tm9ydGhz', 'BZoBd0xhcHRvcEJl'];
  const spaces = SPACES.map(async (space) => {
    const { meta, known } = await storage.look(space, { writers, cursor: {} });
    const entries = await storage.read(space, 0, ALL);
    const pinned = await storage.pin(space, DEFAULT_LIMITS);
    const piece = await pinned.piece(0);
    pinned.release();
    return {
      space,
      head: meta.lsn,
      known: [...known].map(([inc, writer]) => [inc, { ...writer }]),
      entries: entries.map(({ stamp, dot, text }) => ({ n: stamp[1], dot, change: text })),
      // What follows was not kept by version 1, and is made when its file is opened.
      ...piece,
      digest: digestText(meta.digest),
      chain: meta.chain,
    };
  });
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
    expect(await contentsOf(storage)).toMatchObject(
      JSON.parse(readFileSync(join(FIXTURES, version, 'contents.json'), 'utf8')),
    );
    const next = creation('CZoBd0xhcHRvcEJl', 1);
    expect(await push(storage, 'default', [next])).not.toHaveProperty('refused');
    const { meta } = await storage.look('default', { writers: [], cursor: {} });
    expect(await storage.read('default', meta.lsn - 1, ALL)).toMatchObject([
      { lsn: meta.lsn, stamp: [storage.sid, goldenChanges().length + 1], dot: next.dot },
    ]);
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
