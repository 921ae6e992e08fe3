import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Change } from '@skerry/sdk/kernel';
import Database from 'better-sqlite3';
import { beforeEach, describe, expect, it } from 'vitest';

import { useCommands } from '../commands.fixture.ts';
import { dotsOf, TestDevice, TestWriter } from '../device.fixture.ts';
import type { Command, Ended } from '../server.fixture.ts';
import { creation, push } from '../storage/contract.ts';
import { sqlite } from '../storage/sqlite/sqlite.ts';
import { examineFile } from './backup.ts';

const commands = useCommands();
let file: string;

beforeEach(() => {
  file = join(commands.path, 'skerry.db');
});

function run(...args: readonly string[]): Command {
  return commands.start(args, { SKERRY_DATA: commands.path });
}

const serve = (): Command => run('--port', '0');

async function stop({ child, ended }: Command): Promise<void> {
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 0 });
}

/** Two spaces with some records each, made by nobody in particular. */
async function fill(): Promise<void> {
  const storage = await sqlite(file).open();
  for (const space of ['one', 'two']) {
    const changes = Array.from({ length: 40 }, (_, i) =>
      creation(`${space}-canary`.padEnd(16, '-'), i + 1, { id: `r-${i % 20}` }),
    );
    await push(storage, space, changes);
  }
  await storage.close();
}

/** Something done to the database behind everybody's back. */
function tamper(sql: string, ...values: readonly unknown[]): void {
  const database = new Database(file);
  expect(database.prepare(sql).run(...values).changes).toBeGreaterThan(0);
  database.close();
}

describe('backup', { timeout: 60_000 }, () => {
  it('[BAK1] of a server under load: each copy is whole, has all that was acknowledged before, and costs no write', async () => {
    const server = serve();
    const url = await server.url;
    const acknowledged: string[] = [];
    const stopping = new AbortController();
    const pushing = Array.from({ length: 4 }, async (_, i) => {
      const [device, writer] = [await TestDevice.connect(url), new TestWriter(`w${i}`)];
      while (!stopping.signal.aborted) {
        const changes = writer.many(5);
        expect(await device.push(...changes)).not.toHaveProperty('refused');
        acknowledged.push(...changes.map(({ dot }) => dot));
      }
      await device.close();
    });
    for (const name of ['first.db', 'second.db']) {
      const before = acknowledged.length;
      while (acknowledged.length < before + 100) await new Promise((resolve) => setImmediate(resolve));
      const promised = [...acknowledged];
      const copy = join(commands.path, 'copies', name);
      expect(await run('backup', copy).ended).toMatchObject({ code: 0, stdout: expect.stringContaining(copy) });
      expect(examineFile(copy)).toMatchObject({ spaces: 1, findings: [] });
      const database = new Database(copy, { readonly: true });
      const stored = new Set(database.prepare(`SELECT inc || '.' || seq FROM log`).pluck().all() as string[]);
      database.close();
      expect(promised.filter((dot) => !stored.has(dot))).toEqual([]);
    }
    stopping.abort();
    await Promise.all(pushing);
    expect(statSync(join(commands.path, 'copies', 'first.db')).mode & 0o777).toBe(0o600);
    // Nothing lies beside the copies.
    expect(readdirSync(join(commands.path, 'copies')).sort()).toEqual(['first.db', 'second.db']);
    await stop(server);
  });

  it('[BAK2] puts nothing in the place of what is there, and copies no damage', async () => {
    await fill();
    const copy = join(commands.path, 'copy.db');
    writeFileSync(copy, 'precious');
    expect(await run('backup', copy).ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is there already'),
    });
    expect(readFileSync(copy, 'utf8')).toBe('precious');
    tamper(`UPDATE records SET state = replace(state, '"likes#c":2', '"likes#c":3')`);
    const other = join(commands.path, 'other.db');
    expect(await run('backup', other).ended).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^skerry-server backup: .* is damaged: space "one": record "notes\/r-0".*doctor/),
    });
    expect(readdirSync(commands.path).filter((name) => name.startsWith('other'))).toEqual([]);
  });

  it('[BAK2] says so when there is no database, or something else', async () => {
    const copy = join(commands.path, 'copy.db');
    expect(await run('backup', copy).ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no database'),
    });
    writeFileSync(file, 'not a database, but long enough to be taken for something that might be one');
    expect(await run('backup', copy).ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is not a database'),
    });
    expect(readFileSync(file, 'utf8')).toMatch(/^not a database/);
    expect(existsSync(copy)).toBe(false);
  });
});

