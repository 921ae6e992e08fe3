/** Web Locks for tests that turn the clock by hand: exclusive locks with a queue, `signal`, `steal` and `ifAvailable`. */
export class TestLocks implements Pick<LockManager, 'request'> {
  private readonly held = new Map<string, Holder>();
  private readonly queues = new Map<string, Waiter[]>();
  steals = 0;
  /** How often a lock was asked for that may be had at once. */
  tries = 0;

  // oxlint-disable-next-line no-explicit-any -- LockManager's overloads
  request = (async (name: string, ...rest: any[]): Promise<unknown> => {
    const [options, run] = rest.length === 1 ? [{}, rest[0]] : rest;
    const { signal, steal, ifAvailable } = options as LockOptions;
    if (ifAvailable) this.tries += 1;
    if (steal && this.held.has(name)) {
      this.steals += 1;
      this.held.get(name)!.lose(new DOMException('stolen', 'AbortError'));
      this.held.delete(name);
    } else if (ifAvailable && this.held.has(name)) {
      return run(null);
    } else if (this.held.has(name)) {
      await this.turn(name, signal);
    } else {
      signal?.throwIfAborted();
    }
    return this.hold(name, run);
  }) as LockManager['request'];

  private async hold(name: string, run: (lock: { name: string }) => unknown): Promise<unknown> {
    let lose: (reason: unknown) => void = () => undefined;
    const lost = new Promise<never>((_resolve, reject) => (lose = reject));
    lost.catch(() => undefined);
    const holder: Holder = { lose };
    this.held.set(name, holder);
    try {
      return await Promise.race([run({ name }), lost]);
    } finally {
      if (this.held.get(name) === holder) {
        this.held.delete(name);
        this.queues.get(name)?.shift()?.go();
      }
    }
  }

  private turn(name: string, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((go, reject) => {
      const queue = this.queues.get(name) ?? [];
      const waiter: Waiter = { go };
      this.queues.set(name, [...queue, waiter]);
      signal?.addEventListener('abort', () => {
        this.queues.set(
          name,
          this.queues.get(name)!.filter((other) => other !== waiter),
        );
        reject(signal.reason);
      });
    });
  }
}

interface Holder {
  readonly lose: (reason: unknown) => void;
}
interface Waiter {
  readonly go: () => void;
}
