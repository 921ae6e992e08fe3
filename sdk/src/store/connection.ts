/**
 * The page's connection to its database, and what becomes of calls when it is lost: the connection is opened anew and
 * the call is made again, whole. What is lost for longer than a person waits fails with STORAGE_FAILED; the connection
 * is looked for all the same until the database is closed.
 *
 * A connection is lost when the browser closes it (site data cleared, storage process gone), when it only throws, or
 * when another tab upgrades the database, to which this one gives way.
 */
import { Dexie } from 'dexie';

import { SkerryError } from '../lib/errors.ts';
import { troubleOf, type Trouble } from './lost-connection.ts';
import type { WatchedOpen } from './watched-open.ts';

/** A call looks so long for a connection before it fails. */
export const RECONNECT_MS = 10_000;
const FIRST_REST_MS = 50;
const LONGEST_REST_MS = 10_000;

export type StorageNews =
  /** The connection is gone: `reason` is why, as far as the browser tells. */
  | { readonly type: 'storage-lost'; readonly reason: string }
  /** Another tab upgrades or deletes the database; this one gave way. */
  | { readonly type: 'storage-yielded' }
  | { readonly type: 'storage-back' }
  /** Every attempt fails for a reason that goes on. */
  | { readonly type: 'storage-failing'; readonly error: unknown };

export interface ConnectionOptions {
  readonly dexie: Dexie;
  readonly watched: WatchedOpen;
  readonly onNews: (news: StorageNews) => void;
}

export interface Connection {
  open(): Promise<void>;
  /**
   * Runs at once, and again where the connection was lost, once where the browser aborted. `troubleOf` tells what an
   * error means. Inside a transaction it runs once: the transaction is what is made again.
   */
  persevere<R>(run: () => PromiseLike<R>, classify?: (error: unknown) => Trouble | null): Promise<R>;
  /** The connection does not answer any more: the next call opens another. */
  giveUp(reason: string): void;
  /** Calls back when `limitMs` have passed since `startMs`, by performance.now(), or since a frozen page went on. */
  after(limitMs: number, startMs: number, fn: () => void): () => void;
  /** How long it is until then. While the page is frozen nothing of it passes. */
  leftMs(limitMs: number, startMs: number): number;
  /** Closes it until wake(): a frozen page holds nothing, calls wait, and nobody is told. */
  rest(): void;
  wake(): Promise<void>;
  close(): void;
}

