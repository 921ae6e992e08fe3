/**
 * A page's link to syncing as the page holds it from the start. What drives the host (`client.ts`, with comlink and the
 * worker's protocol) is loaded when the rows are there: no page waits for it, and one that does not sync never loads it.
 *
 * Until it has come a write waits in the outbox, and every call waits for its turn. When it cannot be loaded that is shown
 * as `stalled`, and it is tried again.
 */
import { INITIAL_SYNC_STATE, type SyncNews, type SyncState } from '../session/sync-state.ts';
import type { MergeFunctions } from '../policies/merge.ts';
import type { CollectionPlan } from '../policies/registry.ts';
import { resolveSyncUrl } from '../transport/sync-url.ts';
import type { TestEnvironment } from './browser-host.ts';
import type { Touched } from './engine.ts';
import type { TokenFunction } from './token.ts';

export { INITIAL_SYNC_STATE, type SyncNews, type SyncState, type TestEnvironment, type Touched };

export interface SyncLinkOptions {
  /** Of the local database. */
  readonly name: string;
  readonly sync: SyncSettings;
  readonly collections: readonly CollectionPlan[];
  /** The functions that merge() names in the collections. */
  readonly merges?: MergeFunctions;
  /** Default: the packaged worker where there are workers and no merge functions. false: sync runs in this context. */
  readonly worker?: (() => Worker) | false;
  /** Sync runs in this context, with clock, wire and luck of a test. */
  readonly test?: TestEnvironment;
  readonly logger?: { error(message: string, detail?: unknown): void };
  onState(state: SyncState): void;
  /** Rows that were changed behind this page's back, and with them perhaps the SDK's own stores. */
  onChanged(touched: Touched): void;
  onEvent(news: SyncNews): void;
}

export interface SyncSettings {
  readonly url: string;
  readonly space?: string;
  readonly token?: string | TokenFunction;
  readonly paused?: boolean;
}

export interface SyncLink {
  /** A hint that the outbox has grown. */
  localWrite(): void;
  /**
   * Tries at once. Resolves when all that the server had then is in the reported state, or that there is no link; after
   * 15 s in any case.
   */
  now(): Promise<void>;
  /** What the server is shown. `refused`: not that one, but another; null when there is none. */
  token(refused?: string | null): Promise<string | null>;
  /** Of the whole device, in all its tabs. */
  pause(): void;
  resume(): void;
  /** Resolves when nothing of this link touches the database any more, after 2 s in any case. */
  close(): Promise<void>;
}

export type ConnectSync = (options: SyncLinkOptions) => SyncLink;

/** Rests between two attempts to load; the last one is repeated. The file lies beside the page's own, so there is no herd. */
const RELOAD_MS = [1_000, 5_000, 30_000] as const;

/** So long sync.now() waits for it. */
const LOAD_MS = 15_000;

/** The address as a context anywhere can use it. Throws INVALID_OPTION when it is none. */
export function serverOf({ url }: Pick<SyncSettings, 'url'>): string {
  return resolveSyncUrl(url, typeof location === 'undefined' ? undefined : location.origin);
}

/** Throws INVALID_OPTION when the address cannot be used. */
export function openLink(
  options: SyncLinkOptions,
  load: () => Promise<ConnectSync> = async () => (await import('./client.ts')).connectSync,
): SyncLink {
  serverOf(options.sync);
  let link: SyncLink | null = null;
  let isClosed = false;
  let failures = 0;
  let reload: ReturnType<typeof setTimeout> | undefined;
  const waiting: ((link: SyncLink | null) => void)[] = [];

  const start = (): void => {
    clearTimeout(reload);
    reload = undefined;
    load().then(
      (connectSync) => {
        if (isClosed) return;
        link = connectSync(options);
        letGo(link);
      },
      (error: unknown) => {
        if (!isClosed) failed(error);
      },
    );
  };
  const failed = (error: unknown): void => {
    const afterMs = RELOAD_MS[Math.min(failures, RELOAD_MS.length - 1)]!;
    failures += 1;
    options.logger?.error('Syncing cannot be loaded and is tried again; reloading the page may be needed.', error);
    const at = Date.now();
    const reason = { code: 'INTERNAL', message: `Syncing cannot be loaded: ${String(error)}` } as const;
    options.onState({ ...INITIAL_SYNC_STATE, connection: 'stalled', reason, nextAttemptAt: at + afterMs });
    options.onEvent({ type: 'connection', at, connection: 'stalled', reason });
    reload = setTimeout(start, afterMs);
    letGo(null);
  };
  /** Those who wait get the link, or hear that there is none yet. */
  const letGo = (now: SyncLink | null): void => {
    for (const go of waiting.splice(0)) go(now);
  };
  start();

  return {
    localWrite: () => link?.localWrite(),
    async now() {
      if (isClosed) return;
      if (reload !== undefined) start();
      if (link) return link.now();
      await new Promise<void>((resolve) => {
        const limit = setTimeout(resolve, LOAD_MS);
        waiting.push((there) => {
          clearTimeout(limit);
          resolve(there?.now());
        });
      });
    },
    token: (refused) =>
      link || isClosed
        ? (link?.token(refused) ?? Promise.resolve(null))
        : new Promise((resolve) => waiting.push((there) => resolve(there ? there.token(refused) : null))),
    pause: () => later((there) => there.pause()),
    resume: () => later((there) => there.resume()),
    async close() {
      isClosed = true;
      clearTimeout(reload);
      letGo(null);
      await link?.close();
    },
  };

  /** In the order of the calls, however long it takes to load. */
  function later(use: (link: SyncLink) => void): void {
    if (link) return use(link);
    if (isClosed) return;
    waiting.push((there) => (there ? use(there) : later(use)));
  }
}
