/**
 * A property test for merge functions: is this one safe to hand to merge()?
 *
 * It makes ancestors and versions from a seed, asks the function, and looks for an input that shows it to be unsafe. What
 * it finds is made as small as it can and thrown with the seed, so that it can be run again.
 */
import { canonicalJson, jsonEqual, type Json } from '../lib/json.ts';
import { seededRandom, type Random } from '../lib/random.ts';
import {
  copyOf,
  isSameOutcome,
  outcomeOf,
  thrownReason,
  type MergeFunction,
  type MergeInput,
  type MergeOutcome,
} from '../policies/merge.ts';
import { randomJson, smallerJson } from './random-json.ts';

/** What a merge function promises. */
export type MergeProperty =
  /** It does not throw. */
  | 'answers'
  /** It answers with plain JSON data or ASK. */
  | 'plain data'
  /** It leaves what it is given as it was. */
  | 'leaves its input'
  /** The same input has the same answer. */
  | 'deterministic'
  /** The answer depends on the set of versions, not on which of them the clock calls earlier. */
  | 'order-independent'
  /** What it merged, merged once more with one of the versions that it came from, stays what it is. */
  | 'idempotent';

export interface TestMergeOptions<V> {
  /** Makes a value of the field; the same for the same `random`. Default: any JSON data. */
  readonly values?: (random: Random) => V;
  /** How many inputs are tried. Default 500. */
  readonly runs?: number;
  readonly seed?: number;
  /** Most versions at once. Default 4. */
  readonly versions?: number;
  /**
   * What is not asked of the function: `order-independent` of one that lets the latest version decide (replicas agree
   * about the order), `idempotent` of one that adds up differences.
   */
  readonly except?: readonly ('order-independent' | 'idempotent')[];
}

export interface MergeReport {
  readonly runs: number;
  readonly seed: number;
  /** How often it merged, and how often it asked: a function that always asks passes too. */
  readonly merged: number;
  readonly asked: number;
}

/** What testMerge() throws: the property that does not hold, and an input that shows it. */
export class UnsafeMerge extends Error {
  readonly property: MergeProperty;
  readonly input: MergeInput<unknown>;
  readonly seed: number;

  constructor(property: MergeProperty, input: MergeInput<unknown>, seed: number, detail: string) {
    const { base, versions } = input;
    super(
      [
        `The merge function is not safe. It has to be: ${MEANING[property]}`,
        `  base      ${base === undefined ? 'undefined' : textOf(base)}`,
        ...versions.map((version, i) => `  version ${i} ${textOf(version)}`),
        `  ${detail}`,
        `Run it again with { seed: ${seed} }.`,
      ].join('\n'),
    );
    this.name = 'UnsafeMerge';
    this.property = property;
    this.input = input;
    this.seed = seed;
  }
}

const MEANING: Readonly<Record<MergeProperty, string>> = {
  answers: 'able to answer. It must not throw; return ASK when it cannot tell.',
  'plain data': 'a source of plain JSON data, or ASK.',
  'leaves its input': 'a guest: it must not change what it is given.',
  deterministic: 'deterministic: the same input, the same answer. No clock, no luck, no memory.',
  'order-independent': 'independent of the order of the versions.',
  idempotent: 'idempotent: its answer, merged again with a version that it came from, is its answer.',
};

const DEFAULTS = { runs: 500, seed: 1, versions: 4 } as const;
/** Most steps towards a smaller example. */
const MAX_SHRINKS = 2_000;

/**
 * Throws UnsafeMerge with a small counter-example, or returns how often the function merged and asked.
 *
 * @example
 * test('our merge is safe', () => testMerge(widest, { values: randomSpan }));
 */
export function testMerge<V>(fn: MergeFunction<V>, options: TestMergeOptions<V> = {}): MergeReport {
  const { runs = DEFAULTS.runs, seed = DEFAULTS.seed, versions = DEFAULTS.versions, except = [] } = options;
  const random = seededRandom(seed);
  const subject: Subject = { fn: fn as MergeFunction<unknown>, except: new Set<MergeProperty>(except) };
  const tally = { merged: 0, asked: 0 };
  for (let run = 0; run < runs; run++) {
    const valueOf = options.values ?? ((source: Random) => randomJson(source, 1 + Math.floor((run / runs) * 4)) as V);
    const input = inputOf(random, valueOf, versions);
    if (!input) continue;
    const found = findProblem(subject, input);
    if (found) throw reportOf(subject, input, found, seed, options.values === undefined);
    if (outcomeOf(fn(copyOf(input))).type === 'asked') tally.asked++;
    else tally.merged++;
  }
  return { runs, seed, ...tally };
}

interface Subject {
  readonly fn: MergeFunction<unknown>;
  readonly except: ReadonlySet<MergeProperty>;
}

interface Problem {
  readonly property: MergeProperty;
  readonly detail: string;
}

/** As the SDK gives it to the function: two different versions or more. null: luck gave no two. */
function inputOf<V>(random: Random, valueOf: (random: Random) => V, most: number): MergeInput<V> | null {
  const count = 2 + Math.floor(random.fraction() * (Math.max(most, 2) - 1));
  const base = random.fraction() < 0.25 ? undefined : valueOf(random);
  const versions = distinct(Array.from({ length: count }, () => valueOf(random)));
  return versions.length < 2 ? null : { base, versions };
}