describe('restore', { timeout: 60_000 }, () => {
  it('[BAK3] makes another server of it, to which devices bring what it lacks: nothing lost, nothing twice', async () => {
    const before = serve();
    const device = await TestDevice.connect(await before.url);
    const writer = new TestWriter('w');
    const [early, late] = [writer.many(5), writer.many(5)];
    await device.push(...early);
    const copy = join(commands.path, 'copy.db');
    expect(await run('backup', copy).ended).toMatchObject({ code: 0 });
    await device.push(...late);
    const old = device.welcome.sid;
    await stop(before);

    expect(await run('restore', copy, '--replace').ended).toMatchObject({ code: 0 });
    const aside = readdirSync(commands.path).filter((name) => name.startsWith('skerry.db.before-'));
    expect(aside).toHaveLength(1);
    expect(examineFile(join(commands.path, aside[0]!))).toMatchObject({ entries: 10, findings: [] });
    expect(examineFile(file)).toMatchObject({ spaces: 1, entries: 7, findings: [] });

    const again = serve();
    const url = await again.url;
    const behind = await TestDevice.connect(url, { cursor: { [old]: 10 } });
    const { sid, bootstrap } = behind.welcome;
    expect(sid).not.toBe(old);
    expect(bootstrap).toMatchObject({ why: 'forked', cursor: { [old]: 5 } });
    expect(await behind.push(...early, ...late)).toEqual({ type: 'pushed', known: { [writer.inc]: 10 } });
    const reader = await TestDevice.connect(url);
    await reader.until(() => dotsOf(reader.entries).length >= 10);
    expect(dotsOf(reader.entries)).toEqual([...early, ...late].map(({ dot }) => dot));
    await stop(again);
    expect(examineFile(file)).toMatchObject({ findings: [] });
  });

  it('[BAK4] leaves what is there alone: a running server, a database without --replace, a damaged backup', async () => {
    await fill();
    const copy = join(commands.path, 'copy.db');
    expect(await run('backup', copy).ended).toMatchObject({ code: 0 });
    const sidOf = (): unknown => {
      const database = new Database(file, { readonly: true });
      const sid = database.prepare(`SELECT value FROM meta WHERE key = 'sid'`).pluck().get();
      database.close();
      return sid;
    };
    const sid = sidOf();
    expect(await run('restore', copy).ended).toMatchObject({ code: 1, stderr: expect.stringContaining('--replace') });
    const server = serve();
    await server.url;
    expect(await run('restore', copy, '--replace').ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('in use by another skerry-server'),
    });
    await stop(server);
    const text = readFileSync(copy);
    text.writeUInt8(text[text.length - 200]! ^ 0xff, text.length - 200);
    writeFileSync(copy, text.subarray(0, text.length - 4096));
    expect(await run('restore', copy, '--replace').ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('damaged'),
    });
    expect(sidOf()).toBe(sid);
    expect(readdirSync(commands.path).filter((name) => /restoring|before/.test(name))).toEqual([]);
  });

  it('[BAK4] a write-ahead log that a lost database left behind does not get into the restored one', async () => {
    await fill();
    const copy = join(commands.path, 'copy.db');
    expect(await run('backup', copy).ended).toMatchObject({ code: 0 });
    const open = new Database(file);
    open.exec(`PRAGMA wal_autocheckpoint = 0; UPDATE meta SET value = 'left-over'`);
    copyFileSync(`${file}-wal`, join(commands.path, 'wal'));
    open.close();
    for (const name of readdirSync(commands.path)) if (name.startsWith('skerry.db')) rmSync(join(commands.path, name));
    copyFileSync(join(commands.path, 'wal'), `${file}-wal`);
    expect(await run('restore', copy).ended).toMatchObject({ code: 1, stderr: expect.stringContaining('--replace') });
    expect(await run('restore', copy, '--replace').ended).toMatchObject({ code: 0 });
    expect(examineFile(file)).toMatchObject({ spaces: 2, findings: [] });
    const storage = await sqlite(file).open();
    expect(storage.sid).not.toBe('left-over');
    await storage.close();
  });
});

