/**
 * The transport over plain fetch, for networks that let no WebSocket through: one POST at a time carries frames up, and
 * another waits for frames that come down (`docs/protocol.md`, "Over HTTP").
 *
 * A request whose answer is lost is repeated, for a short while: the numbers of the frames make sure that nothing is lost
 * and nothing counts twice. An answer that is not of the protocol, such as a portal's page, never counts as connected.
 */
import {
  decodeHttpBody,
  encodeHttpBody,
  HTTP_BINDING_VERSION,
  HTTP_FRAMES_PER_BODY,
  type HttpBody,
  type HttpRequestHead,
} from '../protocol/http-binding.ts';
import { CLOSE } from '../protocol/messages.ts';
import type { Transport, TransportHandlers, TransportLink } from './transport.ts';

export interface HttpTransportOptions {
  /** Most time until the link is open. Default 10 s. */
  readonly connectMs?: number;
  /** How long a request that fails is repeated before the link is given up. Default 3 s. */
  readonly retryMs?: number;
}

/** What a request led to: an answer of the protocol, a status that says no, or nothing. */
type Outcome =
  | { readonly type: 'answer'; readonly body: HttpBody }
  | { readonly type: 'refused'; readonly status: number }
  | { readonly type: 'failed'; readonly reason: string };

interface Times {
  readonly connectMs: number;
  readonly retryMs: number;
}

const NO_CODE = 1006;
const GONE = 410;
const TOO_LARGE = 413;
/** Frames that are sent together are at most so long, in UTF-16 units; one may be longer. */
const BATCH_LENGTH = 262_144;
/** What a request that is not held may take, and a held one beyond its time. */
const ANSWER_MS = 15_000;
/** A browser gives up a request that outlives its page when it is larger. */
const KEPT_ALIVE_LENGTH = 16_384;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;
/** A poll that is answered at once with nothing, again and again, is not one of our server's. */
const IDLE_PAUSE_MS = 250;

export function createHttpTransport({ connectMs = 10_000, retryMs = 3_000 }: HttpTransportOptions = {}): Transport {
  return {
    connect(url, handlers) {
      const link = new HttpLink(asHttp(url), handlers, { connectMs, retryMs });
      void link.open();
      return link;
    },
  };
}

class HttpLink implements TransportLink {
  readonly #url: string;
  readonly #handlers: TransportHandlers;
  readonly #times: Times;
  /** Aborted when the link is over: ends every request and every pause. */
  readonly #over = new AbortController();
  #id = '';
  #pollMs = 0;
  /** Frames that the server has not confirmed, the oldest first, and the number of that one. */
  #unsent: string[] = [];
  #firstUnsent = 1;
  #isSending = false;
  /** Number of the last frame that came. */
  #received = 0;

  constructor(url: string, handlers: TransportHandlers, times: Times) {
    this.#url = url;
    this.#handlers = handlers;
    this.#times = times;
  }

