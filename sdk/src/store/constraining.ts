/** Constraints in the page: what they mean, and the index of claims that is kept with every write. */
import { claimStates, type ClaimState } from '../constraints/claim-states.ts';
import { maintainConstraints } from '../constraints/maintain.ts';
import { compileConstraints } from '../constraints/registry.ts';
import type { CollectionSchema } from '../core/schema.ts';
import type { CollectionPlan } from '../policies/registry.ts';
import { runOnCore } from './constraint-core.ts';
import type { Constraining } from './unconstrained.ts';

/** Throws INVALID_SCHEMA. */
export function constrainingOf(
  plans: readonly CollectionPlan[],
  schemas: ReadonlyMap<string, CollectionSchema>,
): Constraining {
  const constraints = compileConstraints(plans, schemas);
  return {
    constraints,
    maintain: (core, trans, changed) => runOnCore(core, trans, maintainConstraints(constraints, changed)),
    readClaims: (core, trans, collection, id): PromiseLike<readonly ClaimState[]> =>
      runOnCore(core, trans, claimStates(constraints, collection, id)),
  };
}
