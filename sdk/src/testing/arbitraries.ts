/**
 * Data from a seed, for the property tests of an app: what a user may type, and what people do to one text or one row.
 * The same seed gives the same data.
 */
import type { Json } from '../lib/json.ts';
import { seededRandom, type Random } from '../lib/random.ts';
import { randomJson } from './random-json.ts';

export interface Arbitraries {
  readonly random: Random;
  /** A whole number from 0, less than `n`. */
  below(n: number): number;
  pick<T>(items: readonly T[]): T;
  /** Any plain JSON data, nested at most so deep. */
  json(depth?: number): Json;
  /** A few lines, with what breaks programs now and then: umlauts, emoji, right-to-left, empty lines, very long words. */
  text(): string;
  /** A text as somebody leaves it who changed, added or took out a line or a word. */
  edited(text: string): string;
  /** A row with these fields, each from its own function. */
  row<Row>(fields: { readonly [Field in keyof Row]: () => Row[Field] }): Row;
}

const WORDS = ['boat', 'Ölzeug', '\u{1f9ed}', 'שלום', 'e\u0301', '', ' ', '# Plan', '- [ ]', 'x'.repeat(80), "o'clock"];

export function arbitraries(seed: number): Arbitraries {
  const random = seededRandom(seed);
  const below = (n: number): number => Math.floor(random.fraction() * n);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)]!;
  const line = (): string => Array.from({ length: below(5) }, () => pick(WORDS)).join(' ');
  return {
    random,
    below,
    pick,
    json: (depth = 3) => randomJson(random, depth),
    text: () => Array.from({ length: below(6) }, line).join('\n'),
    edited(text) {
      const lines = text.split('\n');
      const at = below(lines.length + 1);
      if (at === lines.length) return [...lines, line()].join('\n');
      const how = below(3);
      if (how === 0) return lines.toSpliced(at, 1).join('\n');
      if (how === 1) return lines.toSpliced(at, 0, line()).join('\n');
      return lines.with(at, `${lines[at]} ${pick(WORDS)}`).join('\n');
    },
    row: (fields) => {
      const made = Object.entries(fields).map(([field, make]) => [field, (make as () => unknown)()]);
      return Object.fromEntries(made) as never;
    },
  };
}
