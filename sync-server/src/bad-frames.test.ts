import { CLOSE, DEFAULT_LIMITS, type ErrorCode } from '@skerry/sdk/kernel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';

import { changeOf, TestDevice, TestWriter } from './device.fixture.ts';
import { startServer, type TestServer } from './server.fixture.ts';

const HELLO = { type: 'hello', protocol: 1, space: 'notes', device: 'd', cursor: {}, writers: [] } as const;
const CHANGE = changeOf('BADBADBADBADBADB.1');

let server: TestServer;
let neighbour: TestDevice;
let writer: TestWriter;

beforeEach(async () => {
  server = await startServer();
  neighbour = await TestDevice.connect(server.url);
  writer = new TestWriter('neighbour');
});

afterEach(() => server[Symbol.asyncDispose]());

/** A neighbour of the same space writes and reads as before, and nothing but its own changes is there. */
async function expectNothingHappened(): Promise<void> {
  const change = writer.next();
  expect(await neighbour.push(change)).toEqual({ type: 'pushed', known: { [writer.inc]: 1 } });
  const reader = await TestDevice.connect(server.url);
  expect(await reader.readTo(1)).toMatchObject([{ dot: change.dot }]);
  expect(reader.welcome.cursor).toEqual({ [reader.welcome.sid]: 1 });
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
}

/** Writes bytes below the WebSocket of a client, which would not send them. */
function sendRaw(socket: WebSocket, opcode: number, payload: Buffer): void {
  const header = Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]);
  (socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(Buffer.concat([header, payload]));
}

