/** What happens to the process of a server and what it is short of, done to real processes and real sockets. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLOSE } from '@skerry/sdk/kernel';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { dotsOf, TestDevice, TestWriter } from './device.fixture.ts';
import { runCommand, startServer, temporaryFolder, type Command } from './server.fixture.ts';
import { memory } from './storage/memory.ts';
import { StorageError } from './storage/port.ts';
import { watched } from './storage/watched.fixture.ts';
import { examineFile } from './tools/backup.ts';
import { Workload } from './workload.fixture.ts';

let folder: ReturnType<typeof temporaryFolder>;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    const isRunning = child.exitCode === null && child.signalCode === null;
    const ended = isRunning ? once(child, 'exit') : null;
    child.kill('SIGKILL');
    await ended;
  }
  folder.remove();
});

/** `shell` is run before the server takes its place: `ulimit` and the like. */
function serve(shell: string | null = null): Command {
  const wrapper = shell === null ? [] : ['sh', '-c', `${shell}; exec "$0" "$@"`];
  const command = runCommand(['--port', '0', '--data', folder.path], {}, wrapper);
  children.push(command.child);
  return command;
}

const database = (): string => join(folder.path, 'skerry.db');

/** A server in a process of its own with options that the command does not have. */
async function serveWith(options: object): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const script = join(folder.path, 'server.mjs');
  const source = new URL('./index.ts', import.meta.url).href;
  writeFileSync(
    script,
    `import { createLogger, createSyncServer, sqlite } from ${JSON.stringify(source)};
     const storage = sqlite(${JSON.stringify(database())});
     const server = await createSyncServer({ storage, logger: createLogger('silent'), ...${JSON.stringify(options)} });
     process.send((await server.listen(0)).url);`,
  );
  const child = fork(script, { execArgv: ['--conditions=@skerry/source'] });
  children.push(child);
  const [url] = (await once(child, 'message')) as [string];
  return { child, url };
}

describe('a process that is stopped', { timeout: 60_000 }, () => {
  it('[SHU5] by SIGTERM under load ends with 0 in time, tells everybody, loses nothing and has nothing twice', async () => {
    const before = serve();
    const workload = new Workload();
    const url = await before.url;
    const startMs = { value: 0 };
    const stopAt = (): void => {
      if (workload.answers !== 200) return;
      startMs.value = performance.now();
      before.child.kill('SIGTERM');
    };
    const [idle, leaving] = [await TestDevice.connect(url), await TestDevice.connect(url)];
    await workload.run(url, { writers: 20, onAnswer: stopAt });
    expect(await before.ended).toMatchObject({ code: 0, signal: null });
    expect(performance.now() - startMs.value).toBeLessThan(10_000);
    for (const device of [idle, leaving])
      expect(await device.closed).toEqual({ code: CLOSE.restart, reason: 'SHUTTING_DOWN' });
    expect(examineFile(database())).toMatchObject({ findings: [] });
    await workload.check(await serve().url);
  });

  it('[PRC1] that stood still for longer than its peers may be silent goes on with them: nothing is lost or doubled', async () => {
    const limits = { silenceMs: 1_000, heartbeatMs: 200 };
    const { child, url } = await serveWith({ limits });
    const device = await TestDevice.connect(url);
    const writer = new TestWriter('w');
    await device.push(writer.next());
    child.kill('SIGSTOP');
    const asked = device.push(...writer.many(3));
    const beat = setInterval(() => device.send({ type: 'ping' }), limits.heartbeatMs);
    // The only way to have it stand still for a time is to let that time pass.
    await new Promise((resolve) => setTimeout(resolve, 2 * limits.silenceMs));
    child.kill('SIGCONT');
    expect(await asked).toEqual({ type: 'pushed', known: { [writer.inc]: 4 } });
    expect(await device.push(writer.next())).toEqual({ type: 'pushed', known: { [writer.inc]: 5 } });
    clearInterval(beat);
    expect(device.socket.readyState).toBe(device.socket.OPEN);
    const reader = await TestDevice.connect(url);
    expect(dotsOf(await reader.readTo(5))).toEqual([1, 2, 3, 4, 5].map((seq) => `${writer.inc}.${seq}`));
  });
});

