/**
 * What becomes of the rows when this user may no longer see them: a policy of the app. The server says so by ACCESS_REVOKED; a server that
 * never let this device in changes nothing here.
 */
import { SkerryError } from '../lib/errors.ts';
import { announceEverything } from '../store/announce.ts';
import type { LocalDatabase } from '../store/local-database.ts';
import type { SyncState } from '../worker/link.ts';
import type { Lifetime } from './lifetime.ts';
import type { Logger, OnAccessLost, SyncEvent } from './types.ts';

export interface AccessLoss {
  readonly isSealed: boolean;
  /** `isLost`: as this device remembers it from before. */
  begin(isLost: boolean): void;
  /** Throws CLOSED, and ACCESS_REVOKED while the rows are sealed. */
  assertOpen(): void;
  /** Hears every state of the link. */
  hear(state: SyncState): void;
}

export interface AccessLossParts {
  readonly policy: OnAccessLost;
  readonly local: LocalDatabase;
  readonly lifetime: Lifetime;
  readonly logger: Logger | undefined;
  tell(event: SyncEvent): void;
}

export function createAccessLoss(parts: AccessLossParts): AccessLoss {
  const { policy, local, lifetime, logger, tell } = parts;
  let isSealed = false;
  /** What was heard last, and is done or being done. */
  let heard: 'lost' | 'back' | null = null;
  let last: Promise<void> = Promise.resolve();

  const lose = async (): Promise<void> => {
    const atMs = Date.now();
    isSealed = policy === 'seal';
    const isNews = policy === 'purge' ? await local.lostAccess.purge(atMs) : await local.lostAccess.note(atMs);
    if (lifetime.isClosed) return;
    // Another tab may have been first: what it has purged is to be read anew here all the same.
    announceEverything();
    if (isNews) tell({ type: 'access-lost', at: new Date(atMs), policy });
  };
  const regain = async (): Promise<void> => {
    isSealed = false;
    const loss = await local.lostAccess.read();
    if (!loss) return;
    await local.lostAccess.forget();
    if (lifetime.isClosed) return;
    announceEverything();
    tell({ type: 'access-back', at: new Date() });
  };
  const turn = (to: 'lost' | 'back', act: () => Promise<void>): void => {
    if (heard === to) return;
    heard = to;
    last = last.then(act).catch((error: unknown) => {
      // With the next attempt of the link it is tried again.
      heard = null;
      if (!lifetime.isClosed) logger?.error('What this device holds could not be let go of.', error);
    });
  };

  return {
    get isSealed() {
      return isSealed;
    },
    begin: (isLost) => void (isSealed = isLost && policy === 'seal'),
    assertOpen() {
      lifetime.assertOpen();
      if (isSealed)
        throw new SkerryError('ACCESS_REVOKED', 'This user is no longer a member of the space; its rows are sealed.');
    },
    hear({ connection, reason }) {
      if (reason?.code === 'ACCESS_REVOKED') turn('lost', lose);
      else if (connection === 'online') turn('back', regain);
    },
  };
}
