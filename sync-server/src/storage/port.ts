/**
 * What the server needs from a storage: an append-only log per space, how far each writer is known, and one durable
 * transaction for many pushes at once. `contract.ts` is the suite that every implementation passes.
 *
 * Questions and appends are bulk calls, so that a storage behind a network needs two round trips per transaction.
 */
import type { Dot, Inc, Sid, StoredEntry } from '@skerry/sdk/kernel';

/** A place where data is or will be; opening it may fail, once, with a clear error. */
export interface StorageSource {
  open(): Promise<Storage>;
}

export interface Storage {
  /** The server's identity: random, made when the storage was created. */
  readonly sid: Sid;
  /** Number of the last durable entry in a space's log; 0 for a space that nobody has written to. */
  head(space: string): Promise<number>;
  /** How far each incarnation is durable here. One that is not known is left out. */
  known(space: string, incs: readonly Inc[]): Promise<ReadonlyMap<Inc, KnownWriter>>;
  /** Durable entries in log order that follow `after`: at least one if there is one, else within the limits. */
  read(space: string, after: number, max: ReadLimit): Promise<readonly StoredEntry[]>;
  /**
   * One durable transaction, alone with these spaces: nobody else numbers entries in them meanwhile. All of it is on
   * disk when the promise resolves; none of it when it rejects.
   */
  transact<T>(spaces: readonly string[], work: (transaction: Transaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface ReadLimit {
  readonly entries: number;
  readonly bytes: number;
}

export interface Transaction {
  /** One answer for each question, in order. */
  facts(questions: readonly SpaceQuestion[]): Promise<readonly SpaceFacts[]>;
  /** Entries are numbered by the caller, from `head + 1` on, without gaps. A dot is unique in its space. */
  append(entries: readonly NewEntry[]): Promise<void>;
}

export interface SpaceQuestion {
  readonly space: string;
  readonly incs: readonly Inc[];
  /** Dots whose stored content is asked for. */
  readonly dots: readonly Dot[];
}

export interface SpaceFacts {
  readonly head: number;
  readonly known: ReadonlyMap<Inc, KnownWriter>;
  readonly hashes: ReadonlyMap<Dot, string>;
}

export interface KnownWriter {
  readonly seq: number;
  /** Id of the principal that wrote its first change; null without authentication. */
  readonly owner: string | null;
}

export interface NewEntry {
  readonly space: string;
  readonly n: number;
  readonly dot: Dot;
  /** Content hash, computed by this server. */
  readonly hash: string;
  /** Canonical JSON text of the change without its dependencies. */
  readonly change: string;
  readonly owner: string | null;
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

/** `full`: no space left, reading goes on. `busy`: held by somebody else for too long. `broken`: the disk failed; stop. */
export type StorageErrorKind = 'full' | 'busy' | 'broken';
