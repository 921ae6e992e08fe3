/**
 * How sure a claim is, where a constraint asks its home server: a pure function of what the index holds. The order of
 * the server is evidence for people and never a verdict: nothing is taken away from anybody by it.
 */
import { isConfirmed } from '../core/constraint.ts';
import { compareStamps } from '../core/version-vector.ts';
import { askClaims, askComponents, memberKey, type Lookup } from './ask.ts';
import type { Claim } from './claim.ts';
import type { CompiledConstraint, Constraints } from './registry.ts';

export interface ClaimState {
  readonly constraint: string;
  /**
   * - `tentative`: the home server has not numbered it
   * - `confirmed`: it has, and nothing that the row breaks the constraint with was numbered before, or all is allowed
   * - `contested`: something that it breaks the constraint with was numbered before
   * - `released`: the row claims nothing: it was deleted, or its fields say nothing to the constraint
   *
   * A confirmed claim stays so until its own fields are written.
   */
  readonly state: 'tentative' | 'confirmed' | 'contested' | 'released';
  /** Rows that it breaks the constraint with and that were numbered before it. */
  readonly before: readonly string[];
}

/** One per constraint with `confirm: 'home'` of the collection. */
export function* claimStates(constraints: Constraints, collection: string, id: string): Lookup<readonly ClaimState[]> {
  const states: ClaimState[] = [];
  for (const constraint of constraints.all) {
    if (constraint.collection !== collection || !isConfirmed(constraint.plan)) continue;
    states.push(yield* stateOf(constraint, id));
  }
  return states;
}

function* stateOf({ name, plan, rules }: CompiledConstraint, id: string): Lookup<ClaimState> {
  const told = (state: ClaimState['state'], before: readonly string[] = []): ClaimState => ({
    constraint: plan.name,
    state,
    before,
  });
  const [[claim] = []] = yield* askClaims([{ of: 'claim', name, id }]);
  if (!claim) return told('released');
  const { stamp } = claim;
  if (!stamp) return told('tentative');
  const rivals = yield* rules.rivals!(name, claim);
  const isEarlier = (other: Claim): boolean => {
    if (!other.stamp) return false;
    // One change may write both rows: the order of their ids is as good as any, and the same everywhere.
    const order = compareStamps(other.stamp, stamp);
    return order < 0 || (order === 0 && other.id < id);
  };
  const before = rivals.filter(isEarlier).map((other) => other.id);
  if (before.length === 0) return told('confirmed');
  const [[component] = []] = yield* askComponents([{ of: 'components', member: memberKey(name, id) }]);
  return component?.isOpen === false ? told('confirmed') : told('contested', before.sort());
}
