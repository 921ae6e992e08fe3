/**
 * A space that has devices connected: who they are, how long its log is, and the newest entries, which nearly every
 * live push needs and which are read from the storage only by those who are behind.
 */
import type { Limits, StoredEntry } from '@skerry/sdk/kernel';

import type { Storage } from '../storage/port.ts';

export interface Listener {
  grown(head: number): void;
}

const RECENT_BYTES = 1_048_576;

export class Room {
  readonly space: string;
  readonly #storage: Storage;
  readonly #limits: Limits;
  readonly #listeners = new Set<Listener>();
  #head = 0;
  /** The entries up to `#head`, without a gap. */
  #recent: readonly StoredEntry[] = [];

  constructor(space: string, storage: Storage, limits: Limits) {
    this.space = space;
    this.#storage = storage;
    this.#limits = limits;
  }

  get head(): number {
    return this.#head;
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

  /** Learns how long the log is from the storage; it may have grown since. */
  raise(head: number): void {
    if (head > this.#head) [this.#head, this.#recent] = [head, []];
  }

  /** Takes in what was just made durable. */
  append(entries: readonly StoredEntry[]): void {
    const follows = entries[0]!.n === this.#head + 1;
    this.#recent = trim(follows ? [...this.#recent, ...entries] : entries);
    this.#head = Math.max(this.#head, entries.at(-1)!.n);
  }

  /** Tells everybody how long the log is now. */
  announce(): void {
    for (const listener of this.#listeners) listener.grown(this.#head);
  }

  read(after: number): Promise<readonly StoredEntry[]> {
    const max = { entries: this.#limits.entriesPerPage, bytes: this.#limits.pageBytes };
    const first = this.#recent[0]?.n;
    const isRecent = first !== undefined && after + 1 >= first && after < this.#head;
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
  return Buffer.byteLength(entry.change ?? '');
}
