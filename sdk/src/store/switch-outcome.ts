/** What going over to a snapshot meant for those who look at the device: gathered record by record. */
import type { PolicyProblem } from '../core/policy-problem.ts';
import { countOf } from '../core/version-vector.ts';
import type { SwitchContext, SwitchedRecord } from './bootstrap-plan.ts';
import type { ConflictMove, IngestResult } from './device-store.ts';
import type { OutOfStep } from './follow.ts';
import type { RecordRow, RejectedRow } from './layout.ts';
import { pendingChanges } from './pending-changes.ts';
import { conflictMoves } from './conflict-moves.ts';
import { recordKey } from './record-key.ts';
import { rejectLost, withdrawnContent, type withoutFilled } from './rejected.ts';

/** The list of rejected writes without what the snapshot has after all. */
type Filled = ReturnType<typeof withoutFilled>;
import type { RecordState } from '../core/record.ts';
import type { OutboxSwitch } from './outbox-switch.ts';

export class SwitchOutcome {
  readonly #context: SwitchContext;
  readonly #confirmed: number;
  readonly #filled: Filled;
  readonly #withdrawn: OutboxSwitch['withdrawn'];
  /** Records that withdrawn changes name, as the snapshot has them. */
  readonly #named: Map<string, RecordState | undefined>;
  readonly #touched = new Map<string, string[]>();
  readonly #moves: ConflictMove[] = [];
  readonly #problems: PolicyProblem[] = [];
  /** Records that were written, as they are now: for those who keep an index of them. */
  readonly written: RecordRow[] = [];
  #discarded = 0;

  constructor(context: SwitchContext, { contained, withdrawn }: OutboxSwitch, filled: Filled) {
    this.#context = context;
    this.#filled = filled;
    this.#withdrawn = withdrawn;
    this.#named = new Map(
      withdrawn.flatMap((row) => row.recs.map((rec) => [recordKey(rec.c, rec.id), undefined] as const)),
    );
    this.#confirmed = contained.filter((row) => row.part === 0).length;
  }

  add({ c, id }: { readonly c: string; readonly id: string }, made: SwitchedRecord): void {
    if (this.#named.has(recordKey(c, id))) this.#named.set(recordKey(c, id), made.record?.base);
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

  get closedRejected(): readonly string[] {
    return this.#filled.closed.map(({ id }) => id);
  }

  get rejected(): readonly RejectedRow[] {
    return [...this.#filled.puts, ...this.#withdrawnHere];
  }

  /** What a copy of this profile has taken back is kept here as well; known once every record was added. */
  get #withdrawnHere(): readonly RejectedRow[] {
    return pendingChanges(this.#withdrawn).flatMap(({ dot, rows }) =>
      rejectLost({ dot, hlc: rows[0]!.head!.hlc }, withdrawnContent(rows), (rec) =>
        this.#named.get(recordKey(rec.c, rec.id)),
      ),
    );
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
      conflictsChanged: [
        ...this.#moves,
        ...this.#withdrawnHere.flatMap(({ id, c, rowId }) => conflictMoves(c, rowId, [], [id])),
        ...this.#filled.closed.flatMap(({ id, c, rowId }) => conflictMoves(c, rowId, [id], [])),
      ],
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
