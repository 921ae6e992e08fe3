/**
 * Opening that always ends. `indexedDB.open()` may wait for ever: for another tab that does not let go, behind a request
 * that waits itself, or because the browser forgot to answer. An attempt that says nothing is given up and made again;
 * one that is given up takes no effect when the browser answers it after all.
 */
import type { Dexie } from 'dexie';

import { causesOf, errorName } from '../lib/causes.ts';
import { SkerryError } from '../lib/errors.ts';
import { troubleOf } from './lost-connection.ts';

/** How long each attempt may stay silent: 5 s in all. One that upgrades the database takes what it takes. */
export const OPEN_ATTEMPTS_MS = [800, 1_000, 1_200, 2_000] as const;
/** An upgrade waits so long for other connections to give way. */
export const BLOCKED_MS = 3_000;
/** Between attempts that failed at once. */
const REST_MS = 100;

export interface WatchedOpen {
  /** What Dexie opens with. */
  readonly factory: IDBFactory;
  /** Throws STORAGE_BLOCKED, STORAGE_UNAVAILABLE, QUOTA, STORAGE_FAILED. `isGivenUp`: no other attempt is made. */
  open(dexie: Dexie, isGivenUp?: () => boolean): Promise<void>;
}

type Progress = 'silent' | 'blocked' | 'upgrading';

/** null: this browser has no IndexedDB. `isFinal`: whether an attempt that failed would fail again. */
export function createWatchedOpen(
  indexedDb: IDBFactory | undefined,
  isFinal: () => boolean = () => false,
): WatchedOpen | null {
  if (!indexedDb) return null;
  let attempt = 0;
  let progress: Progress = 'silent';
  let onProgress: () => void = () => undefined;

  const watch = (request: IDBOpenDBRequest): IDBOpenDBRequest => {
    const mine = attempt;
    const note = (next: Progress): void => {
      if (mine !== attempt) return;
      progress = next;
      onProgress();
    };
    request.addEventListener('blocked', () => note('blocked'));
    // Before Dexie hears of it: what was given up must not upgrade, nor stay open and stand in others' way.
    request.addEventListener('upgradeneeded', (event) => {
      if (mine === attempt) return note('upgrading');
      event.stopImmediatePropagation();
      request.transaction?.abort();
    });
    request.addEventListener('success', (event) => {
      if (mine === attempt) return;
      event.stopImmediatePropagation();
      request.result.close();
    });
    return request;
  };

  const tryOnce = async (dexie: Dexie, limitMs: number): Promise<'opened' | 'silent' | 'blocked'> => {
    progress = 'silent';
    // Of the app, perhaps, which is opening it already: its request is as good as ours.
    const opening = dexie.open();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<'silent' | 'blocked'>((resolve) => {
      const begin = (ms: number): void => {
        clearTimeout(timer);
        timer = setTimeout(() => resolve(progress === 'blocked' ? 'blocked' : 'silent'), ms);
      };
      onProgress = () => (progress === 'upgrading' ? clearTimeout(timer) : begin(BLOCKED_MS));
      begin(limitMs);
    });
    try {
      const end = await Promise.race([opening.then(() => 'opened' as const), late]);
      if (end === 'opened') return end;
      attempt += 1;
      dexie.close();
      await Promise.resolve(opening).catch(() => undefined);
      return end;
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    factory: {
      open: (name, version) => watch(version === undefined ? indexedDb.open(name) : indexedDb.open(name, version)),
      deleteDatabase: (name) => indexedDb.deleteDatabase(name),
      databases: () => indexedDb.databases(),
      cmp: (a, b) => indexedDb.cmp(a, b),
    },
    async open(dexie, isGivenUp = () => false) {
      let failure: unknown;
      for (const limitMs of OPEN_ATTEMPTS_MS) {
        try {
          const end = await tryOnce(dexie, limitMs);
          if (end === 'opened') return;
          if (end === 'blocked')
            throw blocked(dexie.name, `Another connection kept ${dexie.name} open for ${BLOCKED_MS / 1000} s.`);
          failure = undefined;
        } catch (error) {
          if (isGivenUp()) {
            // Dexie was told, the browser was not: it may answer yet.
            attempt += 1;
            throw error;
          }
          if (isFinal()) throw error;
          if (isUnavailable(error)) throw unavailable(error);
          if (error instanceof SkerryError || troubleOf(error) === null) throw error;
          failure = error;
          await new Promise((resolve) => setTimeout(resolve, REST_MS));
          if (isGivenUp()) throw error;
        }
      }
      throw failure ?? blocked(dexie.name, `${dexie.name} did not open within ${sum(OPEN_ATTEMPTS_MS) / 1000} s.`);
    },
  };
}

/** Private windows of some browsers, sandboxed frames and blocked site data. */
function isUnavailable(error: unknown): boolean {
  const names = causesOf(error).map(errorName);
  return ['MissingAPIError', 'SecurityError', 'InvalidStateError'].some((name) => names.includes(name));
}

export function unavailable(cause?: unknown): SkerryError {
  return new SkerryError('STORAGE_UNAVAILABLE', 'This browser has no database for this page.', { cause });
}

function blocked(name: string, message: string): SkerryError {
  return new SkerryError('STORAGE_BLOCKED', message, { cause: name });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
