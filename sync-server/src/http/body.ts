/**
 * The body of a request of the HTTP binding, read with suspicion: its head first, which says whether anything may follow, and
 * never more than that allows.
 */
import type { IncomingMessage } from 'node:http';
import { HTTP_HEAD_BYTES, type HttpBody } from '@skerry/sdk/kernel';

const NEWLINE = 0x0a;

export type Body = Buffer | 'too-large' | 'bad' | 'no-link' | 'gone';

/** `mostAfter`: how many bytes may follow a head. Stops reading as soon as it is too much. */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  mostAfter: (head: HttpBody['head']) => number | 'no-link' | 'bad',
): Promise<Body> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return 'too-large';
  const gathered = new Gathered();
  let most: number | null = null;
  try {
    // Not destroyed when it is too much: who sent it is to hear so.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      gathered.add(chunk);
      if (most === null) {
        const after = afterHead(gathered.bytes, mostAfter);
        if (typeof after === 'string') return after;
        most = after;
      }
      if (most !== null && gathered.bytes.length > most) return 'too-large';
    }
  } catch {
    return 'gone';
  }
  return gathered.bytes;
}

/** Bytes in one piece, however small the pieces are in which they come: a list of those would take a hundred times as much. */
class Gathered {
  #buffer = Buffer.alloc(HTTP_HEAD_BYTES);
  #length = 0;

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  add(chunk: Buffer): void {
    const length = this.#length + chunk.length;
    if (length > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(length, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    chunk.copy(this.#buffer, this.#length);
    this.#length = length;
  }
}

/** How long the whole may be; null while the head has not come. */
function afterHead(
  start: Buffer,
  mostAfter: (head: HttpBody['head']) => number | 'no-link' | 'bad',
): number | null | 'bad' | 'no-link' {
  const end = start.subarray(0, HTTP_HEAD_BYTES + 1).indexOf(NEWLINE);
  if (end < 0) return start.length > HTTP_HEAD_BYTES ? 'bad' : null;
  const head = parse(start.toString('utf8', 0, end));
  if (head === null) return 'bad';
  const most = mostAfter(head);
  return typeof most === 'string' ? most : end + 1 + most;
}

function parse(text: string): HttpBody['head'] | null {
  try {
    const head: unknown = JSON.parse(text);
    return typeof head === 'object' && head !== null && !Array.isArray(head) ? (head as HttpBody['head']) : null;
  } catch {
    return null;
  }
}
