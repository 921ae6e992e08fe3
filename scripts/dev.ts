/**
 * `npm run dev`: the demo from its sources with hot reload, and a sync server from its sources behind `/sync`.
 */
import { spawn } from 'node:child_process';
import { createServer } from 'vite';

import { ROOT } from './process.ts';

const SYNC_PORT = '4322';

const sync = spawn(
  process.execPath,
  ['--conditions=@skerry/source', '--watch', 'sync-server/src/main.ts', '--port', SYNC_PORT, '--data', 'data'],
  { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] },
);
const vite = await createServer({
  configFile: `${ROOT}/vite.config.ts`,
  server: {
    port: Number(process.env['PORT'] || 4321),
    proxy: { '/sync': { target: `ws://127.0.0.1:${SYNC_PORT}`, ws: true } },
  },
});
await vite.listen();
vite.printUrls();

const close = async (): Promise<void> => {
  sync.kill('SIGTERM');
  await vite.close();
  process.exit(0);
};
process.on('SIGINT', () => void close());
process.on('SIGTERM', () => void close());
