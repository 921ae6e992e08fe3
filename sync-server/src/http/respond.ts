/** A short answer in plain text or JSON, never cached. */
import type { ServerResponse } from 'node:http';

export function respond(response: ServerResponse, status: number, body: string | object): void {
  const isText = typeof body === 'string';
  const text = isText ? `${body}\n` : `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'Content-Type': isText ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
  });
  response.end(text);
}