describe('takeover', { timeout: 60_000 }, () => {
  it('[TKO1] makes a new server of what was put back by other means, and of nothing else', async () => {
    await fill();
    const before = await sqlite(file).open();
    await before.close();
    expect(await run('takeover').ended).toMatchObject({ code: 0 });
    const after = await sqlite(file).open();
    const { meta } = await after.look('one', { writers: [], cursor: {} });
    expect(after.sid).not.toBe(before.sid);
    expect(meta.topology.evicted).toEqual({ [before.sid]: 40 });
    // A running server would go on as the old one.
    expect(await run('takeover').ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('in use by another'),
    });
    await after.close();
    const elsewhere = commands.start(['takeover', '--data', join(commands.path, 'nothing')]);
    expect(await elsewhere.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no database') });
    expect(existsSync(join(commands.path, 'nothing'))).toBe(false);
  });

  it.each(['backup', 'restore', 'compact', 'doctor'])(
    '[TKO2] %s says what to do instead where the data are in a PostgreSQL, and touches no file',
    async (verb) => {
      await fill();
      const file = verb === 'backup' || verb === 'restore' ? [join(commands.path, 'copy.db')] : [];
      const env = { SKERRY_DATA: commands.path, SKERRY_DATABASE: 'postgres://me:secret@localhost/db' };
      const { code, stderr } = await commands.start([verb, ...file], env).ended;
      expect([code, stderr]).toEqual([2, expect.stringContaining('the data are in a PostgreSQL')]);
      expect(stderr).not.toContain('secret');
      expect(existsSync(join(commands.path, 'copy.db'))).toBe(false);
    },
  );
});

describe('doctor', { timeout: 60_000 }, () => {
  it('[DCT1] ends with 0 for a sound database, beside a running server too, and changes nothing', async () => {
    await fill();
    const server = serve();
    const device = await TestDevice.connect(await server.url);
    await device.push(...new TestWriter('w').many(3));
    expect(await run('doctor').ended).toMatchObject({
      code: 0,
      stdout: `${file} is sound: 3 spaces, 83 entries, 41 records\n`,
      stderr: '',
    });
    await stop(server);
  });

  const STATE = `(SELECT state FROM records WHERE id = 'r-7' LIMIT 1)`;
  it.each<[string, string, RegExp]>([
    [
      'a bit of a record',
      `UPDATE records SET state = replace(state, '"likes#c":2', '"likes#c":6') WHERE id = 'r-7'`,
      /record "notes\/r-7" is not what was written/,
    ],
    [
      'a record that cannot be read',
      `UPDATE records SET state = substr(state, 2) WHERE id = 'r-7'`,
      /record "notes\/r-7"/,
    ],
    ['a record that is missing', `DELETE FROM records WHERE id = 'r-7'`, /the sum of its records is not its digest/],
    ['another record under its name', `UPDATE records SET state = ${STATE} WHERE id = 'r-8'`, /record "notes\/r-8"/],
    [
      'a bit of an entry',
      `UPDATE log SET text = replace(text, '"n":1', '"n":3') WHERE lsn = 7`,
      /entry 7 of the log has a text that is not what was written/,
    ],
    [
      'an entry that is missing',
      'DELETE FROM log WHERE lsn = 7',
      /entry 8 of the log follows entry 6: what was between them is missing/,
    ],
    ['the end of a log', 'DELETE FROM log WHERE lsn > 30', /its log ends at entry 30 and should end at 40/],
    ['a whole log', 'DELETE FROM log', /the entries of server .* up to number 40 are missing/],
    [
      'a chain hash',
      `UPDATE log SET chain = 'AAAAAAAAAAAAAAAAAAAAAA' WHERE lsn = 7`,
      /entry 7 of the log has a chain hash that does not follow/,
    ],
    ['a number', 'UPDATE log SET seq = 99 WHERE lsn = 7', /entry 7 of the log is change 99 of writer .*, after 6/],
    ['a writer', 'UPDATE writers SET seq = 3', /is by writer .*, of whom less is known than was written/],
    ['a size', `UPDATE space_sizes SET bytes = bytes + 1`, /its size is kept as \d+ and is \d+ bytes/],
    [
      'a cursor',
      `UPDATE spaces SET chain = '{' WHERE name = 'two'`,
      /space "two": what is kept about it cannot be read/,
    ],
  ])('[DCT2] finds %s and names it, without content', async (_, sql, sentence) => {
    await fill();
    tamper(sql);
    const { findings } = examineFile(file);
    expect(findings.join('\n')).toMatch(sentence);
    expect(findings.join('\n')).not.toMatch(/likes|title/);
  });

  it('[DCT2] says what to do about it, and ends with 3', async () => {
    await fill();
    tamper(`DELETE FROM records WHERE id = 'r-7'`);
    const { code, stdout } = await run('doctor').ended;
    expect(code).toBe(3);
    expect(stdout.split('\n')).toEqual([
      `${file} is damaged:`,
      '  space "one": the sum of its records is not its digest: one is missing or from another time',
      '  space "two": the sum of its records is not its digest: one is missing or from another time',
      'Keep this file, look at the disk, and restore the last backup: devices bring back what it lacks.',
      '',
    ]);
  });

  it('[DCT3] finds pages that are damaged in the file', async () => {
    await fill();
    const bytes = readFileSync(file);
    const pageSize = bytes.readUInt16BE(16);
    let damaged = 0;
    for (let page = 1; page * pageSize < bytes.length; page++) {
      const copy = Buffer.from(bytes);
      // Where the page says what it is and where its cells are.
      copy.fill(0xee, page * pageSize, page * pageSize + 12);
      writeFileSync(file, copy);
      if (examineFile(file).findings.length > 0) damaged++;
    }
    expect(damaged).toBe(bytes.length / pageSize - 1);
  });
});

