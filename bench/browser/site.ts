/** Serves the page and the gzipped notes, the baseline of a first sync. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { notes } from './notes.ts';

export interface BenchSite {
  readonly origin: string;
  /** Of the notes as they travel. */
  readonly gzippedBytes: number;
  close(): void;
}

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' };

export async function serveSite(folder: string): Promise<BenchSite> {
  const gzipped = gzipSync(JSON.stringify(notes()));
  const server = createServer(({ url = '/' }, response) => {
    const path = url.split('?')[0]!;
    if (path === '/notes.json') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(gzipped);
      return;
    }
    try {
      const file = readFileSync(join(folder, path === '/' ? 'index.html' : path));
      response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'text/html' }).end(file);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    gzippedBytes: gzipped.length,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
