/** Time as an argument of the engine: the platform's in production, a hand-cranked one in tests. */

export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  nowMs(): number;
  /** Calls `fn` once; returns how to prevent it. */
  after(ms: number, fn: () => void): () => void;
}

export const platformClock: Clock = {
  nowMs: () => Date.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
};
