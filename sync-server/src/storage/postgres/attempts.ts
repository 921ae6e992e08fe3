/** Transactions as a whole, and what is done when one fails for a reason that passes. */
import { setTimeout as delay } from 'node:timers/promises';

import { PostgresFailure } from './failure.ts';
import type { Session } from './sessions.ts';

const LONGEST_PAUSE_MS = 500;

/** All of it, or nothing. */
export function committed<T>(session: Session, work: (session: Session) => Promise<T>): Promise<T> {
  return rolledBack(session, async () => {
    const begin = session.run('BEGIN ISOLATION LEVEL READ COMMITTED');
    // What is asked first travels along.
    const [result, beginning] = await Promise.allSettled([work(session), begin]);
    if (beginning.status === 'rejected') throw beginning.reason;
    if (result.status === 'rejected') throw result.reason;
    // In a transaction that has failed it is answered by ROLLBACK, without an error.
    if ((await session.run('COMMIT')) !== 'COMMIT') throw new Error('Broken invariant: a failure was passed over');
    return result.value;
  });
}

/** Nothing is left of a transaction that failed. */
export async function rolledBack<T>(session: Session, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (failure) {
    // A session that cannot even do this is not lent again.
    await session.run('ROLLBACK').catch(() => undefined);
    throw failure;
  }
}

export interface Patience {
  readonly stop: AbortSignal;
  readonly patienceMs: number;
}

/** Tries again what fails for a passing reason, after pauses that grow, for as long as somebody may be waiting for it. */
export async function again<T>({ stop, patienceMs }: Patience, work: () => Promise<T>): Promise<T> {
  const until = performance.now() + patienceMs;
  for (let pauseMs = 5; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await work();
    } catch (failure) {
      const isPassing = failure instanceof PostgresFailure && failure.isPassing;
      if (!isPassing || stop.aborted || performance.now() > until) throw failure;
      // Not at the same time as those who failed with it.
      await delay(pauseMs * (0.5 + Math.random()));
    }
  }
}
