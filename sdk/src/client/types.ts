/**
 * The public types of the SDK, one place. What they promise is written in `docs/spec.md`; names here are stable.
 */
import type { Dexie } from 'dexie';
import type { Observable } from 'rxjs';

import type { ErrorCode, SkerryError } from '../lib/errors.ts';
import type { Hunk } from '../core/schema.ts';
import type { ClaimState } from '../constraints/claim-states.ts';
import type { Constraint } from '../constraints/constraint.ts';
import type { Policy } from '../policies/policy.ts';
import type { Difference, DifferenceKind, VerifyReport } from '../store/verify-report.ts';
import type { Spaces } from './space-types.ts';
import type { StandardSchema } from './standard-schema.ts';

export type * from './space-types.ts';
export type { StandardIssue, StandardResult, StandardSchema } from './standard-schema.ts';
export type { ClaimState, Difference, DifferenceKind, ErrorCode, Hunk, SkerryError, VerifyReport };

/** Hot: replays the current value, emits only on change, never errors, completes on close(). */
export type State<T> = Observable<T> & { readonly value: T };
/** Shared and lazy: runs while someone subscribes, first value async, kept for 1 s after the last unsubscribe. */
export type LiveQuery<T> = Observable<T> & { readonly value: T | undefined };
/** Hot, no replay. */
export type Events<T> = Observable<T>;

/** A row id: UUIDv7 unless the caller brings one. */
export type Id = string;
/** A row as it is read: the caller's fields and the id. */
export type Stored<Row> = Row & { readonly id: Id };
/** A row as it is inserted: the id may be left out. */
export type New<Row> = Omit<Row, 'id'> & { readonly id?: Id };

export interface CollectionOptions<Row> {
  /** A field without a policy gets ask(). A policy must fit the type of its field: a counter() a number, a set() an array. */
  readonly fields?: { readonly [K in keyof Row]?: Policy<Exclude<Row[K], undefined>> };
  /** Fields that only make sense together (room, start, end): they win, lose or conflict as one. */
  readonly groups?: readonly (readonly (keyof Row & string)[])[];
  /** What must hold between rows: noOverlap(), unique(), references(), acyclic(). Every row is kept; violations are conflicts. */
  readonly constraints?: readonly Constraint<Row>[];
  /** Dexie index syntax: 'updatedAt', '*tags', '[room+start]'. */
  readonly indexes?: readonly string[];
  /** What an edit does that a delete had not seen. Default 'ask': the row stays visible and a conflict is open. */
  readonly onDeleteVsEdit?: 'ask' | 'edit-wins' | 'delete-wins';
  /** Of the rows: 1 when it is left out. One more whenever `migrate` has to make other rows of what is stored. */
  readonly version?: number;
  /**
   * Makes a row of this version of one that version `fromVersion` of the app wrote; 0: it lay in a plain Dexie database that is
   * adopted. Pure, and kept as long as such rows may be anywhere. What it makes is shown and never written by itself.
   */
  readonly migrate?: (old: unknown, fromVersion: number) => Row;
}

/** What collection() returns: the options and, for the compiler only, the row type. */
export interface CollectionDefinition<Row, Input = Row> {
  readonly options: CollectionOptions<Row>;
  /** What its rows must fit when they are written here. */
  readonly schema?: StandardSchema;
  readonly row?: Row;
  readonly input?: Input;
}

// oxlint-disable-next-line no-explicit-any -- rows of any type: `unknown` would refuse every collection but its own
export type Collections = Readonly<Record<string, CollectionDefinition<any, any>>>;

/** The fields of a row that a query may compare. */
export type Where<Row> = { readonly [K in keyof Row]?: Row[K] | Comparison<Row[K]> };
export interface Comparison<V> {
  readonly equals?: V;
  readonly anyOf?: readonly V[];
  readonly above?: V;
  readonly aboveOrEqual?: V;
  readonly below?: V;
  readonly belowOrEqual?: V;
  readonly startsWith?: string;
  /** Of a field that holds an array: one of its elements. An index '*field' finds it. */
  readonly contains?: NonNullable<V> extends readonly (infer E)[] ? E : never;
}

