/**
 * The internal stores of a device's database, beside one table per collection. They move together with the rows in
 * one IndexedDB transaction; nobody else writes them.
 */
import type { Change, Op, RecordChange, Writer } from '../core/change.ts';
import type { OpenConflict } from '../core/conflict.ts';
import type { OpenConstraintConflict } from '../core/constraint.ts';
import type { Hlc } from '../core/clock.ts';
import { EMPTY_DIGEST, type Digest } from '../core/digest.ts';
import type { Dot, Inc } from '../core/dot.ts';
import { lifeStatus, type RecordState } from '../core/record.ts';
import { VERSION_PATH } from '../core/paths.ts';
import type { Topology } from '../core/topology.ts';
import type { Stamp, VersionVector } from '../core/version-vector.ts';
import { isUuidV7 } from '../lib/ids.ts';
import type { Bootstrap, Chain, Snapshot } from '../protocol/messages.ts';
import type { Refused } from './device-store.ts';
import type { LocalFields } from './local-fields.ts';

export const RECORDS = '$records';
export const OUTBOX = '$outbox';
export const CONFLICTS = '$conflicts';
export const WRITERS = '$writers';
/** Writes that a server does not take, until somebody decides. */
export const REJECTED = '$rejected';
/** The index of constraints: what each record claims. */
export const CLAIMS = '$claims';
/** Rows that break a constraint together. */
export const COMPONENTS = '$components';
// Not '$meta': Dexie keeps its own version number in a store of that name.
export const META = '$replica';
/** What writes have taken away from records, within limits (`history-limits.ts`). */
export const HISTORY = '$history';
export const TAIL = '$tail';
export const SNAPSHOT = '$snapshot';
export const QUARANTINE = '$quarantine';

/** What a local write touches; the rest is the worker's, and no write waits for it. */
export const LOCAL_STORES = [RECORDS, OUTBOX, CONFLICTS, REJECTED, WRITERS, CLAIMS, COMPONENTS, META, HISTORY] as const;
export const INTERNAL_STORES = [...LOCAL_STORES, TAIL, SNAPSHOT, QUARANTINE] as const;

/** A new number means that a database of the one before is brought up to date when it is opened (`upgrade.ts`). */
export const LAYOUT_VERSION = 3;

/** Dexie's schema strings of the internal stores. */
export const INTERNAL_SCHEMA: Readonly<Record<(typeof INTERNAL_STORES)[number], string>> = {
  [RECORDS]: '[c+id],dead',
  [OUTBOX]: '[order+part],dot',
  [CONFLICTS]: 'id',
  [REJECTED]: 'id',
  [WRITERS]: 'inc',
  [CLAIMS]: '[name+id],[name+bucket+width+from]',
  [COMPONENTS]: 'id,*members',
  [META]: 'key',
  [HISTORY]: '++n,[c+id]',
  [TAIL]: 'position,*incs',
  [SNAPSHOT]: 'key',
  [QUARANTINE]: '[c+id+hash]',
};

/** Replicated state of one record. What the app sees is `overlay ?? base`. */
export interface RecordRow {
  readonly c: string;
  readonly id: string;
  /** As the server's log gives it up to the cursor. */
  readonly base?: RecordState;
  /** The last content of a record that was forgotten while the outbox has changes of it: what they are applied to. */
  readonly grave?: RecordState;
  /** base, or grave, with the outbox applied; only while the outbox has changes of this record. */
  readonly overlay?: RecordState;
  /** Where in the outbox this record's changes are, oldest first. */
  readonly pending: readonly OutboxKey[];
  /** Ids of the open conflicts in `$conflicts`. */
  readonly conflicts: readonly string[];
  /** Fields of the row that never leave this device. */
  readonly local?: LocalFields;
  /** Its base is deleted and may be forgotten one day: what the index over tombstones finds. */
  readonly dead?: 1;
}

export type OutboxKey = readonly [order: number, part: number];

/** A change, or a part of one that a long transaction wrote in several steps. Part 0 has the head. */
export interface OutboxRow {
  readonly order: number;
  readonly part: number;
  readonly recs: readonly RecordChange[];
  readonly bytes: number;
  /** Absent from the parts after the first, so that the index names a change once. */
  readonly dot?: Dot;
  readonly head?: ChangeHead;
  /** Of the first part: not written here. A server has lost it, and this device offers it again under its dot. */
  readonly relay?: true;
}

/** A change without its dot and its records. */
export interface ChangeHead extends Omit<Change, 'dot' | 'recs'> {
  readonly deps: VersionVector;
}

/** What was written to one record and taken back, because a server does not take it: kept until somebody decides. */
export interface RejectedRow {
  readonly id: string;
  readonly c: string;
  readonly rowId: string;
  /** The clock of the change that was refused. */
  readonly hlc: Hlc;
  readonly error: Refused;
  /** What the refused change, and those that depend on it, did to the record, in order. */
  readonly parts: readonly { readonly dot: Dot; readonly hlc: Hlc; readonly rec: RecordChange }[];
}

