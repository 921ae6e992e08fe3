/**
 * The transport that finds a way: WebSocket, and HTTP where WebSocket is blocked. It is told apart by trying. A proxy may
 * refuse the upgrade, swallow it, or let it through and then carry nothing; a network that is down lets neither through.
 *
 * What worked is remembered, for a while: HTTP is then tried first, so that a connection is there at once. Afterwards
 * WebSocket is tried again, beside the link that works, and that link is given up only when a frame has gone there and
 * back on a socket. Each time that none has, the wait is doubled, so devices do not go to and fro.
 */
import { CLOSE } from '../protocol/messages.ts';
import { createHttpTransport } from './http.ts';
import type { Transport, TransportHandlers, TransportKind, TransportLink } from './transport.ts';
import { createWebSocketTransport } from './websocket.ts';

export interface FallbackOptions {
  readonly websocket?: Transport;
  readonly http?: Transport;
  /** How long a socket may take to open before HTTP is tried beside it. Default 3 s. */
  readonly patienceMs?: number;
  /** How long HTTP is preferred after WebSocket has failed, doubled each time that it fails again. Default 10 min. */
  readonly rememberMs?: number;
  /** Longest of those times. Default 2 h. */
  readonly longestMs?: number;
}

/** Any time that never goes back. */
const nowMs = (): number => performance.now();

const GOING_AWAY = 1001;
/** A link that nothing has come over for so long is mute, if its caller gives it up then. */
const MUTE_MS = 5_000;
/** Sockets in a row that opened and then carried nothing: one may be the network's bad luck. */
const MOST_MUTE = 2;

export function createFallbackTransport(options: FallbackOptions = {}): Transport {
  const transports = {
    websocket: options.websocket ?? createWebSocketTransport(),
    http: options.http ?? createHttpTransport(),
  };
  const memory = createMemory(options.rememberMs ?? 600_000, options.longestMs ?? 7_200_000);
  const patienceMs = options.patienceMs ?? 3_000;
  return { connect: (url, handlers) => new Attempt(url, handlers, { transports, memory, patienceMs }).link };
}

/** What is known of the way to the server. */
interface Memory {
  /** What to try first. */
  readonly first: TransportKind;
  /** How long HTTP is preferred still, in milliseconds. */
  readonly leftMs: number;
  /** HTTP works and WebSocket does not. */
  blocked(): void;
  /** A frame has come over WebSocket. */
  free(): void;
  /** A link opened and ended without a single frame. */
  mute(kind: TransportKind): void;
}

function createMemory(rememberMs: number, longestMs: number): Memory {
  let until = -Infinity;
  let spanMs = rememberMs;
  let mutes = 0;
  const blocked = (): void => {
    until = nowMs() + spanMs;
    spanMs = Math.min(spanMs * 2, longestMs);
    mutes = 0;
  };
  return {
    get first() {
      return nowMs() < until ? 'http' : 'websocket';
    },
    get leftMs() {
      return Math.max(0, until - nowMs());
    },
    blocked,
    free() {
      [until, spanMs, mutes] = [-Infinity, rememberMs, 0];
    },
    mute(kind) {
      if (kind === 'http') until = -Infinity;
      else if (++mutes >= MOST_MUTE) blocked();
    },
  };
}

interface Parts {
  readonly transports: Readonly<Record<TransportKind, Transport>>;
  readonly memory: Memory;
  readonly patienceMs: number;
}

interface Ended {
  readonly code: number;
  readonly reason: string;
}

/** One connection, from the first try to its end. */
class Attempt {
  /** What the caller holds. */
  readonly link: TransportLink;
  readonly #url: string;
  readonly #handlers: TransportHandlers;
  readonly #parts: Parts;
  readonly #tries = new Map<TransportKind, TransportLink>();
  readonly #failed = new Map<TransportKind, Ended>();
  #used: TransportKind | null = null;
  #openedMs = 0;
  #isProven = false;
  #isProbing = false;
  #isOver = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string, handlers: TransportHandlers, parts: Parts) {
    this.#url = url;
    this.#handlers = handlers;
    this.#parts = parts;
    const used = (): TransportLink | undefined => (this.#used === null ? undefined : this.#tries.get(this.#used));
    this.link = {
      get canDeflate() {
        return used()?.canDeflate ?? false;
      },
      deflate: () => used()?.deflate?.(),
      send: (text) => used()?.send(text),
      close: () => this.#giveUp(),
    };
    const { first } = parts.memory;
    this.#try(first);
    if (first === 'websocket') this.#timer = setTimeout(() => this.#try('http'), parts.patienceMs);
  }

