/** Replicas of a few constrained collections for tests: they write, learn from one another, and keep an index each. */
import { applyRecordChange } from '../core/apply.ts';
import type { RecordChange } from '../core/change.ts';
import { hlcAt } from '../core/clock.ts';
import { writeRecord } from '../core/commit.ts';
import type { ConstraintPlan, OpenConstraintConflict } from '../core/constraint.ts';
import { dotOf } from '../core/dot.ts';
import { createRecord, type Mark, type RecordState } from '../core/record.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { isVisible, readRow, type Row } from '../core/view.ts';
import { compileCollection, type CollectionPlan } from '../policies/registry.ts';
import { WAIVERS } from './claim.ts';
import { ClaimIndex } from './claim-index.ts';
import { conflictsFromScratch } from './from-scratch.ts';
import { maintainConstraints, type ChangedRecord, type ConstraintMove } from './maintain.ts';
import { compileConstraints, type Constraints } from './registry.ts';
import { WAIVER_SCHEMA, waiverRow } from './waiver.ts';

export interface Written {
  readonly mark: Mark;
  readonly n: number;
  readonly change: RecordChange;
}

export function planOf(
  constraints: readonly ConstraintPlan[],
  name = 'events',
): CollectionPlan & { readonly constraints: readonly ConstraintPlan[] } {
  return { name, fields: {}, groups: [['room', 'start', 'end']], onDeleteVsEdit: 'ask', constraints };
}

export class Replica {
  readonly index = new ClaimIndex();
  readonly constraints: Constraints;
  readonly #schemas: ReadonlyMap<string, CollectionSchema>;
  readonly #records = new Map<
    string,
    { readonly collection: string; readonly id: string; readonly state: RecordState }
  >();
  readonly #applied = new Set<string>();
  readonly log: Written[] = [];
  readonly #inc: string;
  #seq = 0;
  #hlc = 0;

  constructor(name: string, plans: readonly CollectionPlan[]) {
    this.#inc = name.padEnd(16, '_');
    const schemas = new Map(plans.map((plan) => [plan.name, compileCollection(plan)]));
    this.constraints = compileConstraints(plans, schemas);
    this.#schemas = schemas.set(WAIVERS, WAIVER_SCHEMA);
  }

  /** `clock`: milliseconds; the replica's own clock goes on from there. null deletes. `isSent`: whether a server numbers it. */
  write(
    collection: string,
    id: string,
    edit: Partial<Record<string, Row[string] | undefined>> | null,
    { clock = 0, isSent = true } = {},
  ): readonly ConstraintMove[] {
    const schema = this.#schemas.get(collection)!;
    const current = this.#records.get(`${collection}/${id}`)?.state;
    const shown = this.row(collection, id) ?? { id };
    const next = edit && Object.fromEntries(Object.entries({ ...shown, ...edit }).filter(([, v]) => v !== undefined));
    const change = writeRecord({ schema, id, current, confirmed: undefined, next: next as Row | null });
    if (!change) return [];
    this.#hlc = Math.max(this.#hlc + 1, hlcAt(clock));
    const mark = { dot: dotOf(this.#inc, ++this.#seq), hlc: this.#hlc };
    return this.apply([{ mark, n: isSent ? this.log.length + 1 : 0, change }]);
  }

  allow(conflict: OpenConstraintConflict): readonly ConstraintMove[] {
    return this.write(WAIVERS, conflict.id, waiverRow(conflict));
  }

  /** Everything the other has, in its order. */
  learn(other: Replica): readonly ConstraintMove[] {
    return this.apply(other.log);
  }

  /** As one transaction. Number 0: no server has put it anywhere yet. */
  apply(written: readonly Written[]): readonly ConstraintMove[] {
    const touched = new Set<string>();
    for (const one of written.filter(({ mark }) => !this.#applied.has(mark.dot))) {
      const { c, id } = one.change;
      const key = `${c}/${id}`;
      const record = this.#records.get(key) ?? { collection: c, id, state: createRecord() };
      this.#records.set(key, record);
      applyRecordChange(record.state, one.mark, one.change, one.n === 0 ? undefined : ['S', one.n]);
      this.#applied.add(one.mark.dot);
      this.#hlc = Math.max(this.#hlc, one.mark.hlc);
      this.log.push(one);
      touched.add(key);
    }
    return this.index.run(
      maintainConstraints(
        this.constraints,
        [...touched].map((key) => this.#changed(key)),
      ),
    );
  }

  row(collection: string, id: string): Row | null {
    return this.#changed(`${collection}/${id}`).row;
  }

  /** Every record. */
  changed(): readonly ChangedRecord[] {
    return [...this.#records.keys()].map((key) => this.#changed(key));
  }

  get open(): readonly OpenConstraintConflict[] {
    return [...this.index.conflicts.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  get fromScratch(): readonly OpenConstraintConflict[] {
    return conflictsFromScratch(this.constraints, this.changed());
  }

  #changed(key: string): ChangedRecord {
    const { collection, id, state } = this.#records.get(key) ?? { collection: '', id: '', state: createRecord() };
    const schema = this.#schemas.get(collection);
    const row = schema && state.life.length > 0 && isVisible(schema, state) ? readRow(schema, id, state) : null;
    return { collection, id, state, row };
  }
}
