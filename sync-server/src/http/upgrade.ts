/**
 * From HTTP to WebSocket. Everything that can be refused is refused with a status before the upgrade, where it costs
 * nothing; compression is off, because a small frame could otherwise unpack into a very large one.
 */
import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { CLOSE } from '@skerry/sdk/kernel';
import { WebSocketServer, type WebSocket } from 'ws';

import { Bucket } from '../hub/bucket.ts';
import { peerAddress, refusalOf, type DoorOptions } from './door.ts';

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** A message of ours is one or a few fragments; each costs some memory, however small it is. */
const MOST_FRAGMENTS = 1_024;
const MOST_CHUNKS = 16_384;
/** No browser sends pings of its own; a program may, to find out whether the server is there. */
const PINGS_PER_SECOND = 1;
const PINGS_AT_ONCE = 60;
/** RFC 6455: against the rules of this server. */
const POLICY_VIOLATION = 1008;

export function createUpgradeHandler(options: DoorOptions): UpgradeHandler {
  const { hub, logger } = options;
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: options.limits.frameBytes,
    maxFragments: MOST_FRAGMENTS,
    maxBufferedChunks: MOST_CHUNKS,
    perMessageDeflate: false,
    clientTracking: false,
    autoPong: false,
  });
  const welcome = (peer: WebSocket, request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    answerPings(peer);
    const isWelcome = hub.connect(peer, request, peerAddress(request, options));
    cutLoudStrangers(peer, socket, { already: head.length, most: options.limits.helloBytes, isWelcome });
  };
  return (request, socket, head) => {
    const status = refusalOf(request, options);
    if (status === null)
      return server.handleUpgrade(request, socket, head, (peer) => welcome(peer, request, socket, head));
    const from = peerAddress(request, options);
    options.meter.turnedAway(status);
    logger.info('upgrade-refused', { status, from, origin: request.headers.origin ?? null });
    refuse(socket, status);
  };
}

/** Answers cost more than questions: a peer that asks without end, or does not fetch the answers, is cut off. */
function answerPings(peer: WebSocket): void {
  const bucket = new Bucket(PINGS_PER_SECOND, PINGS_AT_ONCE, performance.now());
  peer.on('ping', (data) => {
    if (peer.readyState !== peer.OPEN) return;
    if (bucket.take(1, performance.now()) === 0) return peer.pong(data);
    peer.close(POLICY_VIOLATION, 'too many pings');
    peer.terminate();
  });
}

/** Nobody keeps a megabyte for somebody who has not said who it is: a frame that never ends is counted as it comes. */
function cutLoudStrangers(
  peer: WebSocket,
  socket: Duplex,
  { already, most, isWelcome }: { readonly already: number; readonly most: number; readonly isWelcome: () => boolean },
): void {
  let bytes = already;
  const count = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (isWelcome()) socket.off('data', count);
    else if (bytes > most) {
      peer.close(CLOSE.tooLarge, 'too much before the welcome');
      peer.terminate();
    }
  };
  socket.on('data', count);
}

/** Also to somebody who does not listen, for a moment. */
function refuse(socket: Duplex, status: number): void {
  socket.on('error', () => socket.destroy());
  const more = status === 426 ? 'Upgrade: TLS/1.2\r\n' : status === 429 || status === 503 ? 'Retry-After: 5\r\n' : '';
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n${more}Content-Length: 0\r\n\r\n`;
  socket.end(head, () => socket.destroy());
}
