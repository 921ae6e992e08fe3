/** `docs/faults.md` says of each fault what happens and which rules' tests make it happen: no fault is left out, and the rules are there. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** How many faults each table has, by the letter of their ids. */
const COUNTS: Readonly<Record<string, number>> = { S: 18, P: 19, N: 17, V: 18 };
/** Id, fault, what happens, tests. */
const ROW = /^\| ([A-Z])(\d+) +\| [^|]*\S +\| [^|]*\S +\| ([^|]*\S) +\|$/gm;
const RULE = /^- \*\*([A-Z][A-Z0-9]*\d)\*\* \S/gm;
const CITED = /\b(?:E2E[A-Z]+|[A-Z]{2}[A-Z0-9]*)\d+\b/g;

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

describe('the tables of faults', () => {
  const rows = [...read('docs/faults.md').matchAll(ROW)].map((match) => ({
    letter: match[1]!,
    n: Number(match[2]),
    tests: match[3]!,
  }));

  it('[SPC5] have every fault once, in order', () => {
    for (const [letter, count] of Object.entries(COUNTS))
      expect(rows.filter((row) => row.letter === letter).map(({ n }) => n)).toEqual(
        Array.from({ length: count }, (_, i) => i + 1),
      );
    expect(rows.filter(({ letter }) => COUNTS[letter] === undefined)).toEqual([]);
  });

  it('[SPC5] name rules that exist, at least one each', () => {
    const known = new Set([...read('docs/spec.md').matchAll(RULE)].map((match) => match[1]!));
    const cited = rows.map(({ letter, n, tests }) => ({ fault: `${letter}${n}`, rules: tests.match(CITED) ?? [] }));
    expect(cited.filter(({ rules }) => rules.length === 0)).toEqual([]);
    expect(
      cited.flatMap(({ fault, rules }) => rules.filter((id) => !known.has(id)).map((id) => `${fault}: ${id}`)),
    ).toEqual([]);
  });
});
