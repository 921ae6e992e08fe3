import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { WebSocketServer, type WebSocket as Peer } from 'ws';

import type { TransportHandlers } from './transport.ts';
import { createWebSocketTransport } from './websocket.ts';

const transport = createWebSocketTransport();
const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Remembers what a connection tells and lets a test wait for it. */
class Ear implements TransportHandlers {
  readonly heard: string[] = [];
  private waiting: (() => void)[] = [];

  opened(): void {
    this.note('opened');
  }
  frame(text: string): void {
    this.note(`frame ${text}`);
  }
  closed(code: number, _reason: string): void {
    this.note(`closed ${code}`);
  }
  async until(event: string): Promise<void> {
    while (!this.heard.includes(event)) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }
  private note(event: string): void {
    this.heard.push(event);
    for (const wake of this.waiting.splice(0)) wake();
  }
}

async function listen(server: Server | TcpServer): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => server.close());
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function peer(onPeer: (peer: Peer) => void): Promise<string> {
  const http = createServer();
  const sockets = new WebSocketServer({ server: http });
  sockets.on('connection', onPeer);
  cleanups.push(() => sockets.clients.forEach((client) => client.terminate()));
  return listen(http);
}

test('[TR3] carries text frames in order, both ways', async () => {
  const url = await peer((socket) => socket.on('message', (data: Buffer) => socket.send(`echo ${data.toString()}`)));
  const ear = new Ear();
  const link = transport.connect(url, ear);
  await ear.until('opened');
  link.send('a');
  link.send('b');
  await ear.until('frame echo b');
  expect(ear.heard).toEqual(['opened', 'frame echo a', 'frame echo b']);
  link.close();
});

test('[TR4] an HTTP answer, such as that of a captive portal, never counts as connected', async () => {
  const portal = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Log in</h1>'),
  );
  portal.on('upgrade', (_request, socket: Socket) =>
    socket.end('HTTP/1.1 302 Found\r\nlocation: /login\r\ncontent-length: 0\r\n\r\n'),
  );
  const ear = new Ear();
  transport.connect(await listen(portal), ear);
  await ear.until('closed 1006');
  expect(ear.heard).toEqual(['closed 1006']);
});

test('[TR5] a refused connection and an impossible address are told as closed', async () => {
  const server = createTcpServer();
  const url = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  for (const address of [url, 'nonsense://x']) {
    const ear = new Ear();
    transport.connect(address, ear);
    await ear.until('closed 1006');
    expect(ear.heard).toEqual(['closed 1006']);
  }
});

test('[TR6] gives up on a server that accepts and says nothing', async () => {
  const sockets: Socket[] = [];
  const deaf = createTcpServer((socket) => sockets.push(socket.on('error', () => undefined)));
  cleanups.push(() => sockets.forEach((socket) => socket.destroy()));
  const ear = new Ear();
  createWebSocketTransport({ connectMs: 50 }).connect(await listen(deaf), ear);
  await ear.until('closed 1006');
  expect(ear.heard).toEqual(['closed 1006']);
});

test('[DFL2] deflated frames and frames of text arrive in the order in which they left, both ways, and so does the end', async () => {
  const large = Array.from({ length: 2_000 }, (_, i) => `word ${i}`).join(' ');
  const came: string[] = [];
  const binary: boolean[] = [];
  const url = await peer((socket) => {
    socket.send('before');
    socket.send(deflateRawSync(large));
    socket.send('between');
    socket.send(deflateRawSync(`${large}!`));
    socket.send('after');
    socket.on('message', (data: Buffer, isBinary) => {
      binary.push(isBinary);
      came.push((isBinary ? inflateRawSync(data) : data).toString());
      if (came.length === 4) socket.close(4409);
    });
  });
  const ear = new Ear();
  const link = transport.connect(url, ear);
  await ear.until('frame after');
  expect(link.canDeflate).toBe(true);
  link.send(large);
  link.deflate!();
  link.send(`${large}?`);
  link.send('small');
  link.send('x'.repeat(100_000));
  await ear.until('closed 4409');
  expect(ear.heard).toEqual([
    'opened',
    'frame before',
    `frame ${large}`,
    'frame between',
    `frame ${large}!`,
    'frame after',
    'closed 4409',
  ]);
  expect(came).toEqual([large, `${large}?`, 'small', 'x'.repeat(100_000)]);
  // Before it is agreed on, what is small, and what would unpack too far, is text.
  expect(binary).toEqual([false, true, false, false]);
});

test('[TR7] a binary message that is no deflated frame ends the connection as a bad frame and is not passed on', async () => {
  const codes: number[] = [];
  const url = await peer((socket) => {
    socket.on('close', (code) => codes.push(code));
    socket.send(Buffer.from([1, 2, 3]));
    socket.send('after');
  });
  const ear = new Ear();
  transport.connect(url, ear);
  await ear.until('closed 4400');
  await expect.poll(() => codes).toEqual([4400]);
  expect(ear.heard).toEqual(['opened', 'closed 4400']);
});

test('[TR8] tells the close code of the server, once', async () => {
  const url = await peer((socket) => socket.close(4401, 'token'));
  const ear = new Ear();
  transport.connect(url, ear);
  await ear.until('closed 4401');
  expect(ear.heard.filter((event) => event.startsWith('closed'))).toEqual(['closed 4401']);
});

test('[TR9] after close() nothing is told, and sending is no error', async () => {
  let gone = false;
  const url = await peer((socket) => {
    socket.on('close', () => (gone = true));
    socket.on('message', () => socket.send('late'));
  });
  const ear = new Ear();
  const link = transport.connect(url, ear);
  await ear.until('opened');
  link.send('x');
  link.close();
  link.send('y');
  await expect.poll(() => gone).toBe(true);
  expect(ear.heard).toEqual(['opened']);
});
