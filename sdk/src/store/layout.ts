/**
 * The internal stores of a device's database, beside one table per collection. They move together with the rows in
 * one IndexedDB transaction; nobody else writes them.
 */
import type { ChangeKind, Op, RecordChange, Writer } from '../core/change.ts';
import type { OpenConflict } from '../core/conflict.ts';
import type { OpenConstraintConflict } from '../core/constraint.ts';
import type { Hlc } from '../core/clock.ts';
import type { Dot, Inc } from '../core/dot.ts';
import { createRecord, type RecordState } from '../core/record.ts';
import type { Sid, VersionVector } from '../core/version-vector.ts';
import type { Refused } from './device-store.ts';
import type { LocalFields, SeenRecord } from './local-fields.ts';

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

export const INTERNAL_STORES = [RECORDS, OUTBOX, CONFLICTS, REJECTED, WRITERS, CLAIMS, COMPONENTS, META] as const;

/** Dexie's schema strings of the internal stores. */
export const INTERNAL_SCHEMA: Readonly<Record<(typeof INTERNAL_STORES)[number], string>> = {
  [RECORDS]: '[c+id]',
  [OUTBOX]: '[order+part],dot',
  [CONFLICTS]: 'id',
  [REJECTED]: 'id',
  [WRITERS]: 'inc',
  [CLAIMS]: '[name+id],[name+bucket+width+from]',
  [COMPONENTS]: 'id,*members',
  [META]: 'key',
};

/** Replicated state of one record. What the app sees is `overlay ?? base`. */
export interface RecordRow {
  readonly c: string;
  readonly id: string;
  /** As the server's log gives it up to the cursor. */
  readonly base?: RecordState;
  /** base with the outbox applied; only while the outbox has changes of this record. */
  readonly overlay?: RecordState;
  /** Where in the outbox this record's changes are, oldest first. */
  readonly pending: readonly OutboxKey[];
  /** Ids of the open conflicts in `$conflicts`. */
  readonly conflicts: readonly string[];
  /** Fields of the row that never leave this device. */
  readonly local?: LocalFields;
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
}

export interface ChangeHead {
  readonly hlc: Hlc;
  readonly deps: VersionVector;
  readonly ex?: readonly Dot[];
  readonly kind?: ChangeKind;
  readonly label?: string;
  readonly writer?: Writer;
  /** See Change: some or all of what first stood under this dot was taken back. */
  readonly was?: string;
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

/** A server that changes may have been sent to, and which: those before a place in the outbox, or all so far. */
export interface SentTo {
  readonly sid: Sid;
  readonly before: number | null;
}

export interface WriterRow extends Writer {
  readonly inc: Inc;
}

export type ConflictRow = OpenConflict | OpenConstraintConflict;

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
  /** Absent until a server was met. */
  readonly sentTo?: readonly SentTo[];
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

/** What the views in the collections' tables were computed with; another one means: compute them anew. */
export interface ViewsRow {
  readonly key: 'views';
  readonly fingerprints: Readonly<Record<string, string>>;
}

export function currentState(row: RecordRow | undefined): RecordState | undefined {
  return row && (row.overlay ?? row.base);
}

/** What a form that is opened now has seen. */
export function seenRecord(row: RecordRow | undefined): SeenRecord {
  const state = currentState(row) ?? createRecord();
  return row?.local ? { ...state, local: row.local } : state;
}

/** Nothing is left of it: not in the log, not in the outbox, and nothing that only this device has. */
export function isVacant(row: RecordRow): boolean {
  return row.base === undefined && row.pending.length === 0 && row.local === undefined;
}

/** The fields that an operation writes, for showing an outbox entry. */
export function fieldsOfOps(ops: readonly Op[]): string[] {
  const fields = ops.flatMap((op) => (op.t === 'life' ? [] : op.p.split(/[/#]/)[0]!.split('+')));
  return [...new Set(fields)];
}
