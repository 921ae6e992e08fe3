/**
 * What a field policy is: plain data that names how concurrent values of one field are read.
 *
 * A policy is a view over the live entries and never writes, so every replica holds the same state whatever
 * policies its version of the app uses.
 */
import type { Entry } from '../core/record.ts';
import type { Reading } from '../core/schema.ts';

export type PolicyKind =
  'ask' | 'lww' | 'fww' | 'text' | 'max' | 'min' | 'merge' | 'set' | 'map' | 'counter' | 'hot' | 'local';

/**
 * Plain data, so that it travels to the worker. Made by ask(), lww(), text(), set() and the others.
 *
 * `V` is what a field may hold to be read by it. A policy for more values fits a field of fewer, so `Policy` alone is
 * any policy.
 */
export interface Policy<in V = never> {
  readonly kind: PolicyKind;
  /** Of merge(): which function. The function itself is registered under this name wherever rows are read. */
  readonly name?: string;
  /** Of map(): the policy of each key. */
  readonly of?: Policy;
  /** Of text(): whether edits of one line are asked about. */
  readonly by?: 'line';
  /** For the compiler only; never there. */
  readonly accepts?: (value: V) => void;
}

/** A policy that keeps its field as one value, or as siblings. */
export type RegisterRules = Extract<PolicyRules, { cell: 'register' }>;

/** How a policy keeps its field: as one value, as elements, as keys, as a sum, as the latest value only, or not shared. */
export type PolicyRules =
  | {
      readonly cell: 'register';
      /** A write carries the value that it started from when that has at most so many characters of JSON. */
      readonly baseLength: number;
      /** A write of a value that was seen takes over when that was claimed first. */
      readonly inheritsClaim?: boolean;
      read(entries: readonly Entry[]): Reading;
    }
  | { readonly cell: 'set' | 'map' | 'counter' | 'hot' | 'local' };
