/** A storage in memory, for tests and trials: gone with the process, otherwise like any other. */
import {
  assert,
  canonicalJson,
  incOf,
  isExpired,
  reaches,
  settle,
  spaceKey,
  takeOver,
  viewSpace,
  recordNameOf,
  recordToJson,
} from '@skerry/sdk/kernel';
import type {
  Chain,
  Dot,
  Limits,
  NewEntry,
  Sid,
  SpaceMeta,
  SettledRecord,
  SpaceView,
  StoredEntry,
  VersionVector,
} from '@skerry/sdk/kernel';

import type { AccessRows } from './access-rows.ts';
import { memoryAccess } from './memory-access.ts';
import { emptySpace, pick, type SpaceData } from './memory-data.ts';
import { pinInMemory } from './memory-pin.ts';
import type {
  Cut,
  Look,
  Measured,
  PinnedSpace,
  Question,
  ReadLimit,
  SpaceQuestion,
  Storage,
  StorageSource,
  Transaction,
} from './port.ts';
import { questionOfSpace } from './questions.ts';
import { newSid } from './random.ts';
import { Serial } from './serial.ts';
import { writerIn } from './writer.ts';

/** Opened twice, it is the same data: as a file would be. */
export function memory(): StorageSource {
  const data: ServerData = { sid: newSid(), access: memoryAccess(), spaces: new Map() };
  const serial = new Serial();
  return { open: () => Promise.resolve(new MemoryStorage(data, serial)) };
}

interface ServerData {
  sid: Sid;
  readonly access: AccessRows;
  readonly spaces: Map<string, SpaceData>;
}

class MemoryStorage implements Storage {
  readonly #data: ServerData;
  readonly #serial: Serial;

  constructor(data: ServerData, serial: Serial) {
    this.#data = data;
    this.#serial = serial;
  }

  get sid(): Sid {
    return this.#data.sid;
  }

  get access(): AccessRows {
    return this.#data.access;
  }

  async look(space: string, { writers, cursor }: Question): Promise<Look> {
    const { meta, known, log } = this.#spaceOf(space);
    const missing = log.find((entry) => !reaches(cursor, entry.stamp));
    return {
      meta,
      known: pick(known, writers),
      chain: chainAt(meta, log, cursor),
      position: missing ? missing.lsn - 1 : meta.lsn,
    };
  }

  async read(space: string, after: number, max: ReadLimit): Promise<readonly StoredEntry[]> {
    const { log } = this.#spaceOf(space);
    const entries: StoredEntry[] = [];
    let bytes = 0;
    const first = log[0]?.lsn ?? 1;
    for (let i = Math.max(0, after + 1 - first); i < log.length && entries.length < max.entries; i++) {
      const { lsn, stamp, kind, dot, text, chain } = log[i]!;
      bytes += Buffer.byteLength(text ?? '');
      if (entries.length > 0 && bytes > max.bytes) break;
      entries.push({ lsn, stamp, kind, dot, text, chain });
    }
    return entries;
  }

  async spaces(after: string | null, max: number): Promise<readonly string[]> {
    const names = [...this.#data.spaces.keys()].sort();
    return names.filter((name) => after === null || name > after).slice(0, max);
  }

  async measure(space: string): Promise<Measured> {
    const { log, records } = this.#spaceOf(space);
    const texts = [
      ...log.map(({ text }) => text ?? ''),
      ...[...records].map(([key, record]) => key.replace('\u0000', '') + canonicalJson(recordToJson(record) as never)),
    ];
    const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    return { rows: texts.length, records: records.size, bytes, next: null };
  }

  async pin(space: string, limits: Limits): Promise<PinnedSpace> {
    return pinInMemory(this.#spaceOf(space), limits);
  }

  transact<T>(_spaces: readonly string[], work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#serial.run(async () => {
      const transaction = new MemoryTransaction(this.sid, (space) => this.#spaceOf(space));
      const result = await work(transaction);
      for (const [space, data] of transaction.commit()) this.#data.spaces.set(space, data);
      return result;
    });
  }

  async takeOver(): Promise<void> {
    const [old, next] = [this.sid, newSid()];
    await this.#serial.run(async () => {
      const transaction = new MemoryTransaction(next, (space) => this.#spaceOf(space));
      for (const space of this.#data.spaces.keys()) {
        const [view] = await transaction.views([questionOfSpace(space)]);
        takeOver(view!, old);
        await transaction.save(space, view!);
      }
      transaction.commit();
      this.#data.sid = next;
    });
  }

  async close(): Promise<void> {
    await this.#serial.run(async () => undefined);
  }

  #spaceOf(space: string): SpaceData {
    return this.#data.spaces.get(space) ?? emptySpace(this.sid);
  }
}

