/**
 * The bodies of the HTTP binding: what carries frames where WebSocket is blocked. A body is a head, which is one JSON
 * object on a line of its own, and then the frames, one after the other, whose sizes in bytes the head lists.
 *
 * Frames of each direction are numbered from 1. Every request says what it is about by number, so it can be repeated
 * after an answer was lost, and an answer can be asked for again: nothing is lost, nothing counts twice.
 */
import { utf8Length } from '../lib/utf8.ts';

export const HTTP_BINDING_VERSION = 1;

/** What a device asks for; every request is a POST to the address that also speaks WebSocket. */
export type HttpRequestHead =
  | { readonly do: 'open'; readonly binding: number }
  /** Frames of the device, the first of them with the number `from`. */
  | { readonly do: 'send'; readonly link: string; readonly from: number }
  /** Answered when there are frames behind `after`, or after a while without any. Everything up to `after` has arrived. */
  | { readonly do: 'poll'; readonly link: string; readonly after: number }
  /** The device is done; its last frames may come along. */
  | { readonly do: 'close'; readonly link: string; readonly from: number };

/** The answer to `open`. */
export interface OpenedHead {
  readonly link: string;
  /** How long a poll may be held, in milliseconds. */
  readonly pollMs: number;
}

/** The answer to `send` and `close`: everything up to this number has arrived. */
export interface ReceivedHead {
  readonly received: number;
}

/** The answer to `poll`: frames from number `from` on; `closed` when the link has ended and these are its last. */
export interface PolledHead {
  readonly from: number;
  readonly closed?: { readonly code: number; readonly reason: string };
}

export interface HttpBody {
  readonly head: Readonly<Record<string, unknown>>;
  readonly frames: readonly string[];
}

/** Largest head in bytes. */
export const HTTP_HEAD_BYTES = 4_096;
/** Most frames in one body. */
export const HTTP_FRAMES_PER_BODY = 256;

const NEWLINE = 0x0a;

export function encodeHttpBody(
  head: HttpRequestHead | OpenedHead | ReceivedHead | PolledHead,
  frames: readonly string[] = [],
): string {
  const whole = frames.length === 0 ? head : { ...head, bytes: frames.map(utf8Length) };
  return `${JSON.stringify(whole)}\n${frames.join('')}`;
}

/** Null for what is no such body, such as the page of a captive portal. `toText` throws for what is not UTF-8. */
export function decodeHttpBody(body: Uint8Array, toText: (bytes: Uint8Array) => string): HttpBody | null {
  const end = body.subarray(0, HTTP_HEAD_BYTES + 1).indexOf(NEWLINE);
  if (end < 0) return null;
  try {
    const head: unknown = JSON.parse(toText(body.subarray(0, end)));
    if (typeof head !== 'object' || head === null || Array.isArray(head)) return null;
    const sizes: unknown = Object.hasOwn(head, 'bytes') ? (head as { readonly bytes: unknown }).bytes : [];
    if (!areSizes(sizes, body.length - end - 1)) return null;
    let at = end + 1;
    const frames = sizes.map((size) => toText(body.subarray(at, (at += size))));
    return { head: head as HttpBody['head'], frames };
  } catch {
    return null;
  }
}

/** Sizes that together are exactly what there is. */
function areSizes(sizes: unknown, total: number): sizes is readonly number[] {
  if (!Array.isArray(sizes) || sizes.length > HTTP_FRAMES_PER_BODY) return false;
  let sum = 0;
  for (const size of sizes as readonly unknown[]) {
    if (!Number.isSafeInteger(size) || (size as number) < 0) return false;
    sum += size as number;
  }
  return sum === total;
}
