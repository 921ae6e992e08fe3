/**
 * One syncing context per device: whoever holds the Web Lock `skerry:<name>:sync`. The others wait for it and take over
 * when its holder goes, however it goes; the browser gives a lock back when a tab or its worker ends.
 *
 * The lock saves work and nothing more: a frozen holder may write once more after it lost the lock, and every call of
 * the store bears that, because a page that does not continue the cursor is not applied.
 */

export interface Leadership {
  /** Gives the lock back, or stops waiting for it. */
  resign(): void;
}

export interface LeadershipOptions {
  readonly name: string;
  /** Without Web Locks (insecure origins, old browsers) every context syncs by itself: more traffic, the same result. */
  readonly locks: Pick<LockManager, 'request'> | undefined;
  onLead(): void;
  /** Somebody took the lock away. We queue up again. */
  onLost(): void;
}

export function lockName(name: string): string {
  return `skerry:${name}:sync`;
}

export function seekLeadership(options: LeadershipOptions): Leadership {
  if (options.locks === undefined) {
    options.onLead();
    return { resign: () => undefined };
  }
  return queueForLock(options, options.locks);
}

function queueForLock(options: LeadershipOptions, locks: Pick<LockManager, 'request'>): Leadership {
  const waiting = new AbortController();
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  let isOver = false;

  const queueUp = (): void => {
    let isLeading = false;
    const lead = async (): Promise<void> => {
      isLeading = true;
      options.onLead();
      await held;
    };
    const ended = (): void => {
      if (isOver) return;
      if (isLeading) options.onLost();
      queueUp();
    };
    locks.request(lockName(options.name), { signal: waiting.signal }, lead).then(undefined, ended);
  };

  // A context that closes while it asks must not lead for a moment.
  queueMicrotask(() => !isOver && queueUp());
  return {
    resign() {
      isOver = true;
      waiting.abort();
      letGo();
    },
  };
}
