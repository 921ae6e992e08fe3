/**
 * A space as one server holds it, seen from inside a transaction: what was read of it, and what the decisions made so
 * far have added. The storage reads the facts and writes the outcome; every decision in between is here, and the same
 * for SQLite, PostgreSQL and the simulation.
 */
import type { Digest } from '../core/digest.ts';
import { EMPTY_DIGEST } from '../core/digest.ts';
import type { Dot, Inc } from '../core/dot.ts';
import type { RecordState } from '../core/record.ts';
import { foundTopology, type Topology } from '../core/topology.ts';
import type { Sid, VersionVector } from '../core/version-vector.ts';
import type { StoredEntry } from '../protocol/codec.ts';
import type { Chain } from '../protocol/messages.ts';

/** What is kept once per space and changes with every transaction. */
export interface SpaceMeta {
  /** Place of the last entry in this server's log. */
  readonly lsn: number;
  /** K: the log holds, or held, every entry up to here. */
  readonly cursor: VersionVector;
  /** Chain hash of every server's stream at K. */
  readonly chain: Chain;
  readonly topology: Topology;
  /** T: entries at or below it may be gone from the log. */
  readonly truncated: VersionVector;
  /** Sum over all records. */
  readonly digest: Digest;
  /** K at earlier times, oldest first: where the horizon comes from. */
  readonly history: readonly { readonly atMs: number; readonly cursor: VersionVector }[];
  /** Whether a change or an alias came in after the last publication. */
  readonly hasNews: boolean;
  /** Whether the last point of the history has every change and alias. */
  readonly isRemembered: boolean;
}

export interface KnownWriter {
  readonly seq: number;
  /** Id of the principal that wrote its first change; null without authentication. */
  readonly owner: string | null;
  /** Its changes that are here without their content, because a device took them back; absent when there are none. */
  readonly voids?: readonly number[];
}

/** An entry to append, with what the storage keeps beside it. */
export interface NewEntry extends StoredEntry {
  readonly chain: string;
  /** Content hash of a change. */
  readonly hash: string | null;
  readonly owner: string | null;
}

/** Read at the begin of a transaction; mutable, because several pushes of one space may be decided in it. */
export interface SpaceView {
  readonly sid: Sid;
  meta: SpaceMeta;
  readonly known: Map<Inc, KnownWriter>;
  /** Content hashes under the dots that were asked about. */
  readonly hashes: Map<Dot, string>;
  /** The records that were asked about and exist, by spaceKey(). */
  readonly records: Map<string, RecordState>;
  /** The same records as they were read. */
  readonly found: ReadonlyMap<string, RecordState>;
  /** Digests of records as `meta.digest` has them, where they were read or computed already. */
  readonly digests: Map<string, Digest>;
  /** Bytes of records as they are kept, where the storage has told or it was counted: an upper bound once they were changed. */
  readonly sizes: Map<string, number>;
  /** What log and records take, in bytes of their JSON text: an upper bound once something was added. */
  bytes: number;
  /** To append, in order. */
  readonly entries: NewEntry[];
  /** Keys of records that are to be written. */
  readonly changed: Set<string>;
  /** Writers that are to be written. */
  readonly heard: Set<Inc>;
}

export function newSpaceMeta(founders: readonly Sid[]): SpaceMeta {
  return {
    lsn: 0,
    cursor: {},
    chain: {},
    topology: foundTopology(founders),
    truncated: {},
    digest: EMPTY_DIGEST,
    history: [],
    hasNews: false,
    isRemembered: true,
  };
}

export function viewSpace(
  sid: Sid,
  meta: SpaceMeta,
  facts: {
    readonly known: ReadonlyMap<Inc, KnownWriter>;
    readonly hashes: ReadonlyMap<Dot, string>;
    readonly records: ReadonlyMap<string, RecordState>;
    readonly digests?: ReadonlyMap<string, Digest>;
    readonly sizes?: ReadonlyMap<string, number>;
    readonly bytes?: number;
  },
): SpaceView {
  return {
    sid,
    meta,
    known: new Map(facts.known),
    hashes: new Map(facts.hashes),
    records: new Map(facts.records),
    found: facts.records,
    digests: new Map(facts.digests),
    sizes: new Map(facts.sizes),
    bytes: facts.bytes ?? 0,
    entries: [],
    changed: new Set(),
    heard: new Set(),
  };
}

/** Neither a collection's name nor an id can hold the separator. */
export function spaceKey(collection: string, id: string): string {
  return `${collection}\u0000${id}`;
}

export function recordNameOf(key: string): { readonly c: string; readonly id: string } {
  const end = key.indexOf('\u0000');
  return { c: key.slice(0, end), id: key.slice(end + 1) };
}
