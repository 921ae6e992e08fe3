/**
 * What the disk can do to a server, done to the real command by `strace`, which alters what system calls do. Where there is
 * no `strace` these tests are left out; `command.test.ts` and `storage/sqlite` have those that need none.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { useCommands } from './commands.fixture.ts';
import { TestDevice, TestWriter } from './device.fixture.ts';
import type { Command } from './server.fixture.ts';
import { push, creation } from './storage/contract.ts';
import { sqlite } from './storage/sqlite/sqlite.ts';
import { examineFile } from './tools/backup.ts';
import { Workload } from './workload.fixture.ts';

/** Also where it is there and may not trace. */
const hasStrace = spawnSync('strace', ['-qq', '-e', 'trace=none', 'true']).status === 0;

const commands = useCommands();

/** With `-D` the server is our child, and the tracer its own. */
function serve(...strace: readonly string[]): Command {
  const wrapper = strace.length === 0 ? [] : ['strace', '-D', '-f', '-qq', ...strace];
  return commands.start(['--port', '0', '--data', commands.path], {}, wrapper);
}

/** As `strace` quotes it. */
const PUSHED = '\\"type\\":\\"pushed\\"';
const SYNCS = ['-o', '/dev/null', '-e', 'trace=fsync,fdatasync'];

describe.runIf(hasStrace)('a disk that fails', { timeout: 120_000 }, () => {
  it.each([2, 7, 11, 17, 30])(
    '[DSK1] killed at the sync number %i: nothing acknowledged is lost, nothing is there twice',
    async (n) => {
      const server = serve(...SYNCS, '-e', `inject=fsync,fdatasync:signal=SIGKILL:when=${n}`);
      const workload = new Workload();
      const url = await server.url.catch(() => null);
      if (url !== null) await workload.run(url);
      expect(await server.ended).toMatchObject({ signal: 'SIGKILL' });
      expect(examineFileIfThere().findings).toEqual([]);
      await workload.check(await serve().url);
    },
  );

  it('[DSK2] no acknowledgement leaves before its commit is synced', async () => {
    const trace = join(commands.path, 'trace');
    const server = serve(
      '-o',
      trace,
      '-yy',
      '-s',
      '40',
      '-e',
      'trace=fdatasync,fsync,pwrite64,write,writev,sendto,sendmsg',
    );
    const device = await TestDevice.connect(await server.url);
    const writer = new TestWriter('w');
    for (let i = 0; i < 20; i++) await device.push(...writer.many(2));
    server.child.kill('SIGTERM');
    await server.ended;
    let isSynced = false;
    let acknowledgements = 0;
    for (const line of readFileSync(trace, 'utf8').split('\n')) {
      if (/pwrite64\(\d+<[^>]*-wal>/.test(line)) isSynced = false;
      if (/f(?:data)?sync\(\d+<[^>]*-wal>\)\s*= 0/.test(line)) isSynced = true;
      if (!line.includes(PUSHED)) continue;
      acknowledgements++;
      expect([line, isSynced]).toEqual([line, true]);
    }
    expect(acknowledgements).toBe(20);
  });

  it.each([6, 12])('[DSK3] from sync number %i on EIO: nothing more is acknowledged, and it ends with 1', async (n) => {
    const trace = join(commands.path, 'trace');
    const calls = ['-o', trace, '-s', '40', '-e', 'trace=fsync,fdatasync,write,writev,sendto,sendmsg'];
    const server = serve(...calls, '-e', `inject=fsync,fdatasync:error=EIO:when=${n}+`);
    const workload = new Workload();
    const url = await server.url.catch(() => null);
    if (url !== null) await workload.run(url);
    const { code, stderr } = await server.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(url === null ? /the disk failed: SQLITE_IOERR_FSYNC/ : /"event":"storage-broken"/);
    const lines = readFileSync(trace, 'utf8').split('\n');
    const failed = lines.findIndex((line) => /f(?:data)?sync\(.*EIO/.test(line));
    expect(failed).toBeGreaterThan(0);
    expect(lines.slice(failed).filter((line) => line.includes(PUSHED))).toEqual([]);
    await workload.check(await serve().url);
  });

  it('[DSK4] no space left for a while: STORAGE_FULL, reading goes on, and so does writing afterwards, without a restart', async () => {
    const full = 'inject=pwrite64:error=ENOSPC:when=150..260';
    const server = serve('-o', '/dev/null', '-e', 'trace=pwrite64', '-e', full);
    const url = await server.url;
    const device = await TestDevice.connect(url);
    const writer = new TestWriter('w');
    const codes: (string | undefined)[] = [];
    const accepted: string[] = [];
    let change = writer.next();
    // Refused ones are sent again, as a device does.
    while (!codes.includes('STORAGE_FULL') || codes.at(-1) !== undefined) {
      const { refused } = await device.push(change);
      codes.push(refused?.code);
      if (refused) {
        const reader = await TestDevice.connect(url);
        expect(await reader.readTo(accepted.length)).toHaveLength(accepted.length);
        await reader.close();
        continue;
      }
      accepted.push(change.dot);
      change = writer.next();
    }
    expect(new Set(codes)).toEqual(new Set([undefined, 'STORAGE_FULL']));
    const reader = await TestDevice.connect(url);
    expect(await reader.readTo(accepted.length)).toHaveLength(accepted.length);
    server.child.kill('SIGTERM');
    expect(await server.ended).toMatchObject({ code: 0 });
    expect(examineFileIfThere()).toMatchObject({ entries: accepted.length, findings: [] });
  });
});

describe('a disk that forgets', { timeout: 60_000 }, () => {
  it('[DSK5] without the end of its write-ahead log a database is an earlier one, whole, and its devices see a fork', async () => {
    const file = join(commands.path, 'skerry.db');
    const inc = 'w---------------';
    const storage = await sqlite(file).open();
    for (let seq = 1; seq <= 20; seq++) await push(storage, 'notes', [creation(inc, seq)]);
    const lost = join(commands.path, 'lost');
    const frame = 24 + 4_096;
    const lengths = new Set<number>();
    for (let frames = 1; frames <= 60; frames += 7) {
      copyFileSync(file, lost);
      copyFileSync(`${file}-wal`, `${lost}-wal`);
      truncateSync(`${lost}-wal`, readFileSync(`${lost}-wal`).length - frames * frame + 11);
      const { findings, entries } = examineFile(lost);
      expect(findings).toEqual([]);
      expect(entries).toBeLessThan(20);
      lengths.add(entries);
    }
    expect(lengths.size).toBeGreaterThan(3);
    await storage.close();
    copyFileSync(lost, file);
    copyFileSync(`${lost}-wal`, `${file}-wal`);
    const behind = await TestDevice.connect(await serve().url, { cursor: { [storage.sid]: 20 } });
    expect(behind.welcome.bootstrap).toMatchObject({ why: 'forked' });
  });
});

function examineFileIfThere(): ReturnType<typeof examineFile> | { readonly findings: readonly string[] } {
  try {
    return examineFile(join(commands.path, 'skerry.db'));
  } catch {
    // Killed before there was one.
    return { findings: [] };
  }
}
