/**
 * The HTTP binding of the protocol, for devices whose WebSocket is blocked: POSTs to the address that also speaks
 * WebSocket open a link, carry frames up, wait for frames, and close it. Who may come in is decided as for an upgrade.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  decodeHttpBody,
  encodeHttpBody,
  HTTP_BINDING_VERSION,
  HTTP_HEAD_BYTES,
  type HttpBody,
  type OpenedHead,
  type PolledHead,
  type ReceivedHead,
} from '@skerry/sdk/kernel';

import { networkOf } from './address.ts';
import { readBody } from './body.ts';
import { isSyncPath, mayTalk, peerAddress, refusalOf, type DoorOptions } from './door.ts';
import { HttpLink, type Poll } from './link.ts';
import { respond } from './respond.ts';

/** A device that lost the last answer can ask for so long how its link ended. */
const LINGER_MS = 10_000;

export interface LinkHandler {
  /** Whether this request is one of the binding's. */
  isFor(request: IncomingMessage): boolean;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

export function createLinkHandler(options: DoorOptions): LinkHandler {
  const links = new Links(options);
  return {
    isFor: (request) => (request.method === 'POST' || request.method === 'OPTIONS') && isSyncPath(request),
    handle: (request, response) => links.handle(request, response),
  };
}

/** A link, and what is known of its device. */
interface Known {
  readonly link: HttpLink;
  readonly isWelcome: () => boolean;
  /** The request whose body is being read: a device sends one at a time, so the newest is the one that it waits for. */
  reading: IncomingMessage | null;
}

class Links {
  readonly #options: DoorOptions;
  readonly #links = new Map<string, Known>();
  readonly #perAddress = new Map<string, number>();

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!mayTalk(request, this.#options)) return this.#refuse(request, response, 403);
    allowOrigin(request, response);
    if (request.method === 'OPTIONS') return void response.writeHead(204).end();
    const body = await readBody(request, this.#options.limits.frameBytes + HTTP_HEAD_BYTES, (head) =>
      this.#mostAfter(head, request),
    );
    if (body === 'gone') return;
    const decoded = typeof body === 'string' ? null : decodeHttpBody(body, toText);
    if (decoded !== null) return this.#carryOut(decoded, request, response);
    // The rest of it is not waited for.
    response.setHeader('Connection', 'close');
    if (body === 'no-link') return respond(response, 410, 'there is no such link');
    this.#refuse(request, response, body === 'too-large' ? 413 : 400);
  }

  /** How many bytes may follow this head: frames are only for who has a link, and many of them for who was let in. */
  #mostAfter(head: HttpBody['head'], request: IncomingMessage): number | 'no-link' | 'bad' {
    if (typeof head['do'] !== 'string') return 'bad';
    if (head['do'] === 'open') return HTTP_HEAD_BYTES;
    const known = this.#knownOf(head);
    if (!known) return 'no-link';
    if (head['do'] !== 'send' && head['do'] !== 'close') return HTTP_HEAD_BYTES;
    known.reading?.destroy();
    known.reading = request;
    request.once('close', () => {
      if (known.reading === request) known.reading = null;
    });
    const { frameBytes, helloBytes } = this.#options.limits;
    return known.isWelcome() ? frameBytes + HTTP_HEAD_BYTES : helloBytes;
  }

