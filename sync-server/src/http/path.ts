import type { IncomingMessage } from 'node:http';

/** The path as it was sent: `new URL` would resolve `..` before anybody can look at it. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split(/[?#]/, 1)[0]!;
}