function distinct<V>(values: readonly V[]): V[] {
  return [...new Map(values.map((value) => [canonicalJson(value as Json), value])).values()];
}

/** The first property that this input shows not to hold. */
function findProblem({ fn, except }: Subject, input: MergeInput<unknown>): Problem | null {
  const broken = (property: MergeProperty, detail: string): Problem | null =>
    except.has(property) ? null : { property, detail };
  let answer: unknown;
  const given = copyOf(input);
  try {
    answer = fn(given);
  } catch (error) {
    return broken('answers', thrownReason(error));
  }
  const outcome = outcomeOf(answer);
  if (outcome.type === 'failed') return broken('plain data', outcome.reason);
  if (!isSameInput(given, input)) {
    const problem = broken('leaves its input', `afterwards it is ${textOf(given)}`);
    if (problem) return problem;
  }
  const again = outcomeFor(fn, input);
  if (!isSameOutcome(outcome, again)) {
    const problem = broken('deterministic', `it says ${sentenceOf(outcome)} and then ${sentenceOf(again)}`);
    if (problem) return problem;
  }
  return orderProblem(fn, input, outcome, broken) ?? repeatProblem(fn, input, outcome, broken);
}

type Broken = (property: MergeProperty, detail: string) => Problem | null;

function orderProblem(
  fn: MergeFunction<unknown>,
  { base, versions }: MergeInput<unknown>,
  outcome: MergeOutcome,
  broken: Broken,
): Problem | null {
  const [first, ...others] = versions;
  for (const versionsOtherwise of [versions.toReversed(), [...others, first]]) {
    const otherwise = outcomeFor(fn, { base, versions: versionsOtherwise });
    if (isSameOutcome(outcome, otherwise)) continue;
    const order = versionsOtherwise.map((version) => versions.indexOf(version)).join(', ');
    return broken(
      'order-independent',
      `it says ${sentenceOf(outcome)}; with the versions in the order ${order} ${sentenceOf(otherwise)}`,
    );
  }
  return null;
}

function repeatProblem(
  fn: MergeFunction<unknown>,
  { base, versions }: MergeInput<unknown>,
  outcome: MergeOutcome,
  broken: Broken,
): Problem | null {
  if (outcome.type !== 'merged') return null;
  for (const [i, version] of versions.entries()) {
    // Equal values are no conflict: nobody asks the function about them.
    if (jsonEqual(version as Json, outcome.value)) continue;
    const repeated = outcomeFor(fn, { base, versions: [version, outcome.value] });
    if (isSameOutcome(outcome, repeated)) continue;
    return broken('idempotent', `it says ${sentenceOf(outcome)}; that with version ${i}: ${sentenceOf(repeated)}`);
  }
  return null;
}

function outcomeFor(fn: MergeFunction<unknown>, input: MergeInput<unknown>): MergeOutcome {
  try {
    return outcomeOf(fn(copyOf(input)));
  } catch (error) {
    return { type: 'failed', reason: thrownReason(error) };
  }
}

function isSameInput(one: MergeInput<unknown>, other: MergeInput<unknown>): boolean {
  return JSON.stringify([one.base ?? null, one.versions]) === JSON.stringify([other.base ?? null, other.versions]);
}

function reportOf(
  subject: Subject,
  input: MergeInput<unknown>,
  problem: Problem,
  seed: number,
  mayChangeValues: boolean,
): UnsafeMerge {
  let smallest = { input, problem };
  const tries = { left: MAX_SHRINKS };
  for (let smaller: typeof smallest | null = smallest; smaller;) {
    smaller = smallerExample(subject, smallest, mayChangeValues, tries);
    smallest = smaller ?? smallest;
  }
  return new UnsafeMerge(smallest.problem.property, smallest.input, seed, smallest.problem.detail);
}

/** One step smaller, with the same property broken. */
function smallerExample(
  subject: Subject,
  { input, problem }: { readonly input: MergeInput<unknown>; readonly problem: Problem },
  mayChangeValues: boolean,
  tries: { left: number },
): { input: MergeInput<unknown>; problem: Problem } | null {
  for (const candidate of smallerInputs(input, mayChangeValues)) {
    if (tries.left-- <= 0) return null;
    const found = findProblem(subject, candidate);
    if (found?.property === problem.property) return { input: candidate, problem: found };
  }
  return null;
}

/** Values of the caller's own kind stay as they are: a part of one may not be one. */
function* smallerInputs(
  { base, versions }: MergeInput<unknown>,
  mayChangeValues: boolean,
): Generator<MergeInput<unknown>> {
  if (versions.length > 2) for (const i of versions.keys()) yield { base, versions: versions.toSpliced(i, 1) };
  if (base !== undefined) yield { base: undefined, versions };
  if (!mayChangeValues) return;
  for (const value of smallerJson(base as Json | undefined)) yield { base: value, versions };
  for (const [i, version] of versions.entries()) {
    for (const value of smallerJson(version as Json)) {
      const changed = distinct(versions.with(i, value));
      if (changed.length === versions.length) yield { base, versions: changed };
    }
  }
}

function sentenceOf(outcome: MergeOutcome): string {
  if (outcome.type === 'merged') return textOf(outcome.value);
  return outcome.type === 'asked' ? 'ASK' : `nothing: ${outcome.reason}`;
}

function textOf(value: unknown): string {
  return JSON.stringify(value) ?? 'undefined';
}
