/**
 * What the developer of an app should hear of a field that is read all the same: a merge function that failed or takes
 * long, a register that too many write at once. Derived while a row is read; it changes nothing.
 */

/** More live values in one register than people can disagree about: a field that everyone writes should be hot. */
export const MANY_SIBLINGS = 16;

/** Of a `policy-failed` that is about migrate() and no field: the row is shown as it was written. */
export const MIGRATE = 'migrate()';

export type ReadingProblem =
  /** The function answered with something that cannot be shown, or not at all: someone is asked instead. */
  | { readonly type: 'policy-failed'; readonly policy: string; readonly reason: string }
  | { readonly type: 'policy-slow'; readonly policy: string; readonly tookMs: number };

export type PolicyProblem = {
  readonly collection: string;
  readonly rowId: string;
  readonly field: string;
} & (ReadingProblem | { readonly type: 'many-siblings'; readonly siblings: number });

/** A field is told about once, not with every row: who hears of it looks at the field's policy. */
export function problemKey({ collection, field, type }: PolicyProblem): string {
  return `${type} ${collection}/${field}`;
}
