/**
 * Who may read the metrics: whoever knows the token that was set for it. Without one only this machine in development
 * mode, where nobody else is served anyway; behind a proxy everybody would come from this machine, so in production it is
 * nobody, and the address is like one that does not exist.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

import { isLoopback } from './loopback.ts';

/** A token that can be guessed protects nothing. */
export const METRICS_TOKEN_LENGTH = 16;

export interface MetricsRules {
  readonly token: string | null;
  /** Development mode. */
  readonly loopbackOnly: boolean;
}

/** The status that says why not; null for whoever may read. */
export function metricsRefusal(request: IncomingMessage, { token, loopbackOnly }: MetricsRules): 401 | 404 | null {
  if (token !== null) return isBearer(request.headers.authorization, token) ? null : 401;
  return loopbackOnly && isFromHere(request) ? null : 404;
}

/** The name it was asked under too: a page elsewhere can have its own name point to this machine. */
function isFromHere({ socket, headers: { host = '' } }: IncomingMessage): boolean {
  return isLoopback(socket.remoteAddress ?? '') && isLoopback(host.replace(/:\d+$/, ''));
}

function isBearer(header: string | undefined, token: string): boolean {
  const given = /^Bearer (.+)$/i.exec(header ?? '')?.[1];
  // Hashed, so that the time of the comparison says nothing, the length included.
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