export interface Query<Row> {
  readonly where?: Where<Stored<Row>>;
  readonly filter?: (row: Stored<Row>) => boolean;
  /** A field name; '-updatedAt' descends. */
  readonly orderBy?: string;
  readonly limit?: number;
  readonly offset?: number;
}

/** What a form showed when it was opened: pass it to update() so that a write made elsewhere since then becomes a sibling. */
export type ReadToken = { readonly __readToken: true };

/** `Input`: what is written, where a schema makes another row of it (defaults, transforms). */
export interface Collection<Row, Input = Row> {
  /** Resolves when the row is durable on this device. Throws INVALID_VALUE, INVALID_ID, ALREADY_EXISTS, QUOTA, STORAGE_FAILED, CLOSED. */
  insert(row: New<Input>): Promise<Id>;
  /** All or none. */
  insertMany(rows: readonly New<Input>[]): Promise<Id[]>;
  /** Only fields whose value changes are written and travel. Throws NOT_FOUND and what insert() throws. */
  update(
    id: Id,
    patch: Partial<Input> | ((draft: Row) => void),
    options?: { readonly seen?: ReadToken },
  ): Promise<void>;
  /** Throws NOT_FOUND. */
  delete(id: Id): Promise<void>;
  get(id: Id): Promise<Stored<Row> | undefined>;
  find(query?: Query<Row>): Promise<Stored<Row>[]>;
  count(query?: Query<Row>): Promise<number>;
  live(query?: Query<Row>): LiveQuery<Stored<Row>[]>;
  liveOne(id: Id): LiveQuery<Stored<Row> | null>;
  /**
   * How sure the row's claims are, one for each constraint of the collection with `confirm: 'home'`: whether its server
   * has numbered them, and whether something that they collide with came first.
   */
  claims(id: Id): LiveQuery<readonly ClaimState[]>;
  /** Who wrote the row last, where and when, whether that is still to be sent, and which conflicts about it are open. */
  meta(id: Id): LiveQuery<RowMeta>;
  /**
   * What this device knows of the row's past, newest first: also what a policy passed over, what was not kept in a
   * conflict, and what a server did not take. Bounded; see the limits in the guide. Empty for a row that was never here.
   */
  history(id: Id, options?: { readonly limit?: number }): Promise<Revision<Row>[]>;
  /**
   * Writes the row as it was, as an ordinary write; a deleted row is made again. Takes a revision of history(), or its id.
   * Throws NOT_FOUND for one that is not known here (any more), INVALID_VALUE for one by which the row was deleted.
   */
  restore(id: Id, revision: Revision<Row> | Revision['id']): Promise<void>;
  /** Marks what this replica shows of the row now; see update(). */
  readToken(id: Id): Promise<ReadToken>;
}

/** About the latest write of a row; of a deleted row, the delete. All empty for a row that was never here. */
export interface RowMeta {
  readonly author: Person | null;
  readonly device: Device | null;
  readonly at: Date | null;
  /** Written on this device. */
  readonly here: boolean;
  /** Something that was written to it here is still to be sent. */
  readonly pending: boolean;
  /** Ids of the open conflicts about it, as in conflicts$. */
  readonly conflicts: readonly string[];
}

/** One write of a row, as far as this device knows it. */
export interface Revision<Row = Readonly<Record<string, unknown>>> {
  /** Of the change that wrote it, the same on every device. A change that wrote several rows is a revision of each. */
  readonly id: string;
  readonly action: 'insert' | 'update' | 'delete';
  /**
   * - `current`: what the row shows now
   * - `former`: was shown, and was replaced since
   * - `aside`: was never shown, because something else was that had been written at the same time
   * - `withdrawn`: a server did not take it
   */
  readonly state: 'current' | 'former' | 'aside' | 'withdrawn';
  /** What it wrote; of the oldest that is known, as far as that is known. */
  readonly fields: readonly (keyof Row & string)[];
  /** What it gave them; a field that it took away is absent. */
  readonly values: Partial<Row>;
  /** The row after it, without fields that are hot() or local(); null: deleted. Of what stood aside, as it would have been. */
  readonly row: Stored<Partial<Row>> | null;
  readonly user: Person | null;
  readonly device: Device | null;
  readonly at: Date;
  /** Written on this device. */
  readonly here: boolean;
  /** Still to be sent. */
  readonly pending: boolean;
}

