/**
 * One syncing context per device: whoever holds the Web Lock `skerry:<name>:sync`. The others wait for it and take over
 * when its holder goes, however it goes; the browser gives a lock back when a tab or its worker ends. A holder that is
 * frozen keeps its lock: when it has not answered for about 8 s, one of the others takes the lock away.
 *
 * The lock saves work and nothing more: a frozen holder may go on once more after it lost the lock. What it would write
 * then is stopped by the epoch in the database (`store/fence.ts`).
 */
import type { Lease } from '../store/lease.ts';
import type { Clock } from './clock.ts';
import { leadByLease } from './lease-leader.ts';
import { BEAT_MS, watchSilence } from './silence.ts';

export interface Leadership {
  /** Gives the lock back, or stops waiting for it. */
  resign(): void;
  /** Somebody who leads gave a sign of life. */
  heard(): void;
  /** A later leader has begun although this one holds the lock: it steps back and queues up again. */
  stepBack(): void;
}

export interface LeadershipOptions {
  readonly name: string;
  readonly clock: Clock;
  /** Absent on insecure origins and in old browsers: then the lease decides. */
  readonly locks: Pick<LockManager, 'request'> | undefined;
  /** Without it either, this context is alone with its database: a test. */
  readonly lease: Lease | undefined;
  /** Asks whoever leads to say so, which `heard()` tells; null where contexts cannot hear each other: nothing is taken away then. */
  readonly challenge: (() => void) | null;
  onLead(): void;
  /** Somebody took the lock away. We queue up again. */
  onLost(): void;
}

/** A frozen leader is replaced once; whoever replaced it does not do so again for this long. */
const STEAL_EVERY_MS = 60_000;
/** So often another tab that is about to steal is let go first: it may be frozen itself. */
const MOST_YIELDS = 3;

export function lockName(name: string): string {
  return `skerry:${name}:sync`;
}

export function seekLeadership(options: LeadershipOptions): Leadership {
  if (options.locks !== undefined) return queueForLock(options, options.locks);
  if (options.lease !== undefined) return leadByLease(options, options.lease);
  options.onLead();
  return { resign: () => undefined, heard: () => undefined, stepBack: () => undefined };
}

function queueForLock(options: LeadershipOptions, locks: Pick<LockManager, 'request'>): Leadership {
  const { clock, challenge } = options;
  /** The request that counts; a newer one replaces it. */
  let current: Request | null = null;
  let isOver = false;
  let maySteal = true;
  let isStealing = false;
  let hasHeard = false;
  let yields = 0;
  const isWaiting = (): boolean => current?.release === null;
  const silence =
    challenge === null
      ? null
      : watchSilence({
          clock,
          challenge: () => isWaiting() && challenge(),
          onSilent: () => void (isWaiting() && steal(challenge)),
        });

  function ask(mode: { readonly steal: true } | null): void {
    const request: Request = { waiting: new AbortController(), release: null };
    current?.waiting.abort();
    current = request;
    const lead = (): Promise<void> | undefined => {
      if (isOver || current !== request) return undefined;
      return new Promise((resolve) => {
        request.release = resolve;
        options.onLead();
      });
    };
    const ended = (): void => {
      if (isOver || current !== request) return;
      // Refused without having led: a page that is about to go, or locks that do not work. No hot loop.
      if (request.release === null) return void clock.after(BEAT_MS, () => !isOver && current === request && ask(null));
      silence?.heard();
      options.onLost();
      ask(null);
    };
    locks.request(lockName(options.name), mode ?? { signal: request.waiting.signal }, lead).then(ended, ended);
  }

  /** One tab at a time, after having asked once more while no other can steal. */
  async function steal(askWhoLeads: () => void): Promise<void> {
    if (isStealing || !maySteal) return;
    isStealing = true;
    hasHeard = false;
    const tryIt = async (): Promise<void> => {
      yields = 0;
      askWhoLeads();
      await pass(clock, BEAT_MS);
      if (isOver || hasHeard || !isWaiting()) return;
      maySteal = false;
      clock.after(STEAL_EVERY_MS, () => (maySteal = true));
      ask({ steal: true });
      // The others hear of the new leader before one of them may look again.
      await pass(clock, BEAT_MS);
    };
    try {
      await locks.request(`${lockName(options.name)}:steal`, { ifAvailable: true }, (lock) => {
        if (lock !== null || ++yields > MOST_YIELDS) return tryIt();
        return undefined;
      });
    } catch {
      // This context is about to go, or locks do not work here: whoever waits goes on waiting.
    } finally {
      isStealing = false;
    }
  }

  // A context that closes while it asks must not lead for a moment.
  queueMicrotask(() => !isOver && ask(null));
  return {
    heard() {
      hasHeard = true;
      silence?.heard();
    },
    stepBack() {
      const release = current?.release;
      if (isOver || !release) return;
      options.onLost();
      ask(null);
      release();
    },
    resign() {
      isOver = true;
      silence?.stop();
      current?.waiting.abort();
      current?.release?.();
    },
  };
}

interface Request {
  readonly waiting: AbortController;
  /** Lets the lock go; null while it is not held. */
  release: (() => void) | null;
}

function pass(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve));
}
