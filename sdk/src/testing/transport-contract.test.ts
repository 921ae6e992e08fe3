import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocketServer, type WebSocket as Socket } from 'ws';

import type { Transport } from '../transport/transport.ts';
import { createWebSocketTransport } from '../transport/websocket.ts';
import { transportContract, type TransportPeer, type TransportSubject } from './transport-contract.ts';

const http = createServer();
const sockets = new WebSocketServer({ server: http });
let count = 0;

beforeAll(() => new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve)));
afterAll(() => {
  sockets.clients.forEach((client) => client.terminate());
  http.close();
});

/** Each with an address of its own, so that a connection that nobody waited for is not taken for another one. */
function subjectOf(change: (good: Transport) => Transport = (good) => good): TransportSubject {
  const path = `/${++count}`;
  return {
    transport: change(createWebSocketTransport()),
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}${path}`,
    deadUrl: 'ws://127.0.0.1:1',
    accept: () =>
      new Promise((resolve) =>
        sockets.on('connection', (socket, request) => request.url === path && resolve(peerOf(socket))),
      ),
  };
}

function peerOf(socket: Socket): TransportPeer {
  const received: string[] = [];
  socket.on('message', (data: Buffer) => received.push(data.toString()));
  return {
    received,
    get isClosed() {
      return socket.readyState === socket.CLOSED;
    },
    send: (text) => socket.send(text),
    close: (code, reason) => socket.close(code, reason),
    cut: () => socket.terminate(),
  };
}

describe('[KEP1] the WebSocket transport keeps the contract of transports', () => {
  for (const { name, run } of transportContract) test(name, () => run(subjectOf()));
});

describe('[KEP2] the contract of transports finds one that breaks it', () => {
  const broken: Record<string, (transport: Transport) => Transport> = {
    'nothing is told from inside connect()': (good) => ({
      connect(url, handlers) {
        handlers.opened();
        return good.connect(url, handlers);
      },
    }),
    'text arrives whole and in order, both ways': (good) => ({
      connect(url, handlers) {
        const link = good.connect(url, { ...bind(handlers), frame: (text) => handlers.frame(text.slice(0, 1_000)) });
        return link;
      },
    }),
    'the end is told once, with its code, and nothing follows': (good) => ({
      connect: (url, handlers) => good.connect(url, { ...bind(handlers), closed: () => handlers.closed(1006, '') }),
    }),
    'after close() nothing is told, and sending is no error': (good) => ({
      connect(url, handlers) {
        const link = good.connect(url, handlers);
        return { send: (text) => link.send(text), close: () => (link.close(), handlers.closed(1000, '')) };
      },
    }),
  };
  for (const [name, breakIt] of Object.entries(broken)) {
    test(name, async () => {
      const { run } = transportContract.find((one) => one.name === name)!;
      await expect(run(subjectOf(breakIt))).rejects.toThrow('broken promise');
    });
  }
});

function bind(handlers: Parameters<Transport['connect']>[1]): Parameters<Transport['connect']>[1] {
  return {
    opened: () => handlers.opened(),
    frame: (text) => handlers.frame(text),
    closed: (code, reason) => handlers.closed(code, reason),
  };
}
