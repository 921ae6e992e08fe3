/**
 * What has become of changes of this device, asked for all at once. A change is found by its dot, and where that was
 * exchanged (its writer cannot go on after a server lost what came before), by its place in the outbox, which stays.
 */
import type { Dexie } from 'dexie';

import { incOf, seqOf, type Dot, type Inc } from '../core/dot.ts';
import { dotsIn } from '../core/record.ts';
import { knownEverywhere, reaches, type Topology } from '../core/topology.ts';
import type { Stamp, VersionVector } from '../core/version-vector.ts';
import {
  CONFLICTS,
  META,
  OUTBOX,
  RECORDS,
  REJECTED,
  type ConflictRow,
  type OutboxRow,
  type RejectedRow,
  type ReplicaRow,
  type SeenWriter,
} from './layout.ts';
import { recordRow, type StoredRecordRow } from './packed-record.ts';
import { readSpace } from './space-row.ts';

export interface AskedChange {
  readonly dot: Dot;
  /** Its place in the outbox of this device: another one, after the database was cleared, has other changes there. */
  readonly order: number;
  readonly deviceId: string;
  /** One of the records that it wrote, when it is known to have been taken back: a server may have taken it all the same. */
  readonly takenBack?: readonly [collection: string, id: string];
}

export interface ChangeFate {
  /** Under which it waits, or has left. */
  readonly dot: Dot;
  readonly isPending: boolean;
  /** Its place in the outbox, while it is pending. */
  readonly order: number | null;
  /** It only holds its place: what it wrote was withdrawn. */
  readonly isEmptied: boolean;
  readonly isInLog: boolean;
}

export interface ChangeFates {
  readonly fates: readonly ChangeFate[];
  readonly rejected: readonly RejectedRow[];
  readonly conflicts: readonly ConflictRow[];
  readonly servers: KnownServers;
}

/** Where the servers stand, as far as this device was told. */
export interface KnownServers {
  readonly topology: Topology | null;
  readonly cursor: VersionVector;
  /** Writers of which not everything is known to every server. */
  readonly seen: Readonly<Record<Inc, SeenWriter>>;
}

/** Costs as much as is asked for, whatever the length of the outbox. */
export function readFates(dexie: Dexie, asked: readonly AskedChange[]): Promise<ChangeFates> {
  return dexie.transaction('r', [OUTBOX, REJECTED, CONFLICTS, META, RECORDS], async () => {
    const { cursor, deviceId } = (await dexie.table(META).get('replica')) as ReplicaRow;
    const fates = await Promise.all(asked.map((change) => readFate(dexie, deviceId, change)));
    const rejected = (await dexie.table(REJECTED).toArray()) as RejectedRow[];
    const conflicts = (await dexie.table(CONFLICTS).toArray()) as ConflictRow[];
    const { topology, seen } = await readSpace(dexie.table(META) as never);
    return { fates, rejected, conflicts, servers: { topology, cursor, seen } };
  });
}

async function readFate(dexie: Dexie, here: string, asked: AskedChange): Promise<ChangeFate> {
  const { dot, order, deviceId, takenBack } = asked;
  const outbox = dexie.table<OutboxRow>(OUTBOX);
  const named = await outbox.where('dot').equals(dot).first();
  const placed = named ?? (deviceId === here ? await outbox.get([order, 0]) : undefined);
  // Places in front of the outbox are given to what is offered again, also those that were left.
  const row = named || !placed?.relay ? placed : undefined;
  const isInLog = takenBack !== undefined && !row && (await isApplied(dexie, dot, takenBack));
  if (!row) return { dot, isPending: false, order: null, isEmptied: false, isInLog };
  const isEmptied = row.recs.length === 0 && row.head?.was !== undefined && row.head.kind !== 'recover';
  return { dot: row.dot ?? dot, isPending: true, order: row.order, isEmptied, isInLog };
}

async function isApplied(dexie: Dexie, dot: Dot, key: readonly [string, string]): Promise<boolean> {
  const stored = await dexie.table<StoredRecordRow>(RECORDS).get([...key]);
  const base = stored && recordRow(stored).base;
  return base !== undefined && dotsIn(base).includes(dot);
}

/**
 * Until when to wait for every server: null when all of them have it. The stamp may be the one of a later change of its
 * writer: a server takes those in their order only.
 */
export function notKnownEverywhere({ topology, seen }: KnownServers, dot: Dot): Stamp | 'unknown' | null {
  if (!topology) return 'unknown';
  const writer = Object.hasOwn(seen, incOf(dot)) ? seen[incOf(dot)]! : null;
  return writer && writer.seq >= seqOf(dot) ? writer.stamp : null;
}

export function isKnownEverywhere({ topology, cursor }: KnownServers, stamp: Stamp): boolean {
  return topology !== null && reaches(knownEverywhere(topology, cursor), stamp);
}
