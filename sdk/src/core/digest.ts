/**
 * A digest of a whole space that is kept up to date record by record: the sum of its records' hashes modulo 2^128. Two
 * replicas at the same K with different digests do not hold the same, whatever went wrong.
 */
import { hash128Words } from '../lib/hash.ts';
import { lifeStatus, type RecordState } from './record.ts';
import { contentOfRecord } from './record-json.ts';

/** Four words of 32 bits, the lowest first. */
export type Digest = readonly [number, number, number, number];

export const EMPTY_DIGEST: Digest = [0, 0, 0, 0];

/** Deleted records count nothing: when they are forgotten is each replica's own affair. */
export function digestOfRecord(collection: string, id: string, record: RecordState | undefined): Digest {
  if (!record || lifeStatus(record) === 'dead') return EMPTY_DIGEST;
  return digestOfContent(collection, id, contentOfRecord(record));
}

/** Of a record that is not dead, by its `contentOfRecord`. */
export function digestOfContent(collection: string, id: string, content: string): Digest {
  return hash128Words(`${collection}\u0000${id}\u0000${content}`);
}

/** `digest` with a record's part exchanged. */
export function exchange(digest: Digest, before: Digest, after: Digest): Digest {
  return add(subtract(digest, before), after);
}

export function digestText(digest: Digest): string {
  return digest.map((word) => word.toString(16).padStart(8, '0')).join('');
}

function add(a: Digest, b: Digest): Digest {
  return combine(a, b, 1);
}

function subtract(a: Digest, b: Digest): Digest {
  return combine(a, b, -1);
}

function combine(a: Digest, b: Digest, sign: 1 | -1): Digest {
  let carry = 0;
  const sum = a.map((word, i) => {
    const total = word + sign * b[i]! + carry;
    carry = Math.floor(total / 2 ** 32);
    return total - carry * 2 ** 32;
  });
  return sum as unknown as Digest;
}
