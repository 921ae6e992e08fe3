import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { startServer, temporaryFolder, type TestServer } from '../server.fixture.ts';
import { memory } from '../storage/memory.ts';

let folder: ReturnType<typeof temporaryFolder>;
let server: TestServer;

beforeEach(async () => {
  folder = temporaryFolder();
  const root = join(folder.path, 'dist');
  mkdirSync(join(root, 'assets'), { recursive: true });
  const files = {
    'index.html': '<p>app',
    'sw.js': '1',
    'assets/index-B3dXk_9f.js': '2',
    'assets/plain.css': '3',
    'a b.svg': '4',
    '.env': 'secret',
    'site.webmanifest': '{}',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text);
  writeFileSync(join(folder.path, 'secret.txt'), 'secret');
  symlinkSync(join(folder.path, 'secret.txt'), join(root, 'link.txt'));
  server = await startServer({ storage: memory(), static: root });
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
  folder.remove();
});

const get = (path: string, init?: RequestInit): Promise<Response> => fetch(`${server.url}${path}`, init);

/** The status line of a request whose path is sent as it is; `fetch` would tidy it. */
function statusOf(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname, () =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
    );
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk));
    socket.on('end', () => resolve(text.includes('secret') ? 'leaked' : text.split(' ')[1]!));
    socket.on('error', reject);
  });
}

describe('static files', { timeout: 30_000 }, () => {
  it.each([
    ['/', 'text/html; charset=utf-8', 'no-cache', '<p>app'],
    ['/index.html', 'text/html; charset=utf-8', 'no-cache', '<p>app'],
    ['/notes/42?x=1', 'text/html; charset=utf-8', 'no-cache', '<p>app'],
    ['/sw.js', 'text/javascript; charset=utf-8', 'no-cache', '1'],
    ['/assets/index-B3dXk_9f.js', 'text/javascript; charset=utf-8', 'public, max-age=31536000, immutable', '2'],
    ['/assets/plain.css', 'text/css; charset=utf-8', 'no-cache', '3'],
    ['/a%20b.svg', 'image/svg+xml', 'no-cache', '4'],
    ['/site.webmanifest', 'application/manifest+json; charset=utf-8', 'no-cache', '{}'],
  ])('[WEB1] %s is served with its type and how long it may be kept', async (path, type, cache, body) => {
    const response = await get(path);
    expect([
      response.status,
      response.headers.get('content-type'),
      response.headers.get('cache-control'),
      await response.text(),
    ]).toEqual([200, type, cache, body]);
  });

  it('[WEB2] the same file is answered 304, a changed one in full', async () => {
    const etag = (await get('/sw.js')).headers.get('etag')!;
    const again = await get('/sw.js', { headers: { 'If-None-Match': `"x", W/${etag}` } });
    expect([again.status, await again.text()]).toEqual([304, '']);
    expect((await get('/sw.js', { headers: { 'If-None-Match': '"x"' } })).status).toBe(200);
  });

  it('[WEB3] a missing asset is 404 and never the page', async () => {
    expect((await get('/assets/gone-12345678.js')).status).toBe(404);
    expect((await get('/missing.png')).status).toBe(404);
  });

  it.each([
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/../../secret.txt',
    '/..\\secret.txt',
    '/%00',
    '/%',
    '//../secret.txt',
    '/.env',
    '/.%65nv',
    '/link.txt',
  ])('[WEB4] %s does not lead out of the folder', async (path) => {
    expect(['400', '404']).toContain(await statusOf(path));
  });

  it('[WEB5] every answer carries the security headers', async () => {
    for (const path of ['/', '/missing.png', '/healthz', '/sync']) {
      const { headers } = await get(path);
      expect(headers.get('content-security-policy')).toBe(
        "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-src 'self'; frame-ancestors 'self'",
      );
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
    }
  });

  it('[WEB6] only reading is allowed; HEAD has no body', async () => {
    expect((await get('/index.html', { method: 'POST', body: 'x' })).status).toBe(405);
    const head = await get('/sw.js', { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '1', '']);
  });

  it('[WEB7] without a folder there is health and nothing else', async () => {
    await using plain = await startServer({ storage: memory() });
    expect((await fetch(`${plain.url}/`)).status).toBe(404);
    expect(await (await fetch(`${plain.url}/healthz`)).json()).toEqual({ status: 'ok' });
    expect(await (await fetch(`${plain.url}/readyz`)).json()).toEqual({ status: 'ready' });
  });
});
