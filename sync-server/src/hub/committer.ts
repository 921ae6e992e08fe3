/**
 * Group commit: everything that arrived in one turn of the event loop, of all spaces, goes into one durable transaction.
 * A disk that syncs in five milliseconds thus takes hundreds of pushes in that time, not one.
 *
 * A job is reported only after its transaction is durable, and before the growth of its log is announced to anybody. One that
 * fails does not take along those that it shares a transaction with: each of them then gets one of its own.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LogHead, SpaceMeta, SpaceView, StoredEntry } from '@skerry/sdk/kernel';

import type { HubMeter } from '../metrics/meter.ts';
import { StorageError, type SpaceQuestion, type Storage } from '../storage/port.ts';

/** Something that is decided about a space, alone with it. Several of one space are decided in the order they came. */
export interface Job<T = unknown> {
  readonly question: SpaceQuestion;
  /** How much it adds at most. */
  readonly changes: number;
  /** Of its text. */
  readonly bytes: number;
  decide(view: SpaceView, nowMs: number): T;
  done(result: T, head: LogHead): void;
  failed(failure: unknown): void;
}

export interface CommitterOptions {
  readonly storage: Storage;
  readonly now: () => number;
  /** The log of a space has grown by these entries; whoever asks may be given them. */
  readonly onDurable: (space: string, entries: readonly StoredEntry[], meta: SpaceMeta) => void;
  /** Those who made it grow have been answered: now the others in the space may be told. */
  readonly onReported: (space: string) => void;
  readonly meter: Pick<HubMeter, 'committed'>;
}

/** Keeps a transaction, and the pause it means for everybody else, short. */
const MAX_CHANGES_PER_COMMIT = 2_000;
const MAX_BYTES_PER_COMMIT = 2_097_152;

export class Committer {
  readonly #options: CommitterOptions;
  readonly #queue: Job[] = [];
  #running: Promise<void> | null = null;
  #isClosed = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /**
   * Whether it was taken: after `close` a job is neither committed nor answered, and a device sends its push again to the
   * next server.
   */
  submit<T>(job: Job<T>): boolean {
    if (this.#isClosed) return false;
    // What a job decides goes to the same job and to nobody else.
    this.#queue.push(job as Job);
    this.#running ??= this.#run();
    return true;
  }

  /** Jobs that wait for their transaction. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Takes no more and resolves when everything taken has been reported. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        // Other sockets that have something to read are read first; what they bring comes along.
        await nextTurn();
        await this.#commit(this.#take());
      }
    } finally {
      this.#running = null;
    }
  }

  /**
   * The first, and of the others what fits. What does not fit waits, with everything behind it in its space: a small push does
   * not wait for the large ones of others, and the first in the queue is never passed over.
   */
  #take(): readonly Job[] {
    const taken: Job[] = [];
    const left: Job[] = [];
    const waiting = new Set<string>();
    let [changes, bytes] = [0, 0];
    for (const job of this.#queue.splice(0)) {
      const { space } = job.question;
      const fits = changes < MAX_CHANGES_PER_COMMIT && bytes + job.bytes <= MAX_BYTES_PER_COMMIT && !waiting.has(space);
      if (taken.length > 0 && !fits) {
        waiting.add(space);
        left.push(job);
        continue;
      }
      taken.push(job);
      changes += job.changes;
      bytes += job.bytes;
    }
    this.#queue.push(...left);
    return taken;
  }

  async #commit(jobs: readonly Job[]): Promise<void> {
    const startMs = performance.now();
    const decided = await this.#transact(jobs).catch((failure: unknown) => this.#fail(jobs, failure));
    if (!decided) return;
    const { results, views } = decided;
    const grown = [...views].filter(([, { entries }]) => entries.length > 0);
    this.#options.meter.committed(performance.now() - startMs, jobs.length, changesIn(grown));
    for (const [space, { entries, meta }] of grown) this.#options.onDurable(space, entries, meta);
    jobs.forEach((job, i) => job.done(results[i], headOf(views.get(job.question.space)!)));
    for (const [space] of grown) this.#options.onReported(space);
  }

  async #fail(jobs: readonly Job[], failure: unknown): Promise<null> {
    if (jobs.length > 1 && isOfOneJob(failure)) for (const job of jobs) await this.#commit([job]);
    else for (const job of jobs) job.failed(failure);
    return null;
  }

  #transact(jobs: readonly Job[]): Promise<Decided> {
    const { storage, now } = this.#options;
    const questions = oneForEachSpace(jobs.map(({ question }) => question));
    const spaces = questions.map(({ space }) => space);
    return storage.transact(spaces, async (transaction) => {
      const found = await transaction.views(questions);
      const views = new Map(spaces.map((space, i) => [space, found[i]!]));
      const before = new Map([...views].map(([space, { meta }]) => [space, meta]));
      const nowMs = now();
      const results = jobs.map((job) => job.decide(views.get(job.question.space)!, nowMs));
      const changed = [...views].filter(([space, { meta }]) => meta !== before.get(space));
      // Without waiting for one another, so that a storage behind a network gets them together.
      await Promise.all(changed.map(([space, view]) => transaction.save(space, view)));
      return { results, views };
    });
  }
}

/** Not of the disk, which would fail the others too. */
function isOfOneJob(failure: unknown): boolean {
  return !(failure instanceof StorageError) || failure.kind === 'damaged';
}

interface Decided {
  readonly results: readonly unknown[];
  readonly views: ReadonlyMap<string, SpaceView>;
}

function changesIn(views: readonly (readonly [space: string, view: SpaceView])[]): number {
  return views.reduce((sum, [, { entries }]) => sum + entries.filter(({ kind }) => kind === 'change').length, 0);
}

function headOf({ meta: { lsn, cursor } }: SpaceView): LogHead {
  return { lsn, cursor };
}

function oneForEachSpace(questions: readonly SpaceQuestion[]): readonly SpaceQuestion[] {
  const bySpace = new Map<string, SpaceQuestion[]>();
  for (const question of questions) {
    const others = bySpace.get(question.space);
    if (others) others.push(question);
    else bySpace.set(question.space, [question]);
  }
  // In a fixed order, so that two servers on one database would not wait for each other.
  return [...bySpace.values()].map(joined).sort((a, b) => (a.space < b.space ? -1 : 1));
}

/** A record that is asked about twice is read twice; to know that it was costs about as much. */
function joined(questions: readonly SpaceQuestion[]): SpaceQuestion {
  const [first] = questions;
  if (questions.length === 1) return first!;
  return {
    space: first!.space,
    incs: [...new Set(questions.flatMap(({ incs }) => incs))],
    dots: questions.flatMap(({ dots }) => dots),
    records: questions.flatMap(({ records }) => records),
  };
}