/** The collections inside a transaction: the same calls, one atomic change. */
export type TransactionCollections<C extends Collections> = {
  readonly [K in keyof C]: C[K] extends CollectionDefinition<infer Row, infer Input>
    ? Omit<Collection<Row, Input>, 'live' | 'liveOne' | 'claims' | 'meta'>
    : never;
};

/**
 * What has become of a commit:
 *
 * - `saved`: it is durable on this device. Without a server it stays so
 * - `sending`: it is on its way to a server, which has not answered
 * - `accepted`: a server has it durably
 * - `conflicted`: that, and conflicts about what it wrote are open; `accepted` again when they are settled
 * - `rejected`: a server does not take it. It was withdrawn, here and everywhere, and is a conflict of kind 'rejected'
 */
export type Receipt =
  | { readonly state: 'saved' }
  | { readonly state: 'sending' }
  | { readonly state: 'accepted' }
  | { readonly state: 'conflicted'; readonly conflicts: readonly string[] }
  | { readonly state: 'rejected'; readonly error: SkerryError };

export interface ConfirmOptions {
  /** 'server' (default): the server that this device speaks to. 'regions': every server of the space, as far as this device was told. */
  readonly by?: 'server' | 'regions';
  readonly signal?: AbortSignal;
}

export interface Commit<R> {
  readonly result: R;
  /** The dot of the change; '' when nothing was written. */
  readonly id: string;
  /**
   * True in every tab, whichever of them syncs. It is followed from the first look on: then it says `saved`, and what it
   * is as soon as the database was read. A commit that wrote nothing is `accepted`.
   */
  readonly receipt$: State<Receipt>;
  /**
   * Resolves when a server has it, at once when nothing was written; it waits as long as this device is offline. Rejects
   * with the error of a rejected receipt, NO_SERVER when the database was opened without `sync`, ABORTED, CLOSED.
   */
  confirmed(options?: ConfirmOptions): Promise<void>;
  /**
   * Shows again what was shown before, as an ordinary write, all of it or nothing: CONFLICT_CHANGED when something newer
   * was written to a field since, here or elsewhere. Counters and sets give back what this commit did to them. Undoing a
   * resolution settles on what was shown before it.
   */
  undo(): Promise<void>;
}

/** Someone's version of a value. */
export interface Version<V = unknown> {
  readonly value: V;
  readonly user: Person | null;
  readonly device: Device | null;
  readonly at: Date;
  /** Written on this device. */
  readonly here: boolean;
}
export interface Person {
  readonly id: string;
  readonly name?: string;
}
export interface Device {
  readonly id: string;
  readonly name?: string;
}

export interface ConflictBase {
  /** The same on every replica. */
  readonly id: string;
  readonly collection: string;
  readonly rowId: Id;
  readonly detectedAt: Date;
}
export interface FieldConflict extends ConflictBase {
  readonly kind: 'field';
  readonly fields: readonly string[];
  /** Of a map(): the key that it is about. Every value below is then the map with this key alone. */
  readonly key?: string;
  /** What the field held before the versions went apart, as far as it is known. */
  readonly base: Readonly<Record<string, unknown>>;
  /** Two or more, oldest first. Each value is an object with the conflict's fields. */
  readonly versions: readonly Version<Readonly<Record<string, unknown>>>[];
  /** What the row shows until someone decides. */
  readonly provisional: Readonly<Record<string, unknown>>;
  /** For a text: where the versions clash; everything else of them is merged in `provisional`. */
  readonly hunks?: readonly Hunk[];
  /**
   * Takes one of the versions (of a text: its words where the versions clash, what the others wrote elsewhere stays), or the fields of `value` in place of what `provisional` has there; only an explicit
   * undefined removes a field. Throws INVALID_VALUE, and CONFLICT_CHANGED when the conflict is not the one that was read.
   */
  resolve(
    choice: { readonly version: number } | { readonly value: Readonly<Record<string, unknown>> },
  ): Promise<Commit<void>>;
}
export interface DeleteConflict extends ConflictBase {
  readonly kind: 'delete';
  readonly deleted: Version<null>;
  /** The edit that the delete had not seen; its value is the row as it would be kept. */
  readonly edited: Version<Readonly<Record<string, unknown>>>;
  resolve(choice: 'keep' | 'delete'): Promise<Commit<void>>;
}
/** Somebody edited a row that had been deleted and forgotten everywhere: what they had, kept beside the collection. */
export interface RecoveredCopy extends ConflictBase {
  readonly kind: 'recovered';
  readonly recoveredFrom: string;
  readonly row: Readonly<Record<string, unknown>>;
  /** Who had edited it, and when the copy was made. */
  readonly edited: Version<Readonly<Record<string, unknown>>>;
  /** `restore` shows the copy as a row of its own; `discard` deletes it. */
  resolve(choice: 'restore' | 'discard'): Promise<Commit<void>>;
}

