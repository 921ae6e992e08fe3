/** `docs/pitfalls.md` says of each pitfall which rules attack it: the rules are there, and no pitfall is left out. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const COUNT = 56;
/** Number, words, rules; then what is open of it, or nothing but `open`. */
const ROW = /^\| (\d+) \| [^|]*\S \| (?:([A-Z0-9 ]*[A-Z0-9])(?: \(open: [^|]+\))?|open) \|$/gm;
const RULE = /^- \*\*([A-Z][A-Z0-9]*\d)\*\* \S/gm;

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

describe('the table of pitfalls', () => {
  const rows = [...read('docs/pitfalls.md').matchAll(ROW)].map((match) => ({
    n: Number(match[1]),
    rules: match[2]?.split(' ') ?? [],
  }));

  it('[SPC4] has every pitfall once, in order', () => {
    expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: COUNT }, (_, i) => i + 1));
  });

  it('[SPC4] names rules that exist', () => {
    const known = new Set([...read('docs/spec.md').matchAll(RULE)].map((match) => match[1]!));
    const unknown = rows.flatMap(({ n, rules }) => rules.filter((id) => !known.has(id)).map((id) => `${n}: ${id}`));
    expect(unknown).toEqual([]);
  });
});
