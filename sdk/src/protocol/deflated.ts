/**
 * Which frames travel deflated, and how far one may unpack: told by its size before it is unpacked, so that a few bytes
 * cannot become a megabyte of work. Who sends keeps to it, and sends as text what would unpack further.
 */
import { utf8Length } from '../lib/utf8.ts';

/** Shorter ones gain next to nothing. */
const DEFLATE_FROM_CHARACTERS = 1_024;
/** Bytes of text for a byte that was sent, at most. */
export const MAX_INFLATE_RATIO = 64;

export function isWorthDeflating(text: string): boolean {
  return text.length >= DEFLATE_FROM_CHARACTERS;
}

/** Whether the text may be sent as these bytes. */
export function isSendable(text: string, deflated: Uint8Array): boolean {
  const bytes = utf8Length(text);
  return deflated.length < bytes && bytes <= deflated.length * MAX_INFLATE_RATIO;
}

/** How many bytes of text a deflated frame may have. */
export function mostInflated(deflatedBytes: number, frameBytes: number): number {
  return Math.min(frameBytes, deflatedBytes * MAX_INFLATE_RATIO);
}
