/**
 * The reference: what is broken, worked out from all records by comparing everything with everything. It shares no index
 * and no step with what keeps the conflicts up to date; simulation and tests hold the two against each other.
 */
import type { OpenConstraintConflict } from '../core/constraint.ts';
import { compareClaims, presenceName, WAIVERS, type Claim } from './claim.ts';
import { conflictOf, isAllowed, type ChangedRecord } from './maintain.ts';
import { MAX_CYCLE } from './acyclic.ts';
import { overlaps } from './no-overlap.ts';
import type { CompiledConstraint, Constraints } from './registry.ts';

/** The open ones, by id. */
export function conflictsFromScratch(
  constraints: Constraints,
  records: readonly ChangedRecord[],
): readonly OpenConstraintConflict[] {
  const claims = records.flatMap(({ collection, id, state, row }) => constraints.claimsOf(collection, id, state, row));
  const waivers = new Map(claims.filter(({ name }) => name === WAIVERS).map((claim) => [claim.id, claim]));
  return constraints.all
    .flatMap((constraint) => brokenIn(constraint, claims).map((component) => conflictOf(constraint, component)))
    .filter((conflict) => !isAllowed(conflict, waivers.get(conflict.id)))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function brokenIn(constraint: CompiledConstraint, all: readonly Claim[]): readonly (readonly Claim[])[] {
  const claims = all.filter(({ name }) => name === constraint.name).toSorted(compareClaims);
  const { plan } = constraint;
  switch (plan.kind) {
    case 'noOverlap':
      return connected(claims, (a, b) => a.bucket === b.bucket && overlaps(a, b));
    case 'unique':
      return connected(claims, (a, b) => a.bucket === b.bucket);
    case 'references': {
      const there = new Set(all.filter(({ name }) => name === presenceName(plan.collection)).map(({ id }) => id));
      return claims.filter(({ bucket }) => !there.has(bucket)).map((claim) => [claim]);
    }
    case 'acyclic':
      return cycles(claims);
  }
}

/** Sets of two or more, each in the order of `claims`. */
function connected(claims: readonly Claim[], isBroken: (a: Claim, b: Claim) => boolean): readonly (readonly Claim[])[] {
  let groups: Claim[][] = [];
  for (const claim of claims) {
    const isTouched = (group: readonly Claim[]): boolean => group.some((other) => isBroken(claim, other));
    const touched = groups.filter(isTouched);
    groups = [...groups.filter((group) => !touched.includes(group)), [...touched.flat(), claim]];
  }
  return groups.filter((group) => group.length > 1).map((group) => group.toSorted(compareClaims));
}

function cycles(claims: readonly Claim[]): readonly (readonly Claim[])[] {
  const parents = new Map(claims.map((claim) => [claim.id, claim.bucket]));
  const cycleOf = (id: string): readonly string[] | null => {
    const path = [id];
    for (let at = parents.get(id); at !== undefined; at = parents.get(at)) {
      if (at === id) return path.toSorted();
      if (path.length >= MAX_CYCLE || path.includes(at)) return null;
      path.push(at);
    }
    return null;
  };
  const found = new Set(claims.flatMap(({ id }) => cycleOf(id)?.join('\u0000') ?? []));
  return [...found].map((ids) => claims.filter(({ id }) => ids.split('\u0000').includes(id)));
}
