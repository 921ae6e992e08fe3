/** The row that says where this device stands among the servers; a database that was made just now has none. */
import type { Dot } from '../core/dot.ts';
import { newSpace, type SpaceRow } from './layout.ts';

/** Of the store `$replica`. */
export async function readSpace(store: { get(key: string): Promise<unknown> }): Promise<SpaceRow> {
  return ((await store.get('space')) as SpaceRow | undefined) ?? newSpace();
}

/** Changes that were applied without their content: a snapshot must tell whether it has that. */
export function voidsOf({ voids = {} }: SpaceRow): readonly Dot[] {
  return Object.keys(voids);
}
