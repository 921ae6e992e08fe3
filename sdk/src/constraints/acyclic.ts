/**
 * acyclic: whoever goes from a row to its parent, and on, comes to an end. A cycle is a conflict of the rows in it, not of
 * those below them. The latest of its claims closed it; the others are accepted.
 */
import { askClaims } from './ask.ts';
import { fieldOf, NOWHERE, type Claim } from './claim.ts';
import type { FieldOf } from './constraint.ts';
import type { RulesOf } from './rules.ts';

export interface AcyclicOptions<Row> {
  /** Holds the id of the row above; empty: there is none. */
  readonly parent: FieldOf<Row, string>;
}

export { acyclic } from './declare.ts';

/** Longer cycles are not looked for, on any replica: nobody could read such a conflict. */
export const MAX_CYCLE = 1_000;

export const acyclicRules: RulesOf<'acyclic'> = ({ parent }) => ({
  place: (row) => {
    const above = fieldOf(row, parent);
    return typeof above === 'string' && above !== '' ? { ...NOWHERE, bucket: above } : null;
  },
  components: function* (name, claims) {
    const known = new Map<string, Claim | undefined>(claims.map((claim) => [claim.id, claim]));
    const cycles: Claim[][] = [];
    const done = new Set<string>();
    for (const start of claims) {
      if (done.has(start.id)) continue;
      const path: Claim[] = [];
      const passed = new Set<string>();
      let claim: Claim | undefined = start;
      while (claim && path.length < MAX_CYCLE && !passed.has(claim.id)) {
        path.push(claim);
        passed.add(claim.id);
        const id: string = claim.bucket;
        if (!known.has(id)) known.set(id, (yield* askClaims([{ of: 'claim', name, id }]))[0]?.[0]);
        claim = known.get(id);
      }
      // What does not come back to where it began hangs below a cycle, if there is one.
      if (claim !== start) continue;
      cycles.push(path);
      for (const { id } of path) done.add(id);
    }
    return cycles;
  },
  accepted: (component) => component.slice(0, -1),
});
