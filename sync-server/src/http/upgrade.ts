/**
 * From HTTP to WebSocket. Everything that can be refused is refused with a status before the upgrade, where it costs
 * nothing; compression is off, because a small frame could otherwise unpack into a very large one.
 */
import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Limits } from '@skerry/sdk/kernel';
import { WebSocketServer } from 'ws';

import type { Hub } from '../hub/hub.ts';
import type { Logger } from '../log.ts';
import { isLoopback } from './loopback.ts';
import { isOriginAllowed, type OriginRules } from './origin.ts';
import { pathOf } from './requests.ts';

export interface UpgradeOptions {
  readonly hub: Hub;
  readonly limits: Limits;
  readonly rules: OriginRules;
  /** Development mode: nobody is asked who they are, so nobody from elsewhere is let in. */
  readonly loopbackOnly: boolean;
  readonly logger: Logger;
}

/** Addresses that speak the protocol; `/` is for clients that were given nothing but a host. */
const SYNC_PATHS: ReadonlySet<string> = new Set(['/sync', '/']);

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export function createUpgradeHandler(options: UpgradeOptions): UpgradeHandler {
  const { hub, limits, logger } = options;
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: limits.frameBytes,
    perMessageDeflate: false,
    clientTracking: false,
  });
  return (request, socket, head) => {
    const status = refusalOf(request, options);
    if (status === null) return server.handleUpgrade(request, socket, head, (peer) => hub.connect(peer, request));
    const from = request.socket.remoteAddress ?? null;
    logger.info('upgrade-refused', { status, from, origin: request.headers.origin ?? null });
    refuse(socket, status);
  };
}

function refusalOf(request: IncomingMessage, { hub, rules, loopbackOnly }: UpgradeOptions): number | null {
  if (!SYNC_PATHS.has(pathOf(request))) return 404;
  if (!isOriginAllowed(request.headers, rules)) return 403;
  if (loopbackOnly && !isLoopback(request.socket.localAddress ?? '')) return 403;
  return hub.isReady && !hub.isCrowded ? null : 503;
}

function refuse(socket: Duplex, status: number): void {
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
