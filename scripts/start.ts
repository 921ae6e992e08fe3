/**
 * `npm start`: builds what is stale and serves the demo and the sync server on one port, with SQLite in `./data`.
 */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { SyncServer } from '@skerry/server';

import { build } from './build.ts';
import { ROOT } from './process.ts';

const port = Number(process.env['PORT'] ?? 4321);
const data = resolve(ROOT, process.env['SKERRY_DATA'] ?? 'data');

await build();
const { createLogger, createSyncServer, sqlite } = await import('@skerry/server');
mkdirSync(data, { recursive: true });
const { server, url } = await serve().catch((error: Error & { code?: string }) => {
  const isTaken = error.code === 'EADDRINUSE';
  console.error(isTaken ? `Port ${port} is in use: choose another with PORT=4322 npm start` : error.message);
  process.exit(1);
});

const link = (user: string, device: string): string => new URL(`?${new URLSearchParams({ user, device })}`, url).href;
console.log(`
Skerry is running. Open both links side by side: two people, each on a device of their own.

  Anna  ${link('anna', "Anna's laptop")}
  Ben   ${link('ben', "Ben's phone")}

Data: ${data}   Stop: Ctrl-C
`);

async function serve(): Promise<{ readonly server: SyncServer; readonly url: string }> {
  const started = await createSyncServer({
    storage: sqlite(join(data, 'skerry.db')),
    static: join(ROOT, 'demo-app/dist'),
    logger: createLogger('error'),
  });
  return { server: started, url: (await started.listen(port)).url };
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
