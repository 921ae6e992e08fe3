/**
 * A synchronous 128-bit content hash: WebCrypto is asynchronous, and awaiting it inside an IndexedDB transaction
 * would commit the transaction half done.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';

import { base64Url } from './base64url.ts';

/** The first 128 bits of SHA-256 over the UTF-8 text, as 22 characters of base64url. */
export function hash128(text: string): string {
  return base64Url(sha256(utf8ToBytes(text)).subarray(0, 16));
}

/** The same 128 bits as four words, for sums. */
export function hash128Words(text: string): readonly [number, number, number, number] {
  const bytes = sha256(utf8ToBytes(text));
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return [view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12)];
}
