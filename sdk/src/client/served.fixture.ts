/** A server for the client's tests: real sockets, the session of a server in memory, and a wire that can be slow or down. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

import { TestServer, type TestServerOptions } from '../testing/test-server.ts';
import { Timeline } from '../testing/timeline.ts';

export interface Served {
  readonly log: TestServer;
  /** The server's: for others that are to run beside it. */
  readonly timeline: Timeline;
  /** What the server sends is this long on its way. */
  delayMs: number;
  readonly url: string;
  /** Lets this much time pass for the server, at once. */
  pass(ms: number): void;
  /** Ends every connection and takes no new one until start(). */
  stop(): void;
  start(): void;
  close(): Promise<void>;
}

export async function serve(options: Partial<TestServerOptions> = {}): Promise<Served> {
  const timeline = new Timeline(Date.now());
  let passedMs = 0;
  const clock = setInterval(() => timeline.runUntil(Date.now() + passedMs), 1);
  const log = new TestServer({ sid: 'server-0000', timeline, commitMs: () => 1, ...options });
  let isUp = true;
  const http = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  http.on('upgrade', (request, socket, head) => {
    if (isUp) sockets.handleUpgrade(request, socket, head, (opened) => sockets.emit('connection', opened));
    else socket.destroy();
  });
  sockets.on('connection', (socket) => {
    const later = (fn: () => void): unknown => (served.delayMs === 0 ? fn() : setTimeout(fn, served.delayMs));
    const peer = log.connect({
      send: (text) => later(() => socket.send(text)),
      close: (code, reason) => later(() => (code === 1006 ? socket.terminate() : socket.close(code, reason))),
    });
    socket.on('message', (data: Buffer) => peer.receive(data.toString()));
    socket.on('close', () => peer.gone());
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const stop = (): void => {
    isUp = false;
    for (const client of sockets.clients) client.terminate();
  };
  const served: Served = {
    log,
    timeline,
    delayMs: 0,
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`,
    pass: (ms) => void (passedMs += ms),
    stop,
    start: () => (isUp = true),
    close: async () => {
      stop();
      clearInterval(clock);
      await new Promise((resolve) => http.close(resolve));
    },
  };
  return served;
}
