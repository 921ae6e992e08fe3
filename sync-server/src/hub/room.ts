/**
 * A space that has devices connected: who they are, where its log stands, and the newest entries, which nearly every
 * live push needs and which are read from the storage only by those who are behind.
 */
import {
  digestText,
  EMPTY_DIGEST,
  type Limits,
  type LogHead,
  type SpaceMeta,
  type StoredEntry,
} from '@skerry/sdk/kernel';

import type { Storage } from '../storage/port.ts';

export interface Listener {
  grown(head: LogHead): void;
}

/** Entries that follow a place, and the space's digest after the last of them when that is known. */
export interface LogPiece {
  readonly entries: readonly StoredEntry[];
  readonly digest?: string;
}

const RECENT_BYTES = 1_048_576;

export class Room {
  readonly space: string;
  readonly #storage: Storage;
  readonly #limits: Limits;
  readonly #listeners = new Set<Listener>();
  #end: Pick<SpaceMeta, 'lsn' | 'cursor' | 'digest'> = { lsn: 0, cursor: {}, digest: EMPTY_DIGEST };
  /** The entries up to the end, without a gap. */
  #recent: readonly StoredEntry[] = [];

  constructor(space: string, storage: Storage, limits: Limits) {
    this.space = space;
    this.#storage = storage;
    this.#limits = limits;
  }

  get head(): LogHead {
    const { lsn, cursor } = this.#end;
    return { lsn, cursor };
  }

  get isEmpty(): boolean {
    return this.#listeners.size === 0;
  }

  join(listener: Listener): void {
    this.#listeners.add(listener);
  }

  leave(listener: Listener): void {
    this.#listeners.delete(listener);
  }

  /** Learns where the log stands from the storage; it may have grown since. */
  raise(meta: SpaceMeta): void {
    if (meta.lsn > this.#end.lsn) [this.#end, this.#recent] = [meta, []];
  }

  /** Takes in what was just made durable, and where the log stands with it. */
  append(entries: readonly StoredEntry[], meta: SpaceMeta): void {
    // The storage may have told of it, and of more, before.
    if (meta.lsn < this.#end.lsn) return;
    const follows = entries[0]!.lsn === this.#end.lsn + 1;
    this.#recent = trim(follows ? [...this.#recent, ...entries] : entries);
    this.#end = meta;
  }

  /** Tells everybody where the log stands now. */
  announce(): void {
    for (const listener of this.#listeners) listener.grown(this.head);
  }

  /** Null when the log was cut behind `after`: from there only a snapshot leads on. */
  async read(after: number): Promise<LogPiece | null> {
    const entries = await this.#entriesAfter(after);
    const isCut = entries.length > 0 ? entries[0]!.lsn !== after + 1 : after < this.#end.lsn;
    if (isCut) return null;
    const { lsn, digest } = this.#end;
    return { entries, ...(entries.at(-1)?.lsn === lsn ? { digest: digestText(digest) } : {}) };
  }

  #entriesAfter(after: number): Promise<readonly StoredEntry[]> {
    const max = { entries: this.#limits.entriesPerPage, bytes: this.#limits.pageBytes };
    const first = this.#recent[0]?.lsn;
    const isRecent = first !== undefined && after + 1 >= first && after < this.#end.lsn;
    if (!isRecent) return this.#storage.read(this.space, after, max);
    return Promise.resolve(cut(this.#recent.slice(after + 1 - first), max));
  }
}

/** At least one entry, if there is one. */
function cut(
  entries: readonly StoredEntry[],
  max: { readonly entries: number; readonly bytes: number },
): readonly StoredEntry[] {
  let bytes = 0;
  let count = 0;
  while (count < entries.length && count < max.entries) {
    bytes += bytesOf(entries[count]!);
    if (count > 0 && bytes > max.bytes) break;
    count++;
  }
  return entries.slice(0, count);
}

/** Drops the oldest until the rest is small. */
function trim(entries: readonly StoredEntry[]): readonly StoredEntry[] {
  let bytes = 0;
  let from = entries.length;
  while (from > 0 && bytes + bytesOf(entries[from - 1]!) <= RECENT_BYTES) bytes += bytesOf(entries[--from]!);
  return entries.slice(from);
}

function bytesOf(entry: StoredEntry): number {
  return Buffer.byteLength(entry.text ?? '');
}