  #giveUp(): void {
    const isMute = !this.#isProven && nowMs() - this.#openedMs >= MUTE_MS;
    if (!this.#isOver && this.#used !== null && isMute) this.#parts.memory.mute(this.#used);
    this.#end();
  }

  #end(): void {
    // A socket that had not opened when the link was over is no better than one that was refused.
    const isOpening = this.#tries.has('websocket') && !this.#failed.has('websocket') && !this.#isProbing;
    if (!this.#isOver && this.#used === 'http' && isOpening) this.#parts.memory.blocked();
    this.#isOver = true;
    clearTimeout(this.#timer);
    for (const link of this.#tries.values()) link.close();
  }

  #try(kind: TransportKind): void {
    if (this.#isOver || this.#tries.has(kind)) return;
    const link = this.#parts.transports[kind].connect(this.#url, {
      opened: () => this.#opened(kind),
      frame: (text) => this.#frame(kind, text),
      closed: (code, reason) => this.#closed(kind, { code, reason }),
    });
    this.#tries.set(kind, link);
  }

  #opened(kind: TransportKind): void {
    if (this.#isOver) return;
    if (this.#used !== null) return this.#openedLate(kind);
    this.#used = kind;
    this.#openedMs = nowMs();
    clearTimeout(this.#timer);
    if (kind === 'websocket') this.#tries.get('http')?.close();
    else if (this.#failed.has('websocket')) this.#noteBlocked();
    else if (!this.#tries.has('websocket')) this.#watch();
    this.#handlers.opened(kind);
  }

  /** The socket was only slow: HTTP carries this link, and sockets are tried again later. */
  #openedLate(kind: TransportKind): void {
    this.#tries.get(kind)?.close();
    this.#tries.delete(kind);
    this.#noteBlocked();
  }

  #frame(kind: TransportKind, text: string): void {
    if (this.#isOver || kind !== this.#used) return;
    if (!this.#isProven && kind === 'websocket') this.#parts.memory.free();
    this.#isProven = true;
    this.#handlers.frame(text);
  }

  #closed(kind: TransportKind, ended: Ended): void {
    if (this.#isOver) return;
    if (kind === this.#used) {
      if (!this.#isProven) this.#parts.memory.mute(kind);
      return this.#give(ended);
    }
    this.#failed.set(kind, ended);
    // HTTP is there already, and now it is known that it is needed.
    if (this.#used !== null) return this.#noteBlocked();
    const other = kind === 'websocket' ? 'http' : 'websocket';
    const othersEnd = this.#failed.get(other);
    if (othersEnd) this.#give(kind === 'websocket' ? ended : othersEnd);
    else this.#try(other);
  }

  #give({ code, reason }: Ended): void {
    this.#end();
    this.#handlers.closed(code, reason);
  }

  #noteBlocked(): void {
    if (this.#used !== 'http') return;
    this.#parts.memory.blocked();
    this.#watch();
  }

  /** When HTTP was preferred for long enough, a socket is tried beside it. */
  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#probe(), Math.min(this.#parts.memory.leftMs, LONGEST_TIMER_MS));
  }

  #probe(): void {
    if (this.#isOver) return;
    this.#isProbing = true;
    const done = (isFree: boolean): void => {
      if (this.#isOver) return;
      this.#tries.delete('websocket');
      this.#isProbing = false;
      if (!isFree) return this.#noteBlocked();
      this.#parts.memory.free();
      this.#give({ code: GOING_AWAY, reason: 'WebSocket works again: the connection is made anew.' });
    };
    const probe: TransportLink = this.#parts.transports.websocket.connect(this.#url, {
      // No server lets anyone begin so; that it says so is what we want to hear.
      opened: () => probe.send('{"type":"ping"}'),
      frame: () => {
        probe.close();
        done(true);
      },
      closed: (code) => done(code === CLOSE.unauthenticated),
    });
    this.#tries.set('websocket', probe);
  }
}

/** A timer cannot count further, and would fire at once. */
const LONGEST_TIMER_MS = 2_147_483_647;
