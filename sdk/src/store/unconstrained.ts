/** An app without constraints, which loads nothing of them; their rules are loaded when a collection declares one. */
import { Dexie, type DBCore } from 'dexie';

import type { ClaimState } from '../constraints/claim-states.ts';
import type { ChangedRecord, ConstraintMove } from '../constraints/maintain.ts';
import type { Constraints } from '../constraints/registry.ts';
import type { CollectionSchema } from '../core/schema.ts';
import type { CollectionPlan } from '../policies/registry.ts';
import type { CoreTransaction } from './step-io.ts';

/** What the page does about constraints, inside a transaction of Dexie. */
export interface Constraining {
  readonly constraints: Constraints;
  maintain(
    core: DBCore,
    trans: CoreTransaction,
    changed: readonly ChangedRecord[],
  ): PromiseLike<readonly ConstraintMove[]>;
  readClaims(core: DBCore, trans: CoreTransaction, collection: string, id: string): PromiseLike<readonly ClaimState[]>;
}

const UNCONSTRAINED: Constraining = {
  constraints: { all: [], concerns: () => false, claimNames: () => [], claimsOf: () => [] },
  maintain: () => Dexie.Promise.resolve([]),
  readClaims: () => Dexie.Promise.resolve([]),
};

/** Throws INVALID_SCHEMA. */
export async function loadConstraining(
  plans: readonly CollectionPlan[],
  schemas: ReadonlyMap<string, CollectionSchema>,
): Promise<Constraining> {
  if (plans.every(({ constraints = [] }) => constraints.length === 0)) return UNCONSTRAINED;
  const { constrainingOf } = await import('./constraining.ts');
  return constrainingOf(plans, schemas);
}
