/** A storage in memory, for tests and trials: gone with the process, otherwise like any other. */
import { assert, incOf, seqOf, type Dot, type Inc, type StoredEntry } from '@skerry/sdk/kernel';

import type {
  KnownWriter,
  NewEntry,
  ReadLimit,
  SpaceFacts,
  SpaceQuestion,
  Storage,
  StorageSource,
  Transaction,
} from './port.ts';
import { newSid } from './random.ts';
import { Serial } from './serial.ts';

/** Opened twice, it is the same data: as a file would be. */
export function memory(): StorageSource {
  const spaces = new Map<string, SpaceData>();
  const sid = newSid();
  const serial = new Serial();
  const source: StorageSource = { open: () => Promise.resolve(new MemoryStorage(sid, spaces, serial)) };
  return source;
}

interface SpaceData {
  readonly log: StoredEntry[];
  readonly hashes: Map<Dot, string>;
  readonly writers: Map<Inc, KnownWriter>;
}

const EMPTY: SpaceData = { log: [], hashes: new Map(), writers: new Map() };

class MemoryStorage implements Storage {
  readonly sid: string;
  readonly #spaces: Map<string, SpaceData>;
  readonly #serial: Serial;

  constructor(sid: string, spaces: Map<string, SpaceData>, serial: Serial) {
    this.sid = sid;
    this.#spaces = spaces;
    this.#serial = serial;
  }

  async head(space: string): Promise<number> {
    return this.#dataOf(space).log.length;
  }

  async known(space: string, incs: readonly Inc[]): Promise<ReadonlyMap<Inc, KnownWriter>> {
    return pick(this.#dataOf(space).writers, incs);
  }

  async read(space: string, after: number, max: ReadLimit): Promise<readonly StoredEntry[]> {
    const { log } = this.#dataOf(space);
    const entries: StoredEntry[] = [];
    let bytes = 0;
    for (let i = after; i < log.length && entries.length < max.entries; i++) {
      const entry = log[i]!;
      bytes += Buffer.byteLength(entry.change ?? '');
      if (entries.length > 0 && bytes > max.bytes) break;
      entries.push(entry);
    }
    return entries;
  }

  transact<T>(_spaces: readonly string[], work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#serial.run(async () => {
      const appended: NewEntry[] = [];
      const result = await work({
        facts: async (questions) => questions.map((question) => this.#factsOf(question)),
        append: async (entries) => void appended.push(...entries),
      });
      this.#apply(appended);
      return result;
    });
  }

  async close(): Promise<void> {
    await this.#serial.run(async () => undefined);
  }

  #dataOf(space: string): SpaceData {
    return this.#spaces.get(space) ?? EMPTY;
  }

  #factsOf({ space, incs, dots }: SpaceQuestion): SpaceFacts {
    const data = this.#dataOf(space);
    return { head: data.log.length, known: pick(data.writers, incs), hashes: pick(data.hashes, dots) };
  }

  /** All or nothing: everything is checked before anything is changed. */
  #apply(entries: readonly NewEntry[]): void {
    const heads = new Map<string, number>();
    const dots = new Set<string>();
    for (const { space, n, dot } of entries) {
      const data = this.#dataOf(space);
      const key = JSON.stringify([space, dot]);
      assert(n === (heads.get(space) ?? data.log.length) + 1, 'entries are numbered without gaps');
      assert(!data.hashes.has(dot) && !dots.has(key), 'a dot is unique in its space');
      heads.set(space, n);
      dots.add(key);
    }
    for (const entry of entries) this.#append(entry);
  }

  #append({ space, n, dot, hash, change, owner }: NewEntry): void {
    const data: SpaceData = this.#spaces.get(space) ?? { log: [], hashes: new Map(), writers: new Map() };
    this.#spaces.set(space, data);
    data.log.push({ n, dot, change });
    data.hashes.set(dot, hash);
    const before = data.writers.get(incOf(dot));
    data.writers.set(incOf(dot), { seq: seqOf(dot), owner: before ? before.owner : owner });
  }
}

function pick<K, V>(map: ReadonlyMap<K, V>, keys: readonly K[]): ReadonlyMap<K, V> {
  const found = new Map<K, V>();
  for (const key of keys) {
    const value = map.get(key);
    if (value !== undefined) found.set(key, value);
  }
  return found;
}