describe('a process that is short of something', { timeout: 60_000 }, () => {
  it('[PRC2] of file descriptors: who is connected goes on, who comes is turned away, and is let in when there are some again', async () => {
    const server = serve('ulimit -n 60');
    const url = await server.url;
    const [device, writer] = [await TestDevice.connect(url), new TestWriter('w')];
    await device.push(writer.next());
    const crowd: TestDevice[] = [];
    let isFull = false;
    while (!isFull) {
      const next = new TestDevice(url);
      isFull = await next.opened().then(
        () => false,
        () => true,
      );
      if (!isFull) crowd.push(next);
    }
    expect(crowd.length).toBeGreaterThan(3);
    expect(await device.push(writer.next())).toEqual({ type: 'pushed', known: { [writer.inc]: 2 } });
    // A snapshot needs a descriptor of its own.
    crowd[0]!.hello({ wantsSnapshot: true });
    expect(await crowd[0]!.closed).toMatchObject({ code: CLOSE.tryLater });
    await Promise.all(crowd.slice(1).map((each) => each.close()));
    let again: TestDevice | null = null;
    while (again === null) again = await TestDevice.connect(url, { wantsSnapshot: true }).catch(() => null);
    expect(again.welcome.bootstrap).toMatchObject({ records: 1 });
    expect(await device.push(writer.next())).toEqual({ type: 'pushed', known: { [writer.inc]: 3 } });
    server.child.kill('SIGTERM');
    expect(await server.ended).toMatchObject({ code: 0 });
  });

  it('[DSK6] of space that the database may take: STORAGE_FULL, reading goes on, and so does writing when there is more', async () => {
    await using server = await startServer();
    const executing = vi.spyOn(Database.prototype, 'exec');
    const device = await TestDevice.connect(server.url);
    const writer = new TestWriter('w');
    await device.push(writer.next());
    const connection = executing.mock.contexts[0] as Database.Database;
    executing.mockRestore();
    const pages = connection.pragma('page_count', { simple: true }) as number;
    connection.pragma(`max_page_count = ${pages + 2}`);
    let change = writer.next();
    let refused: unknown;
    let accepted = 1;
    while (refused === undefined) {
      const answer = await device.push(change);
      refused = answer.refused;
      if (refused !== undefined) continue;
      accepted++;
      change = writer.next();
    }
    expect(refused).toMatchObject({ dot: change.dot, code: 'STORAGE_FULL' });
    const reader = await TestDevice.connect(server.url);
    expect(dotsOf(await reader.readTo(accepted))).toHaveLength(accepted);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    connection.pragma('max_page_count = 1000000');
    expect(await device.push(change)).toEqual({ type: 'pushed', known: { [writer.inc]: accepted + 1 } });
    expect(examineFile(server.file)).toMatchObject({ findings: [] });
  });

  it('[DSK7] of the right to write more into its file: it acknowledges nothing more and ends with 1', async () => {
    // A real failure of a write that is no full disk, without any privilege.
    const server = serve(`trap '' XFSZ; ulimit -f 700`);
    const workload = new Workload();
    await workload.run(await server.url);
    const { code, stderr } = await server.ended;
    expect(code).toBe(1);
    expect(stderr).toContain('"event":"storage-broken"');
    expect(workload.answers).toBeGreaterThan(0);
    await workload.check(await serve().url);
  });

  it('[PRC3] of a lock that somebody else keeps: its devices are to come again, and it goes on', async () => {
    const storage = watched(memory());
    const failures: Error[] = [];
    await using server = await startServer({ storage: storage.source, onFailure: (failure) => failures.push(failure) });
    const device = await TestDevice.connect(server.url);
    const change = new TestWriter('w').next();
    storage.failWith(new StorageError('busy', 'the database is locked'));
    device.send({ type: 'push', changes: [change] });
    expect(await device.closed).toEqual({ code: CLOSE.tryLater, reason: 'INTERNAL' });
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    storage.failWith(null);
    const again = await TestDevice.connect(server.url);
    expect(await again.push(change)).not.toHaveProperty('refused');
    expect(failures).toEqual([]);
  });
});
