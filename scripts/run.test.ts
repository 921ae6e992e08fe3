import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';

import { ROOT } from './process.ts';

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Started {
  readonly child: ChildProcess;
  /** The next line of what it and its children print. */
  readonly line: () => Promise<string | undefined>;
}

function start(command: string, args: readonly string[]): Started {
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, line: async () => (await lines.next()).value as string | undefined };
}

const node = process.execPath;

describe('npm run', { timeout: 30_000 }, () => {
  it('[RUN1] a script ends when the shell that npm put before it was ended', async () => {
    // The second command keeps the shell from becoming the first.
    const { child, line } = start('sh', ['-c', `'${node}' scripts/run.mjs sleeper.fixture; true`]);
    expect(await line()).toMatch(/^ready/);
    child.kill('SIGTERM');
    expect(await line()).toBe('SIGTERM');
    // Nobody holds the pipe any more.
    expect(await line()).toBeUndefined();
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    '[RUN2] %s is handed on, and the end of the script is the end',
    async (signal) => {
      const { child, line } = start(node, ['scripts/run.mjs', 'sleeper.fixture']);
      expect(await line()).toBe(`ready ${child.pid}`);
      const ended = once(child, 'exit');
      child.kill(signal);
      expect(await line()).toBe(signal);
      expect(await ended).toEqual([7, null]);
    },
  );
});

describe('npm start', { timeout: 30_000 }, () => {
  const start = async (
    env: Readonly<Record<string, string>>,
    ...args: readonly string[]
  ): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> => {
    const child = spawn(node, ['scripts/run.mjs', 'start', ...args], { cwd: ROOT, env: { ...process.env, ...env } });
    children.push(child);
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stdout, stderr };
  };

  it('[RUN3] what is wrong is said in one line each, before anything is built', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'skerry-start-'));
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const ended = async (env: Readonly<Record<string, string>>): Promise<unknown> => await start(env);
    const refusal = (text: string): unknown => ({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(new RegExp(`^npm start: ${text}[^\\n]*\\n$`)),
    });
    expect(await ended({ PORT: 'abc' })).toEqual(refusal('port: abc '));
    expect(await ended({ PORT: '', SKERRY_PORT: '65536' })).toEqual(refusal('port: 65536 '));
    expect(await ended({ SKERRY_DATA: file })).toEqual(refusal(`data: ${file} is a file`));
    expect(await ended({ SKERRY_DATA: join(file, 'sub') })).toEqual(refusal(`data: ${file}/sub cannot be made`));
    expect(await ended({ SKERRY_ORIGINS: 'app.example' })).toEqual(refusal('origins: app.example '));
    expect(await ended({ SKERRY_TRUST_PROXY: 'maybe' })).toEqual(refusal('trust-proxy: maybe '));
    rmSync(folder, { recursive: true });
  });

  it('[RUN4] help names the options and how they differ from those of the command', async () => {
    const { code, stdout } = await start({}, '--help');
    expect(code).toBe(0);
    for (const word of ['PORT', '--origins', 'SKERRY_ORIGINS', '--trust-proxy', 'SKERRY_TRUST_PROXY', 'SKERRY_DATA'])
      expect(stdout).toContain(word);
  });
});
