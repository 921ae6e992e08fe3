/** A bare TCP connection for tests: writes whatever it is given, also what no client of HTTP or WebSocket would send. */
import { connect, type Socket } from 'node:net';

export class RawPeer implements Disposable {
  readonly socket: Socket;
  /** Resolves when the other side has ended it. */
  readonly closed: Promise<void>;
  #received = Buffer.alloc(0);
  readonly #waiting = new Set<() => void>();
  #isClosed = false;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.socket = connect(Number(port), hostname);
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      for (const check of this.#waiting) check();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.#isClosed = true;
        for (const check of this.#waiting) check();
        resolve();
      });
    });
  }

  /** What has come so far. */
  get text(): string {
    return this.#received.toString('latin1');
  }

  /** Status of the first answer; null when there was none. */
  get status(): number | null {
    const match = /^HTTP\/1\.1 (\d{3})/.exec(this.text);
    return match ? Number(match[1]) : null;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  write(data: string | Buffer): this {
    if (!this.socket.destroyed) this.socket.write(data);
    return this;
  }

  /** Waits until something is true of it, or it has ended. */
  until(isTrue: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!isTrue() && !this.#isClosed) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  /** A WebSocket that is open, of which the test sends the frames. */
  static async upgraded(url: string, headers: string = ''): Promise<RawPeer> {
    const peer = new RawPeer(url);
    peer.write(
      `GET /sync HTTP/1.1\r\nHost: ${new URL(url).host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`,
    );
    await peer.until(() => peer.text.includes('\r\n\r\n'));
    return peer;
  }

  /** A frame of a WebSocket, masked with zeros. `first` is its first byte: FIN, reserved bits, opcode. */
  frame(first: number, payload: Buffer | string = '', { isMasked = true } = {}): this {
    const body = Buffer.from(payload);
    const mask = isMasked ? 0x80 : 0;
    const length =
      body.length < 126
        ? Buffer.from([mask | body.length])
        : body.length < 65_536
          ? Buffer.from([mask | 126, body.length >> 8, body.length & 0xff])
          : Buffer.from([mask | 127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((bits) => (body.length >>> bits) & 0xff)]);
    return this.write(Buffer.concat([Buffer.from([first]), length, Buffer.alloc(isMasked ? 4 : 0), body]));
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** First bytes of frames. */
export const TEXT = 0x81;
export const PING = 0x89;

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** What a server has sent behind the answer to the upgrade, as far as it came whole. */
function framesOf({ text }: RawPeer): readonly Frame[] {
  const bytes = Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1');
  const frames: Frame[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    const short = bytes[at + 1]! & 0x7f;
    const head = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (at + head > bytes.length) break;
    const length = short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? bytes.readUInt32BE(at + 6) : short;
    if (at + head + length > bytes.length) break;
    frames.push({ opcode: bytes[at]! & 0x0f, payload: bytes.subarray(at + head, at + head + length) });
    at += head + length;
  }
  return frames;
}

/** The texts that a server has sent over a WebSocket. */
export function textsOf(peer: RawPeer): readonly string[] {
  return framesOf(peer).flatMap(({ opcode, payload }) => (opcode === 1 ? [payload.toString('utf8')] : []));
}

/** The code of the close frame that ends what has come; null when there is none. */
export function closeCodeOf(peer: RawPeer): number | null {
  const close = framesOf(peer).find(({ opcode }) => opcode === 8);
  return close && close.payload.length >= 2 ? close.payload.readUInt16BE(0) : null;
}
