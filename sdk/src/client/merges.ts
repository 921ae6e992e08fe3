/** The functions that the collections bring with merge(), by name: what plans cannot carry because they are plain data. */
import { SkerryError } from '../lib/errors.ts';
import type { AnyMergeFunction, MergeFunctions, MergePolicy } from '../policies/merge.ts';
import type { Policy } from '../policies/policy.ts';
import type { Collections } from './types.ts';

/** The collections were checked by planCollections(). Throws INVALID_SCHEMA when two functions have one name. */
export function mergesOf(collections: Collections): MergeFunctions {
  const merges: Record<string, AnyMergeFunction> = {};
  for (const [collection, { options }] of Object.entries(collections)) {
    for (const policy of Object.values((options.fields ?? {}) as Readonly<Record<string, Policy | undefined>>)) {
      const found = policy && mergeIn(policy);
      if (!found) continue;
      const { name, fn } = found;
      if (typeof fn !== 'function') throw invalid(collection, `merge('${name}') needs a function`);
      if (Object.hasOwn(merges, name) && merges[name] !== fn)
        throw invalid(collection, `two functions are called '${name}'; a name stands for one`);
      merges[name] = fn;
    }
  }
  return merges;
}

function mergeIn(policy: Policy): MergePolicy<never> | null {
  if (policy.of) return mergeIn(policy.of);
  return policy.kind === 'merge' ? (policy as MergePolicy<never>) : null;
}

function invalid(collection: string, reason: string): SkerryError {
  return new SkerryError('INVALID_SCHEMA', `Collection ${collection}: ${reason}.`);
}
