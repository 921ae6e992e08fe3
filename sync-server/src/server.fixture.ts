/** Servers for tests: in this process or as the real command in a process of its own, on SQLite in a folder of their own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { createLogger, type Logger } from './log.ts';
import { sqlite } from './storage/sqlite/sqlite.ts';
import { createSyncServer, type SyncServer, type SyncServerOptions } from './sync-server.ts';

/** A folder that is removed by `remove`. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'skerry-server-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly server: SyncServer;
  readonly file: string;
  /** The lines of the log, parsed. */
  readonly logs: readonly Readonly<Record<string, unknown>>[];
}

/** A server in this process; disposing closes it and removes its folder. */
export async function startServer(options: Partial<SyncServerOptions> = {}): Promise<TestServer> {
  const folder = temporaryFolder();
  const file = join(folder.path, 'skerry.db');
  const logs: Record<string, unknown>[] = [];
  const logger: Logger = createLogger('debug', (line) => void logs.push(JSON.parse(line) as Record<string, unknown>));
  const server = await createSyncServer({ storage: sqlite(file), logger, ...options });
  const { url } = await server.listen(0);
  return {
    url,
    server,
    file,
    logs,
    async [Symbol.asyncDispose]() {
      await server.close();
      folder.remove();
    },
  };
}

export interface Command {
  readonly child: ChildProcess;
  /** Resolves when the command has said where it listens; rejects with what it wrote to stderr when it ends before. */
  readonly url: Promise<string>;
  readonly ended: Promise<Ended>;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

/** The real command, from its sources; `wrapper` is what it is started by, `strace` with its options say. */
export function runCommand(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  wrapper: readonly string[] = [],
): Command {
  const [program, ...rest] = [...wrapper, process.execPath, '--conditions=@skerry/source', MAIN, ...args];
  const child = spawn(program!, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk));
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const url = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk;
      const line = /listening on (\S+)\n/.exec(stdout);
      if (line) resolve(line[1]!);
    });
    void ended.then(() => reject(new Error(stderr)));
  });
  url.catch(() => undefined);
  return { child, url, ended };
}
