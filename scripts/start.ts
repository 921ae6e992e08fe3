/**
 * `npm start`: builds what is stale and serves the demo and the sync server on one port, with SQLite in `./data`.
 *
 * It takes the flags and variables of the command `skerry-server`, with defaults of its own, and `PORT` as well.
 */
import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { SyncServer } from '@skerry/server';

// From the sources: what is wrong with the configuration is said before anything is built.
import { readConfig, type Config } from '../sync-server/src/config.ts';
import { build } from './build.ts';
import { ROOT } from './process.ts';

const { env } = process;
const config = configure();
const file = resolve(ROOT, config.file);
if (config.database === null) makeFolder(dirname(file));

await build();
const { createLogger, createSyncServer, postgres, sqlite } = await import('@skerry/server');
const { server, url } = await serve().catch((error: Error & { code?: string }) => {
  const isTaken = error.code === 'EADDRINUSE';
  fail(isTaken ? `port ${config.port} is in use: choose another with PORT=4322 npm start` : error.message);
});

const link = (user: string, device: string): string => new URL(`?${new URLSearchParams({ user, device })}`, url).href;
console.log(`
Skerry is running. Open both links side by side: two people, each on a device of their own.

  Anna  ${link('anna', "Anna's laptop")}
  Ben   ${link('ben', "Ben's phone")}

Or both in one window, with scenarios and a timeline: ${new URL('#/playground', url).href}

Data: ${config.database === null ? dirname(file) : 'in PostgreSQL'}   Stop: Ctrl-C
`);

function configure(): Config {
  const read = readConfig(process.argv.slice(2), {
    ...env,
    SKERRY_PORT: env['PORT'] || env['SKERRY_PORT'],
    // A forwarded host is believed without being asked to. The server listens on this machine only, and what the check of
    // the host keeps out is pages of other sites in a browser: a page cannot set this header on a WebSocket. A proxy on this
    // machine that rewrites `Host`, as those of hosted workspaces do, thus works by itself.
    SKERRY_TRUST_PROXY: env['SKERRY_TRUST_PROXY'] || 'true',
    SKERRY_LOG_LEVEL: env['SKERRY_LOG_LEVEL'] || 'error',
  });
  if (read.type === 'bad') return fail(read.problems.join('\n           '));
  if (read.type === 'ok') return read.config;
  console.log(`npm start -- [options] serves the demo as well; PORT is SKERRY_PORT, and --trust-proxy is true here.\n`);
  process.stdout.write(read.text);
  process.exit(0);
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    fail(`data: ${folder} cannot be made (${(error as NodeJS.ErrnoException).code}); name another with SKERRY_DATA`);
  }
}

async function serve(): Promise<{ readonly server: SyncServer; readonly url: string }> {
  const started = await createSyncServer({
    storage: config.database === null ? sqlite(file) : postgres(config.database),
    static: config.static ?? join(ROOT, 'demo-app/dist'),
    ...(config.origins === null ? {} : { origins: config.origins }),
    trustProxy: config.trustProxy,
    retention: config.retention,
    logger: createLogger(config.logLevel),
  });
  return { server: started, url: (await started.listen(config.port, config.host)).url };
}

function fail(message: string): never {
  console.error(`npm start: ${message}`);
  process.exit(1);
}

let isClosing = false;
const close = async (): Promise<void> => {
  if (isClosing) return;
  isClosing = true;
  await server.close();
  process.exit(0);
};
process.on('SIGINT', () => void close());
process.on('SIGTERM', () => void close());
