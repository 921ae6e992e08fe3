/** What verifying found: each place where what is stored is not what it should be computed to. */
import type { Constraints } from '../constraints/registry.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { canonicalJson, type Json } from '../lib/json.ts';

export type DifferenceKind =
  /** A stored state that cannot be read any more. */
  | 'record-unreadable'
  /** The table of a collection against the records. */
  | 'row-missing'
  | 'row-differs'
  | 'row-unexpected'
  /** What the app sees of a record with unsent changes, against its base with these changes applied. */
  | 'overlay-differs'
  /** A record names a place in the outbox that has no change of it. */
  | 'pending-missing'
  /** The outbox has a change of a record that the record does not name. */
  | 'pending-unknown'
  | 'conflict-missing'
  | 'conflict-differs'
  | 'conflict-unexpected'
  /** The index of what may be forgotten one day. */
  | 'tombstone-mark'
  /** The index of constraints: what rows claim, and which break a constraint together. */
  | 'claim-missing'
  | 'claim-differs'
  | 'claim-unexpected'
  | 'component-missing'
  | 'component-differs'
  | 'component-unexpected'
  /** Sums: over all records, over the outbox, over what can be offered to a server that lost it. */
  | 'digest'
  | 'outbox-sums'
  | 'tail-sums';

export interface Difference {
  readonly kind: DifferenceKind;
  readonly collection?: string;
  readonly rowId?: string;
  /** What is there and what should be, without the content of rows. */
  readonly detail: string;
}

export interface VerifyReport {
  readonly isSound: boolean;
  /** At most MAX_DIFFERENCES; `more` tells how many others there are. */
  readonly differences: readonly Difference[];
  readonly more: number;
  /** How much was looked at. */
  readonly checked: {
    readonly records: number;
    readonly rows: number;
    readonly conflicts: number;
    readonly changes: number;
    readonly claims: number;
    readonly tail: number;
  };
  /** What could not be compared, because it was written to again and again meanwhile. Verify in a quieter moment. */
  readonly unfinished: readonly ('digest' | 'constraints')[];
  readonly tookMs: number;
}

export const MAX_DIFFERENCES = 1_000;

export class Findings {
  readonly differences: Difference[] = [];
  readonly checked = { records: 0, rows: 0, conflicts: 0, changes: 0, claims: 0, tail: 0 };
  readonly unfinished: ('digest' | 'constraints')[] = [];
  #more = 0;

  add(
    kind: DifferenceKind,
    detail: string,
    place: { readonly collection: string; readonly rowId: string } | null,
  ): void {
    if (this.differences.length >= MAX_DIFFERENCES) this.#more += 1;
    else this.differences.push({ kind, ...place, detail });
  }

  report(tookMs: number): VerifyReport {
    const { differences, checked, unfinished } = this;
    return { isSound: differences.length === 0, differences, more: this.#more, checked, unfinished, tookMs };
  }
}

/** What stored things are computed with. */
export interface Verified {
  readonly schemas: ReadonlyMap<string, CollectionSchema>;
  readonly constraints: Constraints;
}

/** So often what moved meanwhile is computed again. */
export const TRIES = 3;

/** Equal values have equal texts; what JSON does not have is left out, as on the wire. */
export function textOf(value: unknown): string {
  return canonicalJson(JSON.parse(JSON.stringify(value ?? null)) as Json);
}
