/**
 * A bare device for tests: a WebSocket that speaks the protocol, keeps everything it gets and can be waited for.
 */
import { CLOSE, decodeServerMessage, DEFAULT_LIMITS, dotOf, hlcAt, incOf } from '@skerry/sdk/kernel';
import type {
  Change,
  DeviceMessage,
  Dot,
  LogEntry,
  Hello,
  Op,
  Page,
  Pushed,
  ServerMessage,
  VersionVector,
  Welcome,
} from '@skerry/sdk/kernel';
import { WebSocket, type ClientOptions } from 'ws';

export interface Closing {
  readonly code: number;
  readonly reason: string;
}

export interface ConnectOptions extends Partial<Hello> {
  readonly path?: string;
  readonly client?: ClientOptions;
}

type MessageOf<T extends ServerMessage['type']> = ServerMessage & { type: T };

export class TestDevice {
  readonly socket: WebSocket;
  readonly closed: Promise<Closing>;
  readonly messages: ServerMessage[] = [];
  /** Raw texts, as they came. */
  readonly texts: string[] = [];
  /** How many of `messages` were taken by `next`. */
  readonly #taken = new Map<string, number>();
  readonly #waiting = new Set<() => void>();
  #isClosed = false;

  constructor(url: string, { path = '/sync', client }: ConnectOptions = {}) {
    this.socket = new WebSocket(`${url.replace(/^http/, 'ws')}${path}`, client);
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => {
        this.#isClosed = true;
        this.#wake();
        resolve({ code, reason: String(reason) });
      });
    });
    this.socket.on('error', () => undefined);
    this.socket.on('message', (data) => this.#receive(String(data)));
  }

  /** A socket that is open and has said nothing yet. */
  static async open(url: string, options: ConnectOptions = {}): Promise<TestDevice> {
    const device = new TestDevice(url, options);
    await device.opened();
    return device;
  }

  /** A device that was welcomed. */
  static async connect(url: string, options: ConnectOptions = {}): Promise<TestDevice> {
    const device = await TestDevice.open(url, options);
    device.hello(options);
    await device.next('welcome');
    return device;
  }

  opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.once('open', () => resolve());
      this.socket.once('error', reject);
    });
  }

  get welcome(): Welcome {
    return this.messages.find((message) => message.type === 'welcome')!;
  }

  get pages(): readonly Page[] {
    return this.messages.filter((message) => message.type === 'page');
  }

  get entries(): readonly LogEntry[] {
    return this.pages.flatMap(({ entries }) => entries);
  }

  hello(rest: Partial<Hello> = {}): void {
    const { path: _path, client: _client, ...hello } = rest as ConnectOptions;
    this.send({ type: 'hello', protocol: 1, space: 'notes', device: 'd', cursor: {}, writers: [], ...hello });
  }

  /** Not packed, so that also what is wrong inside of a message arrives as it is. */
  send(message: DeviceMessage | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  async push(...changes: readonly Change[]): Promise<Pushed> {
    this.send({ type: 'push', changes });
    return this.next('pushed');
  }

  applied(cursor: VersionVector): void {
    this.send({ type: 'applied', cursor });
  }

  /** The next message of this type that was not taken yet; rejects when the socket is closed without one. */
  async next<T extends ServerMessage['type']>(type: T): Promise<MessageOf<T>> {
    const taken = this.#taken.get(type) ?? 0;
    const ofType = (): readonly ServerMessage[] => this.messages.filter((message) => message.type === type);
    await this.until(() => ofType().length > taken);
    this.#taken.set(type, taken + 1);
    return ofType()[taken] as MessageOf<T>;
  }

  /** Waits until something is true of what was received. */
  until(isTrue: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (isTrue()) resolve();
        else if (this.#isClosed)
          reject(new Error(`closed while waiting, after ${this.messages.map(({ type }) => type).join(' ')}`));
        else return;
        this.#waiting.delete(check);
      };
      this.#waiting.add(check);
      check();
    });
  }

  /** Reads pages, acknowledging each, until everything up to `n` is there. */
  async readTo(n: number): Promise<readonly LogEntry[]> {
    while ((this.entries.at(-1)?.stamp[1] ?? 0) < n) this.applied((await this.next('page')).cursor);
    return this.entries;
  }

  close(): Promise<Closing> {
    this.socket.close(CLOSE.normal);
    return this.closed;
  }

  #receive(text: string): void {
    const decoded = decodeServerMessage(text, DEFAULT_LIMITS);
    if (decoded.type === 'bad') throw new Error(`the server sent a bad frame: ${decoded.reason}`);
    this.texts.push(text);
    this.messages.push(decoded.message);
    this.#wake();
  }

  #wake(): void {
    for (const check of this.#waiting) check();
  }
}

/** A writer of changes with dots in order. */
export class TestWriter {
  readonly inc: string;
  #seq = 0;

  constructor(name: string) {
    this.inc = name.padEnd(16, '-');
  }

  next(rest: Partial<Change> = {}): Change {
    return changeOf(dotOf(this.inc, ++this.#seq), rest);
  }

  many(count: number): readonly Change[] {
    return Array.from({ length: count }, () => this.next());
  }
}

export function changeOf(dot: Dot, rest: Partial<Change> = {}): Change {
  const ops: readonly Op[] = [
    { t: 'life', v: 'live', pred: [] },
    { t: 'set', p: 'title', v: `by ${dot}`, pred: [] },
  ];
  return { dot, hlc: hlcAt(Date.now()), recs: [{ c: 'notes', id: `of-${incOf(dot)}`, rv: [], ops }], ...rest };
}

export function dotsOf(entries: readonly LogEntry[]): readonly Dot[] {
  return entries.flatMap((entry) => ('control' in entry ? [] : [entry.dot]));
}

/** The change of an entry that has one with its content. */
export function changeIn(entry: LogEntry | undefined): Change | undefined {
  return entry && 'change' in entry ? entry.change : undefined;
}
