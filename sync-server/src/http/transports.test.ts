/** The SDK's transports against this server: the contract of transports, and finding a way. */
import { createServer, type Server } from 'node:http';
import { connect as connectTcp, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { DEFAULT_LIMITS } from '@skerry/sdk/kernel';
import {
  createFallbackTransport,
  createHttpTransport,
  createWebSocketTransport,
  transportContract,
  type Transport,
  type TransportPeer,
  type TransportSubject,
} from '@skerry/sdk/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';

import type { Hub } from '../hub/hub.ts';
import type { Peer } from '../hub/peer.ts';
import { createLogger } from '../log.ts';
import { startServer } from '../server.fixture.ts';
import { memory } from '../storage/memory.ts';
import { createSyncServer } from '../sync-server.ts';
import type { DoorOptions } from './door.ts';
import { createLinkHandler } from './links.ts';
import { createUpgradeHandler } from './upgrade.ts';

/** Both bindings as the server has them, in front of a hub that hands the peers to a test. */
const waiting: ((peer: Peer) => void)[] = [];
const arrived: Peer[] = [];
const door: DoorOptions = {
  hub: {
    refusal: () => null,
    connect(peer: Peer) {
      const next = waiting.shift();
      if (next) next(peer);
      else arrived.push(peer);
      return () => true;
    },
  } as Partial<Hub> as Hub,
  limits: DEFAULT_LIMITS,
  rules: {},
  loopbackOnly: true,
  requireTls: false,
  meter: { turnedAway: () => undefined },
  logger: createLogger('silent'),
};
const links = createLinkHandler(door);
const http: Server = createServer((request, response) => void links.handle(request, response));
http.on('upgrade', createUpgradeHandler(door));

beforeAll(() => new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve)));
afterAll(() => {
  http.close();
  http.closeAllConnections();
});
afterEach(() => void (arrived.length = 0));

