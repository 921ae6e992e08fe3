/** What an app declares: noOverlap(), unique(), references() and acyclic() make plain data of it. */
import type { ConstraintPlan } from '../core/constraint.ts';

/** `Row`: of the collections that it fits; inferred from where the constraint stands. */
export type Constraint<Row = never> = ConstraintPlan & {
  /** For the compiler only; never there. */
  readonly accepts?: (row: Row) => void;
};

/** Names of fields that hold such values, if anything. */
export type FieldOf<Row, Value> = {
  [K in keyof Row & string]-?: Exclude<Row[K], undefined | null> extends Value ? K : never;
}[keyof Row & string];

export interface ClaimOptions<Row> {
  /**
   * Which rows take part: values by field, or a function of the row. The function must say the same of the same row
   * everywhere and always. With one, syncing runs in the page, because functions cannot go to a worker.
   */
  readonly when?:
    { readonly [K in keyof Row]?: Row[K] | readonly Row[K][] } | ((row: Row & { readonly id: string }) => boolean);
  /** Claims are told apart by what their server numbered first: see claims(). */
  readonly confirm?: 'home';
  /** The sid of the server that counts, where a space has several. */
  readonly home?: string;
}
