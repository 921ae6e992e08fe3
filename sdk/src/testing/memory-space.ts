/**
 * One space of a server, in memory: what is durable, and transactions over it that happen whole or not at all. The
 * decisions are those of `space/`; this only keeps what they say.
 */
import type { Change, Writer } from '../core/change.ts';
import { digestOfRecord, exchange } from '../core/digest.ts';
import { incOf, type Dot, type Inc } from '../core/dot.ts';
import type { RecordState } from '../core/record.ts';
import { isExpired } from '../core/tombstone.ts';
import { reaches } from '../core/topology.ts';
import type { Sid, VersionVector } from '../core/version-vector.ts';
import { recentChanges } from '../space/recent.ts';
import { cutAt, forgettable, remember, truncatable, truncated, type Retention } from '../space/retention.ts';
import { settle } from '../space/settle.ts';
import type { SnapshotSource } from '../space/snapshot.ts';
import {
  newSpaceMeta,
  viewSpace,
  type KnownWriter,
  type NewEntry,
  type SpaceMeta,
  type SpaceView,
} from '../space/space.ts';

export interface SpaceDisk {
  meta: SpaceMeta;
  /** What of the log is kept, in order. */
  log: readonly NewEntry[];
  readonly known: Map<Inc, KnownWriter>;
  readonly hashes: Map<Dot, string>;
  readonly records: Map<string, RecordState>;
  readonly writers: Map<Inc, Writer>;
}

export function emptySpace(founders: readonly Sid[]): SpaceDisk {
  return {
    meta: newSpaceMeta(founders),
    log: [],
    known: new Map(),
    hashes: new Map(),
    records: new Map(),
    writers: new Map(),
  };
}

/** The same contents; what is written to one does not show in the other. */
export function copySpace({ meta, log, known, hashes, records, writers }: SpaceDisk): SpaceDisk {
  return {
    meta,
    log,
    known: new Map(known),
    hashes: new Map(hashes),
    records: new Map(records),
    writers: new Map(writers),
  };
}

/** Reads all facts, lets `work` decide, and keeps what it decided. */
export function transact<T>(disk: SpaceDisk, sid: Sid, work: (view: SpaceView) => T): T {
  const view = viewSpace(sid, disk.meta, disk);
  const result = work(view);
  settle(view);
  for (const entry of view.entries) keepContent(disk, entry);
  for (const inc of view.heard) disk.known.set(inc, view.known.get(inc)!);
  for (const key of view.changed) disk.records.set(key, view.records.get(key)!);
  disk.log = [...disk.log, ...view.entries];
  disk.meta = view.meta;
  return result;
}

function keepContent(disk: SpaceDisk, { kind, dot, hash, text }: NewEntry): void {
  if (kind !== 'change') return;
  disk.hashes.set(dot!, hash!);
  const { writer } = JSON.parse(text!) as Change;
  if (writer) disk.writers.set(incOf(dot!), writer);
}

export function entriesAfter(disk: SpaceDisk, lsn: number, max: number): readonly NewEntry[] {
  const first = disk.log[0]?.lsn ?? disk.meta.lsn + 1;
  const from = Math.max(0, lsn + 1 - first);
  return disk.log.slice(from, from + max);
}

/** Behind which place of the log something begins that a receiver with this K lacks. */
export function positionFor(disk: SpaceDisk, cursor: VersionVector): number {
  const missing = disk.log.find((entry) => !reaches(cursor, entry.stamp));
  return missing ? missing.lsn - 1 : disk.meta.lsn;
}

export function chainAt(disk: SpaceDisk, sid: Sid, n: number): string | undefined {
  if (disk.meta.cursor[sid] === n) return disk.meta.chain[sid];
  return disk.log.find((entry) => entry.stamp[0] === sid && entry.stamp[1] === n)?.chain;
}

export function snapshotSource(disk: SpaceDisk, id: string): SnapshotSource {
  const { meta, records, log, writers } = disk;
  return {
    id,
    meta,
    records: [...records].map(([key, state]) => {
      const [c, record] = key.split('\u0000') as [string, string];
      return { c, id: record, state };
    }),
    recent: recentChanges(meta, [...log].reverse()),
    writerOf: (inc) => writers.get(inc),
    known: knownNow(disk),
  };
}

function knownNow({ known }: SpaceDisk): (inc: Inc) => KnownWriter | undefined {
  const then = new Map(known);
  return (inc) => then.get(inc);
}

/** Cuts the log, forgets deleted records, remembers where the log stands. Returns what went. */
export function compact(
  disk: SpaceDisk,
  nowMs: number,
  retention: Retention,
): { readonly entries: number; readonly records: number } {
  disk.meta = remember(disk.meta, nowMs, retention);
  const lsn = cutAt(disk.log, truncatable(disk.meta, nowMs, retention));
  const cut = disk.log.filter((entry) => entry.lsn <= lsn);
  disk.meta = truncated(disk.meta, cut);
  disk.log = disk.log.filter((entry) => entry.lsn > lsn);
  for (const entry of cut) if (entry.dot !== null) disk.hashes.delete(entry.dot);
  const horizon = forgettable(disk.meta);
  let records = 0;
  for (const [key, record] of disk.records) {
    const [collection, id] = key.split('\u0000') as [string, string];
    if (!isExpired(id, record, horizon)) continue;
    const digest = exchange(
      disk.meta.digest,
      digestOfRecord(collection, id, record),
      digestOfRecord(collection, id, undefined),
    );
    disk.meta = { ...disk.meta, digest };
    disk.records.delete(key);
    records++;
  }
  return { entries: cut.length, records };
}
