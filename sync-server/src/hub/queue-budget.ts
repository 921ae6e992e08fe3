/**
 * How much all devices together may leave unread. Each one alone is bounded, but thousands of slow ones would take all of
 * the memory; then those go first that hold the most, and come back for the rest by their cursors.
 */
import type { Load } from '../metrics/meter.ts';

/** A connection, as far as the budget is about it. */
export interface Queued {
  readonly load: Load;
  /** Ends it at once, with what it has not read. */
  cut(): void;
}

/** The queues are looked at again when so large a part of the budget was sent since. */
const LOOKS_PER_BUDGET = 16;
/** So much is kept free when some had to go, so that the next frame is not the next reason. */
const RELIEF = 0.75;

export class QueueBudget {
  readonly #maxBytes: number;
  readonly #queues: () => Iterable<Queued>;
  #sent = 0;

  constructor(maxBytes: number, queues: () => Iterable<Queued>) {
    this.#maxBytes = maxBytes;
    this.#queues = queues;
  }

  /** So many bytes were sent to somebody. */
  sent(bytes: number): void {
    this.#sent += bytes;
    if (this.#sent < this.#maxBytes / LOOKS_PER_BUDGET) return;
    this.#sent = 0;
    this.#relieve();
  }

  #relieve(): void {
    const queues = [...this.#queues()].map((queued) => ({ queued, bytes: queued.load.queueBytes }));
    let sum = queues.reduce((total, { bytes }) => total + bytes, 0);
    if (sum <= this.#maxBytes) return;
    for (const { queued, bytes } of queues.sort((a, b) => b.bytes - a.bytes)) {
      if (sum <= this.#maxBytes * RELIEF) return;
      sum -= bytes;
      queued.cut();
    }
  }
}
