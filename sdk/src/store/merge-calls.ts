/** The app's merge functions as the views call them, with an eye on the time that they take. */
import type { CollectionPlan } from '../policies/registry.ts';
import type { CallMerge, MergeFunctions } from '../policies/merge.ts';
import type { Policy } from '../policies/policy.ts';

/** A function that takes longer is told about: it runs whenever a row with concurrent versions is read. */
export const SLOW_MERGE_MS = 50;

/** `nowMs` is any clock that does not go back. Functions may be added to `functions` later. */
export function mergeCalls(functions: MergeFunctions, nowMs: () => number): CallMerge {
  return (name, input) => {
    const fn = Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (!fn) return null;
    const startedMs = nowMs();
    const answer = fn(input as never);
    const tookMs = nowMs() - startedMs;
    return tookMs > SLOW_MERGE_MS ? { answer, slowMs: Math.round(tookMs) } : { answer };
  };
}

/** The functions that a plan names and this context does not have. */
export function missingMerges(plan: CollectionPlan, functions: MergeFunctions): readonly string[] {
  const named = Object.values(plan.fields).flatMap(namesOf);
  return [...new Set(named)].filter((name) => !Object.hasOwn(functions, name)).sort();
}

function namesOf({ kind, name, of }: Policy): readonly string[] {
  if (of) return namesOf(of);
  return kind === 'merge' && name !== undefined ? [name] : [];
}
