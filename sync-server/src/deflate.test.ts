import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { CLOSE, MAX_INFLATE_RATIO } from '@skerry/sdk/kernel';
import type { Page, ServerMessage, Welcome } from '@skerry/sdk/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, type RawData } from 'ws';

import { changeOf, TestDevice } from './device.fixture.ts';
import { startServer, type TestServer } from './server.fixture.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

interface Came {
  readonly isBinary: boolean;
  readonly bytes: number;
  readonly message: ServerMessage;
}

/** A socket that reads both forms and keeps how each frame came. */
class Device {
  readonly came: Came[] = [];
  readonly closed: Promise<number>;
  readonly #socket: WebSocket;
  readonly #waiting = new Set<() => void>();
  #isClosed = false;

  constructor() {
    this.#socket = new WebSocket(`${server.url.replace(/^http/, 'ws')}/sync`);
    this.#socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    this.closed = new Promise((resolve) =>
      this.#socket.on('close', (code) => {
        this.#isClosed = true;
        this.#wake();
        resolve(code);
      }),
    );
  }

  static async connect(space: string, more: object = {}): Promise<Device> {
    const device = new Device();
    await new Promise((resolve) => device.#socket.once('open', resolve));
    device.text({ type: 'hello', protocol: 1, space, device: 'd', cursor: {}, writers: [], ...more });
    await device.next('welcome');
    return device;
  }

  get welcome(): Welcome {
    return this.came[0]!.message as Welcome;
  }

  text(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }

  binary(bytes: Uint8Array): void {
    this.#socket.send(bytes);
  }

  async next(type: ServerMessage['type']): Promise<Came> {
    const find = (): Came | undefined => this.came.find(({ message }) => message.type === type);
    while (!find()) {
      if (this.#isClosed) throw new Error(`the server closed before a ${type}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
    return find()!;
  }

  end(): void {
    this.#socket.close();
  }

  #receive(data: RawData, isBinary: boolean): void {
    const bytes = data as Buffer;
    const text = (isBinary ? inflateRawSync(bytes) : bytes).toString();
    this.came.push({ isBinary, bytes: bytes.length, message: JSON.parse(text) as ServerMessage });
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

function largePush(inc: string): { readonly type: 'push'; readonly changes: readonly object[] } {
  const body = Array.from({ length: 3_000 }, (_, i) => `line ${Math.imul(i, 7_919) % 4_001} of the log`).join('\n');
  const change = changeOf(`${inc}.1`);
  const ops = [{ t: 'set', p: 'body', v: body, pred: [] }];
  return { type: 'push', changes: [{ ...change, recs: [{ ...change.recs[0]!, ops }] }] };
}

describe('deflated frames at the server', () => {
  it('[DFL4] a large frame comes and goes deflated when both have said so, a small one as text', async () => {
    const writer = await Device.connect('agreed', { deflate: true });
    expect(writer.welcome.deflate).toBe(true);
    const push = largePush('DEFLATEDDEFLATED');
    const text = JSON.stringify(push);
    writer.binary(deflateRawSync(text));
    const pushed = await writer.next('pushed');
    expect(pushed).toMatchObject({ isBinary: false, message: { known: { DEFLATEDDEFLATED: 1 } } });

    const reader = await Device.connect('agreed', { deflate: true });
    const page = await reader.next('page');
    expect(page.isBinary).toBe(true);
    expect(page.bytes).toBeLessThan(text.length / 3);
    const plain = await Device.connect('agreed');
    const same = await plain.next('page');
    expect(same.isBinary).toBe(false);
    expect(same.message).toEqual(page.message);
    for (const device of [writer, reader, plain]) device.end();
  });

  it('[DFL4] [SRV5] a peer that has not said so is told nothing of it, and may not send so', async () => {
    const device = await Device.connect('quiet');
    expect(device.welcome).not.toHaveProperty('deflate');
    device.binary(deflateRawSync(JSON.stringify({ type: 'ping' })));
    expect(await device.closed).toBe(CLOSE.badFrame);
  });

  it('[DFL5] the hello is text, and so is the welcome', async () => {
    const device = new TestDevice(server.url);
    await device.opened();
    const hello = { type: 'hello', protocol: 1, space: 's', device: 'd', cursor: {}, writers: [], deflate: true };
    device.socket.send(deflateRawSync(JSON.stringify(hello)));
    expect(await device.closed).toEqual({ code: CLOSE.badFrame, reason: 'BAD_FRAME' });
    const long = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`writer${i}`.padEnd(16, '-'), 0]));
    const welcomed = await Device.connect('long', { deflate: true, writers: Object.keys(long) });
    expect(welcomed.came[0]).toMatchObject({ isBinary: false, message: { known: long } });
    welcomed.end();
  });

  it('[DFL3] a frame that unpacks too far closes with 1009, whether by its own size or by that of all frames', async () => {
    const far = Buffer.from(JSON.stringify({ type: 'ping', x: 'x'.repeat(500_000) }));
    expect(far.length / deflateRawSync(far).length).toBeGreaterThan(MAX_INFLATE_RATIO);
    const noise = Array.from({ length: 1_100_000 }, (_, i) =>
      String.fromCharCode(35 + (Math.imul(i, 2_654_435_761) >>> 27)),
    );
    const large = Buffer.from(JSON.stringify({ type: 'ping', x: noise.join('') }));
    const rounds = [far, large];
    for (const text of rounds) {
      const device = await Device.connect('bomb', { deflate: true });
      device.binary(deflateRawSync(text));
      expect(await device.closed).toBe(CLOSE.tooLarge);
    }
    const good = await Device.connect('bomb', { deflate: true });
    good.text({ type: 'ping' });
    await good.next('pong');
    good.end();
  });

  it('[DFL3] what is no deflated text is a bad frame', async () => {
    const good = deflateRawSync(JSON.stringify({ type: 'ping', more: 'text that is long enough to be cut' }));
    for (const bytes of [
      Buffer.from('{"type":"ping"}'),
      good.subarray(0, good.length - 4),
      Buffer.alloc(0),
      deflateRawSync(Buffer.from([0x22, 0xff, 0xfe, 0x22])),
      deflateRawSync(deflateRawSync(JSON.stringify({ type: 'ping' }))),
    ]) {
      const device = await Device.connect('broken', { deflate: true });
      device.binary(bytes);
      expect(await device.closed).toBe(CLOSE.badFrame);
    }
  });

  it('[DFL2] pages and short frames keep their order', async () => {
    const writer = await Device.connect('order', { deflate: true });
    writer.binary(deflateRawSync(JSON.stringify(largePush('ORDERORDERORDERO'))));
    await writer.next('pushed');
    const reader = await Device.connect('order', { deflate: true });
    for (let i = 0; i < 5; i++) reader.text({ type: 'ping' });
    const page = (await reader.next('page')).message as Page;
    expect(page.entries.length).toBeGreaterThan(0);
    const types = reader.came.map(({ message }) => message.type);
    expect(types.slice(0, 2)).toEqual(['welcome', 'page']);
    for (const device of [writer, reader]) device.end();
  });
});
