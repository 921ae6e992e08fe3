/**
 * A change: one transaction, atomic on every replica, identified by its dot. This is also its form on the wire and
 * in every store; keys that a version does not know are kept and passed on.
 */
import { canonicalJson, type Json } from '../lib/json.ts';
import { hash128 } from '../lib/hash.ts';
import type { Hlc } from './clock.ts';
import type { Dot } from './dot.ts';
import type { VersionVector } from './version-vector.ts';

export interface Change {
  readonly dot: Dot;
  readonly hlc: Hlc;
  /** What the device had applied when it wrote this. Only from device to server: log order says the same afterwards. */
  readonly deps?: VersionVector;
  /** The preceding entry of the same outbox when another incarnation wrote it: 0 or 1 dot. Only from device to server. */
  readonly ex?: readonly Dot[];
  /** What the write was for; absent means an ordinary write. */
  readonly kind?: ChangeKind;
  readonly label?: string;
  /** Who writes under this incarnation: in its first change only. */
  readonly writer?: Writer;
  /**
   * Content hash of what first stood under this dot, when its device had to take some or all of it back: the dot stays,
   * so that everything behind it keeps its place, and a copy of the profile that sends the original is not doubled.
   */
  readonly was?: string;
  /** At most one per record; at least one, unless the change was taken back. */
  readonly recs: readonly RecordChange[];
}

/** `recover`: of what was edited after its record had been forgotten it makes a copy, or, without records, nothing. */
export type ChangeKind = 'resolve' | 'recover';

/** The person and the device behind an incarnation: for display and audit, never for identity. */
export interface Writer {
  readonly user?: { readonly id: string; readonly name?: string };
  readonly device: { readonly id: string; readonly name?: string };
}

export interface RecordChange {
  /** Collection. */
  readonly c: string;
  readonly id: string;
  /** The record's frontier as the writer saw it: the changes that this one comes after. */
  readonly rv: readonly Dot[];
  /** At most one per path. */
  readonly ops: readonly Op[];
}

/** `zombie`: a recovered copy, neither there nor gone until somebody decides. */
export type Life = 'live' | 'dead' | 'zombie';

/**
 * `pred` names the dots that the writer saw and replaces; what it does not name, it had not seen.
 *
 * - `life`: the record comes to live or dies
 * - `set`: a register's value; without `v` the field is absent
 * - `add`: an element of a set is there
 * - `rm`: an element of a set, or a key of a map, is gone (observed remove: what it had not seen stays)
 * - `inc`: a counter grows by `n`, a safe integer
 * - `lww`: the latest value of a hot register, by clock; without `v` the field is absent. It replaces without naming, and
 *   ranks above `over`, the rank of what its writer saw, however wrong a clock was
 */
export type Op =
  | {
      readonly t: 'life';
      readonly v: Life;
      readonly pred: readonly Dot[];
      /** Of a zombie: the id of the record that it was made from. */
      readonly of?: string;
    }
  | {
      readonly t: 'set';
      readonly p: string;
      readonly v?: Json;
      readonly pred: readonly Dot[];
      readonly base?: Base;
      readonly first?: Hlc;
      /** Whose numbers say which of several claims came first: 'home'. Replicas keep all stamps of such a write. */
      readonly claim?: string;
    }
  | { readonly t: 'add'; readonly p: string; readonly pred: readonly Dot[] }
  | { readonly t: 'rm'; readonly p: string; readonly pred: readonly Dot[] }
  | { readonly t: 'inc'; readonly p: string; readonly n: number }
  | { readonly t: 'lww'; readonly p: string; readonly v?: Json; readonly over?: Hlc };

/** The server-confirmed value that a write started from, carried along because history may be gone when it is needed. */
export interface Base {
  readonly hlc: Hlc;
  readonly v?: Json;
}

/**
 * Refused and taken back whole: it only holds the place of what it was, and what it had replaced stands. Not so where all
 * that it wrote was of forgotten records: there is nothing left that it could have replaced.
 */
export function isVoid({ recs, was, kind }: Change): boolean {
  return recs.length === 0 && was !== undefined && kind !== 'recover';
}

/** Every dot that a change replaces or comes after on its records. */
export function dotsNamed(recs: readonly RecordChange[]): readonly Dot[] {
  return recs.flatMap((rec) => [...rec.rv, ...rec.ops.flatMap((op) => ('pred' in op ? op.pred : []))]);
}

/** What a server keeps and passes on: everything but the parts that only admission needs. */
export function withoutDependencies(change: Change): Change {
  const { deps: _deps, ex: _ex, ...rest } = change;
  return rest;
}

/**
 * Content hash: under one dot there is one content. Left out is what a device may still alter before a server takes
 * the change: dependencies, which it may raise, and the stamp, which it corrects when its clock was wrong. Two copies
 * of one profile may do so differently; the copy that comes first gives the stamp. What was taken back counts as what it was.
 */
export function hashOfChange(change: Change): string {
  const { hlc: _hlc, ...content } = withoutDependencies(change);
  if (content.was !== undefined) return content.was;
  return hash128(canonicalJson(content as unknown as Json));
}
