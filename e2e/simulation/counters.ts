/** How often each interesting thing happened. What must have happened in many seeds, and never did, fails their run. */
export class Counters {
  readonly #times = new Map<string, number>();

  count(name: string, by = 1): void {
    if (by > 0) this.#times.set(name, (this.#times.get(name) ?? 0) + by);
  }

  get all(): ReadonlyMap<string, number> {
    return this.#times;
  }
}

export const DEVICE_CLOCK = 'clock jumped';
export const SERVER_CLOCK = "server's clock jumped";

/** A run of fewer seeds may miss the rarest. */
export const SEEDS_TO_SEE_ALL = 200;

/** What a run of many seeds must have seen, or it proves less than it says. */
export const MUST_HAPPEN: readonly string[] = [
  'write',
  'delete',
  'conflict resolved',
  'several steps in one transaction',
  'transaction over several records',
  'form saved',
];