/** What it is told happens at its commit, and not before. */
class MemoryTransaction implements Transaction {
  readonly #sid: Sid;
  readonly #dataOf: (space: string) => SpaceData;
  readonly #touched = new Map<string, SpaceData>();
  readonly #views = new Map<string, { readonly view: SpaceView; readonly settled: readonly SettledRecord[] }>();
  readonly #steps: (() => void)[] = [];

  constructor(sid: Sid, dataOf: (space: string) => SpaceData) {
    this.#sid = sid;
    this.#dataOf = dataOf;
  }

  async views(questions: readonly SpaceQuestion[]): Promise<readonly SpaceView[]> {
    return questions.map(({ space, incs, dots, records }) => {
      const data = this.#touch(space);
      const keys = records.map(({ c, id }) => spaceKey(c, id));
      return viewSpace(this.#sid, data.meta, {
        known: pick(data.known, incs),
        hashes: pick(data.hashes, dots),
        records: pick(data.records, keys),
        sizes: pick(data.sizes, keys),
        bytes: data.bytes,
      });
    });
  }

  async save(space: string, view: SpaceView): Promise<void> {
    this.#touch(space);
    this.#views.set(space, { view, settled: settle(view) });
  }

  async cut(space: string, limit: VersionVector, max: number): Promise<readonly Cut[]> {
    const data = this.#touch(space);
    const end = data.log.findIndex((entry) => !reaches(limit, entry.stamp));
    const gone = data.log.slice(0, Math.min(max, end < 0 ? data.log.length : end));
    this.#steps.push(() => {
      data.log = data.log.slice(gone.length);
      for (const { dot } of gone) if (dot !== null) data.hashes.delete(dot);
      for (const { text } of gone) data.bytes -= Buffer.byteLength(text ?? '');
    });
    return gone;
  }

  async forget(space: string, horizon: VersionVector, max: number): Promise<number> {
    const data = this.#touch(space);
    const expired = [...data.records].filter(([key, record]) => isExpired(recordNameOf(key).id, record, horizon));
    const gone = expired.slice(0, max);
    this.#steps.push(() => {
      for (const [key] of gone) {
        data.records.delete(key);
        setSize(data, key, 0);
      }
    });
    return gone.length;
  }

  /** All or nothing: everything is checked before anything is changed. */
  commit(): ReadonlyMap<string, SpaceData> {
    for (const [space, { view }] of this.#views) check(this.#touch(space), view);
    for (const step of this.#steps) step();
    for (const [space, { view, settled }] of this.#views) keep(this.#touch(space), view, settled);
    return new Map([...this.#touched].filter(([space]) => this.#views.has(space)));
  }

  #touch(space: string): SpaceData {
    const data = this.#touched.get(space) ?? this.#dataOf(space);
    this.#touched.set(space, data);
    return data;
  }
}

function check({ meta, hashes }: SpaceData, { entries }: SpaceView): void {
  const dots = new Set<Dot>();
  for (const [i, { lsn, kind, dot }] of entries.entries()) {
    assert(lsn === meta.lsn + 1 + i, 'entries are numbered without gaps');
    if (kind !== 'change') continue;
    assert(!hashes.has(dot!) && !dots.has(dot!), 'a change is stored once in its space');
    dots.add(dot!);
  }
}

function keep(data: SpaceData, view: SpaceView, settled: readonly SettledRecord[]): void {
  for (const entry of view.entries) {
    data.log.push(entry);
    data.bytes += Buffer.byteLength(entry.text ?? '');
    if (entry.kind !== 'change') continue;
    data.hashes.set(entry.dot!, entry.hash!);
    const writer = writerIn(entry);
    if (writer) data.writers.set(incOf(entry.dot!), writer);
  }
  for (const inc of view.heard) data.known.set(inc, view.known.get(inc)!);
  for (const key of view.changed) data.records.set(key, view.records.get(key)!);
  for (const { c, id, text } of settled) setSize(data, spaceKey(c, id), Buffer.byteLength(text));
  data.meta = view.meta;
}

function setSize(data: SpaceData, key: string, bytes: number): void {
  data.bytes += bytes - (data.sizes.get(key) ?? 0);
  if (bytes > 0) data.sizes.set(key, bytes);
  else data.sizes.delete(key);
}

function chainAt(meta: SpaceMeta, log: readonly NewEntry[], cursor: VersionVector): Chain {
  const wanted = log.filter(({ stamp: [sid, n] }) => cursor[sid] === n);
  const ends = Object.keys(cursor).filter((sid) => cursor[sid]! > 0 && meta.cursor[sid] === cursor[sid]);
  return Object.fromEntries([
    ...wanted.map(({ stamp: [sid], chain }) => [sid, chain] as const),
    ...ends.map((sid) => [sid, meta.chain[sid]!] as const),
  ]);
}