describe('bad frames', { timeout: 30_000 }, () => {
  it.each<[string, unknown, ErrorCode, number]>([
    ['no JSON', '{"type":', 'BAD_FRAME', CLOSE.badFrame],
    ['no object', '7', 'BAD_FRAME', CLOSE.badFrame],
    ['an unknown type', { type: 'subscribe' }, 'BAD_FRAME', CLOSE.badFrame],
    ['__proto__ as a key', '{"type":"ping","__proto__":{"polluted":true}}', 'BAD_FRAME', CLOSE.badFrame],
    ['100,000 levels', '['.repeat(100_000), 'BAD_FRAME', CLOSE.badFrame],
    ['a push before hello', { type: 'push', changes: [CHANGE] }, 'OUT_OF_ORDER', CLOSE.unauthenticated],
    ['a ping before hello', { type: 'ping' }, 'OUT_OF_ORDER', CLOSE.unauthenticated],
    ['a hello of protocol 2', { ...HELLO, protocol: 2 }, 'UPGRADE_REQUIRED', CLOSE.upgradeRequired],
    ['a hello for __proto__', { ...HELLO, space: '__proto__' }, 'BAD_FRAME', CLOSE.badFrame],
    ['a hello with a cursor of -1', { ...HELLO, cursor: { SSSSSSSSSSS: -1 } }, 'BAD_FRAME', CLOSE.badFrame],
    ['a hello from another server', { ...HELLO, cursor: { SSSSSSSSSSS: 1 } }, 'SERVER_REPLACED', CLOSE.serverReplaced],
  ])('[SRV1] %s as the first frame: typed error, right close code, nothing stored', async (_, frame, code, close) => {
    const peer = await TestDevice.open(server.url);
    peer.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
    expect(await peer.closed).toEqual({ code: close, reason: code });
    expect(peer.messages).toEqual([{ type: 'error', code, message: expect.any(String) }]);
    await expectNothingHappened();
  });

  it.each<[string, unknown, ErrorCode, number]>([
    ['a second hello', HELLO, 'OUT_OF_ORDER', CLOSE.outOfOrder],
    ['applied beyond what was sent', { type: 'applied', cursor: {} }, 'OUT_OF_ORDER', CLOSE.outOfOrder],
    ['a push of nothing', { type: 'push', changes: [] }, 'BAD_FRAME', CLOSE.badFrame],
    ['a push of text', { type: 'push', changes: ['x'] }, 'BAD_FRAME', CLOSE.badFrame],
    ['a push without dots', { type: 'push', changes: [{ hlc: 1 }] }, 'BAD_FRAME', CLOSE.badFrame],
    [
      '1,001 changes',
      { type: 'push', changes: Array.from({ length: 1_001 }, (_, i) => changeOf(`BADBADBADBADBADB.${i + 1}`)) },
      'TOO_LARGE',
      CLOSE.tooLarge,
    ],
  ])('[SRV1] %s after the welcome: typed error, right close code, nothing stored', async (_, frame, code, close) => {
    const peer = await TestDevice.connect(server.url);
    const isApplied = JSON.stringify(frame).includes('applied');
    peer.send(JSON.stringify(isApplied ? { type: 'applied', cursor: { [peer.welcome.sid]: 1 } } : frame));
    expect(await peer.closed).toEqual({ code: close, reason: code });
    expect(peer.messages.at(-1)).toMatchObject({ type: 'error', code });
    await expectNothingHappened();
  });

  it('[SRV2] no hello in time closes with 4408', async () => {
    await using impatient = await startServer({ limits: { helloMs: 200 } });
    const peer = await TestDevice.open(impatient.url);
    expect(await peer.closed).toEqual({ code: CLOSE.tooSlow, reason: 'TIMEOUT' });
    expect(peer.messages).toMatchObject([{ type: 'error', code: 'TIMEOUT' }]);
    await expectNothingHappened();
  });

  it('[SRV10] sockets that say nothing do not crowd out more than their share: further ones are answered 503', async () => {
    await using small = await startServer({ maxWaiting: 2 });
    const welcome = await TestDevice.connect(small.url);
    const waiting = [await TestDevice.open(small.url), await TestDevice.open(small.url)];
    await expect(TestDevice.open(small.url)).rejects.toThrow('503');
    welcome.send({ type: 'ping' });
    await welcome.next('pong');
    waiting[0]!.hello();
    await waiting[0]!.next('welcome');
    await TestDevice.connect(small.url);
  });

  it('[SRV3] a frame of more than the limit closes with 1009, one of exactly the limit does not', async () => {
    const peer = await TestDevice.connect(server.url);
    const fill = (bytes: number): string =>
      JSON.stringify({ type: 'ping', pad: '' }).replace('""', `"${'x'.repeat(bytes - 24)}"`);
    expect(fill(100)).toHaveLength(100);
    peer.send(fill(DEFAULT_LIMITS.frameBytes));
    await peer.next('pong');
    peer.send(fill(DEFAULT_LIMITS.frameBytes + 1));
    expect((await peer.closed).code).toBe(CLOSE.tooLarge);
    await expectNothingHappened();
  });

  it('[SRV4] text that is not UTF-8 closes with 1007, and frames that no client sends with 1002', async () => {
    for (const [opcode, payload, code] of [
      [1, Buffer.from([0x22, 0xff, 0xfe, 0x22]), 1007],
      [3, Buffer.from('x'), 1002],
      [0, Buffer.from('x'), 1002],
    ] as const) {
      const peer = await TestDevice.connect(server.url);
      sendRaw(peer.socket, opcode, payload);
      expect((await peer.closed).code).toBe(code);
    }
    await expectNothingHappened();
  });

  it('[SRV5] a binary frame is a bad frame', async () => {
    const peer = await TestDevice.connect(server.url);
    peer.socket.send(Buffer.from(JSON.stringify({ type: 'ping' })));
    expect(await peer.closed).toEqual({ code: CLOSE.badFrame, reason: 'BAD_FRAME' });
    await expectNothingHappened();
  });

  it('[SRV6] compression is not negotiated', async () => {
    const peer = await TestDevice.open(server.url, { client: { perMessageDeflate: true } });
    expect(peer.socket.extensions).toBe('');
  });

  it('[SRV7] a malformed change is refused by its dot; what came before it in the push is kept, the session goes on', async () => {
    const good = new TestWriter('good');
    const [first, second] = [good.next(), good.next()];
    const bad = { ...second, recs: [{ ...second.recs[0]!, id: '__proto__' }] };
    const peer = await TestDevice.connect(server.url);
    const pushed = await peer.push(first, bad, good.next());
    expect(pushed).toMatchObject({ known: { [good.inc]: 1 }, refused: { dot: bad.dot, code: 'INVALID_CHANGE' } });
    expect(await peer.push(second)).toEqual({ type: 'pushed', known: { [good.inc]: 2 } });
  });

  it('[SRV7] a change that is too large is refused by its dot', async () => {
    const peer = await TestDevice.connect(server.url);
    const large = changeOf('LARGELARGELARGEL.1', { label: 'x'.repeat(1_000) });
    const ops = [{ t: 'set', p: 'body', v: 'x'.repeat(DEFAULT_LIMITS.changeBytes), pred: [] } as const];
    const pushed = await peer.push({ ...large, recs: [{ ...large.recs[0]!, ops }] });
    expect(pushed).toMatchObject({ known: { LARGELARGELARGEL: 0 }, refused: { code: 'TOO_LARGE' } });
    await expectNothingHappened();
  });

  it('[SRV8] names that mean something to JavaScript or SQL are ordinary spaces, records and writers', async () => {
    for (const space of ['constructor', 'toString', "'; DROP TABLE log; --", '%']) {
      const peer = await TestDevice.connect(server.url, { space });
      const change = changeOf('__defineGetter__.1');
      const record = { ...change.recs[0]!, c: 'constructor', id: "' OR '1'='1" };
      expect(await peer.push({ ...change, recs: [record] })).toEqual({
        type: 'pushed',
        known: { __defineGetter__: 1 },
      });
      const reader = await TestDevice.connect(server.url, { space });
      expect(await reader.readTo(1)).toMatchObject([{ change: { recs: [record] } }]);
    }
    await expectNothingHappened();
  });

  it('[SRV9] no message, and no line of the log, says anything of the content', async () => {
    const peer = await TestDevice.connect(server.url, { token: 'canary-token' });
    const change = changeOf('CANARYCANARYCANA.1');
    const ops = [{ t: 'set', p: 'canary-field', v: 'canary-value', pred: [] } as const];
    await peer.push({ ...change, recs: [{ ...change.recs[0]!, id: 'canary-id', ops }] });
    await peer.push({ ...change, recs: [{ ...change.recs[0]!, id: 'canary-other', ops }] });
    peer.send('{"canary');
    await peer.closed;
    expect(server.logs.length).toBeGreaterThan(0);
    expect(JSON.stringify(server.logs)).not.toContain('canary');
    expect(peer.texts.join('')).not.toContain('canary-');
  });
});
