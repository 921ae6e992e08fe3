/**
 * Sends what waits in a database when no page does: the host of a page, without the page. It waits for the same lock, so
 * that one context syncs, whoever it is, and drives the same engine; a flush that is stopped anywhere leaves what a
 * closed tab leaves, and the next one goes on.
 */
import { SkerryError } from '../lib/errors.ts';
import type { MergeFunctions } from '../policies/merge.ts';
import type { SyncState } from '../session/sync-state.ts';
import { viewBackground, type BackgroundRow, type BackgroundView } from '../store/background.ts';
import { createBrowserHost } from './browser-host.ts';
import { isHostReport } from './host-messages.ts';

export interface FlushOptions {
  /**
   * The token for a database whose pages give one to open(): asked for at each flush, because the SDK writes no token to
   * a disk. null: there is none now, and nothing is sent.
   */
  readonly token?: (name: string) => Promise<string | null>;
  /** The functions that merge() names in the collections. */
  readonly merges?: MergeFunctions;
  /** Most time for one flush. Default 60 s. */
  readonly timeoutMs?: number;
}

export type FlushOutcome =
  /** Nothing waits to be sent any more. */
  | { readonly type: 'flushed' }
  /** Something waits, and trying again by itself would not help: a page has to be opened. */
  | { readonly type: 'left'; readonly reason: SkerryError };

const FLUSH_MS = 60_000;

/** Rejects with TIMEOUT when the server cannot be reached in time: try again later. */
export async function flushOutbox(name: string, options: FlushOptions = {}): Promise<FlushOutcome> {
  const view = await viewBackground(name);
  if (view === null) return left('NOT_FOUND', `There is no database ${name} here.`);
  try {
    if ((await view.readPending()) === 0) return { type: 'flushed' };
    return await flush(name, view, options);
  } finally {
    view.close();
  }
}

async function flush(name: string, view: BackgroundView, options: FlushOptions): Promise<FlushOutcome> {
  const { row } = view;
  if (row === undefined) return left('INVALID_OPTION', `No page has opened ${name} with sync.background.`);
  const missing = row.merges.filter((merge) => !Object.hasOwn(options.merges ?? {}, merge));
  // Without them rows would be shown otherwise than the pages of the app show them.
  if (missing.length > 0)
    return left('INVALID_OPTION', `The service worker lacks the merge functions ${missing.join()}.`);
  if (row.isPaused) return left('CLOSED', 'Syncing is paused.');
  const token = row.needsToken ? await options.token?.(name) : null;
  if (row.needsToken && !token) return left('AUTH_REQUIRED', 'The service worker has no token.');
  return runHost({ name, token: token ?? null, row }, view, options);
}

interface Work {
  readonly name: string;
  readonly token: string | null;
  readonly row: BackgroundRow;
}

async function runHost({ name, token, row }: Work, view: BackgroundView, options: FlushOptions): Promise<FlushOutcome> {
  const { port1: near, port2: far } = new MessageChannel();
  const host = createBrowserHost(options.merges ?? {});
  const { url, space, collections } = row;
  try {
    const ended = untilFlushed(near, view, options.timeoutMs ?? FLUSH_MS);
    host.start({ name, url, space, token, paused: false, store: { name, collections } }, far);
    // A page that leads may be waiting for its next attempt.
    host.localWrite();
    host.now();
    return await ended;
  } finally {
    await host.stop();
    near.close();
  }
}

/** Follows what is reported, by this host or by a page's that leads, and looks into the database each time. */
function untilFlushed(port: MessagePort, view: BackgroundView, timeoutMs: number): Promise<FlushOutcome> {
  return new Promise((resolve, reject) => {
    let isLooking = false;
    let isStale = false;
    const finish = (end: () => void): void => {
      clearTimeout(limit);
      end();
    };
    const limit = setTimeout(
      () => finish(() => reject(new SkerryError('TIMEOUT', `Not all was sent within ${timeoutMs / 1000} s.`))),
      timeoutMs,
    );
    const look = async (): Promise<void> => {
      isStale = isLooking;
      if (isLooking) return;
      isLooking = true;
      const pending = await view.readPending();
      isLooking = false;
      if (pending === 0) finish(() => resolve({ type: 'flushed' }));
      else if (isStale) await look();
    };
    port.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (!isHostReport(data)) return;
      const outcome = data.type === 'state' ? hopeless(data.state) : null;
      if (outcome) finish(() => resolve(outcome));
      else look().catch((error: unknown) => finish(() => reject(error as Error)));
    });
    port.start();
  });
}

/** What only a person, or a page, can change. */
function hopeless({ connection, reason }: SyncState): FlushOutcome | null {
  switch (connection) {
    case 'paused':
      return left('CLOSED', 'Syncing is paused.');
    case 'auth-required':
    case 'upgrade-required':
      return left(reason?.code ?? 'AUTH_REQUIRED', reason?.message ?? 'The server wants a token.');
    case 'stalled':
      return reason?.code === 'FORBIDDEN' || reason?.code === 'ACCESS_REVOKED'
        ? left(reason.code, reason.message)
        : null;
    default:
      return null;
  }
}

function left(code: SkerryError['code'], message: string): FlushOutcome {
  return { type: 'left', reason: new SkerryError(code, message) };
}
