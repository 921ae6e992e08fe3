/** What is read and written of spaces inside a transaction. */
import {
  assert,
  incOf,
  isExpired,
  newSpaceMeta,
  reaches,
  recordFromJson,
  seqOf,
  settle,
  spaceKey,
  viewSpace,
} from '@skerry/sdk/kernel';
import type {
  Digest,
  Dot,
  NewEntry,
  RecordState,
  SettledRecord,
  Sid,
  SpaceView,
  Stamp,
  VersionVector,
} from '@skerry/sdk/kernel';

import { deathOf } from '../death.ts';
import type { Cut, RecordName, SpaceQuestion, Transaction } from '../port.ts';
import { writerIn } from '../writer.ts';
import { knownOf } from './reading.ts';
import { addSpace, findSpace, setSpace, type Space } from './space-row.ts';
import type { Statements } from './statements.ts';
import { readRecord, type RecordRow } from '../wholeness.ts';

/** The methods are synchronous; SQLite is. */
export class SqliteTransaction {
  readonly #sid: Sid;
  readonly #statements: Statements;
  /** As they were when the transaction first read them; null for one that is not there yet. */
  readonly #spaces = new Map<string, Space | null>();

  constructor(sid: Sid, statements: Statements) {
    this.#sid = sid;
    this.#statements = statements;
  }

  asPort(): Transaction {
    return {
      views: async (questions) => questions.map((question) => this.view(question)),
      save: async (space, view) => this.save(space, view),
      cut: async (space, limit, max) => this.#cut(space, limit, max),
      forget: async (space, horizon, max) => this.#forget(space, horizon, max),
    };
  }

  view({ space, incs, dots, records }: SpaceQuestion): SpaceView {
    const found = this.#find(space);
    if (!found) return viewSpace(this.#sid, newSpaceMeta([this.#sid]), NO_FACTS);
    const known = knownOf(this.#statements, found.id, incs);
    const asked = new Set(incs);
    // Nothing is stored under a dot beyond what is known of its writer: nearly all that is pushed.
    const isNew = (dot: Dot): boolean => asked.has(incOf(dot)) && seqOf(dot) > (known.get(incOf(dot))?.seq ?? 0);
    return viewSpace(this.#sid, found.meta, {
      known,
      hashes: this.#hashes(
        found.id,
        dots.filter((dot) => !isNew(dot)),
      ),
      ...this.#records(found.id, records),
      bytes: this.#statements.sizeOfSpace.get(found.id) as number,
    });
  }

  save(space: string, view: SpaceView): void {
    const records = settle(view);
    const id = this.#setMeta(space, view);
    for (const entry of view.entries) this.#addEntry(id, entry);
    for (const inc of view.heard) {
      const { seq, owner, voids } = view.known.get(inc)!;
      this.#statements.setWriter.run(id, inc, seq, owner, voids ? JSON.stringify(voids) : null);
    }
    for (const entry of view.entries) {
      const writer = entry.kind === 'change' ? writerIn(entry) : null;
      if (writer) this.#statements.describeWriter.run(JSON.stringify(writer), id, incOf(entry.dot!));
    }
    for (const record of records) this.#setRecord(id, record, view.records.get(spaceKey(record.c, record.id))!);
  }

  #cut(space: string, limit: VersionVector, max: number): readonly Cut[] {
    const found = this.#find(space);
    if (!found) return [];
    const cut: Cut[] = [];
    let last = 0;
    const rows = this.#statements.stamps.iterate(found.id, max) as IterableIterator<StampRow>;
    for (const { lsn, sid, n } of rows) {
      const stamp: Stamp = [sid, n];
      if (!reaches(limit, stamp)) break;
      cut.push({ stamp });
      last = lsn;
    }
    if (cut.length > 0) this.#statements.cutLog.run(found.id, last);
    return cut;
  }

  #forget(space: string, horizon: VersionVector, max: number): number {
    const found = this.#find(space);
    if (!found) return 0;
    const expired: { readonly collection: string; readonly id: string }[] = [];
    for (const [sid, n] of Object.entries(horizon)) {
      const rows = this.#statements.dead.iterate(found.id, sid, n) as IterableIterator<DeadRow>;
      for (const { collection, id, state, digest } of rows) {
        if (expired.length === max) break;
        // The index knows one delete of the record; there may be others.
        const record = recordFromJson(readRecord(collection, id, { state, digest }));
        if (isExpired(id, record, horizon)) expired.push({ collection, id });
      }
    }
    for (const { collection, id } of expired) this.#statements.forget.run(found.id, collection, id);
    return expired.length;
  }

  #find(space: string): Space | null {
    const known = this.#spaces.get(space);
    if (known !== undefined) return known;
    const found = findSpace(this.#statements, space);
    this.#spaces.set(space, found);
    return found;
  }

  #hashes(space: number, dots: readonly Dot[]): ReadonlyMap<Dot, string> {
    const hashes = new Map<Dot, string>();
    for (const dot of dots) {
      const hash = this.#statements.hash.get(space, incOf(dot), seqOf(dot)) as string | undefined;
      if (hash !== undefined) hashes.set(dot, hash);
    }
    return hashes;
  }

  #records(space: number, names: readonly RecordName[]): Pick<SpaceView, 'records' | 'digests' | 'sizes'> {
    const records = new Map<string, RecordState>();
    const digests = new Map<string, Digest>();
    const sizes = new Map<string, number>();
    for (const { c, id } of names) {
      const row = this.#statements.record.get(space, c, id) as RecordRow | undefined;
      if (!row) continue;
      const key = spaceKey(c, id);
      records.set(key, recordFromJson(readRecord(c, id, row)));
      digests.set(key, JSON.parse(row.digest) as Digest);
      sizes.set(key, Buffer.byteLength(row.state));
    }
    return { records, digests, sizes };
  }

  #setMeta(space: string, { meta, entries }: SpaceView): number {
    const before = this.#find(space);
    const end = before?.meta.lsn ?? 0;
    assert(
      meta.lsn === end + entries.length && entries.every(({ lsn }, i) => lsn === end + 1 + i),
      'entries are numbered without gaps',
    );
    if (before) {
      setSpace(this.#statements, before, meta);
      this.#spaces.set(space, { ...before, meta });
      return before.id;
    }
    const id = addSpace(this.#statements, space, meta);
    this.#spaces.set(space, { id, meta });
    return id;
  }

  #addEntry(space: number, { lsn, stamp: [sid, n], kind, dot, hash, chain, text }: NewEntry): void {
    const [inc, seq] = dot === null ? [null, null] : [incOf(dot), seqOf(dot)];
    this.#statements.addEntry.run(space, lsn, sid, n, kind, inc, seq, hash, chain, text);
  }

  #setRecord(space: number, { c, id, text, digest }: SettledRecord, record: RecordState): void {
    const [sid, n] = deathOf(id, record) ?? [null, null];
    this.#statements.setRecord.run(space, c, id, text, JSON.stringify(digest), sid, n);
  }
}

interface StampRow {
  readonly lsn: number;
  readonly sid: Sid;
  readonly n: number;
}

interface DeadRow extends RecordRow {
  readonly collection: string;
  readonly id: string;
}

const NO_FACTS = { known: new Map(), hashes: new Map(), records: new Map() };
