import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CLOSE } from '@skerry/sdk/kernel';
import { describe, expect, it } from 'vitest';

import { dotsOf, TestDevice, TestWriter } from './device.fixture.ts';
import { useCommands } from './commands.fixture.ts';
import type { Command } from './server.fixture.ts';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));

const commands = useCommands();

const run = (...args: readonly string[]): Command => commands.start(args);

const serve = (): Command => run('--port', '0', '--data', commands.path);

describe('the command', { timeout: 60_000 }, () => {
  it('[CMD1] says where it listens, serves and ends with 0 on SIGTERM', async () => {
    const command = serve();
    const url = await command.url;
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok' });
    const device = await TestDevice.connect(url);
    command.child.kill('SIGTERM');
    expect(await device.closed).toEqual({ code: CLOSE.restart, reason: 'SHUTTING_DOWN' });
    const ended = await command.ended;
    expect(ended).toMatchObject({ code: 0, signal: null });
    expect(ended.stdout).toMatch(/^skerry-server listening on http:.*\ndevelopment mode: .* for production set .*\n$/);
  });

  it('[CMD1] says nothing of that when devices have to sign in', async () => {
    const secret = join(commands.path, 'secret');
    writeFileSync(secret, 'x'.repeat(64));
    const args = ['--jwt-secret-file', secret, '--jwt-issuer', 'me', '--jwt-audience', 'us'];
    const command = run('--port', '0', '--data', commands.path, ...args);
    await command.url;
    command.child.kill('SIGTERM');
    const { code, stdout } = await command.ended;
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^skerry-server listening on http:[^\n]*\n$/)]);
  });

  it('[CMD2] ends with 2 and every mistake when the configuration is wrong', async () => {
    const { code, stderr } = await run('--port', 'x', '--host', '0.0.0.0').ended;
    expect(code).toBe(2);
    expect(stderr).toContain('port: x');
    expect(stderr).toContain('host: 0.0.0.0');
  });

  it('[CMD3] ends with 1 and one line when the port or the database is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const portTaken = await run('--port', String(port), '--data', commands.path).ended;
    taken.close();
    expect(portTaken).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^skerry-server: port \d+ .* is in use[^\n]*\n$/),
    });
    await serve().url;
    const dataTaken = await serve().ended;
    expect(dataTaken).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^skerry-server: .* is in use by another skerry-server[^\n]*\n$/),
    });
  });

  it('[CMD3] so it does when a part of the path of the database is a file', async () => {
    const file = join(commands.path, 'file');
    writeFileSync(file, '');
    expect(await run('--port', '0', '--data', join(file, 'data')).ended).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^skerry-server: [^\n]*a part of its path is a file\n$/),
    });
  });

  it('[CMD4] before the first build it says how to build', async () => {
    const { bin } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as { bin: Record<string, string> };
    const script = join(commands.path, bin['skerry-server']!);
    cpSync(join(PACKAGE, 'package.json'), join(commands.path, 'package.json'));
    cpSync(join(PACKAGE, bin['skerry-server']!), script);
    const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^skerry-server is not built yet: run `npm run build`[^\n]*\n$/);
  });

  it.each([0, 1, 3, 8, 20])(
    '[CRA1] killed after %i acknowledgements: nothing acknowledged is lost, nothing is there twice',
    async (count) => {
      const before = serve();
      const url = await before.url;
      const writers = Array.from({ length: 4 }, (_, i) => new TestWriter(`w${i}`));
      const sent = new Map(writers.map(({ inc }) => [inc, [] as ReturnType<TestWriter['next']>[]]));
      const acknowledged = new Map(writers.map(({ inc }) => [inc, 0]));
      let answers = 0;
      const pushing = writers.map(async (writer) => {
        const device = await TestDevice.connect(url);
        for (;;) {
          const changes = writer.many(5);
          sent.get(writer.inc)!.push(...changes);
          if (answers >= count) before.child.kill('SIGKILL');
          const { known, refused } = await device.push(...changes);
          expect(refused).toBeUndefined();
          acknowledged.set(writer.inc, known[writer.inc]!);
          answers++;
        }
      });
      const ends = await Promise.allSettled(pushing);
      expect(ends.every(({ status }) => status === 'rejected')).toBe(true);
      await before.ended;

      const again = await serve().url;
      const writersAsked = writers.map(({ inc }) => inc);
      const device = await TestDevice.connect(again, { writers: writersAsked });
      for (const [inc, seq] of acknowledged) expect(device.welcome.known[inc]).toBeGreaterThanOrEqual(seq);
      // A push is one transaction: of five changes all are there or none.
      for (const seq of Object.values(device.welcome.known)) expect(seq % 5).toBe(0);
      // The devices do not know what arrived, so they send everything again.
      for (const [inc, changes] of sent) {
        const last = changes.length;
        if (last > 0) expect(await device.push(...changes)).toEqual({ type: 'pushed', known: { [inc]: last } });
      }
      const all = [...sent.values()].flat().map(({ dot }) => dot);
      const reader = await TestDevice.connect(again);
      const stored = dotsOf(await reader.readTo(all.length));
      expect([...stored].sort()).toEqual([...all].sort());
      for (const { inc } of writers) {
        expect(stored.filter((dot) => dot.startsWith(inc))).toEqual(sent.get(inc)!.map(({ dot }) => dot));
      }
    },
  );

  it('[CRA2] the same server answers after a crash: a cursor from before goes on', async () => {
    const before = serve();
    const device = await TestDevice.connect(await before.url);
    await device.push(...new TestWriter('w').many(3));
    const { sid } = device.welcome;
    before.child.kill('SIGKILL');
    await before.ended;
    const again = await TestDevice.connect(await serve().url, { cursor: { [sid]: 2 } });
    expect(again.welcome.sid).toBe(sid);
    expect(await again.readTo(3)).toMatchObject([{ stamp: [sid, 3] }]);
  });
});