/** Rows that break a constraint together. Nothing is refused or taken away: all of them are there until someone decides. */
export interface ConstraintConflict extends ConflictBase {
  readonly kind: 'constraint';
  /** The name of the constraint. */
  readonly constraint: string;
  /** The row that would give way: the first of `contested`. */
  readonly rowId: Id;
  /** In the order of their ids; two or more, one for a reference to a missing row or a row above itself. */
  readonly rows: readonly Stored<Readonly<Record<string, unknown>>>[];
  /** Rows that break nothing when the earliest claims are accepted one by one, the earliest first. */
  readonly accepted: readonly Id[];
  /** The rest, the earliest first. */
  readonly contested: readonly Id[];
  /**
   * Changes or deletes one of the rows, or allows all of them as they are until one of their constrained fields is
   * written again. An undefined field of `to` is removed. A change that does not help is written, and the conflict
   * is another one. Throws INVALID_VALUE, and CONFLICT_CHANGED when the conflict is not the one that was read.
   */
  resolve(
    choice: { readonly change: Id; readonly to: Readonly<Record<string, unknown>> } | { readonly delete: Id } | 'allow',
  ): Promise<Commit<void>>;
}
/**
 * A write that the server does not take: it is withdrawn from the row, here and everywhere, and kept on this device
 * until somebody decides. Changes that depended on it came with it.
 */
export interface RejectedWrite extends ConflictBase {
  readonly kind: 'rejected';
  readonly rowId: Id;
  /** What the row would be changed to if it were tried again: the fields that were written; none of a delete. */
  readonly attempted: Readonly<Record<string, unknown>>;
  readonly action: 'write' | 'delete';
  readonly error: SkerryError;
  /**
   * `retry` writes it again as an ordinary change, `{ value }` writes these fields instead, `discard` forgets it. Throws
   * CONFLICT_CHANGED when somebody has decided meanwhile, NOT_FOUND when the row to change is not there any more.
   */
  resolve(choice: 'discard' | 'retry' | { readonly value: Readonly<Record<string, unknown>> }): Promise<Commit<void>>;
}

export type Conflict = FieldConflict | DeleteConflict | RecoveredCopy | ConstraintConflict | RejectedWrite;

export interface OutboxEntry {
  /** The dot of the change. */
  readonly id: string;
  readonly at: Date;
  readonly label: string | undefined;
  readonly bytes: number;
  /** Not written on this device: a server has lost it, and this device offers it again. */
  readonly relayed?: true;
  /** What the change touches. */
  readonly rows: readonly {
    readonly collection: string;
    readonly rowId: Id;
    readonly fields: readonly string[];
    readonly kind: 'write' | 'delete';
  }[];
}

export type Connection =
  | 'local-only'
  | 'connecting'
  | 'online'
  | 'offline'
  | 'paused'
  | 'backoff'
  | 'auth-required'
  | 'upgrade-required'
  | 'stalled';

/** How far the log of each server is known, by the name of the server's history: the version vector of a replica. */
export type VersionVector = Readonly<Record<string, number>>;

