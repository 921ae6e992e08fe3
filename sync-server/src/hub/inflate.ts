/** Deflated frames of a device as text. At once, so that their order is that of the socket; a frame can only unpack so far. */
import { inflateRawSync } from 'node:zlib';
import { mostInflated, type Limits } from '@skerry/sdk/kernel';
import type { RawData } from 'ws';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export type Inflated =
  | { readonly type: 'ok'; readonly text: string }
  | { readonly type: 'bad'; readonly code: 'BAD_FRAME' | 'TOO_LARGE'; readonly message: string };

export function inflateFrame(data: RawData | string, { frameBytes }: Limits): Inflated {
  const bytes = bytesOf(data);
  try {
    const maxOutputLength = Math.max(1, mostInflated(bytes.length, frameBytes));
    return { type: 'ok', text: decoder.decode(inflateRawSync(bytes, { maxOutputLength })) };
  } catch (failure) {
    const isTooLarge = failure instanceof RangeError && 'code' in failure && failure.code === 'ERR_BUFFER_TOO_LARGE';
    if (isTooLarge) return { type: 'bad', code: 'TOO_LARGE', message: 'a binary frame unpacks too far' };
    return { type: 'bad', code: 'BAD_FRAME', message: 'a binary frame is no deflated text' };
  }
}

function bytesOf(data: RawData | string): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return typeof data === 'string' ? Buffer.from(data) : Buffer.isBuffer(data) ? data : Buffer.from(data);
}
