/**
 * Group commit: all pushes that arrived in one turn of the event loop, of all spaces, go into one durable transaction.
 * A disk that syncs in five milliseconds thus takes hundreds of pushes in that time, not one.
 *
 * A push is reported only after its transaction is durable, and before the growth of its log is announced to anybody.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { incOf, type Dot, type Inc, type Refusal, type StoredEntry } from '@skerry/sdk/kernel';

import type { SpaceQuestion, Storage } from '../storage/port.ts';
import { decidePush, viewOf, type Decision, type SpaceView } from './decide.ts';
import type { PreparedPush } from './prepare.ts';

export interface PushJob {
  readonly push: PreparedPush;
  admitted(outcome: Outcome): void;
  failed(failure: unknown): void;
}

export interface Outcome {
  /** What the push added to the log. */
  readonly accepted: readonly Dot[];
  readonly known: Readonly<Record<Inc, number>>;
  readonly refused?: Refusal;
  readonly head: number;
}

export interface CommitterOptions {
  readonly storage: Storage;
  readonly driftMs: number;
  readonly now: () => number;
  /** The log of a space has grown by these entries; whoever asks may be given them. */
  readonly onDurable: (space: string, entries: readonly StoredEntry[]) => void;
  /** The pushes that made it grow have been answered: now the others in the space may be told. */
  readonly onReported: (space: string) => void;
}

/** Keeps a transaction, and the pause it means for everybody else, short. */
const MAX_CHANGES_PER_COMMIT = 2_000;

export class Committer {
  readonly #options: CommitterOptions;
  readonly #queue: PushJob[] = [];
  #running: Promise<void> | null = null;
  #isClosed = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** After `close` a push is neither committed nor answered: its device sends it again to the next server. */
  submit(job: PushJob): void {
    if (this.#isClosed) return;
    this.#queue.push(job);
    this.#running ??= this.#run();
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

  #take(): readonly PushJob[] {
    let changes = 0;
    let jobs = 0;
    while (jobs < this.#queue.length && (jobs === 0 || changes < MAX_CHANGES_PER_COMMIT)) {
      changes += this.#queue[jobs++]!.push.changes.length;
    }
    return this.#queue.splice(0, jobs);
  }

  async #commit(jobs: readonly PushJob[]): Promise<void> {
    const spaces = [...new Set(jobs.map(({ push }) => push.space))].sort();
    const decisions = await this.#transact(jobs, spaces).catch((failure: unknown) => {
      for (const job of jobs) job.failed(failure);
      return null;
    });
    if (!decisions) return;
    const grown = grownSpaces(decisions);
    for (const [space, entries] of grown) this.#options.onDurable(space, entries);
    jobs.forEach((job, i) => job.admitted(outcomeOf(decisions[i]!)));
    for (const space of grown.keys()) this.#options.onReported(space);
  }

  #transact(jobs: readonly PushJob[], spaces: readonly string[]): Promise<readonly (Decision & { head: number })[]> {
    const { storage, driftMs, now } = this.#options;
    return storage.transact(spaces, async (transaction) => {
      const facts = await transaction.facts(spaces.map((space) => questionOf(space, jobs)));
      const views = new Map<string, SpaceView>(spaces.map((space, i) => [space, viewOf(facts[i]!)]));
      const rules = { sid: storage.sid, nowMs: now(), driftMs };
      const decisions = jobs.map(({ push }) => decidePush(push, views.get(push.space)!, rules));
      await transaction.append(decisions.flatMap(({ entries }) => entries));
      return decisions.map((decision, i) => ({ ...decision, head: views.get(jobs[i]!.push.space)!.head }));
    });
  }
}

function grownSpaces(decisions: readonly Decision[]): ReadonlyMap<string, readonly StoredEntry[]> {
  const grown = new Map<string, StoredEntry[]>();
  for (const entry of decisions.flatMap(({ entries }) => entries)) {
    const entries = grown.get(entry.space);
    if (entries) entries.push(entry);
    else grown.set(entry.space, [entry]);
  }
  return grown;
}

function outcomeOf({ entries, ...decision }: Decision & { readonly head: number }): Outcome {
  return { ...decision, accepted: entries.map(({ dot }) => dot) };
}

function questionOf(space: string, jobs: readonly PushJob[]): SpaceQuestion {
  const pushes = jobs.map(({ push }) => push).filter((push) => push.space === space);
  const changes = pushes.flatMap((push) => push.changes.map(({ change }) => change));
  const named = changes.flatMap(({ ex }) => (ex ?? []).map(incOf));
  return {
    space,
    incs: [...new Set([...pushes.flatMap(({ incs }) => incs), ...named])],
    dots: changes.map(({ dot }) => dot),
  };
}