export interface SyncStatus {
  readonly connection: Connection;
  readonly reason?: SkerryError;
  /** Changes that the server has not confirmed. */
  readonly pending: { readonly changes: number; readonly bytes: number; readonly oldestAt: Date | null };
  readonly progress: {
    readonly direction: 'push' | 'pull';
    readonly done: number;
    readonly total: number | null;
  } | null;
  readonly firstSync: 'never' | 'running' | 'done';
  readonly lastSyncedAt: Date | null;
  readonly nextAttemptAt: Date | null;
  readonly conflicts: number;
}

export type SyncEvent =
  /** This user is no longer a member of the space, or this device was signed out; and what has become of the rows here. */
  | { readonly type: 'access-lost'; readonly at: Date; readonly policy: OnAccessLost }
  | { readonly type: 'access-back'; readonly at: Date }
  /** `saw`: what of the server's log this device had applied when it was written; what is not in it, the writer had not seen. */
  | {
      readonly type: 'local-write';
      readonly at: Date;
      readonly dot: string;
      readonly records: number;
      readonly saw: VersionVector;
    }
  | { readonly type: 'connection'; readonly at: Date; readonly connection: Connection; readonly reason?: SkerryError }
  | { readonly type: 'pushed'; readonly at: Date; readonly changes: number }
  | { readonly type: 'accepted'; readonly at: Date; readonly changes: number }
  | { readonly type: 'pulled'; readonly at: Date; readonly changes: number; readonly records: number }
  /**
   * This device has applied the server's log as far as `vector`. `dots`: the changes that this brought, in the order of the
   * log, also its own that came back; none are named of a snapshot.
   */
  | { readonly type: 'applied'; readonly at: Date; readonly dots: readonly string[]; readonly vector: VersionVector }
  | { readonly type: 'refused'; readonly at: Date; readonly dot: string; readonly error: SkerryError }
  /** What was written to a row that had been deleted and forgotten everywhere is now in a row of its own. */
  | {
      readonly type: 'recovered';
      readonly at: Date;
      readonly collection: string;
      readonly rowId: Id;
      readonly copy: Id;
    }
  /** A write was withdrawn and is kept as a conflict. */
  | {
      readonly type: 'rejected';
      readonly at: Date;
      readonly dot: string;
      readonly collection: string;
      readonly rowId: Id;
      readonly error: SkerryError;
    }
  | { readonly type: 'restamped'; readonly at: Date; readonly changes: number; readonly offsetMs: number }
  | {
      readonly type: 'merged';
      readonly at: Date;
      readonly collection: string;
      readonly rowId: Id;
      readonly field: string;
      /** Of a map(). */
      readonly key?: string;
      readonly losers: readonly unknown[];
    }
  | {
      readonly type: 'conflict-opened' | 'conflict-closed';
      readonly at: Date;
      readonly conflict: string;
      readonly collection: string;
      readonly rowId: Id;
    }
  /** What this device holds differs from the log, because of a damaged disk or a bug; it is fetched anew. */
  | { readonly type: 'diverged'; readonly at: Date }
  /** So many rows were replaced by what the server has; their former versions are kept on this device. */
  | { readonly type: 'repaired'; readonly at: Date; readonly records: number }
  | { readonly type: 'leader'; readonly at: Date; readonly here: boolean }
  /** A connection is open. Told for each, so the newest says what is used now. */
  | { readonly type: 'transport'; readonly at: Date; readonly transport: 'websocket' | 'http' }
  /** A row that came from elsewhere does not fit the schema of its collection. It is kept and shown as it is. Once a row. */
  | {
      readonly type: 'row-invalid';
      readonly at: Date;
      readonly collection: string;
      readonly rowId: Id;
      readonly error: SkerryError;
    }
  /** The browser has closed the connection to the database; it is opened again, and waiting calls are made again. */
  | { readonly type: 'storage-lost'; readonly at: Date; readonly reason: string }
  /** This tab has closed its connection, because another one upgrades or deletes the database. */
  | { readonly type: 'storage-yielded'; readonly at: Date }
  | { readonly type: 'storage-back'; readonly at: Date }
  /** The database was cleared under the running page: see StorageHealth. */
  | { readonly type: 'storage-reset'; readonly at: Date; readonly kept: number; readonly lost: number | null }
  /** A write failed for want of space; the first that succeeds is told as freed. */
  | { readonly type: 'storage-full' | 'storage-freed'; readonly at: Date }
  /** A merge function threw, is missing or gave an unusable answer: the field is read as ask() reads it. Once per field. */
  | ({ readonly type: 'policy-failed'; readonly policy: string; readonly error: SkerryError } & PolicyEvent)
  /** A merge function took longer than 50 ms. Once per field. */
  | ({ readonly type: 'policy-slow'; readonly policy: string; readonly tookMs: number } & PolicyEvent)
  /** More than 16 concurrent values of one field: it should be hot(). Once per field. */
  | ({ readonly type: 'many-siblings'; readonly siblings: number } & PolicyEvent);

