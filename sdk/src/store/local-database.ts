/**
 * What the client builds on: a Dexie database whose writes are tracked, and the few writes that are not plain row
 * writes. `openLocalDatabase` in `database.ts` makes one.
 */
import type { Dexie } from 'dexie';

import type { Writer } from '../core/change.ts';
import type { ClaimState } from '../constraints/claim-states.ts';
import type { OpenConflict } from '../core/conflict.ts';
import type { OpenConstraintConflict } from '../core/constraint.ts';
import type { AccessRow } from './lost-access.ts';
import type { PolicyProblem } from '../core/policy-problem.ts';
import type { Dot, Inc } from '../core/dot.ts';
import type { VersionVector } from '../core/version-vector.ts';
import type { Row } from '../core/view.ts';
import type { Json } from '../lib/json.ts';
import type { CollectionSchema } from '../core/schema.ts';
import type { MergeFunctions } from '../policies/merge.ts';
import type { CollectionPlan } from '../policies/registry.ts';
import type { UndoneRecord } from '../core/undo.ts';
import type { ConflictMove } from './device-store.ts';
import type { Validators } from './given-row.ts';
import type { SeenRecord } from './seen.ts';
import type { Connection, StorageNews } from './connection.ts';
import type { DatabaseDump } from './dump.ts';
import type { OutboxRow, RejectedRow, ReplicaRow, WriterRow } from './layout.ts';
import type { VerifyOptions } from './verify.ts';
import type { VerifyReport } from './verify-report.ts';
import type { AuthoredRevision, StoredMeta } from './read-history.ts';
import type { KnownOutbox, OutboxReading } from './read-outbox.ts';
import type { StoredDecisions, StoredStates } from './read-states.ts';
import type { AskedChange, ChangeFates } from './receipts.ts';

export type { SeenRecord };

export interface LocalDatabaseOptions {
  readonly name: string;
  readonly collections: readonly (CollectionPlan & { readonly indexes: readonly string[] })[];
  readonly user?: { readonly id: string; readonly name?: string };
  readonly deviceName?: string;
  readonly durability: 'strict' | 'relaxed';
  /** Called after the commit of every transaction of this context that made a change. */
  readonly onLocalWrite: (write: LocalWrite) => void;
  /** The functions that merge() names in the collections. */
  readonly merges?: MergeFunctions;
  /** Makes rows of those that a plain Dexie database has, by collection. */
  readonly converters?: ReadonlyMap<string, (old: unknown) => unknown>;
  /** What the schemas of the collections say of rows that are written here, by collection. */
  readonly validators?: Validators;
  /** Called with what the developer should hear of the rows that this context reads, perhaps again and again. */
  readonly onProblem?: (problem: PolicyProblem) => void;
  /** Milliseconds since 1970; default Date.now. */
  readonly nowMs?: () => number;
  /** What happens to the connection and the database behind it. */
  readonly onStorage?: (news: StorageNews | StorageReset) => void;
  /** Called with what made a write fail, also one that the app made through Dexie. */
  readonly onFailure?: (error: unknown) => void;
}

/**
 * The database is another one, and empty: the browser or a person has cleared it. This device is a new one. `kept` of
 * the unsent changes of this tab were put into the new one; `lost` could not be.
 */
export interface StorageReset {
  readonly type: 'storage-reset';
  readonly kept: number;
  /** null: nobody knows. */
  readonly lost: number | null;
  /** Changes of this tab that are not in the new database, and may have been unsent. */
  readonly lostDots: readonly Dot[];
}

export interface LocalWrite {
  readonly dots: readonly Dot[];
  /** Next place in the outbox after this write: one more for each change of this device, in every tab. */
  readonly position: number;
  /** What the outbox has of it, and all that the outbox has after it. */
  readonly outboxRows: readonly OutboxRow[];
  readonly outbox: ReplicaRow['outbox'];
  readonly records: number;
  readonly conflictsChanged: readonly ConflictMove[];
  /** What of the server's log was applied here when it was written. */
  readonly saw: VersionVector;
}

