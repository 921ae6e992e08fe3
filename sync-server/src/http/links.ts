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

import { isSyncPath, mayTalk, refusalOf, type DoorOptions } from './door.ts';
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

class Links {
  readonly #options: DoorOptions;
  readonly #links = new Map<string, HttpLink>();
  readonly #perAddress = new Map<string, number>();

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!mayTalk(request, this.#options)) return this.#refuse(request, response, 403);
    allowOrigin(request, response);
    if (request.method === 'OPTIONS') return void response.writeHead(204).end();
    const body = await readBody(request, this.#options.limits.frameBytes + HTTP_HEAD_BYTES);
    if (body === 'gone') return;
    if (body === 'too-large') {
      response.setHeader('Connection', 'close');
      return this.#refuse(request, response, 413);
    }
    const decoded = decodeHttpBody(body, toText);
    if (decoded === null) return this.#refuse(request, response, 400);
    this.#carryOut(decoded, request, response);
  }

  #carryOut({ head, frames }: HttpBody, request: IncomingMessage, response: ServerResponse): void {
    if (head['do'] === 'open') return this.#open(head, request, response);
    const link = typeof head['link'] === 'string' ? this.#links.get(head['link']) : undefined;
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
    this.#remember(link, this.#addressOf(request));
    hub.connect(link, request);
    answer(response, { link: link.id, pollMs: limits.pollMs });
  }

  #take(link: HttpLink, from: unknown, frames: readonly string[], response: ServerResponse): void {
    if (!isCount(from) || from < 1) return respond(response, 400, 'from must be the number of a frame');
    if (!link.take(from, frames)) return respond(response, 409, `the frames behind ${link.received} are missing`);
    answer(response, { received: link.received });
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

  #remember(link: HttpLink, address: string): void {
    this.#links.set(link.id, link);
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
    const forget = (): void => {
      this.#links.delete(link.id);
      const left = this.#perAddress.get(address)! - 1;
      if (left > 0) this.#perAddress.set(address, left);
      else this.#perAddress.delete(address);
    };
    // As long as its end is remembered it takes memory, and counts.
    link.once('close', () => (link.hasEnding ? void setTimeout(forget, LINGER_MS).unref() : forget()));
  }

  #crowding(request: IncomingMessage): number | null {
    const links = this.#perAddress.get(this.#addressOf(request)) ?? 0;
    return links < this.#options.limits.linksPerAddress ? null : 429;
  }

  /** Behind a proxy that is trusted, the address that it has seen. Asked for while the socket is there, so that it stays known. */
  #addressOf({ headers, socket }: IncomingMessage): string {
    const own = socket.remoteAddress ?? '';
    const forwarded = this.#options.rules.trustProxy ? headers['x-forwarded-for'] : undefined;
    return typeof forwarded === 'string' ? forwarded.split(',').at(-1)!.trim() : own;
  }

  #refuse(request: IncomingMessage, response: ServerResponse, status: number): void {
    this.#options.logger.info('link-refused', { status, from: request.socket.remoteAddress ?? null });
    if (status === 429 || status === 503) response.setHeader('Retry-After', '5');
    respond(response, status, REASONS[status] ?? 'refused');
  }
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'this is not a request of the HTTP binding',
  403: 'this origin may not connect',
  413: 'larger than a frame may be',
  429: 'too many links from this address',
  503: 'the server is stopping or full',
};

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

/** Stops reading as soon as it is too much. */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | 'too-large' | 'gone'> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return 'too-large';
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // Not destroyed when it is too much: who sent it is to hear so.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) return 'too-large';
      chunks.push(chunk);
    }
  } catch {
    return 'gone';
  }
  return Buffer.concat(chunks);
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function toText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