export function createConnection({ dexie, watched, onNews }: ConnectionOptions): Connection {
  let isOver = false;
  let isOpen = false;
  let isYielding = false;
  /** Somebody was told that it is gone, and not yet that it is back. */
  let isToldLost = false;
  let wokeMs = -Infinity;
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  /** Resolved when the page is awake. */
  let rested: Promise<void> | null = null;
  let wakeUp: () => void = () => undefined;
  let recovering: Promise<void> | null = null;

  dexie.on('versionchange', () => (isYielding = true));
  dexie.on('close', () => {
    if (!isOpen) return;
    isOpen = false;
    if (rested) return;
    // Dexie closes before it tells why.
    queueMicrotask(() => {
      if (isOver) return;
      isToldLost = true;
      onNews(isYielding ? { type: 'storage-yielded' } : { type: 'storage-lost', reason: lastReason });
      isYielding = false;
      lastReason = CLOSED;
      recover().catch(() => undefined);
    });
  });
  let lastReason = CLOSED;

  const open = async (): Promise<void> => {
    await watched.open(dexie, () => isOver || rested !== null);
    if (isOver || rested) return dexie.close();
    isOpen = true;
  };

  /** Only a newer layout ends the search: waiting would not make this code newer. */
  const search = async (): Promise<void> => {
    let isTold = false;
    let restMs = FIRST_REST_MS;
    for (;;) {
      if (rested) await rested;
      if (isOver) return;
      try {
        await open();
        if (rested) continue;
        if (isToldLost && !isOver) onNews({ type: 'storage-back' });
        isToldLost = false;
        return;
      } catch (error) {
        if (isOver) return;
        if (rested) continue;
        const isFinal = error instanceof SkerryError && error.code === 'STORAGE_NEWER';
        if (isFinal || !isTold) onNews({ type: 'storage-failing', error });
        isToldLost = true;
        if (isFinal) throw error;
        isTold = true;
      }
      await new Promise((resolve) => setTimeout(resolve, restMs));
      restMs = Math.min(LONGEST_REST_MS, restMs * 2);
    }
  };

  function recover(): Promise<void> {
    recovering ??= search().finally(() => (recovering = null));
    return recovering;
  }

  const leftMs = (limitMs: number, startMs: number): number =>
    rested ? limitMs : Math.max(startMs, wokeMs) + limitMs - performance.now();

  const after: Connection['after'] = (limitMs, startMs, fn) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = (): void => {
      const ms = leftMs(limitMs, startMs);
      if (ms > 0) timer = setTimeout(look, ms);
      else fn();
    };
    // Never before this call has ended.
    timer = setTimeout(look, Math.max(0, leftMs(limitMs, startMs)));
    return () => clearTimeout(timer);
  };

  /** In Dexie's promises, so that a live query knows what is read afterwards. */
  const back = (lostMs: number): PromiseLike<void> =>
    new Dexie.Promise<void>((resolve, reject) => {
      const cancel = after(RECONNECT_MS, lostMs, resolve);
      Promise.race([recover(), ended]).then(resolve, reject).finally(cancel);
    });

  const drop = (reason: string): void => {
    lastReason = reason;
    if (dexie.isOpen()) dexie.close({ disableAutoOpen: false });
  };

  const persevere = <R>(
    run: () => PromiseLike<R>,
    classify: (error: unknown) => Trouble | null = troubleOf,
  ): Promise<R> => {
    if (Dexie.currentTransaction) return attempt(run) as Promise<R>;
    let lostMs = 0;
    let aborts = 0;
    let rests = 0;
    const go = (): PromiseLike<R> => {
      const used: unknown = dexie.backendDB();
      return attempt(run).then(undefined, (error: unknown): PromiseLike<R> => {
        const trouble = isOver ? null : classify(error);
        if (trouble === null) throw error;
        if (trouble === 'aborted') {
          aborts += 1;
          if (aborts > 1) throw error;
          return go();
        }
        lostMs ||= performance.now();
        if (leftMs(RECONNECT_MS, lostMs) <= 0) throw failed(error);
        // Another call may have opened it anew meanwhile.
        if (used !== null && dexie.backendDB() === used) drop(String(error));
        const restMs = rests === 0 ? 0 : Math.min(1_000, FIRST_REST_MS * 2 ** rests);
        rests += 1;
        return rest(restMs)
          .then(() => back(lostMs))
          .then(go);
      });
    };
    return go() as Promise<R>;
  };

  return {
    open,
    persevere,
    giveUp: drop,
    after,
    leftMs,
    rest() {
      rested ??= new Promise((resolve) => (wakeUp = resolve));
      dexie.close();
    },
    async wake() {
      if (!rested) return;
      rested = null;
      wokeMs = performance.now();
      wakeUp();
      if (!isOver) await recover();
    },
    close() {
      isOver = true;
      wakeUp();
      end();
      dexie.close();
    },
  };
}

const CLOSED = 'The browser closed the connection.';

function attempt<R>(run: () => PromiseLike<R>): PromiseLike<R> {
  try {
    return Dexie.Promise.resolve(run());
  } catch (error) {
    return Dexie.Promise.reject(error);
  }
}

function rest(ms: number): PromiseLike<void> {
  return ms === 0 ? Dexie.Promise.resolve() : new Dexie.Promise<void>((resolve) => setTimeout(resolve, ms));
}

function failed(error: unknown): SkerryError {
  return new SkerryError('STORAGE_FAILED', `The connection to the database is lost (${String(error)}).`, {
    cause: error,
  });
}
