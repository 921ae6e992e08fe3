/**
 * A write transaction that ends, and of whose end the truth is told. A connection that dies between the last request
 * and `complete`, or a disk that swallows the commit, leaves open whether it was saved: that is read back before
 * anybody is told, or the write made again.
 */
import { Dexie, type Transaction } from 'dexie';

import { causesOf, errorName } from '../lib/causes.ts';
import { SkerryError } from '../lib/errors.ts';
import type { Connection } from './connection.ts';
import { troubleOf, type Trouble } from './lost-connection.ts';

/** A write in which nothing moves for so long is taken for hung. More than a transaction of another tab may last. */
export const WRITE_LIMIT_MS = 15_000;
/** Of one whose requests are under way: nobody else can hold it up any more. */
export const COMMIT_LIMIT_MS = 5_000;
/** What is hung is asked to abort, and has so long to do it. */
const ABORT_MS = 500;

export interface SettledWrites {
  /** `fn` may run more than once, never when it was saved. Its answer, and the transaction that was committed. */
  run<R>(
    stores: readonly string[],
    fn: (trans: IDBTransaction) => PromiseLike<R>,
  ): Promise<{ readonly result: R; readonly trans: IDBTransaction }>;
}

export interface SettledWriteOptions {
  readonly dexie: Dexie;
  readonly connection: Connection;
  /** Whether the changes of the transaction are in the database. */
  readonly isSaved: (trans: IDBTransaction) => Promise<boolean>;
  /** It is, and nobody but this was told: the connection died with the answer. */
  readonly onSaved: (trans: IDBTransaction) => void;
  /** When something of the transaction was last answered, by performance.now(); null: nothing yet. */
  readonly lastMoved: (trans: IDBTransaction) => number | null;
  readonly onFailure: (error: unknown) => void;
}

type Outcome<R> = { readonly result: R; readonly trans: IDBTransaction };

export function createSettledWrites(options: SettledWriteOptions): SettledWrites {
  const { dexie, connection } = options;
  const run = <R>(stores: readonly string[], fn: (trans: IDBTransaction) => PromiseLike<R>): Promise<Outcome<R>> => {
    let trouble: Trouble | null = null;
    const once = async (): Promise<Outcome<R>> => {
      trouble = null;
      const attempt: Attempt<R> = { trans: null, done: null, isCut: false, ended: Promise.resolve() };
      try {
        await withinLimit(options, attempt, begin(dexie, stores, fn, attempt));
        return attempt.done!;
      } catch (error) {
        // The echo of an abort is heard before the abort.
        await Promise.race([attempt.ended, pause(ABORT_MS)]);
        trouble = attempt.isCut && isCutOff(error, attempt.trans!) ? 'aborted' : troubleOf(error);
        const isOpen = trouble !== null || error instanceof HungError;
        if (isOpen && attempt.done && (await isSavedNow(options, attempt.done.trans, error))) {
          options.onSaved(attempt.done.trans);
          return attempt.done;
        }
        throw error instanceof HungError ? hung(stores, 'Nothing was written.', error) : error;
      }
    };
    return connection
      .persevere(once, () => trouble)
      .catch((error: unknown) => {
        options.onFailure(error);
        throw error;
      });
  };
  return {
    // Inside a transaction of the app it is that one that is made again, or not.
    run: (stores, fn) => (Dexie.currentTransaction ? joined(dexie, stores, fn) : run(stores, fn)),
  };
}

interface Attempt<R> {
  trans: IDBTransaction | null;
  /** Every request succeeded: what is left is the commit. */
  done: Outcome<R> | null;
  /** The transaction ended before its function did. */
  isCut: boolean;
  /** Of the transaction, however it ends. */
  ended: Promise<void>;
}

