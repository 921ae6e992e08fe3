/** A server as it runs, with real sockets, against anything at all. The parsers by themselves are in `parsers.test.ts`. */
import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { DEVICE_FRAMES } from '../../sdk/src/protocol/frames.fixture.ts';
import { decodeServerMessage, encodeMessage } from '../../sdk/src/protocol/codec.ts';
import { DEFAULT_LIMITS } from '../../sdk/src/protocol/limits.ts';
import { TestDevice } from '../../sync-server/src/device.fixture.ts';
import { RawPeer, textsOf } from '../../sync-server/src/raw.fixture.ts';
import { startServer, type TestServer } from '../../sync-server/src/server.fixture.ts';
import { fuzz, TIMEOUT_MS } from './fuzz.fixture.ts';
import { altered, damaged, jsonText, text } from './hostile.fixture.ts';

/** What is kept of the newest changes of a space, and some more. */
const WAVER_BYTES = 16 * 1_048_576;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is left when nothing more can be collected. */
function memoryInUse(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

let server: TestServer;
let neighbour: TestDevice;
const unhandled: unknown[] = [];
const note = (failure: unknown): void => void unhandled.push(failure);

beforeAll(async () => {
  process.on('unhandledRejection', note);
  // On SQLite, for which names and texts mean something.
  server = await startServer({ limits: { framesPerSecond: 1_000_000 } });
  neighbour = await TestDevice.connect(server.url, { space: 'neighbour' });
});

afterAll(async () => {
  process.off('unhandledRejection', note);
  await server[Symbol.asyncDispose]();
});

async function expectSound(): Promise<void> {
  neighbour.send({ type: 'ping' });
  await neighbour.next('pong');
  expect(server.logs.filter(({ level }) => level === 'error')).toEqual([]);
  (server.logs as unknown[]).length = 0;
  expect(unhandled).toEqual([]);
  expect(Object.keys(Object.prototype)).toEqual([]);
}

const frames = Object.values(DEVICE_FRAMES);
const texts = frames.map(encodeMessage);
const frame = fc.oneof(
  { weight: 4, arbitrary: damaged(texts) },
  { weight: 4, arbitrary: altered(frames).map((value) => JSON.stringify(value) ?? 'null') },
  { weight: 3, arbitrary: fc.constantFrom(...texts) },
  { weight: 1, arbitrary: fc.oneof(jsonText, text) },
);
const HELLO = { type: 'hello', protocol: 1, space: 'fuzz', device: 'd', cursor: {}, writers: [] };

/** Heads and bodies of requests, whole and broken. */
const REQUESTS = [
  'GET /sync HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  'POST /sync HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n\r\n{"do":"open","binding":1}\n',
  'POST /sync HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1a\r\n{"do":"open","binding":1}\n\r\n0\r\n\r\n',
  'POST /sync HTTP/1.1\r\nHost: x\r\nContent-Length: 57\r\n\r\n{"do":"send","link":"x","from":1,"bytes":[15]}\n{"type":"p"}',
  'OPTIONS /sync HTTP/1.1\r\nHost: x\r\nOrigin: http://localhost:1\r\n\r\n',
  'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n',
];

describe('a running server', { timeout: TIMEOUT_MS }, () => {
  it('[SRV11] whatever frames and bytes come over a WebSocket, it answers or closes, and serves its neighbours', async () => {
    const bytes = fc.tuple(
      fc.constantFrom(0x81, 0x01, 0x80, 0x82, 0x88, 0x89, 0x8a, 0xc1, 0x8f),
      fc.uint8Array({ maxLength: 200 }),
    );
    const step = fc.oneof(
      { weight: 6, arbitrary: frame.map((one) => ({ first: 0x81, payload: Buffer.from(one) })) },
      { weight: 1, arbitrary: bytes.map(([first, payload]) => ({ first, payload: Buffer.from(payload) })) },
    );
    const conversation = fc.tuple(
      fc.boolean(),
      fc.array(step, { minLength: 1, maxLength: 8 }),
      fc.uint8Array({ maxLength: 20 }),
    );
    let [runs, before] = [0, 0];
    const property = fc.asyncProperty(conversation, async ([isPolite, steps, rest]) => {
      using peer = await RawPeer.upgraded(server.url);
      if (isPolite) peer.frame(0x81, JSON.stringify(HELLO));
      for (const { first, payload } of steps) peer.frame(first, payload);
      peer.write(Buffer.from(rest));
      peer.socket.end();
      await peer.closed;
      const bad = textsOf(peer).map((one) => decodeServerMessage(one, DEFAULT_LIMITS));
      expect(bad.filter(({ type }) => type === 'bad')).toEqual([]);
      await expectSound();
      // What is made once is made by then.
      if (++runs === 100) before = memoryInUse();
    });
    await fuzz('a server over a WebSocket', property, { runs: 500 });
    // A peer that does not answer a close is kept for a moment.
    const kept = (): number => memoryInUse() - before - runs * 1_000;
    await expect.poll(kept, { timeout: 20_000, interval: 500 }).toBeLessThan(WAVER_BYTES);
  });

  it('[FZP13] whatever comes over HTTP, it answers with a status or ends the connection, and serves its neighbours', async () => {
    const garbage = fc
      .uint8Array({ minLength: 1, maxLength: 300 })
      .map((bytes) => Buffer.from(bytes).toString('latin1'));
    const requests = fc.array(
      fc.oneof({ weight: 5, arbitrary: damaged(REQUESTS) }, { weight: 1, arbitrary: garbage }),
      {
        minLength: 1,
        maxLength: 4,
      },
    );
    const property = fc.asyncProperty(requests, async (parts) => {
      const answer = await new Promise<string>((resolve) => {
        const { hostname, port } = new URL(server.url);
        const socket = connect(Number(port), hostname);
        let received = '';
        socket.on('data', (chunk) => (received += chunk.toString('latin1')));
        socket.on('error', () => undefined);
        socket.on('close', () => resolve(received));
        for (const part of parts) socket.write(Buffer.from(part, 'latin1'));
        socket.end();
      });
      if (answer !== '') expect(answer).toMatch(/^HTTP\/1\.1 \d{3} /);
      expect(answer).not.toMatch(/HTTP\/1\.1 500|\.ts:|node:internal/);
      await expectSound();
    });
    await fuzz('a server over HTTP', property, { runs: 500 });
  });
});
