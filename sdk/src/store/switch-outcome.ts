/** What going over to a snapshot meant for those who look at the device: gathered record by record. */
import type { PolicyProblem } from '../core/policy-problem.ts';
import { countOf } from '../core/version-vector.ts';
import type { SwitchContext, SwitchedRecord } from './bootstrap-plan.ts';
import type { ConflictMove, IngestResult } from './device-store.ts';
import type { OutOfStep } from './follow.ts';
import type { RecordRow } from './layout.ts';
import type { OutboxSwitch } from './outbox-switch.ts';

export class SwitchOutcome {
  readonly #context: SwitchContext;
  readonly #confirmed: number;
  readonly #touched = new Map<string, string[]>();
  readonly #moves: ConflictMove[] = [];
  readonly #problems: PolicyProblem[] = [];
  /** Records that were written, as they are now: for those who keep an index of them. */
  readonly written: RecordRow[] = [];
  #discarded = 0;

  constructor(context: SwitchContext, { contained }: OutboxSwitch) {
    this.#context = context;
    this.#confirmed = contained.filter((row) => row.part === 0).length;
  }

  add({ c, id }: { readonly c: string; readonly id: string }, made: SwitchedRecord): void {
    if (made.isChanged) this.#touch(c, id);
    if (made.isWritten) this.written.push(made.record ?? { c, id, pending: [], conflicts: [] });
    this.#moves.push(...made.moves);
    this.#problems.push(...made.problems);
    if (made.discarded) this.#discarded++;
  }

  #touch(collection: string, id: string): void {
    const ids = this.#touched.get(collection);
    if (ids) ids.push(id);
    else this.#touched.set(collection, [id]);
  }

  get result(): Extract<IngestResult, { type: 'ingested' }> {
    const { bootstrap, cursor } = this.#context;
    const entries = Object.entries(bootstrap.cursor).reduce(
      (sum, [sid, n]) => sum + Math.max(0, n - countOf(cursor, sid)),
      0,
    );
    return {
      type: 'ingested',
      cursor: bootstrap.cursor,
      applied: Math.max(0, entries - this.#confirmed),
      confirmed: this.#confirmed,
      touched: Object.fromEntries(this.#touched),
      conflictsChanged: this.#moves,
      // Which values were passed over on the way here, nobody can tell from a snapshot.
      merged: [],
      problems: this.#problems,
      isDiverged: false,
      discarded: this.#discarded,
    };
  }

  /** A snapshot that is not what its server says of it is not believed. */
  refuse(): OutOfStep {
    return { type: 'out-of-step', reason: 'the snapshot does not have the digest that the server told' };
  }
}
