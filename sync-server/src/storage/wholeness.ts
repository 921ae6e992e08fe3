/**
 * Whether a row still says what was written. SQLite does not notice a bit that turned over inside a text, and a damaged
 * one that is served would be taken for the truth by every device; so texts are held against the hashes beside them.
 */
import { hash } from 'node:crypto';
import {
  digestOfRecord,
  hashOfChange,
  recordFromJson,
  type Change,
  type Digest,
  type RecordJson,
} from '@skerry/sdk/kernel';

import { StorageError } from './port.ts';

export interface RecordRow {
  readonly state: string;
  readonly digest: string;
}

/** Throws a `damaged` StorageError. A deleted record counts nothing in the digest: that it can be read is all that is known. */
export function readRecord(c: string, id: string, { state, digest }: RecordRow): RecordJson {
  const json = parse<RecordJson>(state);
  const kept = parse<Digest>(digest);
  // What is hashed is nearly always the text itself. The platform's hash is the kernel's, several times as fast.
  if (isSame(kept, wordsOf(`${c}\u0000${id}\u0000${state}`)) || isSame(kept, digestAnew(c, id, json))) return json;
  throw damaged();
}

/** Of an entry of the log with its content hash, where it has one. Throws a `damaged` StorageError. */
export function checkText(text: string | null, kept: string | null): void {
  if (kept === null || text === null) return;
  // The stamp stands in front and is not covered.
  const covered = `{${text.slice(text.indexOf(',') + 1)}`;
  if (hash('sha256', covered, 'buffer').subarray(0, 16).toString('base64url') === kept) return;
  // Written by an early version in another order; or taken back by its device, with the hash of what it was.
  if (hashAnew(parse<Change>(text)) !== kept) throw damaged();
}

export function damaged(): StorageError {
  return new StorageError('damaged', 'a row of the database is damaged; `skerry-server doctor` says which');
}

function parse<T>(text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    // Without the cause: it quotes the text.
    throw damaged();
  }
}

function digestAnew(c: string, id: string, json: RecordJson): Digest | null {
  try {
    return digestOfRecord(c, id, recordFromJson(json));
  } catch {
    return null;
  }
}

function hashAnew(change: Change): string | null {
  try {
    return hashOfChange(change);
  } catch {
    return null;
  }
}

function wordsOf(text: string): Digest {
  const bytes = hash('sha256', text, 'buffer');
  return [bytes.readUInt32BE(0), bytes.readUInt32BE(4), bytes.readUInt32BE(8), bytes.readUInt32BE(12)];
}

function isSame(a: Digest, b: Digest | null): boolean {
  return b !== null && a.length === b.length && a.every((word, i) => word === b[i]);
}
