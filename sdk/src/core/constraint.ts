/**
 * What must hold between rows, as plain data, and the conflict that says it does not. Each write can be fine alone and
 * wrong together with another that its writer had not seen; so nothing is refused: every row is kept, and people decide.
 */
import type { Json } from '../lib/json.ts';
import type { Hlc } from './clock.ts';
import type { Dot } from './dot.ts';
import type { Row } from './view.ts';

/** Which rows take part: those whose fields hold the value, or one of the values; or what a function of the row says. */
export type Condition = Readonly<Record<string, Json | readonly Json[]>> | ((row: Row) => boolean);

interface PlanBase {
  /** Of one collection, unique. A part of every conflict's id. */
  readonly name: string;
}

/** Claims that servers number: the numbers of the home server say who came first. */
interface ClaimingPlan extends PlanBase {
  readonly when?: Condition;
  readonly confirm?: 'home';
  /** The server whose numbers count. Absent: every server's, the one with the smaller sid first. */
  readonly home?: string;
}

export interface NoOverlapPlan extends ClaimingPlan {
  readonly kind: 'noOverlap';
  readonly by: string;
  readonly from: string;
  readonly to: string;
}

export interface UniquePlan extends ClaimingPlan {
  readonly kind: 'unique';
  readonly fields: readonly string[];
}

export interface ReferencesPlan extends PlanBase {
  readonly kind: 'references';
  readonly field: string;
  readonly collection: string;
}

export interface AcyclicPlan extends PlanBase {
  readonly kind: 'acyclic';
  readonly parent: string;
}

/** Plain data but for a function in `when`, which cannot travel to a worker. */
export type ConstraintPlan = NoOverlapPlan | UniquePlan | ReferencesPlan | AcyclicPlan;

/** A row and the live dots of the fields that the constraint is about, both in order. */
export type ClaimedBy = readonly [rowId: string, dots: readonly Dot[]];

/** Rows that break a constraint together: connected by violations, the same on every replica with the same state. */
export interface OpenConstraintConflict {
  readonly kind: 'constraint';
  /** Hash of collection, constraint and row ids. */
  readonly id: string;
  readonly collection: string;
  readonly constraint: string;
  /** The clock of the latest of the claims: of the write that completed the conflict. */
  readonly hlc: Hlc;
  /** In order. */
  readonly rowIds: readonly string[];
  /** Rows that do not break the constraint when the earliest claims are accepted one by one, the earliest first. */
  readonly accepted: readonly string[];
  /** The rest, the earliest first. Never empty. */
  readonly contested: readonly string[];
  /** What allowing it names; any later write of the fields makes it another one. */
  readonly claims: readonly ClaimedBy[];
}

/** The fields that a constraint is about: their writes are claims. A function says nothing about the fields it reads. */
export function constrainedFields(plan: ConstraintPlan): readonly string[] {
  switch (plan.kind) {
    case 'noOverlap':
      return [plan.by, plan.from, plan.to, ...conditionFields(plan.when)];
    case 'unique':
      return [...plan.fields, ...conditionFields(plan.when)];
    case 'references':
      return [plan.field];
    case 'acyclic':
      return [plan.parent];
  }
}

function conditionFields(when: Condition | undefined): readonly string[] {
  return typeof when === 'object' ? Object.keys(when) : [];
}

/** Whether servers number the claims of this constraint. */
export function isConfirmed(plan: ConstraintPlan): plan is NoOverlapPlan | UniquePlan {
  return (plan.kind === 'noOverlap' || plan.kind === 'unique') && plan.confirm === 'home';
}
