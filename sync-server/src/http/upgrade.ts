/**
 * From HTTP to WebSocket. Everything that can be refused is refused with a status before the upgrade, where it costs
 * nothing; compression is off, because a small frame could otherwise unpack into a very large one.
 */
import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';

import { refusalOf, type DoorOptions } from './door.ts';

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export function createUpgradeHandler(options: DoorOptions): UpgradeHandler {
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

function refuse(socket: Duplex, status: number): void {
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