  async open(): Promise<void> {
    const outcome = await this.#post({ do: 'open', binding: HTTP_BINDING_VERSION }, [], this.#times.connectMs);
    if (this.#isOver) return;
    const { link, pollMs } = outcome.type === 'answer' ? outcome.body.head : {};
    if (typeof link !== 'string' || link === '' || typeof pollMs !== 'number') return this.#give(NO_CODE, why(outcome));
    this.#id = link;
    this.#pollMs = pollMs;
    this.#handlers.opened('http');
    void this.#sendAll();
    await this.#pollAll();
  }

  send(text: string): void {
    if (this.#isOver) return;
    this.#unsent.push(text);
    void this.#sendAll();
  }

  close(): void {
    if (this.#isOver) return;
    this.#over.abort();
    if (this.#id === '') return;
    const last = this.#batch();
    const frames = last.length === this.#unsent.length && lengthOf(last) <= KEPT_ALIVE_LENGTH ? last : [];
    const body = encodeHttpBody({ do: 'close', link: this.#id, from: this.#firstUnsent }, frames);
    // The page may be gone before the answer is there, and nobody needs it.
    fetch(this.#url, { ...REQUEST, body, keepalive: true }).catch(() => undefined);
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  #give(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#over.abort();
    this.#handlers.closed(code, reason);
  }

  /** One request at a time, so that frames arrive in order. */
  async #sendAll(): Promise<void> {
    if (this.#isSending || this.#id === '') return;
    this.#isSending = true;
    // What is sent in one go travels together.
    await Promise.resolve();
    while (this.#unsent.length > 0 && !this.#isOver) {
      const frames = this.#batch();
      const outcome = await this.#persist({ do: 'send', link: this.#id, from: this.#firstUnsent }, frames, ANSWER_MS);
      // The poll tells how the link has ended.
      if (outcome.type === 'refused' && outcome.status === GONE) return;
      if (outcome.type !== 'answer') return this.#give(codeOf(outcome), why(outcome));
      this.#unsent.splice(0, frames.length);
      this.#firstUnsent += frames.length;
    }
    this.#isSending = false;
  }

  #batch(): readonly string[] {
    let length = 0;
    const frames: string[] = [];
    for (const text of this.#unsent) {
      length += text.length;
      if (frames.length > 0 && (length > BATCH_LENGTH || frames.length >= HTTP_FRAMES_PER_BODY)) break;
      frames.push(text);
    }
    return frames;
  }

  async #pollAll(): Promise<void> {
    while (!this.#isOver) {
      const startMs = performance.now();
      const outcome = await this.#persist(
        { do: 'poll', link: this.#id, after: this.#received },
        [],
        this.#pollMs + ANSWER_MS,
      );
      if (this.#isOver) return;
      if (outcome.type !== 'answer') return this.#give(codeOf(outcome), why(outcome));
      this.#take(outcome.body);
      const isIdle = outcome.body.frames.length === 0 && performance.now() - startMs < IDLE_PAUSE_MS;
      if (isIdle && !this.#isOver) await this.#pause(IDLE_PAUSE_MS);
    }
  }

  #take({ head, frames }: HttpBody): void {
    const { from, closed } = head;
    if (typeof from !== 'number' || from > this.#received + 1) {
      return this.#give(CLOSE.badFrame, 'The server has left out a frame.');
    }
    for (const text of frames.slice(this.#received + 1 - from)) {
      this.#received++;
      this.#handlers.frame(text);
      if (this.#isOver) return;
    }
    if (isEnding(closed)) this.#give(closed.code, closed.reason);
  }

  /** Repeats what fails without a word of the server, until it has failed for too long. */
  async #persist(head: HttpRequestHead, frames: readonly string[], limitMs: number): Promise<Outcome> {
    let failingSinceMs: number | null = null;
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      const outcome = await this.#post(head, frames, limitMs);
      const isFinal = outcome.type === 'answer' || (outcome.type === 'refused' && !isPassing(outcome.status));
      if (isFinal || this.#isOver) return outcome;
      failingSinceMs ??= performance.now();
      if (performance.now() - failingSinceMs + pauseMs > this.#times.retryMs) return outcome;
      await this.#pause(pauseMs);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }

  async #post(head: HttpRequestHead, frames: readonly string[], limitMs: number): Promise<Outcome> {
    const late = new AbortController();
    const limit = setTimeout(() => late.abort(), limitMs);
    const stop = (): void => late.abort();
    this.#over.signal.addEventListener('abort', stop);
    try {
      const body = encodeHttpBody(head, frames);
      const response = await fetch(this.#url, { ...REQUEST, body, signal: late.signal });
      if (!response.ok) return { type: 'refused', status: response.status };
      const answer = decodeHttpBody(new Uint8Array(await response.arrayBuffer()), toText);
      return answer ? { type: 'answer', body: answer } : { type: 'failed', reason: 'The answer is not a server’s.' };
    } catch (error) {
      const isLate = late.signal.aborted && !this.#isOver;
      return {
        type: 'failed',
        reason: isLate ? `The server did not answer within ${limitMs / 1000} s.` : String(error),
      };
    } finally {
      clearTimeout(limit);
      this.#over.signal.removeEventListener('abort', stop);
    }
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#over;
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
    });
  }
}

/** Cookies go along as they do with a WebSocket; a redirect leads to no server of ours. */
const REQUEST = { method: 'POST', cache: 'no-store', redirect: 'error', credentials: 'include' } as const;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function toText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** The address of the WebSocket, asked by HTTP. What is neither is left for fetch to refuse. */
function asHttp(url: string): string {
  return url.replace(/^ws/i, 'http');
}

/** Whether what stands between may let the same request through in a moment. */
function isPassing(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

function codeOf(outcome: Outcome): number {
  return outcome.type === 'refused' && outcome.status === TOO_LARGE ? CLOSE.tooLarge : NO_CODE;
}

function why(outcome: Outcome): string {
  switch (outcome.type) {
    case 'refused':
      return `HTTP status ${outcome.status}.`;
    case 'failed':
      return outcome.reason;
    case 'answer':
      return 'The answer is not a server’s.';
  }
}

function isEnding(value: unknown): value is { readonly code: number; readonly reason: string } {
  if (typeof value !== 'object' || value === null) return false;
  const { code, reason } = value as { readonly code?: unknown; readonly reason?: unknown };
  return typeof code === 'number' && typeof reason === 'string';
}

function lengthOf(frames: readonly string[]): number {
  return frames.reduce((sum, { length }) => sum + length, 0);
}
