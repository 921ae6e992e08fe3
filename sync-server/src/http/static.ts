/**
 * Files of a built web app from one folder, with the page itself for every address that is no file, so that the app can
 * route by itself.
 *
 * Files whose name has a content hash never change and are cached for ever; everything else, above all the page and the
 * service worker, is asked for again each time and answered 304 when it is the same.
 */
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { respond } from './respond.ts';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.gif': 'image/gif',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.webp': 'image/webp',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
};

/** `/assets/index-B3dXk_9f.js` as vite writes it, `/workbox-1a2b3c4d.js` as workbox does. */
const HASHED = /^\/assets\/(?:.*\/)?[^/]+[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+$|^\/workbox-[0-9a-f]{8,}\.js$/;

export type StaticHandler = (request: IncomingMessage, response: ServerResponse, path: string) => Promise<void>;

/** `path` is the path of the request's address as it was sent, still encoded. */
export function serveFolder(folder: string): StaticHandler {
  return async (request, response, path) => {
    const wanted = decodePath(path);
    if (wanted === null) return respond(response, 400, 'bad path');
    const file = (await findFile(folder, wanted)) ?? (isRoute(wanted) ? await findFile(folder, '/index.html') : null);
    if (!file) return respond(response, 404, 'not found');
    await send(request, response, file);
  };
}

interface File {
  readonly path: string;
  readonly url: string;
  readonly size: number;
  readonly modifiedMs: number;
}

/** Null for what no honest client sends: broken encoding, NUL, a way up, a backslash. */
function decodePath(path: string): string | null {
  try {
    const decoded = decodeURIComponent(path);
    const isClean = decoded.startsWith('/') && !/[\0\\]/.test(decoded) && !decoded.split('/').includes('..');
    return isClean ? decoded : null;
  } catch {
    return null;
  }
}

/** An address that the app may know: without an extension, which only files have. */
function isRoute(url: string): boolean {
  return extname(url) === '' && !isHidden(url);
}

function isHidden(url: string): boolean {
  return url.split('/').some((part) => part.startsWith('.'));
}

/** Hidden files are none, and a link that leads out of the folder leads nowhere. */
async function findFile(folder: string, url: string): Promise<File | null> {
  if (isHidden(url)) return null;
  try {
    const root = await realpath(folder);
    const path = await realpath(join(root, normalize(url)));
    const found = await stat(path);
    if (!found.isFile() || !path.startsWith(root + sep)) return null;
    return { path, url, size: found.size, modifiedMs: found.mtimeMs };
  } catch (failure) {
    if (isAbsence(failure)) return null;
    throw failure;
  }
}

function isAbsence(failure: unknown): boolean {
  const code = failure instanceof Error && 'code' in failure ? failure.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG';
}

async function send(request: IncomingMessage, response: ServerResponse, file: File): Promise<void> {
  const etag = `"${file.size.toString(36)}-${Math.floor(file.modifiedMs).toString(36)}"`;
  response.setHeader('ETag', etag);
  response.setHeader('Cache-Control', HASHED.test(file.url) ? 'public, max-age=31536000, immutable' : 'no-cache');
  if (matches(request.headers['if-none-match'], etag)) return void response.writeHead(304).end();
  response.setHeader('Content-Type', CONTENT_TYPES[extname(file.path).toLowerCase()] ?? 'application/octet-stream');
  response.setHeader('Content-Length', file.size);
  if (request.method === 'HEAD') return void response.writeHead(200).end();
  response.writeHead(200);
  await pipeline(createReadStream(file.path), response);
}

function matches(header: string | undefined, etag: string): boolean {
  return (header ?? '').split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}
