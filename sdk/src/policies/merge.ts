/**
 * merge: a function of the app reads concurrent versions of a value.
 *
 * The function is foreign code in the middle of a view. Whatever it does (throw, answer with something that is not plain
 * data, answer differently when asked again, not be there at all) concerns its field only, which is then read as ask()
 * reads it; what it is given are copies. Its answer is shown and never written.
 */
import { distinctVersions } from '../core/conflict.ts';
import type { ReadingProblem } from '../core/policy-problem.ts';
import type { Entry } from '../core/record.ts';
import type { Reading } from '../core/schema.ts';
import { canonicalJson, findJsonProblem, type Json } from '../lib/json.ts';
import { askRules } from './ask.ts';
import { commonBase } from './common-base.ts';
import type { Policy, RegisterRules } from './policy.ts';
import { latest } from './ranking.ts';

/** What a merge function returns when a person must decide. The same in every copy of the SDK, a worker's own included. */
export const ASK: unique symbol = Symbol.for('skerry.ask');

export interface MergeInput<V> {
  /** What the versions went apart from; undefined when there was nothing, or nobody knows. */
  readonly base: V | undefined;
  /** Two or more different values, the earliest by clock first: on every replica the same ones in the same order. */
  readonly versions: readonly V[];
}

/** Pure: the same answer for the same input, on every device and in every version of the app that uses its name. */
export type MergeFunction<V> = (input: MergeInput<V>) => NoInfer<V> | typeof ASK;

/** A merge function of whatever type, as a registry holds it. */
export type AnyMergeFunction = (input: MergeInput<never>) => unknown;

/** The functions by their names. They cannot travel to a worker, so each context is given its own. */
export type MergeFunctions = Readonly<Record<string, AnyMergeFunction>>;

export interface MergePolicy<V> extends Policy<V> {
  readonly kind: 'merge';
  readonly name: string;
  readonly fn: MergeFunction<V>;
}

/**
 * `fn` merges concurrent versions with what they went apart from, or returns ASK. Give another `name` to a function that
 * decides otherwise: rows that are stored already are then read anew. `testMerge()` of `@skerry/sdk/testing` tells
 * whether a function is safe. A version that took the field away is not given to it: someone is asked.
 *
 * @example
 * merge<Span>('widest', ({ versions }) => ({
 *   from: Math.min(...versions.map(({ from }) => from)),
 *   to: Math.max(...versions.map(({ to }) => to)),
 * }))
 */
export function merge<V>(name: string, fn: MergeFunction<V>): MergePolicy<V> {
  return { kind: 'merge', name, fn };
}

/**
 * Asks the function of this name; null when there is none. It may throw what the function throws. The clock is whoever
 * implements it: `slowMs` is there when the function took longer than it should.
 */
export type CallMerge = (name: string, input: MergeInput<Json>) => { answer: unknown; slowMs?: number } | null;

export const NO_MERGES: CallMerge = () => null;

/** How one register is read by the function `name`; the value of a group has to be an object. */
export function mergeRules(name: string, call: CallMerge, isGroup: boolean): RegisterRules {
  const known = new WeakMap<readonly Entry[], { readonly marks: string; readonly reading: Reading }>();
  return {
    cell: 'register',
    baseLength: Infinity,
    // A row and its conflicts are read one after the other: the function is not asked for each.
    read: (entries) => {
      const marks = entries.map(({ dot, hlc }) => `${dot} ${hlc}`).join();
      const before = known.get(entries);
      if (before?.marks === marks) return before.reading;
      const reading = readMerged(name, call, isGroup, entries);
      known.set(entries, { marks, reading });
      return reading;
    },
  };
}

function readMerged(name: string, call: CallMerge, isGroup: boolean, entries: readonly Entry[]): Reading {
  const versions = distinctVersions(entries).map((entry) => entry.v);
  const asked = askRules.read(entries);
  if (versions.length < 2 || !versions.every((version) => version !== undefined)) return asked;
  const base = commonBase(entries);
  const { outcome, slowMs } = askTwice(name, call, {
    base: base.type === 'known' ? base.value : undefined,
    versions,
  });
  const judged = isGroup && outcome.type === 'merged' && !isObject(outcome.value) ? NOT_A_GROUP : outcome;
  if (judged.type === 'failed')
    return { ...asked, problem: { type: 'policy-failed', policy: name, reason: judged.reason } };
  const problem: ReadingProblem | null =
    slowMs === undefined ? null : { type: 'policy-slow', policy: name, tookMs: slowMs };
  const reading: Reading =
    judged.type === 'asked' ? asked : { shown: { ...latest(entries), v: judged.value }, isConflict: false, losers: [] };
  return problem ? { ...reading, problem } : reading;
}

/** What came of asking a merge function. */
export type MergeOutcome =
  | { readonly type: 'merged'; readonly value: Json }
  | { readonly type: 'asked' }
  | { readonly type: 'failed'; readonly reason: string };

const NOT_A_GROUP: MergeOutcome = {
  type: 'failed',
  reason: 'it merges a group of fields and must return an object with them',
};

/** Asked twice: a function that does not know its own mind would show another row on every replica. */
function askTwice(
  name: string,
  call: CallMerge,
  input: MergeInput<Json>,
): { readonly outcome: MergeOutcome; readonly slowMs?: number } {
  try {
    const first = call(name, copyOf(input));
    const second = call(name, copyOf(input));
    if (!first || !second)
      return { outcome: { type: 'failed', reason: 'no function of this name is registered in this context' } };
    const outcome = outcomeOf(first.answer);
    const slow = first.slowMs === undefined ? {} : { slowMs: first.slowMs };
    if (isSameOutcome(outcome, outcomeOf(second.answer))) return { outcome, ...slow };
    return { outcome: { type: 'failed', reason: 'it answers differently when it is asked again' } };
  } catch (error) {
    return { outcome: { type: 'failed', reason: thrownReason(error) } };
  }
}

/** What an answer means: a copy of plain data, ASK, or a failure. */
export function outcomeOf(answer: unknown): MergeOutcome {
  if (answer === ASK) return { type: 'asked' };
  const problem = findJsonProblem(answer, 'its answer');
  if (problem) return { type: 'failed', reason: `${problem.path}: ${problem.reason}` };
  return { type: 'merged', value: JSON.parse(JSON.stringify(answer)) as Json };
}

export function isSameOutcome(a: MergeOutcome, b: MergeOutcome): boolean {
  return canonicalJson(a as unknown as Json) === canonicalJson(b as unknown as Json);
}

export function thrownReason(error: unknown): string {
  return `it threw ${error instanceof Error ? `${error.name}: ${error.message}` : typeof error}`;
}

/** The function gets objects of its own: what it does to them reaches nobody. */
export function copyOf<V>({ base, versions }: MergeInput<V>): MergeInput<V> {
  return JSON.parse(JSON.stringify({ base, versions })) as MergeInput<V>;
}

function isObject(value: Json): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
