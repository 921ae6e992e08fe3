/** How apps declare constraints. What these mean is in a file of each kind, loaded where one of them is declared. */
import type { NoOverlapPlan, UniquePlan } from '../core/constraint.ts';
import type { AcyclicOptions } from './acyclic.ts';
import type { ClaimOptions, Constraint } from './constraint.ts';
import type { NoOverlapOptions } from './no-overlap.ts';
import type { ReferencesOptions } from './references.ts';

/**
 * No two rows with the same `by` share a moment. All rows are kept; those that overlap are a conflict.
 *
 * @example
 * collection<Meeting>({ constraints: [noOverlap('rooms', { by: 'room', from: 'start', to: 'end' })] })
 */
export function noOverlap<Row>(name: string, options: NoInfer<NoOverlapOptions<Row>>): Constraint<Row> {
  return { ...(options as Omit<NoOverlapPlan, 'kind' | 'name'>), kind: 'noOverlap', name };
}

/** No two rows have the same values in these fields. All rows are kept; equal ones are a conflict. */
export function unique<Row>(
  name: string,
  fields: NoInfer<(keyof Row & string) | readonly (keyof Row & string)[]>,
  options: NoInfer<ClaimOptions<Row>> = {},
): Constraint<Row> {
  const list = typeof fields === 'string' ? [fields] : fields;
  return { ...(options as Omit<UniquePlan, 'kind' | 'name' | 'fields'>), kind: 'unique', name, fields: list };
}

/** The row that `field` names is in `collection`. A row that names a missing one is kept and is a conflict. */
export function references<Row>(name: string, options: NoInfer<ReferencesOptions<Row>>): Constraint<Row> {
  return { ...options, kind: 'references', name };
}

/** Rows are a tree, or several: no row is above itself. Rows in a cycle are kept and are a conflict. */
export function acyclic<Row>(name: string, options: NoInfer<AcyclicOptions<Row>>): Constraint<Row> {
  return { ...options, kind: 'acyclic', name };
}
