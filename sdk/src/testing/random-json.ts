/** Plain JSON data from a seed, and smaller data of the same kind: for property tests without a library. */
import type { Json } from '../lib/json.ts';
import type { Random } from '../lib/random.ts';

const WORDS = ['', 'a', 'b', 'red', 'grün', '__', '0', 'constructor'] as const;

/** Nested at most `depth` levels; small values come often, so that two of them are equal now and then. */
export function randomJson(random: Random, depth: number): Json {
  const below = (n: number): number => Math.floor(random.fraction() * n);
  const kind = below(depth > 0 ? 6 : 4);
  switch (kind) {
    case 0:
      return random.fraction() < 0.5 ? below(4) : below(2_001) - 1_000;
    case 1:
      return WORDS[below(WORDS.length)]!;
    case 2:
      return [null, true, false][below(3)]!;
    case 3:
      return below(10);
    case 4:
      return Array.from({ length: below(4) }, () => randomJson(random, depth - 1));
    default:
      return Object.fromEntries(
        Array.from({ length: below(4) }, () => [WORDS[below(WORDS.length)]!, randomJson(random, depth - 1)]),
      );
  }
}

/** A few values that are simpler, the simplest first. */
export function* smallerJson(value: Json | undefined): Generator<Json> {
  if (value === undefined || value === null) return;
  if (typeof value === 'number') {
    if (value !== 0) yield 0;
    if (Math.abs(value) > 1) yield Math.trunc(value / 2);
    if (value < 0) yield -value;
    if (value > 1) yield value - 1;
  } else if (typeof value === 'string') {
    if (value !== '') yield '';
    if (value.length > 1) yield value.slice(0, Math.floor(value.length / 2));
  } else if (Array.isArray(value)) {
    yield* smallerArrays(value as readonly Json[]);
  } else if (typeof value === 'object') {
    yield* smallerObjects(value as { readonly [key: string]: Json });
  }
}

function* smallerArrays(items: readonly Json[]): Generator<Json> {
  if (items.length > 0) yield [];
  for (const [i, item] of items.entries()) {
    if (items.length > 1) yield items.toSpliced(i, 1);
    for (const smaller of smallerJson(item)) yield items.with(i, smaller);
  }
}

function* smallerObjects(object: { readonly [key: string]: Json }): Generator<Json> {
  const entries = Object.entries(object);
  if (entries.length > 0) yield {};
  for (const [i, [key, item]] of entries.entries()) {
    if (entries.length > 1) yield Object.fromEntries(entries.toSpliced(i, 1));
    for (const smaller of smallerJson(item)) yield { ...object, [key]: smaller };
  }
}