  #knownOf(head: HttpBody['head']): Known | undefined {
    return typeof head['link'] === 'string' ? this.#links.get(head['link']) : undefined;
  }

  #carryOut({ head, frames }: HttpBody, request: IncomingMessage, response: ServerResponse): void {
    if (head['do'] === 'open') return this.#open(head, request, response);
    const link = this.#knownOf(head)?.link;
    if (!link) return respond(response, 410, 'there is no such link');
    switch (head['do']) {
      case 'send':
        return this.#take(link, head['from'], frames, response);
      case 'poll':
        return this.#poll(link, head['after'], response);
      case 'close':
        this.#take(link, head['from'], frames, response);
        return link.leave();
      default:
        return this.#refuse(request, response, 400);
    }
  }

  #open(head: HttpBody['head'], request: IncomingMessage, response: ServerResponse): void {
    if (head['binding'] !== HTTP_BINDING_VERSION) return this.#refuse(request, response, 400);
    const status = refusalOf(request, this.#options) ?? this.#crowding(request);
    if (status !== null) return this.#refuse(request, response, status);
    const { hub, limits } = this.#options;
    const link = new HttpLink(limits);
    const address = peerAddress(request, this.#options);
    this.#remember({ link, isWelcome: hub.connect(link, request, address), reading: null }, networkOf(address));
    answer(response, { link: link.id, pollMs: limits.pollMs });
  }

  #take(link: HttpLink, from: unknown, frames: readonly string[], response: ServerResponse): void {
    if (!isCount(from) || from < 1) return respond(response, 400, 'from must be the number of a frame');
    if (link.isPaused) return tooFast(response);
    if (!link.take(from, frames)) return respond(response, 409, `the frames behind ${link.received} are missing`);
    const done = (): void => answer(response, { received: link.received });
    // A device sends its next frames after this answer.
    if (link.isPaused) link.once('resume', done);
    else done();
  }

  #poll(link: HttpLink, after: unknown, response: ServerResponse): void {
    if (!isCount(after)) return respond(response, 400, 'after must be the number of a frame, or 0');
    const poll: Poll = {
      after,
      answer(head, frames, delivered) {
        // Also when it was lost: who asks again is told again.
        response.once('close', delivered);
        answer(response, head, frames);
      },
      drop: () => response.destroy(),
    };
    response.once('close', () => link.lost(poll));
    if (!link.poll(poll)) respond(response, 400, 'after is the number of a frame that was never sent');
  }

  #remember(known: Known, address: string | null): void {
    const { link } = known;
    this.#links.set(link.id, known);
    if (address !== null) this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
    const forget = (): void => {
      this.#links.delete(link.id);
      if (address === null) return;
      const left = this.#perAddress.get(address)! - 1;
      if (left > 0) this.#perAddress.set(address, left);
      else this.#perAddress.delete(address);
    };
    // As long as its end is remembered it takes memory, and counts.
    link.once('close', () => (link.hasEnding ? void setTimeout(forget, LINGER_MS).unref() : forget()));
  }

  #crowding(request: IncomingMessage): number | null {
    const address = networkOf(peerAddress(request, this.#options));
    const links = address === null ? 0 : (this.#perAddress.get(address) ?? 0);
    return links < this.#options.limits.linksPerAddress ? null : 429;
  }

  #refuse(request: IncomingMessage, response: ServerResponse, status: number): void {
    this.#options.meter.turnedAway(status);
    this.#options.logger.info('link-refused', { status, from: peerAddress(request, this.#options) });
    if (status === 429 || status === 503) response.setHeader('Retry-After', '5');
    if (status === 426) response.setHeader('Upgrade', 'TLS/1.2');
    respond(response, status, REASONS[status] ?? 'refused');
  }
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'this is not a request of the HTTP binding',
  403: 'this origin may not connect',
  413: 'larger than a frame may be',
  426: 'this server is reached over TLS only',
  429: 'too many connections from this address, or too many tokens that were not good',
  431: 'too many headers',
  503: 'the server is stopping or full',
};

/** Its device has not waited for the answer to what it sent last. */
function tooFast(response: ServerResponse): void {
  response.setHeader('Retry-After', '1');
  respond(response, 429, 'the answer to the last frames is still to come');
}

/** The page of an origin that was let in may read the answer; cookies come along as they do with a WebSocket. */
function allowOrigin({ headers }: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Vary', 'Origin');
  if (headers.origin === undefined) return;
  response.setHeader('Access-Control-Allow-Origin', headers.origin);
  response.setHeader('Access-Control-Allow-Credentials', 'true');
  response.setHeader('Access-Control-Allow-Methods', 'POST');
  response.setHeader('Access-Control-Allow-Headers', 'content-type');
  response.setHeader('Access-Control-Max-Age', '600');
}

function answer(
  response: ServerResponse,
  head: OpenedHead | ReceivedHead | PolledHead,
  frames: readonly string[] = [],
): void {
  const body = Buffer.from(encodeHttpBody(head, frames));
  response.writeHead(200, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': body.length,
    'Cache-Control': 'no-store, no-transform',
  });
  response.end(body);
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function toText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
