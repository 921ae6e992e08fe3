/**
 * How a constraint reads its index: it asks, and whoever runs it answers from IndexedDB, from memory or from a
 * server's database. So one piece of code decides everywhere, and nothing here waits for anything.
 */
import type { OpenConstraintConflict } from '../core/constraint.ts';
import type { Claim } from './claim.ts';

/** A set of rows that break a constraint together, whether or not somebody has allowed it. */
export interface Component {
  /** The id of its conflict. */
  readonly id: string;
  readonly collection: string;
  readonly constraint: string;
  readonly rowIds: readonly string[];
  /** One text per row, to find the component by: see memberKey(). */
  readonly members: readonly string[];
  /** The row that would give way: told with the news about the conflict. */
  readonly rowId: string;
  readonly isOpen: boolean;
}

/** `constraint`: its name as in claims. */
export function memberKey(constraint: string, rowId: string): string {
  return `${constraint}\u0000${rowId}`;
}

export type Ask =
  /** One claim or none. */
  | { readonly of: 'claim'; readonly name: string; readonly id: string }
  /** The first claim of the bucket with a greater width, or none. */
  | { readonly of: 'wider'; readonly name: string; readonly bucket: string; readonly width: number }
  /** Claims of the bucket with this width that begin in the range, both ends included. */
  | {
      readonly of: 'range';
      readonly name: string;
      readonly bucket: string;
      readonly width: number;
      readonly lower: number;
      readonly upper: number;
    }
  | { readonly of: 'components'; readonly member: string }
  | { readonly of: 'component'; readonly id: string };

export interface IndexWrites {
  readonly claims: readonly Claim[];
  readonly droppedClaims: readonly (readonly [name: string, id: string])[];
  readonly components: readonly Component[];
  readonly droppedComponents: readonly string[];
  readonly conflicts: readonly OpenConstraintConflict[];
  readonly closedConflicts: readonly string[];
}

/** What is yielded: answered by one list per ask, in order; or written before anything that is asked later is answered. */
export type Request =
  { readonly type: 'read'; readonly asks: readonly Ask[] } | { readonly type: 'write'; readonly writes: IndexWrites };
export type Answers = readonly (readonly unknown[])[];
export type Lookup<R> = Generator<Request, R, Answers>;

export function* askClaims(asks: readonly Extract<Ask, { of: 'claim' | 'wider' | 'range' }>[]): Lookup<Claim[][]> {
  return asks.length === 0 ? [] : ((yield { type: 'read', asks }) as Claim[][]);
}

export function* askComponents(
  asks: readonly Extract<Ask, { of: 'component' | 'components' }>[],
): Lookup<Component[][]> {
  return asks.length === 0 ? [] : ((yield { type: 'read', asks }) as Component[][]);
}

export const NO_WRITES: IndexWrites = {
  claims: [],
  droppedClaims: [],
  components: [],
  droppedComponents: [],
  conflicts: [],
  closedConflicts: [],
};
