/**
 * storage$: what the browser tells of its storage, and what became of the last writes. It moves by events (a write that
 * failed, a connection that was lost, a page that is looked at again, a permission that changed) and never polls.
 */
import type { Subject } from 'rxjs';

import { errorName } from '../lib/causes.ts';
import type { StorageNews } from '../store/connection.ts';
import type { StorageReset } from '../store/local-database.ts';
import type { SyncState } from '../worker/link.ts';
import { asSkerryError } from './failure.ts';
import type { Lifetime } from './lifetime.ts';
import { createState } from './state.ts';
import { riskOf, type StorageFacts } from './storage-risk.ts';
import type { Logger, State, StorageHealth, StorageMode, SyncEvent } from './types.ts';

export interface StorageMonitor {
  readonly storage$: State<StorageHealth>;
  /** Of the connection and the database behind it. */
  note(news: StorageNews | StorageReset): void;
  noteSaved(): void;
  noteFailed(error: unknown): void;
  noteLink(state: SyncState): void;
  requestPersistence(): Promise<boolean>;
}

export interface StorageMonitorOptions {
  readonly lifetime: Lifetime;
  readonly events: Subject<SyncEvent>;
  readonly logger: Logger | undefined;
  /** The browser's, where it has one. */
  readonly manager: StorageManager | undefined;
  /** When the browser is asked first; asking holds the page up. */
  readonly lookAfterMs?: number;
}

const UNKNOWN: StorageFacts = { persisted: null, usage: null, quota: null, modes: [], reset: null };

export function createStorageMonitor(options: StorageMonitorOptions): StorageMonitor {
  const { lifetime, events, logger, manager, lookAfterMs = 0 } = options;
  let facts = UNKNOWN;
  let error: StorageHealth['error'];
  const state = createState(healthOf(facts, error), isSameHealth);
  const publish = (change: Partial<StorageFacts>): void => {
    facts = { ...facts, ...change };
    if (!lifetime.isClosed) state.set(healthOf(facts, error));
  };
  const tell = (event: SyncEvent): void => {
    if (!lifetime.isClosed) events.next(event);
  };
  const has = (mode: StorageMode): boolean => facts.modes.includes(mode);
  const turn = (mode: StorageMode, isOn: boolean): void => {
    if (has(mode) === isOn) return;
    publish({ modes: isOn ? [...facts.modes, mode] : facts.modes.filter((other) => other !== mode) });
  };
  const look = (): void => {
    void measure(manager).then(publish);
  };

  lifetime.onClose(() => state.complete());
  const start = (): void => {
    look();
    lifetime.onClose(onPermission(look));
  };
  if (lookAfterMs === 0) start();
  else {
    const timer = setTimeout(start, lookAfterMs);
    lifetime.onClose(() => clearTimeout(timer));
  }
  lifetime.onClose(onVisible(look));

  return {
    storage$: state.state$,
    note(news) {
      const at = new Date();
      switch (news.type) {
        case 'storage-lost':
          logger?.error(`The connection to the database is lost: ${news.reason}`);
          turn('disconnected', true);
          return tell({ type: news.type, at, reason: news.reason });
        case 'storage-yielded':
          turn('gave-way', true);
          return tell({ type: news.type, at });
        case 'storage-failing':
          error = asSkerryError(news.error);
          logger?.error('The database cannot be opened.', news.error);
          return turn(error.code === 'STORAGE_NEWER' ? 'newer-version' : 'disconnected', true);
        case 'storage-back':
          error = undefined;
          publish({ modes: facts.modes.filter((mode) => !ENDED_BY_OPENING.has(mode)) });
          look();
          return tell({ type: news.type, at });
        case 'storage-reset': {
          const { kept, lost } = news;
          logger?.error(
            `The database was cleared; ${kept} unsent changes were kept, ${lost ?? 'nobody knows how many'} were lost.`,
          );
          publish({ reset: { at, kept, lost } });
          return tell({ type: news.type, at, kept, lost });
        }
      }
    },
    noteSaved() {
      if (!has('full')) return;
      error = undefined;
      turn('full', false);
      look();
      tell({ type: 'storage-freed', at: new Date() });
    },
    noteFailed(cause) {
      const failure = asSkerryError(cause);
      if (failure.code !== 'QUOTA' || has('full')) return;
      error = failure;
      turn('full', true);
      look();
      tell({ type: 'storage-full', at: new Date() });
    },
    noteLink: ({ connection, reason }) => turn('pulls-paused', connection === 'stalled' && reason?.code === 'QUOTA'),
    async requestPersistence() {
      lifetime.assertOpen();
      const isGranted = await persist(manager);
      look();
      return isGranted;
    },
  };
}

const ENDED_BY_OPENING: ReadonlySet<StorageMode> = new Set(['disconnected', 'gave-way', 'newer-version']);

function healthOf(facts: StorageFacts, error: StorageHealth['error']): StorageHealth {
  return { ...facts, risk: riskOf(facts), ...(error ? { error } : {}) };
}

function isSameHealth(a: StorageHealth, b: StorageHealth): boolean {
  return JSON.stringify([a, a.error?.message]) === JSON.stringify([b, b.error?.message]);
}

/** Browsers differ in what they tell, and some refuse in private windows. */
async function measure(manager: StorageManager | undefined): Promise<Partial<StorageFacts>> {
  const [persisted, estimate] = await Promise.all([
    attempt(() => manager?.persisted?.()),
    attempt(() => manager?.estimate?.()),
  ]);
  return { persisted: persisted ?? null, usage: estimate?.usage ?? null, quota: estimate?.quota ?? null };
}

async function persist(manager: StorageManager | undefined): Promise<boolean> {
  return (await attempt(() => manager?.persist?.())) ?? false;
}

async function attempt<T>(ask: () => Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    // TypeError and SecurityError are how a browser says that it does not tell.
    if (errorName(error) === '') throw error;
    return undefined;
  }
}

function onVisible(look: () => void): () => void {
  if (typeof document === 'undefined') return () => undefined;
  const listener = (): void => {
    if (document.visibilityState === 'visible') look();
  };
  document.addEventListener('visibilitychange', listener);
  return () => document.removeEventListener('visibilitychange', listener);
}

/** The person may allow or forbid it in the browser's own settings. */
function onPermission(look: () => void): () => void {
  let stop = (): void => undefined;
  let isOver = false;
  const permissions = typeof navigator === 'undefined' ? undefined : navigator.permissions;
  void attempt(() => permissions?.query({ name: 'persistent-storage' })).then((status) => {
    if (!status || isOver) return;
    status.addEventListener('change', look);
    stop = () => status.removeEventListener('change', look);
  });
  return () => {
    isOver = true;
    stop();
  };
}