function begin<R>(
  dexie: Dexie,
  stores: readonly string[],
  fn: (trans: IDBTransaction) => PromiseLike<R>,
  attempt: Attempt<R>,
): PromiseLike<unknown> {
  return dexie.transaction('rw', [...stores], async (transaction) => {
    const trans = nativeTransaction(transaction);
    attempt.trans = trans;
    attempt.ended = new Promise((resolve) => {
      trans.addEventListener('complete', () => resolve());
      trans.addEventListener('abort', () => {
        attempt.isCut = attempt.done === null;
        resolve();
      });
    });
    const result = await fn(trans);
    attempt.done = { result, trans };
  });
}

async function joined<R>(
  dexie: Dexie,
  stores: readonly string[],
  fn: (trans: IDBTransaction) => PromiseLike<R>,
): Promise<Outcome<R>> {
  let trans: IDBTransaction | undefined;
  const result = await dexie.transaction('rw', [...stores], async (transaction) => {
    trans = nativeTransaction(transaction);
    return fn(trans);
  });
  return { result, trans: trans! };
}

/** The browser aborted while the function was still running: what the function saw of it is only the echo. */
function isCutOff(error: unknown, { error: reason }: IDBTransaction): boolean {
  const isOurs = causesOf(error).some((cause) => cause instanceof SkerryError && cause.code !== 'TRANSACTION_ENDED');
  const isEcho = causesOf(error).some((cause) => cause instanceof Dexie.DexieError || cause instanceof SkerryError);
  return isEcho && !isOurs && (reason === null || ['AbortError', 'UnknownError'].includes(errorName(reason)));
}

class HungError extends Error {}

async function withinLimit<R>(
  { connection, lastMoved }: SettledWriteOptions,
  attempt: Attempt<R>,
  running: PromiseLike<unknown>,
): Promise<void> {
  const startedMs = performance.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const look = (): void => {
      const movedMs = attempt.trans && lastMoved(attempt.trans);
      const leftMs =
        movedMs === null ? connection.leftMs(WRITE_LIMIT_MS, startedMs) : connection.leftMs(COMMIT_LIMIT_MS, movedMs);
      if (leftMs <= 0) return abandon(attempt.trans, reject);
      timer = setTimeout(look, leftMs);
    };
    timer = setTimeout(look, COMMIT_LIMIT_MS);
  });
  // Nobody waits for the loser.
  late.catch(() => undefined);
  Promise.resolve(running).catch(() => undefined);
  try {
    await Promise.race([running, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** An abort that takes effect ends the transaction's own promise first. */
function abandon(trans: IDBTransaction | null, reject: (error: HungError) => void): void {
  try {
    trans?.abort();
  } catch {
    // It is committing already.
  }
  setTimeout(() => reject(new HungError('The database does not answer.')), ABORT_MS);
}

/** Throws TIMEOUT when that cannot be found out either. */
async function isSavedNow(
  { connection, isSaved }: SettledWriteOptions,
  trans: IDBTransaction,
  error: unknown,
): Promise<boolean> {
  if (error instanceof HungError) connection.giveUp(error.message);
  try {
    return await within(
      connection,
      COMMIT_LIMIT_MS,
      connection.persevere(() => Dexie.Promise.resolve(isSaved(trans))),
    );
  } catch (cause) {
    throw hung([...trans.objectStoreNames], 'It is not known whether it was saved; read it again.', cause);
  }
}

function within<R>({ after }: Connection, ms: number, promise: Promise<R>): Promise<R> {
  return new Promise((resolve, reject) => {
    const cancel = after(ms, performance.now(), () => reject(new HungError('The database does not answer.')));
    promise.then(resolve, reject).finally(cancel);
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function hung(stores: readonly string[], what: string, cause: unknown): SkerryError {
  return new SkerryError('TIMEOUT', `A write to ${stores[0]} did not end. ${what}`, { cause });
}

function nativeTransaction(transaction: Transaction | null): IDBTransaction {
  return (transaction as unknown as { readonly idbtrans: IDBTransaction }).idbtrans;
}
