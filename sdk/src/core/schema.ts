/**
 * What the core must know of a collection: where a field lives and how the live entries of a register are read.
 * Policies implement it; the core names none of them.
 */
import type { Json } from '../lib/json.ts';
import type { Entry } from './record.ts';
import type { Path } from './paths.ts';
import type { Migrate } from './shape.ts';
import type { ReadingProblem } from './policy-problem.ts';

/** How the live entries of one register are read: a view, never a write. */
export interface Reading {
  /** The entry whose value the row shows. */
  readonly shown: Entry;
  /** Whether someone must decide. */
  readonly isConflict: boolean;
  /** Entries with another value that the policy passed over. */
  readonly losers: readonly Entry[];
  /** Where the versions of a text clash. */
  readonly hunks?: readonly Hunk[];
  /** What the app's developer should hear of. */
  readonly problem?: ReadingProblem;
}

/** A place where versions of a text changed the same words differently. Offsets are UTF-16 code units of the shown text. */
export interface Hunk {
  readonly offset: number;
  /** How much of the shown text stands for it: the latest version's words. */
  readonly length: number;
  /** What stood there in the common ancestor. */
  readonly base: string;
  /** What each version has there, in the order of the conflict's versions. */
  readonly versions: readonly string[];
}

export type FieldPlace =
  | { readonly kind: 'register'; readonly path: Path }
  | { readonly kind: 'group'; readonly path: Path; readonly fields: readonly string[] }
  | { readonly kind: 'set' }
  | { readonly kind: 'map' }
  | { readonly kind: 'counter'; readonly path: Path }
  | { readonly kind: 'hot'; readonly path: Path }
  /** Not in the replicated state at all. */
  | { readonly kind: 'local' };

export interface CollectionSchema {
  readonly name: string;
  readonly onDeleteVsEdit: 'ask' | 'edit-wins' | 'delete-wins';
  /** What a row shows of the fields that are never absent: an empty set, an empty map, a counter at 0. */
  readonly empty: Readonly<Record<string, Json>>;
  /** Fields that never leave the device. */
  readonly localFields: readonly string[];
  placeOf(field: string): FieldPlace;
  /** Of the rows of this version of the app, from 1. */
  readonly version?: number;
  readonly migrate?: Migrate;
  /** `entries` is never empty. */
  read(path: Path, entries: readonly Entry[]): Reading;
  /** A write of this register carries the value it started from when that has at most so many characters of JSON. */
  baseLength(path: Path): number;
  /** Whether a write of this register takes over when the value it replaces was claimed first. */
  inheritsClaim(path: Path): boolean;
  /** Whether servers number the writes of this register, so that it can be told who came first. */
  isClaim(path: Path): boolean;
}