function subjectOf(transport: Transport): TransportSubject {
  return {
    transport,
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/sync`,
    deadUrl: 'ws://127.0.0.1:1/sync',
    accept: () => new Promise((resolve) => waiting.push((peer) => resolve(peerOf(peer)))),
  };
}

function peerOf(peer: Peer): TransportPeer {
  const received: string[] = [];
  let isClosed = false;
  peer.on('message', (data) => void received.push(String(data)));
  peer.on('close', () => void (isClosed = true));
  return {
    received,
    get isClosed() {
      return isClosed;
    },
    send: (text) => peer.send(text),
    close: (code, reason) => peer.close(code, reason),
    cut: () => peer.terminate(),
  };
}

describe('[KEP5] the transports keep the contract of transports with the server', { timeout: 30_000 }, () => {
  describe.each<[string, () => Transport]>([
    ['WebSocket', () => createWebSocketTransport()],
    ['HTTP', () => createHttpTransport()],
    ['whichever works', () => createFallbackTransport()],
  ])('%s', (_, create) => {
    for (const { name, run } of transportContract) test(name, () => run(subjectOf(create())));
  });
});

/** What a connection tells, in order. */
class Ear {
  readonly heard: string[] = [];
  readonly handlers = {
    opened: (via?: string): void => void this.heard.push(`opened ${via}`),
    frame: (text: string): void => void this.heard.push(`frame ${text}`),
    closed: (code: number): void => void this.heard.push(`closed ${code}`),
  };
  async until(event: string): Promise<void> {
    await expect.poll(() => this.heard, { timeout: 15_000 }).toContain(event);
  }
}

/** What stands between: treats upgrades in its own way and lets everything else through, or breaks it. */
interface Middle extends AsyncDisposable {
  readonly url: string;
  upgrades: 'pass' | 'refuse' | 'swallow' | 'mute';
  http: 'pass' | 'portal';
  /** Ends every connection, and so many of the next requests. */
  cut(requests?: number): void;
  readonly count: { upgrades: number; requests: number };
}

async function middle(port: number = (http.address() as AddressInfo).port): Promise<Middle> {
  const sockets = new Set<Socket>();
  const count = { upgrades: 0, requests: 0 };
  let toCut = 0;
  const server = createTcpServer((client) => {
    const upstream = connectTcp(port, '127.0.0.1');
    let isMute = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1');
      if (/^GET .*upgrade: websocket/is.test(text)) {
        count.upgrades++;
        if (made.upgrades === 'refuse') return void client.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
        if (made.upgrades === 'swallow') return;
        isMute = made.upgrades === 'mute';
        return void upstream.write(chunk);
      }
      if (isMute) return;
      if (text.startsWith('POST ')) count.requests++;
      if (text.startsWith('POST ') && toCut > 0) {
        toCut--;
        return void client.destroy();
      }
      if (made.http === 'portal') return void client.end('HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n<h1>Log in</h');
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => client.write(chunk));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const made: Middle = {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/sync`,
    upgrades: 'pass',
    http: 'pass',
    count,
    cut(requests = 0) {
      toCut = requests;
      for (const socket of sockets) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  return made;
}

/** The peer of the next link that is opened, which echoes. */
function echo(): Promise<Peer> {
  const take = (peer: Peer): Peer => {
    peer.on('message', (data) => peer.send(`echo ${String(data)}`));
    return peer;
  };
  const there = arrived.shift();
  return there ? Promise.resolve(take(there)) : new Promise((resolve) => waiting.push((peer) => resolve(take(peer))));
}

describe('HTTP under bad luck', { timeout: 30_000 }, () => {
  it('[TR10] connections that are cut again and again lose nothing and double nothing', async () => {
    await using way = await middle();
    const ear = new Ear();
    const accepted = echo();
    const link = createHttpTransport().connect(way.url, ear.handlers);
    const peer = await accepted;
    const got: string[] = [];
    peer.on('message', (data) => void got.push(String(data)));
    await ear.until('opened http');
    const wanted = Array.from({ length: 60 }, (_, i) => `${i}`);
    for (const [i, text] of wanted.entries()) {
      link.send(text);
      if (i % 10 === 5) way.cut(i % 20 === 5 ? 2 : 0);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await ear.until(`frame echo ${wanted.at(-1)}`);
    expect(got).toEqual(wanted);
    expect(ear.heard).toEqual(['opened http', ...wanted.map((text) => `frame echo ${text}`)]);
    link.close();
  });

  it('[TR10] a server that is gone is told as 1006 after a short while, one that has forgotten the link at once', async () => {
    await using way = await middle();
    const ear = new Ear();
    const accepted = echo();
    createHttpTransport({ retryMs: 200 }).connect(way.url, ear.handlers);
    await accepted;
    await ear.until('opened http');
    way.cut(1_000);
    await ear.until('closed 1006');
    expect(ear.heard).toEqual(['opened http', 'closed 1006']);
  });

  it('[TR11] the page of a portal never counts as connected', async () => {
    await using way = await middle();
    way.http = 'portal';
    const ear = new Ear();
    createHttpTransport().connect(way.url, ear.handlers);
    await ear.until('closed 1006');
    expect(ear.heard).toEqual(['closed 1006']);
  });
});

describe('finding a way', { timeout: 30_000 }, () => {
  it.each(['refuse', 'swallow'] as const)(
    '[TR12] where upgrades are met with %s, HTTP is used, at once the next time, and a socket is tried again later',
    async (upgrades) => {
      await using way = await middle();
      way.upgrades = upgrades;
      const transport = createFallbackTransport({
        websocket: createWebSocketTransport({ connectMs: 1_000 }),
        patienceMs: 100,
        rememberMs: 1_000,
      });
      const ear = new Ear();
      const first = echo();
      const link = transport.connect(way.url, ear.handlers);
      await first;
      await ear.until('opened http');
      link.send('a');
      await ear.until('frame echo a');
      link.close();
      const { upgrades: before } = way.count;
      const again = new Ear();
      const second = echo();
      transport.connect(way.url, again.handlers);
      await second;
      await again.until('opened http');
      expect(way.count.upgrades).toBe(before);
      // The link stays as it is while sockets are blocked.
      await expect.poll(() => way.count.upgrades, { timeout: 5_000 }).toBeGreaterThan(before);
      expect(again.heard).toEqual(['opened http']);
      // And goes over once when they are not.
      way.upgrades = 'pass';
      const probe = echo();
      await probe;
      await again.until('closed 1001');
      const third = echo();
      const free = new Ear();
      transport.connect(way.url, free.handlers);
      await third;
      await free.until('opened websocket');
    },
  );

  it('[TR13] a proxy that lets upgrades through and carries nothing is found out after two', async () => {
    await using way = await middle();
    way.upgrades = 'mute';
    const transport = createFallbackTransport();
    for (let i = 0; i < 2; i++) {
      const ear = new Ear();
      const accepted = echo();
      const link = transport.connect(way.url, ear.handlers);
      await accepted;
      await ear.until('opened websocket');
      link.send('a');
      way.cut();
      await ear.until('closed 1006');
    }
    const ear = new Ear();
    const accepted = echo();
    const link = transport.connect(way.url, ear.handlers);
    await accepted;
    await ear.until('opened http');
    link.send('a');
    await ear.until('frame echo a');
    link.close();
  });

  it('[TR14] a network that lets nothing through is told as it is, and nothing is concluded from it', async () => {
    await using way = await middle();
    way.upgrades = 'refuse';
    way.http = 'portal';
    const transport = createFallbackTransport();
    const ear = new Ear();
    transport.connect(way.url, ear.handlers);
    await ear.until('closed 1006');
    expect(ear.heard).toEqual(['closed 1006']);
    [way.upgrades, way.http] = ['pass', 'pass'];
    const next = new Ear();
    const accepted = echo();
    const link = transport.connect(way.url, next.handlers);
    await accepted;
    await next.until('opened websocket');
    link.close();
  });

  it('[TR14] HTTP that stops working where it was preferred gives way to a socket', async () => {
    await using way = await middle();
    way.upgrades = 'refuse';
    const transport = createFallbackTransport();
    const ear = new Ear();
    const accepted = echo();
    const link = transport.connect(way.url, ear.handlers);
    await accepted;
    await ear.until('opened http');
    link.close();
    [way.upgrades, way.http] = ['pass', 'portal'];
    const next = new Ear();
    const second = echo();
    transport.connect(way.url, next.handlers);
    await second;
    await next.until('opened websocket');
  });
});

describe('a server of the caller', { timeout: 30_000 }, () => {
  it('[HTP11] attach() takes POST /sync and leaves the rest to the caller, also afterwards', async () => {
    const theirs = createServer((request, response) => void response.end(`theirs ${request.method} ${request.url}`));
    await new Promise<void>((resolve) => theirs.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(theirs.address() as AddressInfo).port}`;
    const server = await createSyncServer({ storage: memory(), logger: createLogger('silent') });
    server.attach(theirs);
    const body = '{"do":"open","binding":1}\n';
    expect(await (await fetch(`${url}/sync`, { method: 'POST', body })).text()).toContain('"link"');
    expect(await (await fetch(`${url}/sync`)).text()).toBe('theirs GET /sync');
    expect(await (await fetch(`${url}/syncing`, { method: 'POST', body })).text()).toBe('theirs POST /syncing');
    await server.close();
    expect(await (await fetch(`${url}/sync`, { method: 'POST', body })).text()).toBe('theirs POST /sync');
    theirs.close();
    theirs.closeAllConnections();
  });

  it('[HTP1] the SDK over HTTP talks to the whole server', async () => {
    await using server = await startServer({ storage: memory() });
    const ear = new Ear();
    const link = createHttpTransport().connect(`${server.url}/sync`, ear.handlers);
    await ear.until('opened http');
    link.send(JSON.stringify({ type: 'hello', protocol: 1, space: 'notes', device: 'd', cursor: {}, writers: [] }));
    await expect.poll(() => ear.heard.join()).toContain('welcome');
    link.close();
  });
});
