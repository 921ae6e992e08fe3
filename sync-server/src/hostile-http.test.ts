/** Requests that no honest client sends, over real TCP. */
import { request as httpRequest } from 'node:http';
import { CLOSE } from '@skerry/sdk/kernel';
import { afterEach, describe, expect, it } from 'vitest';

import { TestDevice, TestWriter } from './device.fixture.ts';
import { RawPeer } from './raw.fixture.ts';
import { startServer, type TestServer } from './server.fixture.ts';
import { memory } from './storage/memory.ts';
import type { SyncServerOptions } from './sync-server.ts';

const OPEN = '{"do":"open","binding":1}\n';
const UPGRADE =
  'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

let server: TestServer;
let neighbour: TestDevice | null = null;
let writer: TestWriter;

afterEach(() => server?.[Symbol.asyncDispose]());

async function start(options: Partial<SyncServerOptions> = {}): Promise<void> {
  neighbour = null;
  writer = new TestWriter('neighbour');
  server = await startServer({ storage: memory(), ...options });
}

async function ask(text: string): Promise<RawPeer> {
  const peer = new RawPeer(server.url);
  peer.write(text);
  await peer.until(() => peer.text.includes('\r\n\r\n'));
  return peer;
}

/** Somebody who is there already is served as before. */
async function expectNothingHappened(): Promise<void> {
  neighbour ??= await TestDevice.connect(server.url);
  expect(await neighbour.push(writer.next())).not.toHaveProperty('refused');
  expect(server.logs.filter(({ level }) => level === 'error')).toEqual([]);
}

const upgrade = async (headers: Record<string, string>, path = '/sync'): Promise<string> => {
  try {
    await (await TestDevice.open(server.url, { path, client: { headers } })).close();
    return 'open';
  } catch (failure) {
    return /\d{3}/.exec(String(failure))?.[0] ?? String(failure);
  }
};

describe('headers', { timeout: 30_000 }, () => {
  it.each([
    ['2,000 headers', Array.from({ length: 2_000 }, (_, i) => `x${i}: 1\r\n`).join('')],
    ['150 headers', Array.from({ length: 150 }, (_, i) => `x${i}: 1\r\n`).join('')],
    ['a header of 64 kB', `x: ${'y'.repeat(65_536)}\r\n`],
  ])('[HST1] %s are answered 431, for an upgrade as for a request', async (_, headers) => {
    await start();
    for (const head of [`GET /sync HTTP/1.1\r\n${UPGRADE}`, 'GET /healthz HTTP/1.1\r\n', 'POST /sync HTTP/1.1\r\n']) {
      using peer = await ask(`${head}Host: x\r\n${headers}\r\n`);
      expect([peer.status, peer.text.includes('101')]).toEqual([431, false]);
    }
    await expectNothingHappened();
  });

  it('[HST1] a subprotocol that once cost a regular expression minutes is refused at once', async () => {
    await start();
    const evil = `Sec-WebSocket-Protocol: b${' '.repeat(12_000)}x\r\n`;
    using peer = await ask(`GET /sync HTTP/1.1\r\nHost: x\r\n${UPGRADE}${evil}\r\n`);
    expect(peer.status).toBe(400);
    await expectNothingHappened();
  });

  it('[HST2] two origins are none that is allowed, and neither is one of another spelling', async () => {
    await start({ origins: ['https://app.example'] });
    const origins = (...values: readonly string[]): string => values.map((value) => `Origin: ${value}\r\n`).join('');
    for (const headers of [
      origins('https://app.example', 'https://evil.example'),
      origins('https://evil.example', 'https://app.example'),
      origins('https://app.example', 'https://app.example'),
      origins('https://app.example.evil.com'),
      origins('https://app.example@evil.com'),
      origins('https://app.example.'),
      origins(''),
    ]) {
      for (const request of [`GET /sync HTTP/1.1\r\n${UPGRADE}`, 'POST /sync HTTP/1.1\r\nContent-Length: 0\r\n']) {
        using peer = await ask(`${request}Host: app.example\r\n${headers}\r\n`);
        expect([headers, peer.status]).toEqual([headers, 403]);
        expect(peer.text.toLowerCase()).not.toContain('access-control-allow-origin');
      }
    }
  });
});

