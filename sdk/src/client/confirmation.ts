/** Waiting until a server, or every server, has a commit. */
import { SkerryError } from '../lib/errors.ts';
import type { Written } from '../store/local-database.ts';
import { describe, isPlainObject } from './copy.ts';
import type { Lifetime } from './lifetime.ts';
import type { Followed } from './receipts.ts';
import type { ConfirmOptions } from './types.ts';

export interface Unconfirmed {
  readonly written: Written;
  readonly follow: () => Followed;
  readonly isSynced: boolean;
  readonly lifetime: Lifetime;
}

/**
 * Rejects with why the commit was rejected, NO_SERVER, ABORTED, CLOSED, INVALID_OPTION. It waits as long as it takes: a
 * device may be offline for weeks.
 */
export async function confirmation(
  { written, follow, isSynced, lifetime }: Unconfirmed,
  options?: ConfirmOptions,
): Promise<void> {
  const { by, signal } = checked(options);
  if (signal?.aborted) throw aborted(signal);
  if (written.dot === '') return;
  if (!isSynced)
    throw new SkerryError('NO_SERVER', 'Nobody can confirm this commit: the database was opened without sync.');
  const followed = follow();
  return new Promise((resolve, reject) => {
    const ends: (() => void)[] = [];
    const finish = (end: () => void): void => {
      ends.splice(0).forEach((stop) => stop());
      end();
    };
    const look = (): void => {
      const receipt = followed.receipt$.value;
      if (lifetime.isClosed) return finish(() => reject(closed()));
      if (receipt.state === 'rejected') return finish(() => reject(receipt.error));
      const isHeld = receipt.state === 'accepted' || receipt.state === 'conflicted';
      if (isHeld && (by === 'server' || followed.isEverywhere)) finish(resolve);
    };
    const abort = (): void => finish(() => reject(aborted(signal!)));
    signal?.addEventListener('abort', abort, { once: true });
    ends.push(() => signal?.removeEventListener('abort', abort));
    const subscription = followed.changes$.subscribe({ next: look, complete: () => finish(() => reject(closed())) });
    // It may have ended while it was begun.
    if (ends.length === 0) return subscription.unsubscribe();
    ends.push(() => subscription.unsubscribe());
    followed.now().catch((error: unknown) => finish(() => reject(lifetime.isClosed ? closed() : error)));
  });
}

function checked(options: unknown): { readonly by: 'server' | 'regions'; readonly signal?: AbortSignal } {
  if (options === undefined) return { by: 'server' };
  if (!isPlainObject(options)) throw invalid(`it takes { by, signal }; got ${describe(options)}`);
  const { by = 'server', signal } = options;
  if (by !== 'server' && by !== 'regions') throw invalid(`by is 'server' or 'regions'; got ${describe(by)}`);
  if (signal === undefined) return { by };
  if (!(signal instanceof AbortSignal)) throw invalid(`signal must be an AbortSignal; got ${describe(signal)}`);
  return { by, signal };
}

function invalid(reason: string): SkerryError {
  return new SkerryError('INVALID_OPTION', `confirmed(): ${reason}.`);
}

function aborted(signal: AbortSignal): SkerryError {
  return new SkerryError('ABORTED', 'The wait for a confirmation was given up because its signal was aborted.', {
    cause: signal.reason,
  });
}

function closed(): SkerryError {
  return new SkerryError('CLOSED', 'The database was closed while waiting for a confirmation.');
}