describe('compact', { timeout: 60_000 }, () => {
  it('[CPT1] cuts what is old, gives the space back, and alters nothing that anybody can see', async () => {
    const storage = await sqlite(file).open();
    const large = (i: number): Change => creation('w'.padEnd(16, '-'), i, { id: `r-${i % 3}`, label: 'x'.repeat(100) });
    for (let i = 0; i < 20; i++)
      await push(
        storage,
        'one',
        Array.from({ length: 100 }, (_, n) => large(i * 100 + n + 1)),
      );
    const before = await storage.look('one', { writers: ['w'.padEnd(16, '-')], cursor: {} });
    await storage.close();
    const bytes = statSync(file).size;
    const { code, stdout } = await run('compact', '--log-days', '0', '--tombstone-days', '0').ended;
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^2000 entries cut, 0 deleted records forgotten; /)]);
    expect(statSync(file).size).toBeLessThan(bytes / 4);
    expect(examineFile(file)).toMatchObject({ records: 3, findings: [] });
    const again = await sqlite(file).open();
    const after = await again.look('one', { writers: ['w'.padEnd(16, '-')], cursor: {} });
    expect([after.meta.digest, after.known]).toEqual([before.meta.digest, before.known]);
    await again.close();
  });

  it('[CPT2] not beside a running server', async () => {
    const server = serve();
    await server.url;
    expect(await run('compact').ended).toMatchObject({ code: 1, stderr: expect.stringContaining('in use by another') });
    await stop(server);
  });
});

describe('calls of tools', { timeout: 60_000 }, () => {
  const bad = async (...args: readonly string[]): Promise<Pick<Ended, 'code' | 'stderr'>> => {
    const { code, stderr } = await run(...args).ended;
    return { code, stderr };
  };

  it('[DCT4] that are wrong end with 2 and all that is wrong; settings of the server that do not matter are not read', async () => {
    expect(await bad('backup', '--force', '--port=1', '--data', '')).toEqual({
      code: 2,
      stderr: `skerry-server backup: called wrongly\n  --force: unknown option; see --help\n  --port: unknown option; see --help\n  <file>: is missing\n  --data: a value is missing\n`,
    });
    expect(await bad('doctor', 'one', 'two')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('two: not an option'),
    });
    expect(await run('restore', '--help').ended).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Usage: skerry-server restore <file> \[--replace\] \[--data <value>\]\n/),
    });
    const help = await run('--help').ended;
    for (const verb of ['backup <file>', 'restore <file>', 'compact', 'doctor']) expect(help.stdout).toContain(verb);
    await fill();
    const command = commands.start(['doctor'], { SKERRY_DATA: commands.path, SKERRY_PORT: 'nonsense' });
    expect(await command.ended).toMatchObject({ code: 0 });
  });
});