/** About a field of a collection, noticed in one of its rows. */
export interface PolicyEvent {
  readonly at: Date;
  readonly collection: string;
  readonly rowId: Id;
  readonly field: string;
}

/** A device whose changes this one has. */
export interface Peer {
  /** Of the device. */
  readonly id: Id;
  readonly device: Device;
  /** Who wrote there last. */
  readonly user: Person | null;
  /** It is this device, in whichever tab. */
  readonly here: boolean;
  /**
   * When the last of its changes that is known here was made, by its own clock. Of a device of which no change is known
   * in itself any more, because others have replaced them: when it began to write.
   */
  readonly lastSeenAt: Date;
  /** The dot of that change; null when it is not known. */
  readonly lastChange: string | null;
  /** How many of its changes the server has not confirmed. Known of this device alone; of others null. */
  readonly unsent: number | null;
}

/** What does not work at present. */
export type StorageMode =
  /** The browser has closed the database; it is opened again. */
  | 'disconnected'
  /** Another tab upgrades or deletes the database. */
  | 'gave-way'
  /** Another tab has a newer SDK, whose database this one does not understand. */
  | 'newer-version'
  /** The last write of this tab failed for want of space. */
  | 'full'
  /** What comes from the server cannot be stored for want of space; what is written here is sent. */
  | 'pulls-paused';

export interface StorageRisk {
  /** `none`: kept until the person clears it. `low`: may be cleared. `high`: soon no space, or something happened. `critical`: writes fail. */
  readonly level: 'none' | 'low' | 'high' | 'critical';
  readonly reason: StorageMode | 'reset' | 'nearly-full' | 'unknown' | 'not-persisted' | 'none';
  /** What to do about it, for people. */
  readonly advice: string;
}

export interface StorageHealth {
  /** Whether the browser keeps the data when space runs short; null: it does not tell, or not yet. */
  readonly persisted: boolean | null;
  /** Bytes that this site uses and may use, of everything that it stores; null: not told. An estimate of the browser. */
  readonly usage: number | null;
  readonly quota: number | null;
  /** The worst of what is known. */
  readonly risk: StorageRisk;
  readonly modes: readonly StorageMode[];
  /** Why the database cannot be opened or written. */
  readonly error?: SkerryError;
  /**
   * The database was cleared, since this handle was opened or before: this device is a new one, and takes the space
   * anew. `kept`: unsent changes of this tab that are in the new one. `lost`: those that are not; null: nobody knows.
   */
  readonly reset: { readonly at: Date; readonly kept: number; readonly lost: number | null } | null;
}

export interface Debug {
  /**
   * Computes anew what is derived (rows, conflicts, the index of constraints, sums and digests) and reports where the
   * stores differ. Changes nothing, and lets the page go on in between.
   */
  verify(options?: {
    readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
  }): Promise<VerifyReport>;
  /**
   * A JSON document for a bug report: versions, status, storage, outbox, refused writes, conflicts, what was put aside,
   * records and the latest events; at most 16 MiB, the outbox first. With `redact` it has shapes in the place of
   * content and pseudonyms in the place of names.
   */
  export(options?: { readonly redact?: boolean }): Promise<Blob>;
}