export interface WriterRow extends Writer {
  readonly inc: Inc;
  /** The last of its changes that came here; absent when none came by itself. */
  readonly heard?: Heard;
}

export interface Heard {
  readonly seq: number;
  readonly hlc: Hlc;
}

export type ConflictRow = OpenConflict | OpenConstraintConflict;

/** What the stores mean; a number of Dexie's does not tell, because collections that are added raise it too. */
export interface LayoutRow {
  readonly key: 'layout';
  readonly version: number;
}

/** The one row that every write transaction reads and writes: clock, numbering, cursor and the outbox's size. */
export interface ReplicaRow {
  readonly key: 'replica';
  readonly deviceId: string;
  /** The hybrid logical clock. */
  readonly hlc: Hlc;
  /** The greatest stamp applied from the server: re-stamping never goes below it. */
  readonly received: Hlc;
  /** Added to this device's wall clock; measured when a server refused a stamp. */
  readonly offsetMs: number;
  /** Next place in the outbox. */
  readonly order: number;
  /** The last change written to the outbox. */
  readonly lastDot: Dot | null;
  /** Last seq of the writers with an open connection, oldest first. */
  readonly seqs: Readonly<Record<Inc, number>>;
  readonly cursor: VersionVector;
  readonly outbox: { readonly changes: number; readonly bytes: number };
}

/** Of a database that was made just now. */
export function newReplica(deviceId: string): ReplicaRow {
  return {
    key: 'replica',
    deviceId,
    hlc: 0,
    received: 0,
    offsetMs: 0,
    order: 1,
    lastDot: null,
    seqs: {},
    cursor: {},
    outbox: { changes: 0, bytes: 0 },
  };
}

/** Where this device stands among the servers: read and written with every page, never by a local write. */
export interface SpaceRow {
  readonly key: 'space';
  /** null until the first server has told who the space began with. */
  readonly topology: Topology | null;
  /** Chain hash of each server's stream at the cursor, where it is known. */
  readonly chain: Chain;
  /**
   * For writers with changes that some server may still tell under another number: how far they are applied, and the
   * number of the last. A change at or below it is not applied again. Empty with one server.
   */
  readonly seen: Readonly<Record<Inc, SeenWriter>>;
  /**
   * Of the changes that `seen` speaks of: those that were applied without their content, because their device had taken
   * them back. A server that had taken one before tells its content, which is applied then. Absent when there are none.
   */
  readonly voids?: Readonly<Record<Dot, Stamp>>;
  /** Sum over the bases of all records; null: not computed yet. */
  readonly digest: Digest | null;
  /** Size of the tail and the place of its next row. */
  readonly tail: { readonly next: number; readonly entries: number; readonly bytes: number };
  /** What is stored here was found to differ from the log: a snapshot is to be asked for. */
  readonly isDiverged: boolean;
  /** When all records were looked over last, in milliseconds since 1970. */
  readonly inspectedAt?: number;
}

export interface SeenWriter {
  readonly seq: number;
  readonly stamp: Stamp;
}

export function newSpace(): SpaceRow {
  return {
    key: 'space',
    topology: null,
    chain: {},
    seen: {},
    digest: EMPTY_DIGEST,
    tail: { next: 1, entries: 0, bytes: 0 },
    isDiverged: false,
  };
}

/** Applied changes that the loss of a server could take away, with their content, as one page brought them. */
export interface TailRow {
  readonly position: number;
  readonly bytes: number;
  readonly entries: readonly TailEntry[];
  /** Writers in it. */
  readonly incs: readonly Inc[];
}

export interface TailEntry {
  readonly stamp: Stamp;
  readonly dot: Dot;
  readonly change: Change;
}

/** What `$snapshot` holds while a snapshot arrives: where it began, and each piece. */
export type StagingRow =
  | { readonly key: 'begun'; readonly bootstrap: Bootstrap; readonly cursor: VersionVector; readonly next: number }
  | { readonly key: number; readonly piece: Snapshot };

/** A version of a record that a snapshot did not confirm: kept, because nothing is thrown away silently. */
export interface QuarantineRow {
  readonly c: string;
  readonly id: string;
  /** Of the content: the same version is kept once. */
  readonly hash: string;
  readonly state: RecordState;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What the views in the collections' tables were computed with; another one means: compute them anew. */
export interface ViewsRow {
  readonly key: 'views';
  readonly fingerprints: Readonly<Record<string, string>>;
}

export function currentState(row: RecordRow | undefined): RecordState | undefined {
  return row && (row.overlay ?? row.base);
}

/** Whether the record, with this base, is a tombstone that may be forgotten one day. */
export function isTombstone(id: string, base: RecordState | undefined): boolean {
  return base !== undefined && isUuidV7(id) && lifeStatus(base) === 'dead';
}

/** The fields that an operation writes, for showing an outbox entry. */
export function fieldsOfOps(ops: readonly Op[]): string[] {
  const fields = ops.flatMap((op) =>
    op.t === 'life' || op.p === VERSION_PATH ? [] : op.p.split(/[/#]/)[0]!.split('+'),
  );
  return [...new Set(fields)];
}
