/** Every kind of constraint, and all constraints of an app as one thing that stores and devices work with. */
import { constrainedFields, isConfirmed, type ConstraintPlan } from '../core/constraint.ts';
import type { RecordState } from '../core/record.ts';
import type { CollectionSchema } from '../core/schema.ts';
import type { Row } from '../core/view.ts';
import type { CollectionPlan } from '../policies/registry.ts';
import { acyclicRules } from './acyclic.ts';
import { checkConstraints } from './check-constraints.ts';
import { constraintName, entriesOf, marksOf, NOWHERE, presenceName, stampOf, WAIVERS, type Claim } from './claim.ts';
import { noOverlapRules } from './no-overlap.ts';
import { referencesRules } from './references.ts';
import type { ConstraintRules } from './rules.ts';
import { uniqueRules } from './unique.ts';
import { waiverClaim } from './waiver.ts';

export { hasFunctions } from './check-constraints.ts';

export interface CompiledConstraint {
  /** In claims: `events/rooms`. */
  readonly name: string;
  readonly collection: string;
  readonly plan: ConstraintPlan;
  readonly rules: ConstraintRules;
}

export interface Constraints {
  readonly all: readonly CompiledConstraint[];
  /** Whether what is in this collection matters to any constraint. */
  concerns(collection: string): boolean;
  /** The names under which a record of this collection may have claims. */
  claimNames(collection: string): readonly string[];
  /** What a record claims now; `row` is what the app sees of it. */
  claimsOf(collection: string, id: string, state: RecordState | undefined, row: Row | null): readonly Claim[];
}

/** Throws INVALID_SCHEMA when a constraint names what is not there or cannot be constrained. */
export function compileConstraints(
  plans: readonly CollectionPlan[],
  schemas: ReadonlyMap<string, CollectionSchema>,
): Constraints {
  checkConstraints(plans, schemas);
  const all = plans.flatMap(compileAll);
  const targets = new Set(all.flatMap(({ rules }) => rules.target ?? []));
  const byCollection = new Map(plans.map(({ name }) => [name, all.filter(({ collection }) => collection === name)]));
  const isConstrained = (collection: string): boolean => (byCollection.get(collection)?.length ?? 0) > 0;
  const isWaivable = all.length > 0;
  return {
    all,
    concerns: (collection) =>
      isConstrained(collection) || targets.has(collection) || (isWaivable && collection === WAIVERS),
    claimNames: (collection) => {
      if (collection === WAIVERS) return isWaivable ? [WAIVERS] : [];
      const names = (byCollection.get(collection) ?? []).map(({ name }) => name);
      return targets.has(collection) ? [...names, presenceName(collection)] : names;
    },
    claimsOf: (collection, id, state, row) => {
      if (collection === WAIVERS) return [waiverClaim(id, state)].filter((claim) => claim !== null);
      if (!state || !row) return [];
      const claims = (byCollection.get(collection) ?? []).flatMap((one) => claimOf(one, id, state, row) ?? []);
      return targets.has(collection) ? [...claims, presence(collection, id)] : claims;
    },
  };
}

function claimOf({ name, plan, rules }: CompiledConstraint, id: string, state: RecordState, row: Row): Claim | null {
  const place = rules.place(row);
  if (!place) return null;
  const entries = entriesOf(constrainedFields(plan), state);
  const stamp = isConfirmed(plan) ? stampOf(entries, plan.home) : null;
  return { name, id, ...place, ...marksOf(entries, state), ...(stamp ? { stamp } : {}) };
}

function presence(collection: string, id: string): Claim {
  return { ...NOWHERE, name: presenceName(collection), id, hlc: 0, dot: '', dots: [] };
}

function compileAll(plan: CollectionPlan): CompiledConstraint[] {
  return (plan.constraints ?? []).map((constraint) => ({
    name: constraintName(plan.name, constraint.name),
    collection: plan.name,
    plan: constraint,
    rules: rulesOf(constraint),
  }));
}

function rulesOf(plan: ConstraintPlan): ConstraintRules {
  switch (plan.kind) {
    case 'noOverlap':
      return noOverlapRules(plan);
    case 'unique':
      return uniqueRules(plan);
    case 'references':
      return referencesRules(plan);
    case 'acyclic':
      return acyclicRules(plan);
  }
}
