/** The merge functions of a worker. They cannot travel from the page, so the app's own worker file names them again. */
import { SkerryError } from '../lib/errors.ts';
import type { AnyMergeFunction, MergeFunctions } from '../policies/merge.ts';

/** Filled before the page's first message is handled; looked into at each call. */
export const definedMerges: Record<string, AnyMergeFunction> = {};

/**
 * Registers the functions that `merge()` names in the collections. For the worker file of an app:
 *
 * @example
 * import { defineMerges } from '@skerry/sdk/worker';
 * import { widest } from './widest.ts';
 *
 * defineMerges({ widest });
 */
export function defineMerges(functions: MergeFunctions): void {
  for (const [name, fn] of Object.entries(functions)) {
    if (typeof fn !== 'function')
      throw new SkerryError('INVALID_OPTION', `defineMerges(): ${name} must be a function; got ${typeof fn}.`);
    definedMerges[name] = fn;
  }
}
