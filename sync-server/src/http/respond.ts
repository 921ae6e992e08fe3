/** A short answer in plain text or JSON, never cached. */
import type { ServerResponse } from 'node:http';

export function respond(response: ServerResponse, status: number, body: string | object): void {
  if (typeof body === 'string') write(response, status, 'text/plain; charset=utf-8', `${body}\n`);
  else write(response, status, 'application/json; charset=utf-8', `${JSON.stringify(body)}\n`);
}

export function respondText(response: ServerResponse, type: string, text: string): void {
  write(response, 200, type, text);
}

function write(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
  });
  response.end(text);
}