export interface TransactOptions {
  readonly label?: string;
  readonly collections?: readonly string[];
  readonly isSplittable?: boolean;
  /** The function is ours and awaits nothing but the database: the transaction need not be held open for it, and nobody undoes it. */
  readonly isOurs?: boolean;
}

/** What a transaction did, record by record: as much as it takes to undo it. */
export type UndoPlan = readonly (UndoneRecord & { readonly collection: string })[];

/** A transaction that was committed; `dot` is '' when nothing was written. */
export interface Written {
  readonly dot: Dot | '';
  /** Its place in the outbox of this device. */
  readonly order: number;
  readonly deviceId: string;
  readonly undo: UndoPlan;
}

export interface LocalDatabase {
  /** One table per collection with primary key `id`; writes through it are tracked in the same transaction. */
  readonly dexie: Dexie;
  readonly schemas: ReadonlyMap<string, CollectionSchema>;
  /** Another one after the database was cleared. */
  readonly deviceId: string;
  /** What schemas say of rows that are written here, by collection. */
  readonly validators: Validators;
  /** There was no database of this name. */
  readonly isMadeNow: boolean;
  /** Runs a read, again when the connection was lost; see connection.ts. */
  readonly persevere: Connection['persevere'];
  /** A frozen page has no connection: see connection.ts. */
  readonly rest: Connection['rest'];
  readonly wake: Connection['wake'];
  /**
   * Runs `fn` in one read-write transaction over `collections` (all of them when left out): one change, whatever it
   * writes. Inside, the plain Dexie tables are used. It may run again when the connection was lost before it was saved. With `isSplittable` it is atomic on this device only, and travels
   * as several changes when it is large. Resolves on the transaction's `complete`; `dot` is '' when nothing was
   * written.
   */
  transact<R>(options: TransactOptions, fn: () => Promise<R>): Promise<{ readonly result: R } & Written>;
  /**
   * Writes what was shown before, in one transaction. Throws CONFLICT_CHANGED, and writes nothing, when something newer
   * was written to any of it.
   */
  undo(plan: UndoPlan): Promise<void>;
  /** Rows that nobody else has, for bulkAdd() of a table: they are taken a little at a time. Every id is another one. */
  handOver(rows: readonly unknown[]): void;
  /** This transaction will write the row: what that takes is read while the caller reads the row. Call inside transact(). */
  expectWrite(collection: string, id: string): void;
  /** The record as it is shown now, for a write that is made later. */
  readSeen(collection: string, id: string): Promise<SeenRecord>;
  /**
   * Makes the row's next write in this transaction replace what was seen then, and returns the row as it was seen: the
   * write starts from it. Call inside transact().
   */
  writeAsSeen(collection: string, id: string, seen: SeenRecord): Row;
  /**
   * Settles the conflict `id` if it is still exactly that one, otherwise throws CONFLICT_CHANGED and writes nothing.
   * A field conflict takes `{ row }`: the values of the conflict's fields (an absent field is unset); a delete
   * conflict takes `{ life }`.
   */
  resolve(conflict: OpenConflict, choice: { readonly row: Row } | { readonly life: 'live' | 'dead' }): Promise<Written>;
  /**
   * Settles a constraint conflict if its rows and what they claim are as they were read, otherwise throws
   * CONFLICT_CHANGED and writes nothing. `row`: the row as it should be; null deletes it. '' when that changes nothing.
   */
  resolveConstraint(conflict: OpenConstraintConflict, choice: ConstraintChoice): Promise<Written>;
  /** Open conflicts of records, oldest first. Observable by liveQuery. */
  readConflicts(): Promise<readonly OpenConflict[]>;
  /** Open conflicts between records. Observable by liveQuery. */
  readConstraintConflicts(): Promise<readonly OpenConstraintConflict[]>;
  /** How sure the claims of a row are. Observable by liveQuery. */
  readClaims(collection: string, id: string): Promise<readonly ClaimState[]>;
  /** Collections with constraints: their rows are a part of conflicts. */
  readonly constrained: readonly string[];
  /**
   * Forgets a rejected write, and writes `row`, made from what is shown now, in the same transaction: null deletes,
   * `retry` gives what it wanted. Throws CONFLICT_CHANGED when it was settled meanwhile, NOT_FOUND when the row that it
   * changed is not there.
   */
  settleRejected(
    rejected: RejectedRow,
    choice: 'discard' | 'retry' | { readonly value: Readonly<Record<string, Json | undefined>> },
  ): Promise<Written>;
  /** Takes a discarded one back. */
  keepRejected(rejected: RejectedRow): Promise<void>;
  /** What is known of a row's past, newest first. In a transaction of transact() as that shows it. */
  readHistory(collection: string, id: string, limit: number): Promise<readonly AuthoredRevision[]>;
  /** Observable by liveQuery. */
  readMeta(collection: string, id: string): Promise<StoredMeta>;
  /** What has become of changes that were written here, with what it takes to tell it. */
  readFates(asked: readonly AskedChange[]): Promise<ChangeFates>;
  /** Who wrote under these incarnations. Observable by liveQuery. */
  readWriters(incs: readonly Inc[]): Promise<ReadonlyMap<Inc, Writer>>;
  /** Everybody who is known to have written. Observable by liveQuery. */
  readAllWriters(): Promise<readonly WriterRow[]>;
  /** What the states begin with. */
  readStates(): Promise<StoredStates>;
  /** What somebody is to decide about, as of one moment. */
  readDecisions(): Promise<StoredDecisions>;
  /** Unsent changes, oldest first, without their content: a piece of them from the beginning, or of what follows what is known. */
  readOutbox(known: KnownOutbox | null): Promise<OutboxReading>;
  /** Observable by liveQuery; costs the same however long the outbox is. */
  readPending(): Promise<Pending>;
  /** The row as it would be kept, also when it is deleted: for showing a delete conflict. */
  readRecord(collection: string, id: string): Promise<Row | null>;
  /** Computes anew what is derived, and tells where the stores differ from it. */
  verify(options?: VerifyOptions): Promise<VerifyReport>;
  /** What a bug report needs, each row as `shorten` makes it. */
  dump(shorten: (row: unknown) => unknown): Promise<DatabaseDump>;
  readonly lostAccess: LostAccess;
  /** The worker applied remote changes: live queries that read these rows or the internal stores run again, in this context. */
  announceRemoteChanges(touched: Readonly<Record<string, readonly string[]>>): void;
  close(): void;
}

/** What this device remembers of having lost access to its space. */
export interface LostAccess {
  read(): Promise<AccessRow | null>;
  /** Resolves to whether it is news. */
  note(atMs: number): Promise<boolean>;
  /** The same, and everything goes that was not written here and is unsent. */
  purge(atMs: number): Promise<boolean>;
  /** Access is back. */
  forget(): Promise<void>;
}

export type ConstraintChoice =
  | { readonly id: string; change(row: Row): Row | null }
  /** Allows the violation as it is. */
  | 'allow';

export interface Pending {
  readonly changes: number;
  readonly bytes: number;
  readonly oldestMs: number | null;
  /** Next place in the outbox: tells which writes this count has seen. */
  readonly position: number;
}

export interface OutboxSummary {
  /** Not written here: a server has lost it, and this device offers it again. */
  readonly relayed?: true;
  readonly dot: Dot;
  readonly hlc: number;
  readonly label?: string;
  readonly bytes: number;
  readonly rows: readonly {
    readonly collection: string;
    readonly rowId: string;
    readonly fields: readonly string[];
    readonly kind: 'write' | 'delete';
  }[];
}