export interface SyncControl {
  /** Tries to connect at once instead of waiting for the next attempt. */
  now(): Promise<void>;
  /** Closes the link of this device, in all its tabs, until resume(). Local work goes on. */
  pause(): void;
  resume(): void;
  /**
   * Resolves when this device is online, has nothing to send, and has applied all that the server had; without a server at
   * once. Waits for resume(), a token or an update like for the network. Throws TIMEOUT, with the status's reason as its cause, and CLOSED.
   */
  settled(options?: { readonly timeoutMs?: number }): Promise<void>;
}

export interface SyncOptions {
  /** Where the server listens: ws(s):// or http(s)://, which mean the same, or a path of this origin. Without a path: /sync. */
  readonly url: string;
  /** The unit of sharing. Default 'default'. */
  readonly space?: string;
  readonly token?: string | ((why: 'start' | 'expired' | 'denied') => Promise<string | null>);
  /** Start without connecting, until sync.resume(). */
  readonly paused?: boolean;
  /**
   * Wakes the app's service worker by Background Sync when something waits to be sent and no tab can send it; the service
   * worker calls flushOnSync() of `@skerry/sdk/service-worker`. Without either nothing happens. Default false.
   */
  readonly background?: boolean;
  /**
   * What becomes of the rows when this user is no longer a member of the space, or this device was signed out. `seal`, the default: they are
   * neither read nor written until access is back. `purge`: they go, and are fetched anew then. `keep`: they stay as they are. What was not
   * sent is kept in any case.
   */
  readonly onAccessLost?: OnAccessLost;
}

export type OnAccessLost = 'seal' | 'purge' | 'keep';

export interface Logger {
  error(message: string, detail?: unknown): void;
  info(message: string, detail?: unknown): void;
  debug(message: string, detail?: unknown): void;
}

export interface OpenOptions<C extends Collections> {
  readonly name: string;
  readonly collections: C;
  /** Leave out: local only, same API. */
  readonly sync?: SyncOptions;
  readonly user?: Person;
  readonly device?: { readonly name?: string };
  /**
   * Default: the packaged worker; with merge() in the collections, false: sync runs in this context, because functions
   * cannot travel to a worker. An app's own worker file names them by defineMerges() of `@skerry/sdk/worker`.
   */
  readonly worker?: (() => Worker) | false;
  /** 'strict' (default): a saved write survives power loss. 'relaxed': it survives a crash of the browser. */
  readonly durability?: 'strict' | 'relaxed';
  readonly logger?: Logger;
  readonly signal?: AbortSignal;
  /**
   * Says once, to the logger or the console, that a query reads every row, and which index would help. Default: in development
   * (`process.env.NODE_ENV` is 'development').
   */
  readonly warnOnScan?: boolean;
}

export type Db<C extends Collections> = DbHandle<C> & {
  readonly [K in keyof C]: C[K] extends CollectionDefinition<infer Row, infer Input> ? Collection<Row, Input> : never;
};

export interface DbHandle<C extends Collections> extends AsyncDisposable {
  /** Atomic here, on the wire, and on every other device. Await nothing but the database inside. */
  transaction<R>(
    fn: (tx: TransactionCollections<C>) => Promise<R>,
    options?: { readonly label?: string },
  ): Promise<Commit<R>>;
  readonly status$: State<SyncStatus>;
  /** The open ones, oldest first. */
  readonly conflicts$: State<readonly Conflict[]>;
  /** Changes not yet confirmed by the server, oldest first. */
  readonly outbox$: State<readonly OutboxEntry[]>;
  /** The devices whose changes this one has: this one first, as soon as it has written, then who was seen last. */
  readonly peers$: State<readonly Peer[]>;
  /** How safe what is stored here is. */
  readonly storage$: State<StorageHealth>;
  /**
   * Asks the browser to keep the data when space runs short. Resolves to whether it will; browsers may ask the person,
   * so this waits for them. Nothing of the SDK waits for this.
   */
  requestPersistence(): Promise<boolean>;
  readonly events$: Events<SyncEvent>;
  readonly sync: SyncControl;
  /** Who may do what in which space, as the server knows it. */
  readonly spaces: Spaces;
  /** The same tables; writes through it are tracked too. */
  readonly dexie: Dexie;
  readonly debug: Debug;
  close(): Promise<void>;
}
