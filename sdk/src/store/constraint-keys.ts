/** Where in IndexedDB the answers to what constraints ask are, and where their writes go: the same for Dexie and `idb`. */
import type { Ask, IndexWrites } from '../constraints/ask.ts';
import { CLAIMS, COMPONENTS, CONFLICTS } from './layout.ts';

/** Greater than every number, as a key of IndexedDB. */
const BEHIND_NUMBERS = '';

/** The keys of `$claims` that a question is about; the lower end of 'wider' is not one of them. */
export function boundsOf(ask: Extract<Ask, { of: 'wider' | 'range' }>): {
  readonly lower: unknown[];
  readonly upper: unknown[];
} {
  const { name, bucket, width } = ask;
  if (ask.of === 'range') return { lower: [name, bucket, width, ask.lower], upper: [name, bucket, width, ask.upper] };
  return { lower: [name, bucket, width, BEHIND_NUMBERS], upper: [name, bucket, BEHIND_NUMBERS] };
}

export interface StoreWrites {
  readonly store: string;
  readonly puts: readonly unknown[];
  readonly deletes: (string | string[])[];
}

/** Deletes come first: what is put again is there. */
export function storesOf(writes: IndexWrites): readonly StoreWrites[] {
  const { claims, droppedClaims, components, droppedComponents, conflicts, closedConflicts } = writes;
  return [
    { store: CLAIMS, puts: claims, deletes: droppedClaims.map((key) => [...key]) },
    { store: COMPONENTS, puts: components, deletes: [...droppedComponents] },
    { store: CONFLICTS, puts: conflicts, deletes: [...closedConflicts] },
  ];
}
