/**
 * What the server needs from a storage: per space a log, the records it leads to, how far each writer is known and where
 * the space stands; and one durable transaction for many pushes at once. What is decided in between is the kernel's
 * (`SpaceView`). `contract.ts` is the suite that every implementation passes.
 *
 * Questions and answers are bulk calls, so that a storage behind a network needs two round trips per transaction.
 */
import type {
  Chain,
  Dot,
  Inc,
  KnownWriter,
  Limits,
  Sid,
  Snapshot,
  SpaceMeta,
  SpaceView,
  Stamp,
  StoredEntry,
  VersionVector,
} from '@skerry/sdk/kernel';

import type { Logger } from '../log.ts';
import type { AccessRows } from './access-rows.ts';

/** A place where data is or will be; opening it may fail, once, with a clear error. */
export interface StorageSource {
  /** `logger` hears of what takes long, a migration say. */
  open(logger?: Logger): Promise<Storage>;
}

export interface Storage {
  /** The server's identity: random, made when the storage was created; another one after `takeOver`. */
  readonly sid: Sid;
  /** Who may do what. */
  readonly access: AccessRows;
  /** What a hello is answered by, read at one moment. A space that nobody has written to is an empty one. */
  look(space: string, question: Question): Promise<Look>;
  /**
   * Durable entries in log order that follow `after`: at least one if there is one, else within the limits. The first is
   * not the next when the log was cut behind `after`.
   */
  read(space: string, after: number, max: ReadLimit): Promise<readonly StoredEntry[]>;
  /** Names of spaces in a fixed order, from the one behind `after` on; null begins. */
  spaces(after: string | null, max: number): Promise<readonly string[]>;
  /** The space as it is now, for as long as it is held: later writes do not show in it. */
  pin(space: string, limits: Limits): Promise<PinnedSpace>;
  /** How many spaces it holds pinned at most. Absent where that is the caller's affair. */
  readonly maxPinned?: number;
  /**
   * How large a space is, counted a part at a time, at most so many rows of it, so that nobody waits: `from` is where the
   * last part ended, null begins. Absent where sizes are not counted.
   */
  measure?(space: string, from: MeasuredPlace | null, max: number): Promise<Measured>;
  /** Bytes of the files of the storage, by what each is for. Absent where there are none. */
  files?(): Promise<Readonly<Record<string, number>>>;
  /** Bytes that are left on its disk. Absent where there is no disk of this machine. */
  freeBytes?(): Promise<number>;
  /**
   * One durable transaction, alone with these spaces: nobody else numbers entries in them meanwhile. All of it is on
   * disk when the promise resolves; none of it when it rejects. A storage that is shared may have the work done again from
   * the begin, so it has no effect besides the transaction.
   */
  transact<T>(spaces: readonly string[], work: (transaction: Transaction) => Promise<T>): Promise<T>;
  /**
   * For an operator who has put an earlier copy in the place of a lost storage, before anything is served from it: it
   * becomes a new server that takes over from the one it was, in every space.
   */
  takeOver(): Promise<void>;
  /** Of a storage that other nodes write to as well: tells of spaces that have grown by their hands. */
  onHint?(listener: (hint: Hint | null) => void): void;
  close(): Promise<void>;
}

/** A space whose log goes, or may go, as far as this. Null stands for all of them. It may be lost, and come late or twice. */
export interface Hint {
  readonly space: string;
  readonly lsn: number;
}

export interface Question {
  readonly writers: readonly Inc[];
  /** K of who asks. */
  readonly cursor: VersionVector;
}

export interface Look {
  readonly meta: SpaceMeta;
  /** How far each incarnation is durable here. One that is not known is left out. */
  readonly known: ReadonlyMap<Inc, KnownWriter>;
  /** Chain hashes at the cursor, of the streams of which the log still has that entry. */
  readonly chain: Chain;
  /** Place in the log behind which something begins that the cursor lacks. */
  readonly position: number;
}

export interface Measured {
  /** Counted in this part. */
  readonly rows: number;
  /** Of them records. */
  readonly records: number;
  /** Of the texts that the rows have. */
  readonly bytes: number;
  /** Null when everything was counted. */
  readonly next: MeasuredPlace | null;
}

/** The log is counted first, then the records. */
export type MeasuredPlace = { readonly lsn: number } | { readonly record: RecordName };

export interface ReadLimit {
  readonly entries: number;
  readonly bytes: number;
}

/** A space at one moment, cut into pieces that fit into a frame. */
export interface PinnedSpace {
  readonly meta: SpaceMeta;
  /** At least one. */
  readonly pieces: number;
  readonly records: number;
  known(incs: readonly Inc[]): Promise<ReadonlyMap<Inc, KnownWriter>>;
  piece(index: number): Promise<Piece>;
  /** The storage could hold it no longer: no piece can be had any more. Absent where it holds them as long as it is asked to. */
  isGone?(): boolean;
  /** After this nothing is asked of it. */
  release(): void;
}

export type Piece = Omit<Snapshot, 'type' | 'id' | 'piece'>;

export interface Transaction {
  /** One view for each question, in order: what is asked about, and the space's state to go on from. */
  views(questions: readonly SpaceQuestion[]): Promise<readonly SpaceView[]>;
  /** Keeps what was decided on a view. Each space once per transaction. */
  save(space: string, view: SpaceView): Promise<void>;
  /** Cuts the begin of the log, at most so many entries and none that `limit` does not reach; answers what went. */
  cut(space: string, limit: VersionVector, max: number): Promise<readonly Cut[]>;
  /** Forgets deleted records that `horizon` lets go, at most so many; answers how many. */
  forget(space: string, horizon: VersionVector, max: number): Promise<number>;
}

export interface SpaceQuestion {
  readonly space: string;
  readonly incs: readonly Inc[];
  /** Dots whose stored content is asked for. */
  readonly dots: readonly Dot[];
  readonly records: readonly RecordName[];
}

export interface RecordName {
  readonly c: string;
  readonly id: string;
}

export interface Cut {
  readonly stamp: Stamp;
}

/** The storage cannot take more just now or at all; nothing of the transaction was stored. */
export class StorageError extends Error {
  readonly kind: StorageErrorKind;

  constructor(kind: StorageErrorKind, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'StorageError';
    this.kind = kind;
  }
}

/**
 * `full`: no space left, reading goes on. `busy`: held by somebody else for too long. `damaged`: a row is not what was
 * written, the others are. `broken`: the disk failed; stop.
 */
export type StorageErrorKind = 'full' | 'busy' | 'damaged' | 'broken';