describe('smuggling', { timeout: 30_000 }, () => {
  const HIDDEN = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
  it.each([
    ['two lengths', `POST /sync HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n${HIDDEN}`],
    [
      'a length and chunks',
      `POST /sync HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
    ],
    [
      'chunks that are called otherwise',
      `POST /sync HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
    ],
    [
      'chunks twice',
      `POST /sync HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${HIDDEN}`,
    ],
    ['a chunk of no size', `POST /sync HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n${HIDDEN}`],
    ['a negative length', `POST /sync HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n${HIDDEN}`],
    [
      'a header with a space before its colon',
      `POST /sync HTTP/1.1\r\nHost: x\r\nContent-Length : 44\r\n\r\n${HIDDEN}`,
    ],
    [
      'a header that goes on in the next line',
      `GET /x HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\nTransfer-Encoding:\r\n chunked\r\n\r\n${HIDDEN}`,
    ],
    ['NUL in a header', `GET /x HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n${HIDDEN}`],
    ['a line that ends without a return', `GET /x HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n${HIDDEN}`],
    ['no HTTP at all', `\x16\x03\x01\x02\x00\x01\x00${HIDDEN}`],
  ])('[HST3] %s: refused, and what is hidden behind it is not carried out', async (_, text) => {
    await start();
    using peer = await ask(text);
    await peer.closed;
    expect(peer.status).toBe(400);
    expect(peer.text.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(peer.text).not.toContain('"status":"ok"');
    await expectNothingHappened();
  });

  it('[HST3] bytes behind a refused upgrade are not read as a request', async () => {
    await start({ origins: ['https://app.example'] });
    using peer = await ask(`GET /sync HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\n${UPGRADE}\r\n${HIDDEN}`);
    await peer.closed;
    expect([peer.status, peer.text.match(/HTTP\/1\.1/g)?.length]).toEqual([403, 1]);
  });

  it.each(['http://127.0.0.1/etc/passwd', '//evil.example/sync', '/%', '/..%2f..%2fetc/passwd', '*', '/\u00ff'])(
    '[HST3] the address %j leads nowhere',
    async (address) => {
      await start({ static: new URL('.', import.meta.url).pathname });
      for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS', 'TRACE', 'CONNECT', 'DELETE']) {
        using peer = await ask(
          `${method} ${address} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
        );
        await peer.closed;
        expect(peer.text).not.toContain('root:');
        expect([400, 404, 405, null]).toContain(peer.status);
      }
      await expectNothingHappened();
    },
  );
});

describe('requests that never end', { timeout: 30_000 }, () => {
  it('[HST4] a connection that says nothing, headers and a body that trickle in are cut off', async () => {
    await start({ limits: { helloMs: 500 } });
    const trickle = (peer: RawPeer, text: string): NodeJS.Timeout => setInterval(() => peer.write(text), 50);
    using silent = new RawPeer(server.url);
    using headers = new RawPeer(server.url).write('GET /healthz HTTP/1.1\r\nHost: x\r\n');
    using body = new RawPeer(server.url).write('POST /sync HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n');
    const timers = [trickle(headers, 'a'), trickle(body, ' ')];
    await Promise.all([silent.closed, headers.closed, body.closed]);
    timers.forEach(clearInterval);
    expect([headers.status, body.status]).toEqual([408, 408]);
    await expectNothingHappened();
  });

  it('[HST4] a frame that trickles in is no sign of life', async () => {
    await start({ limits: { helloMs: 500, silenceMs: 500 } });
    using stranger = await RawPeer.upgraded(server.url);
    stranger.write(Buffer.from([0x81, 0xfe, 0x7f, 0xff, 0, 0, 0, 0]));
    const timer = setInterval(() => stranger.write('x'), 20);
    await stranger.closed;
    clearInterval(timer);
    expect(server.logs).toContainEqual(expect.objectContaining({ event: 'closed', code: CLOSE.tooSlow }));
  });
});

describe('bodies', { timeout: 30_000 }, () => {
  const post = (head: string): string => `POST /sync HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n${head}`;

  it('[HST5] nobody without a link gets so far as to send frames: the answer comes after the head', async () => {
    await start();
    using unknown = await ask(post('{"do":"send","link":"guessed","from":1,"bytes":[999000]}\n'));
    expect(unknown.status).toBe(410);
    using opening = await ask(post(`${OPEN}${'x'.repeat(5_000)}`));
    expect(opening.status).toBe(413);
    using headless = await ask(post('x'.repeat(5_000)));
    expect(headless.status).toBe(400);
    using large = await ask('POST /sync HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n');
    expect(large.status).toBe(413);
    // As soon as there is an answer nobody waits for the rest.
    await Promise.all([unknown, opening, headless, large].map((peer) => peer.closed));
    await expectNothingHappened();
  });

  it('[HST5] who was not let in sends no more than a hello needs, over HTTP and over a socket', async () => {
    await start({ limits: { helloBytes: 10_000 } });
    const opened = await (await fetch(`${server.url}/sync`, { method: 'POST', body: OPEN })).text();
    const { link } = JSON.parse(opened) as { link: string };
    using body = await ask(post(`{"do":"send","link":"${link}","from":1,"bytes":[990000]}\n${'x'.repeat(11_000)}`));
    expect(body.status).toBe(413);
    using stranger = await RawPeer.upgraded(server.url);
    // The begin of a frame of a megabyte, which is within what a frame may have.
    stranger.write(Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0x0f, 0, 0, 0, 0, 0, 0]));
    stranger.write('x'.repeat(11_000));
    await stranger.closed;
    const welcome = await TestDevice.connect(server.url);
    welcome.send(JSON.stringify({ type: 'ping', pad: 'x'.repeat(20_000) }));
    await welcome.next('pong');
    await expectNothingHappened();
  });

  it('[HST5] of two bodies for one link only the newer is read', async () => {
    await start();
    const opened = await (await fetch(`${server.url}/sync`, { method: 'POST', body: OPEN })).text();
    const { link } = JSON.parse(opened) as { link: string };
    const begin = post(`{"do":"send","link":"${link}","from":1,"bytes":[999000]}\n`).replace('1000000', '100000');
    using older = new RawPeer(server.url).write(begin);
    await new Promise((resolve) => setTimeout(resolve, 50));
    using _newer = new RawPeer(server.url).write(begin);
    await older.closed;
    expect(older.status).toBeNull();
  });

  it('[HST5] pieces of one byte take no more memory than their bytes', async () => {
    await start({ limits: { frameBytes: 20_000 } });
    const pieces = '1\r\nx\r\n'.repeat(100_000);
    using peer = await ask(`POST /sync HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${pieces}`);
    expect([400, 413]).toContain(peer.status);
    await expectNothingHappened();
  });
});

describe('the door', { timeout: 30_000 }, () => {
  const AUTHENTICATE = async (token: string | undefined): Promise<{ id: string } | null> =>
    token === undefined || token.startsWith('bad') ? null : { id: token };
  const via = (address: string, proto = 'https'): Record<string, string> => ({
    'x-forwarded-for': address,
    'x-forwarded-proto': proto,
  });
  const post = (headers: Record<string, string>): Promise<number> =>
    fetch(`${server.url}/sync`, { method: 'POST', body: OPEN, headers }).then(({ status }) => status);

  it('[HST6] with authentication, devices of other machines come over TLS or not at all', async () => {
    await start({ authenticate: AUTHENTICATE, trustProxy: true });
    for (const proto of ['http', 'ws', '', 'https, http', 'httpsx']) {
      expect([proto, await upgrade(via('203.0.113.7', proto))]).toEqual([proto, '426']);
      expect([proto, await post(via('203.0.113.7', proto))]).toEqual([proto, 426]);
    }
    expect([await upgrade(via('203.0.113.7')), await post(via('203.0.113.7'))]).toEqual(['open', 200]);
    await server[Symbol.asyncDispose]();
    await start({ authenticate: AUTHENTICATE, trustProxy: true, allowPlain: true });
    expect(await upgrade(via('203.0.113.7', 'http'))).toBe('open');
    await server[Symbol.asyncDispose]();
    // Who is not behind a proxy cannot say so of himself.
    await start({ authenticate: AUTHENTICATE });
    expect(await upgrade(via('203.0.113.7', 'http'))).toBe('open');
  });

  it('[HST7] one address that does not say who it is does not crowd out the others', async () => {
    await start({ trustProxy: true, limits: { waitingPerAddress: 2, socketsPerAddress: 3 } });
    const open = (address: string): Promise<TestDevice> =>
      TestDevice.open(server.url, { client: { headers: via(address) } });
    const waiting = [await open('203.0.113.7'), await open('203.0.113.7')];
    await expect(open('203.0.113.7')).rejects.toThrow('429');
    expect(await post(via('203.0.113.7'))).toBe(429);
    await open('203.0.113.8');
    // All of one customer's IPv6 is one address.
    await open('2001:db8::1');
    await open('2001:db8::2');
    await expect(open('2001:db8::3')).rejects.toThrow('429');
    for (const device of waiting) {
      device.hello();
      await device.next('welcome');
    }
    const third = await open('203.0.113.7');
    await expect(open('203.0.113.7')).rejects.toThrow('429');
    await third.close();
    await expect.poll(() => upgrade(via('203.0.113.7'))).toBe('open');
  });

  it('[HST8] an address with too many tokens that were not good is answered 429 for a while', async () => {
    await start({ authenticate: AUTHENTICATE, trustProxy: true, limits: { failuresPerMinute: 3 } });
    const say = async (token: string, address: string): Promise<number> => {
      const device = await TestDevice.open(server.url, { client: { headers: via(address) } });
      device.hello({ token });
      await Promise.race([device.closed, device.next('welcome').catch(() => undefined)]);
      return device.messages.some(({ type }) => type === 'welcome') ? 200 : (await device.closed).code;
    };
    expect(await say('ada', '203.0.113.7')).toBe(200);
    for (let i = 0; i < 3; i++) expect(await say(`bad${i}`, '203.0.113.7')).toBe(CLOSE.unauthenticated);
    await expect(say('bad', '203.0.113.7')).rejects.toThrow('429');
    await expect(say('ada', '203.0.113.7')).rejects.toThrow('429');
    expect(await say('ada', '203.0.113.8')).toBe(200);
    expect(server.logs).toContainEqual(
      expect.objectContaining({ event: 'upgrade-refused', status: 429, from: '203.0.113.7' }),
    );
  });

  it('[HST9] a token in an address counts for nothing and is in no log', async () => {
    await start({ authenticate: AUTHENTICATE });
    const device = await TestDevice.open(server.url, { path: '/sync?token=canary-ada' });
    device.hello();
    expect(await device.closed).toEqual({ code: CLOSE.unauthenticated, reason: 'AUTH_REQUIRED' });
    await fetch(`${server.url}/sync?token=canary-ada`);
    await fetch(`${server.url}/other?token=canary-ada`, { headers: { authorization: 'Bearer canary-ada' } });
    expect(await upgrade({ origin: 'https://evil.example', cookie: 'canary-ada' }, '/sync?token=canary-ada')).toBe(
      '403',
    );
    expect(JSON.stringify(server.logs)).not.toContain('canary');
  });

  it('[HST10] there is nothing to find beside the protocol, health and the app', async () => {
    await start();
    for (const path of [
      'debug',
      'debug/pprof',
      'admin',
      'api',
      'graphql',
      '.git/config',
      '.env',
      'server-status',
      'sync/debug',
    ])
      for (const method of ['GET', 'POST', 'PUT'])
        expect([path, (await fetch(`${server.url}/${path}`, { method })).status]).toEqual([
          path,
          method === 'GET' ? 404 : 405,
        ]);
  });

  it('[HST11] what a proxy may ask for is not asked of the server: no absolute address, no tunnel', async () => {
    await start();
    const { hostname, port } = new URL(server.url);
    const tunnel = httpRequest({ hostname, port, method: 'CONNECT', path: 'evil.example:443' });
    tunnel.end();
    const outcome = await new Promise<string>((resolve) => {
      tunnel.on('connect', () => resolve('connected'));
      tunnel.on('response', ({ statusCode }) => resolve(String(statusCode)));
      tunnel.on('error', () => resolve('refused'));
    });
    expect(outcome).not.toBe('connected');
    await expectNothingHappened();
  });
});
