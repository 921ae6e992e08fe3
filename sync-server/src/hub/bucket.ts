/**
 * A token bucket: so much a second over some time, and at once as much as was saved up. It may be overdrawn by what has
 * come already, and then says how long to wait.
 */
export class Bucket {
  readonly #perSecond: number;
  readonly #most: number;
  #left: number;
  #atMs: number;

  /** Full at first: `most` at once, and `perSecond` from then on. */
  constructor(perSecond: number, most: number, atMs: number) {
    this.#perSecond = perSecond;
    this.#most = most;
    this.#left = most;
    this.#atMs = atMs;
  }

  /** Takes `amount`, whether it is there or not; answers the milliseconds until nothing is owed. */
  take(amount: number, atMs: number): number {
    this.#refill(atMs);
    this.#left -= amount;
    return this.#left >= 0 ? 0 : Math.ceil((-this.#left / this.#perSecond) * 1_000);
  }

  /** Whether one more can be taken. */
  has(atMs: number): boolean {
    this.#refill(atMs);
    return this.#left >= 1;
  }

  /** Whether it says no more than a new one would. */
  isFull(atMs: number): boolean {
    this.#refill(atMs);
    return this.#left >= this.#most;
  }

  #refill(atMs: number): void {
    const seconds = Math.max(0, atMs - this.#atMs) / 1_000;
    this.#atMs = Math.max(this.#atMs, atMs);
    this.#left = Math.min(this.#most, this.#left + seconds * this.#perSecond);
  }
}
