import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { dotOf, type Change } from '@skerry/sdk/kernel';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { dotsOf, TestDevice, TestWriter } from '../../device.fixture.ts';
import { runCommand, temporaryFolder, type Command } from '../../server.fixture.ts';
import { migrateTo, type Migrated } from '../../tools/migrate.ts';
import { contentOf, creation, push, type SpaceContent } from '../contract.ts';
import type { Storage } from '../port.ts';
import { sqlite } from '../sqlite/sqlite.ts';
import { postgres } from './postgres.ts';
import { newSchemas, type Schemas } from './schemas.fixture.ts';

const SPACES = ['a', "' OR '1'='1", 'ü', '\u{1f984}', 'z'];
const [A, B] = ['A', 'B'].map((letter) => letter.repeat(16)) as [string, string];

let server: Schemas;
/** A database of the test's own, because the command uses the schema that everybody uses. */
let schemas: Schemas;
let url: string;
let folder: ReturnType<typeof temporaryFolder>;
let file: string;
const commands: Command[] = [];

beforeAll(() => {
  server = newSchemas();
});

beforeEach(async () => {
  url = await server.database();
  schemas = newSchemas(url);
  folder = temporaryFolder();
  file = join(folder.path, 'skerry.db');
});

afterEach(async () => {
  for (const { child, ended } of commands.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
  await schemas.drop();
  folder.remove();
});

afterAll(() => server.drop());

function run(...args: readonly string[]): Command {
  const command = runCommand([...args], { SKERRY_DATA: folder.path, SKERRY_LOG_LEVEL: 'error' });
  commands.push(command);
  return command;
}

const migrate = (): Promise<Migrated> => migrateTo(url, file, Date.now());

/** Records made, edited at the same time and deleted, by writers with a name; a log that was cut; who may do what. */
async function fill(): Promise<void> {
  const storage = await sqlite(file).open();
  for (const [i, space] of SPACES.entries()) {
    // One is larger than what is read and written together.
    const made = Array.from({ length: i === 0 ? 700 : 40 }, (_, n) =>
      creation(A, n + 1, { id: `r${n % 30}`, ...nameIn(n) }),
    );
    await push(storage, space, made, 'ada');
    await push(storage, space, [remove(B, 1, dotOf(A, 1)), creation(B, 2, { label: 'ö\u2028"\\' })]);
    if (i === 2) await storage.transact([space], (transaction) => transaction.cut(space, { [storage.sid]: 30 }, 30));
  }
  await storage.access.change(async (rows) => {
    for (const space of SPACES) await rows.set(space, 'ä'.repeat(600), `${space} "owner"`);
  });
  await storage.close();
}

const nameIn = (n: number): Partial<Change> => (n === 0 ? { writer: { device: { id: 'd', name: 'Läptop' } } } : {});

function remove(inc: string, seq: number, seen: string): Change {
  const change = creation(inc, seq, { id: 'r0' });
  return { ...change, recs: [{ ...change.recs[0]!, rv: [seen], ops: [{ t: 'life', v: 'dead', pred: [seen] }] }] };
}

const isPutAside = (name: string): boolean => /\.migrated-.*Z$/.test(name);

interface Everything {
  readonly sid: string;
  readonly spaces: readonly SpaceContent[];
  readonly known: unknown;
  readonly access: unknown;
}

async function everythingIn(storage: Storage): Promise<Everything> {
  const looks = SPACES.map((space) => storage.look(space, { writers: [A, B], cursor: {} }));
  const pinned = await storage.pin('a', { recordsPerPiece: 9, pageBytes: 99_999, entriesPerPage: 99 } as never);
  const { writers } = await pinned.piece(0);
  pinned.release();
  const everything = {
    sid: storage.sid,
    spaces: await Promise.all(SPACES.map((space) => contentOf(storage, space))),
    known: [
      writers,
      (await Promise.all(looks)).map(({ known }) => [...known].map(([inc, writer]) => [inc, { ...writer }])),
    ],
    access: [await storage.access.version(), (await storage.access.since(0, 99)).map((row) => ({ ...row }))],
  };
  await storage.close();
  return everything;
}

describe('migrate', { timeout: 120_000 }, () => {
  it('[MIG1] makes the same server of it in PostgreSQL: every row, every number, its identity; devices go on', async () => {
    await fill();
    const before = await everythingIn(await sqlite(file).open());
    const { code, stdout, stderr } = await run('migrate', '--to', url).ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('5 spaces');
    expect(await everythingIn(await postgres(url).open())).toEqual(before);

    // The file is kept, where nobody serves from it by mistake.
    const names = readdirSync(folder.path);
    expect(names).not.toContain('skerry.db');
    expect(names.filter(isPutAside)).toHaveLength(1);

    const again = runCommand(['--port', '0'], { SKERRY_DATABASE: url, SKERRY_LOG_LEVEL: 'error' });
    commands.push(again);
    const end = before.spaces[0]!.meta.cursor;
    const device = await TestDevice.connect(await again.url, { space: 'a', cursor: end, writers: [A] });
    expect(device.welcome).toMatchObject({ sid: before.sid, known: { [A]: 700 }, cursor: end });
    const next = new TestWriter('next').next();
    await device.push(next);
    expect(dotsOf(await device.readTo(end[before.sid]! + 1))).toEqual([next.dot]);
  });

  it('[MIG2] that was interrupted goes on where it was; nobody serves from the half of it', async () => {
    await fill();
    // The fourth space, in the order of bytes, cannot be written.
    const break_ = `
      CREATE FUNCTION skerry.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.space = 'ü' THEN RAISE EXCEPTION 'on purpose' USING ERRCODE = '53100'; END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER fail BEFORE INSERT ON skerry.log FOR EACH ROW EXECUTE FUNCTION skerry.fail()`;
    await prepareTables();
    await schemas.run(break_);
    await expect(migrate()).rejects.toMatchObject({ kind: 'full' });
    expect(readdirSync(folder.path)).toContain('skerry.db');
    expect(await schemas.run('SELECT space FROM skerry.spaces')).toHaveLength(3);
    await expect(postgres(url, { patienceMs: 1 }).open()).rejects.toThrow('not finished');

    await schemas.run('DROP TRIGGER fail ON skerry.log');
    expect(await migrate()).toMatchObject({ spaces: 5, found: 3 });
    const there = await everythingIn(await postgres(url).open());
    const [aside] = readdirSync(folder.path).filter(isPutAside);
    expect(there).toEqual(await everythingIn(await sqlite(join(folder.path, aside!)).open()));
  });

  it('[MIG3] takes nothing for done that is not what it was copied from', async () => {
    await fill();
    await prepareTables();
    for (const [damage, where] of [
      [`UPDATE skerry.records SET state = replace(state, 'likes', 'links') WHERE id = 'r7' AND space = 'ü'`, 'ü'],
      [`DELETE FROM skerry.writers WHERE space = 'a'`, 'a'],
      [`UPDATE skerry.log SET text = text || ' ' WHERE lsn = 39 AND space = 'z'`, 'z'],
    ] as const) {
      await schemas.run(
        `CREATE OR REPLACE FUNCTION skerry.harm() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${damage}; RETURN NULL; END $$`,
      );
      await schemas.run(
        'CREATE CONSTRAINT TRIGGER harm AFTER INSERT ON skerry.spaces DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION skerry.harm()',
      );
      await expect(migrate()).rejects.toThrow(`space "${where}" is not what it was copied from`);
      await schemas.run('DROP TRIGGER harm ON skerry.spaces');
      for (const table of ['spaces', 'log', 'writers', 'records']) await schemas.run(`DELETE FROM skerry.${table}`);
    }
    expect(readdirSync(folder.path)).toContain('skerry.db');
    expect(await migrate()).toMatchObject({ spaces: 5, found: 0 });
  });

  it('[MIG4] leaves alone what is in use: the data of another server, a file that is served from or damaged', async () => {
    await fill();
    const other = await postgres(url).open();
    await expect(migrate()).rejects.toThrow('another server');
    await other.close();
    await schemas.run('DROP SCHEMA skerry CASCADE');
    const serving = await sqlite(file).open();
    await expect(migrate()).rejects.toThrow('in use');
    await serving.close();
    const database = new Database(file);
    database.exec(`UPDATE records SET state = replace(state, 'likes', 'links') WHERE id = 'r7'`);
    database.close();
    await expect(migrate()).rejects.toMatchObject({ kind: 'damaged' });
    expect(readdirSync(folder.path)).toContain('skerry.db');
  });

  it('[MIG4] is told where by --to or the variable, and never says the password', async () => {
    const calls = [
      [run('migrate'), 1, '--to'],
      [run('migrate', '--to', 'mysql://a:secret@b/c'), 2, 'database'],
      [run('migrate', '--database', 'postgres://a:secret@b/c'), 2, 'unknown option'],
      [run('migrate', 'postgres://a:secret@b/c'), 2, 'not an option'],
    ] as const;
    for (const [{ ended }, code, word] of calls) {
      const { stderr, ...rest } = await ended;
      expect([rest.code, stderr]).toEqual([code, expect.stringContaining(word)]);
      expect(stderr).not.toContain('secret');
    }
  });
});

/** The tables, as a first attempt leaves them. */
async function prepareTables(): Promise<void> {
  await (await postgres(url).open()).close();
  await schemas.run(`DELETE FROM skerry.meta WHERE key = 'sid'`);
}
