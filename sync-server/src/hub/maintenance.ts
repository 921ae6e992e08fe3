/**
 * What a server does by itself: it says where it stands and what it promises, cuts its logs and forgets deleted records.
 * It visits the spaces one after the other, a few at a time, so that ten thousand of them are no burst of work.
 */
import { publish, type Retention } from '@skerry/sdk/kernel';

import type { Logger } from '../log.ts';
import { compactStep } from '../storage/compact.ts';
import type { Storage } from '../storage/port.ts';
import { questionOfSpace } from '../storage/questions.ts';
import type { Committer } from './committer.ts';

export interface MaintenanceOptions {
  readonly storage: Storage;
  readonly committer: Committer;
  readonly retention: Retention;
  readonly logger: Logger;
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number;
  /** A space is visited at most this often, in milliseconds. */
  readonly everyMs: number;
  readonly onFailure: (failure: unknown) => void;
}

/** Time between two visits, and how many spaces one visit looks at. */
const VISIT_MS = 1_000;
const SPACES_PER_VISIT = 20;

export class Maintenance {
  readonly #options: MaintenanceOptions;
  readonly #ticker: NodeJS.Timeout;
  /** The last space that was visited on this round; null between two rounds. */
  #last: string | null = null;
  #roundMs = performance.now();
  #visiting: Promise<void> | null = null;
  #isClosed = false;

  constructor(options: MaintenanceOptions) {
    this.#options = options;
    this.#ticker = setInterval(() => this.#tick(), Math.min(VISIT_MS, options.everyMs)).unref();
  }

  /** Begins nothing any more, and resolves when what was begun has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#ticker);
    await this.#visiting;
  }

  #tick(): void {
    const isResting = this.#last === null && performance.now() - this.#roundMs < this.#options.everyMs;
    if (this.#visiting || isResting) return;
    this.#visiting = this.#visit()
      .catch((failure: unknown) => this.#options.onFailure(failure))
      .finally(() => (this.#visiting = null));
  }

  async #visit(): Promise<void> {
    if (this.#last === null) this.#roundMs = performance.now();
    const spaces = await this.#options.storage.spaces(this.#last, SPACES_PER_VISIT);
    this.#last = spaces.length === SPACES_PER_VISIT ? spaces.at(-1)! : null;
    await Promise.all(spaces.map((space) => this.#alone(this.#publish(space))));
    for (const space of spaces) if (!this.#isClosed) await this.#alone(this.#compact(space));
  }

  /** A space that fails does not hold up those behind it. */
  #alone(work: Promise<void>): Promise<void> {
    return work.catch((failure: unknown) => this.#options.onFailure(failure));
  }

  /** With the pushes of the moment, in one commit. */
  #publish(space: string): Promise<void> {
    const { committer, retention } = this.#options;
    return new Promise((resolve, reject) => {
      const isTaken = committer.submit({
        question: questionOfSpace(space),
        changes: 1,
        bytes: 0,
        decide: (view, nowMs) => publish(view, nowMs, retention),
        done: () => resolve(),
        failed: reject,
      });
      if (!isTaken) resolve();
    });
  }

  async #compact(space: string): Promise<void> {
    const { storage, retention, logger, now } = this.#options;
    let [entries, records, isDone] = [0, 0, this.#isClosed];
    while (!isDone && !this.#isClosed) {
      const step = await compactStep(storage, space, now(), retention);
      entries += step.entries;
      records += step.records;
      isDone = step.isDone;
    }
    if (entries > 0 || records > 0) logger.info('compacted', { entries, records });
  }
}
