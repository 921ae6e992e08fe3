/**
 * What a field policy is: plain data that names how concurrent values of one field are read.
 *
 * A policy is a view over the live entries and never writes, so every replica holds the same state whatever
 * policies its version of the app uses.
 */
import type { Entry } from '../core/record.ts';
import type { Reading } from '../core/schema.ts';

export type PolicyKind = 'ask' | 'lww' | 'set' | 'counter';

/** Plain data, so that it travels to the worker. Made by ask(), lww(), set(), counter(). */
export interface Policy {
  readonly kind: PolicyKind;
}

/** How a policy keeps its field: as one value, as elements, or as a sum. */
export type PolicyRules =
  | { readonly cell: 'register'; readonly carriesBase: boolean; read(entries: readonly Entry[]): Reading }
  | { readonly cell: 'set' }
  | { readonly cell: 'counter' };
