/**
 * What the sync engine needs from the storage of a device: IndexedDB in production (`ingest.ts`), memory in the
 * simulation. Every method is one transaction: all of it is durable when the promise resolves, or none of it.
 */
import type { Change } from '../core/change.ts';
import type { Digest } from '../core/digest.ts';
import type { Dot, Inc } from '../core/dot.ts';
import type { PolicyProblem } from '../core/policy-problem.ts';
import type { Sid, VersionVector } from '../core/version-vector.ts';
import type { ErrorCode } from '../lib/errors.ts';
import type { Bootstrap, Chain, Page, Snapshot } from '../protocol/messages.ts';

export interface DeviceStore {
  /** What `hello` says; read before every attempt to connect. */
  readIdentity(): Promise<StoredIdentity>;
  /** The changes that come after `after` in the outbox, oldest first; from the head when `after` is null. */
  readOutbox(
    after: OutboxPosition | null,
    max: { readonly changes: number; readonly bytes: number },
  ): Promise<readonly OutboxItem[]>;
  /** The same where it is known without asking: at once, also while another call runs. Null where it is not. */
  peekOutbox?(
    after: OutboxPosition | null,
    max: { readonly changes: number; readonly bytes: number },
  ): readonly OutboxItem[] | null;
  /**
   * Rows, conflicts, outbox and cursor move together. Entries at or below the cursor are skipped, so a page may come
   * twice. `founders`: the servers that the space began with, for a device that has nothing yet.
   */
  ingest(page: Page, founders: readonly Sid[]): Promise<IngestResult>;
  /**
   * Keeps a piece of a snapshot; what is shown stays as it is. With the last piece the device goes over to the snapshot
   * in one transaction: its base becomes the snapshot's, what is unsent stays on top.
   */
  ingestSnapshot(bootstrap: Bootstrap, piece: Snapshot): Promise<SnapshotResult>;
  /** A server told its time: later writes are stamped by it. */
  noteServerTime(serverNowMs: number): Promise<void>;
  /**
   * The server refused stamps that are too far ahead. Remembers the measured offset for later writes and re-stamps,
   * in order, the changes after `after`, which no server holds.
   */
  correctClock(
    after: OutboxPosition | null,
    serverNowMs: number,
  ): Promise<{ readonly restamped: number; readonly offsetMs: number }>;
  /**
   * A change edits a record that was deleted and forgotten everywhere: what it and those behind it write there becomes
   * a copy of the record, under the same dots.
   */
  recover(dot: Dot, record: RecordName): Promise<TakeBackResult>;
  /** A server does not take a change: it is emptied, with what depends on it, and kept for somebody to decide. */
  reject(dot: Dot, error: Refused): Promise<TakeBackResult>;
  /**
   * Looks over a slice of what is stored, from the begin when `inspection` is null, and remembers when it was damaged. At most
   * once a day: see `inspection.ts`.
   */
  inspect(inspection: Inspection | null): Promise<InspectionResult>;
  close(): void;
}

/** How far looking over what is stored has come. */
export interface Inspection {
  /** The last record that was read; null: none yet. */
  readonly after: readonly [collection: string, id: string] | null;
  readonly digest: Digest;
  /** Where the device stood when it began. */
  readonly at: string;
}

export type InspectionResult =
  | { readonly type: 'going-on'; readonly inspection: Inspection }
  /** All of it was read, or has been lately. `isDiverged`: it is not what was applied. */
  | { readonly type: 'done'; readonly isDiverged: boolean; readonly nextInMs: number }
  /** What was read first may be another by now. */
  | { readonly type: 'moved' };

export interface RecordName {
  readonly c: string;
  readonly id: string;
}

/** Why a server does not take a change. */
export interface Refused {
  readonly code: ErrorCode;
  readonly message: string;
}

export type TakeBackResult =
  | {
      readonly type: 'taken-back';
      /** Rows whose visible content may have changed, by collection. */
      readonly touched: Readonly<Record<string, readonly string[]>>;
      readonly conflictsChanged: readonly ConflictMove[];
      readonly records: readonly TakenBackRecord[];
    }
  /** `isPending`: it is in the outbox, and nothing is left in it that could be taken back. */
  | { readonly type: 'nothing'; readonly isPending: boolean };

export interface TakenBackRecord {
  readonly collection: string;
  readonly rowId: string;
  /** The row that has what was written here, until somebody restores or discards it; null when the write was refused. */
  readonly copy: string | null;
}

export interface StoredIdentity {
  readonly deviceId: string;
  readonly cursor: VersionVector;
  /** Chain hashes at the cursor, where they are known. */
  readonly chain: Chain;
  /** Every incarnation that has a change in the outbox. */
  readonly writers: readonly Inc[];
  /** Every incarnation with changes that a server could lose and this device could offer again. */
  readonly heard: readonly Inc[];
  /** A snapshot that has arrived in part. */
  readonly resume?: { readonly id: string; readonly next: number };
  /** What is stored here differs from the log. */
  readonly isDiverged: boolean;
}

/** Place in the outbox; later changes have greater positions. */
export type OutboxPosition = number;

export interface OutboxItem {
  readonly position: OutboxPosition;
  readonly change: Change;
  /** Size of the change as JSON text, in bytes. */
  readonly bytes: number;
}

export type IngestResult =
  | {
      readonly type: 'ingested';
      readonly cursor: VersionVector;
      /** Changes applied that were not known here; own ones that came back are counted by `confirmed`. */
      readonly applied: number;
      readonly confirmed: number;
      /** Rows whose visible content may have changed, by collection. */
      readonly touched: Readonly<Record<string, readonly string[]>>;
      /** Conflicts that opened or closed. */
      readonly conflictsChanged: readonly ConflictMove[];
      readonly merged: readonly Merged[];
      /** What the developer of the app should hear. */
      readonly problems?: readonly PolicyProblem[];
      /** Why the page was applied up to `cursor` only: what comes there is of a newer version of the app. */
      readonly upgrade?: string;
      /** What is stored here is not what the server has at the same place of the log. */
      readonly isDiverged: boolean;
      /** Versions of records that were put into quarantine, because the snapshot does not have them. */
      readonly discarded: number;
      /** Changes that wait in the outbox were taken back with it. */
      readonly takesBack?: true;
    }
  /** The page does not continue the cursor, or names an own change without content that is not in the outbox: connect anew. */
  | { readonly type: 'out-of-step'; readonly reason: string; readonly dot?: Dot };

/** `staged`: the piece is kept; the last one is answered by what it brought. */
export type SnapshotResult = { readonly type: 'staged' } | IngestResult;

export interface ConflictMove {
  readonly type: 'conflict-opened' | 'conflict-closed';
  readonly conflict: string;
  readonly collection: string;
  readonly rowId: string;
}

/** A policy decided between concurrent values by itself. */
export interface Merged {
  readonly collection: string;
  readonly rowId: string;
  readonly field: string;
  /** Of a map. */
  readonly key?: string;
  readonly losers: readonly unknown[];
}
