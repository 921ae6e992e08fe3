/**
 * Deflating and inflating with what the platform has. Both take their time beside the thread, so whoever uses them keeps the
 * order of the frames (`in-order.ts`).
 */
import { mostInflated } from '../protocol/deflated.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';

const FORMAT = 'deflate-raw';
/** So much is unpacked at once: what a hostile peer can make of it is within what the largest frame may be, a few times. */
const SLICE_BYTES = 8_192;

let isAble: boolean | undefined;

/** Browsers before 2023 have no raw deflate. */
export function canDeflate(): boolean {
  return (isAble ??= isSupported());
}

function isSupported(): boolean {
  try {
    return [CompressionStream, DecompressionStream].every(
      (Stream) => new Stream(FORMAT).readable instanceof ReadableStream,
    );
  } catch {
    return false;
  }
}

/** A blob would be simpler, and goes through another process. */
export async function deflate(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new TextEncoder().encode(text);
  const reader = slicesOf(bytes.buffer, bytes.length).pipeThrough(new CompressionStream(FORMAT)).getReader();
  const chunks: Uint8Array[] = [];
  for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value);
  const deflated = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    deflated.set(chunk, at);
    at += chunk.length;
  }
  return deflated;
}

/** Rejects what is no deflated text, and what is longer than a frame of this size may be. */
export async function inflate(bytes: ArrayBuffer): Promise<string> {
  let left = mostInflated(bytes.byteLength, DEFAULT_LIMITS.frameBytes);
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const reader = slicesOf(bytes, SLICE_BYTES).pipeThrough(new DecompressionStream(FORMAT)).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    left -= value.length;
    if (left < 0) {
      reader.cancel().catch(() => undefined);
      throw new RangeError('The frame unpacks too far.');
    }
    text += decoder.decode(value, { stream: true });
  }
}

function slicesOf(bytes: ArrayBuffer, size: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.byteLength) return controller.close();
      controller.enqueue(new Uint8Array(bytes, at, Math.min(size, bytes.byteLength - at)));
      at += size;
    },
  });
}
