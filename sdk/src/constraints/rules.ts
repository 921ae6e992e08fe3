/** What every kind of constraint says: where a row stands, what breaks it together, and who was there first. */
import type { ConstraintPlan } from '../core/constraint.ts';
import type { Row } from '../core/view.ts';
import type { Lookup } from './ask.ts';
import type { Claim, Place } from './claim.ts';

export interface ConstraintRules {
  /** null: the row takes no part. */
  place(row: Row): Place | null;
  /** Every set of rows in which one of these is, connected by violations; those that break nothing are in none. */
  components(name: string, claims: readonly Claim[]): Lookup<readonly (readonly Claim[])[]>;
  /** Which rows of a component keep the constraint, the earliest claims being accepted first. Given the earliest first. */
  accepted(component: readonly Claim[]): readonly Claim[];
  /** For each claim the others that it breaks the constraint with; only of constraints with claims to confirm. */
  rivals?(name: string, claim: Claim): Lookup<readonly Claim[]>;
  /** Of references: the collection whose rows must be there. */
  readonly target?: string;
}

export type RulesOf<K extends ConstraintPlan['kind']> = (plan: Extract<ConstraintPlan, { kind: K }>) => ConstraintRules;
