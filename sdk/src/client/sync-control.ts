/** What an app may ask of syncing. Without a server there is nothing to ask, and everything is settled. */
import { SkerryError } from '../lib/errors.ts';
import type { LocalDatabase } from '../store/local-database.ts';
import type { SyncLink } from '../worker/link.ts';
import { describe } from './copy.ts';
import type { HotStates } from './hot-states.ts';
import type { Lifetime } from './lifetime.ts';
import type { SyncControl } from './types.ts';

export interface SyncControlParts {
  readonly local: LocalDatabase;
  readonly lifetime: Lifetime;
  readonly states: HotStates;
  readonly link: SyncLink | null;
}

export function createSyncControl(parts: SyncControlParts): SyncControl {
  const { lifetime, link } = parts;
  return {
    now: async () => {
      lifetime.assertOpen();
      await link?.now();
    },
    pause: () => {
      lifetime.assertOpen();
      link?.pause();
    },
    resume: () => {
      lifetime.assertOpen();
      link?.resume();
    },
    settled: async (options) => {
      lifetime.assertOpen();
      const timeoutMs = options?.timeoutMs;
      checkTimeout(timeoutMs);
      if (link) await untilSettled(parts, link, timeoutMs);
    },
  };
}

function untilSettled(parts: SyncControlParts, link: SyncLink, timeoutMs: number | undefined): Promise<void> {
  const { lifetime, states } = parts;
  return new Promise((resolve, reject) => {
    let isDone = false;
    let asking: Promise<void> | undefined;
    const finish = (end: () => void): void => {
      if (isDone) return;
      isDone = true;
      clearTimeout(timer);
      for (const subscription of subscriptions) subscription.unsubscribe();
      end();
    };
    const fail = (error: unknown): void => finish(() => reject(lifetime.isClosed ? closed() : error));
    const check = async (): Promise<void> => {
      if (isDone || !(await isSettled(parts))) return;
      // An idle link does not know what the server got a moment ago: it is asked once, and answers after that.
      asking ??= link.now();
      await asking;
      if (isDone || !(await isSettled(parts))) return;
      // What is settled should be seen in conflicts$ and status$ by whoever waited for it.
      await states.refresh();
      finish(resolve);
    };
    const observer = { next: () => void check().catch(fail), complete: () => finish(() => reject(closed())) };
    const timer = isEndless(timeoutMs)
      ? undefined
      : setTimeout(() => finish(() => reject(late(parts, timeoutMs))), timeoutMs);
    const subscriptions: { unsubscribe(): void }[] = [];
    subscriptions.push(states.link$.subscribe(observer));
    subscriptions.push(states.status$.subscribe(observer));
  });
}

/** The database is asked anew each time: the link may not have heard of the latest write yet. */
async function isSettled({ local, states }: SyncControlParts): Promise<boolean> {
  if (!states.link$.value?.inSync) return false;
  const { changes } = await local.readPending();
  return changes === 0 && states.link$.value?.inSync === true;
}

/** A timer cannot count further, and would fire at once. */
function isEndless(timeoutMs: number | undefined): timeoutMs is undefined {
  return timeoutMs === undefined || timeoutMs > 2_147_483_647;
}

function checkTimeout(timeoutMs: unknown): void {
  if (timeoutMs === undefined || (typeof timeoutMs === 'number' && timeoutMs >= 0)) return;
  throw new SkerryError('INVALID_OPTION', `settled(): timeoutMs must be a number from 0; got ${describe(timeoutMs)}.`);
}

function late({ states }: SyncControlParts, timeoutMs: number): SkerryError {
  const { connection, pending, reason } = states.status$.value;
  const message = `Not settled after ${timeoutMs} ms: ${connection}, ${pending.changes} changes pending.`;
  return new SkerryError('TIMEOUT', message, { cause: reason });
}

function closed(): SkerryError {
  return new SkerryError('CLOSED', 'The database was closed while waiting for it to settle.');
}
