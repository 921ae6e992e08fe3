/** `docs/security.md` says of each way to attack a server what happens and which rules' tests try it: none is left out. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { DEFAULT_LIMITS } from '../sdk/src/protocol/limits.ts';

/** The items of the list that are about a server. */
const ITEMS = [...Array.from({ length: 45 }, (_, i) => i + 1), 57, 58, 59, 60, 64, 65];
/** Number, attack, what happens, tests. */
const ROW = /^\| (\d+) +\| [^|]*\S +\| [^|]*\S +\| ([^|]*\S) +\|$/gm;
const RULE = /^- \*\*([A-Z][A-Z0-9]*\d)\*\* \S/gm;
const ID = /^[A-Z]{2}[A-Z0-9]*\d+$/;

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

describe('the list of attacks', () => {
  const rows = [...read('docs/security.md').matchAll(ROW)].map(([, n, rules]) => ({
    item: Number(n),
    rules: rules!.split(' '),
  }));

  it('[SPC6] has every item that is about a server once, in order', () => {
    expect(rows.map(({ item }) => item)).toEqual(ITEMS);
  });

  it('[SPC6] names rules that exist, at least one each', () => {
    const known = new Set([...read('docs/spec.md').matchAll(RULE)].map((match) => match[1]!));
    expect(rows.flatMap(({ rules }) => rules.filter((id) => !ID.test(id)))).toEqual([]);
    expect(
      rows.flatMap(({ item, rules }) => rules.filter((id) => !known.has(id)).map((id) => `${item}: ${id}`)),
    ).toEqual([]);
  });

  it('[SPC6] and every limit of a server is in the guide with its default', () => {
    const told = read('docs/guide.md').matchAll(/^\| `(\w+)` +\| ([\d,]+)/gm);
    const values = Object.fromEntries([...told].map(([, name, value]) => [name!, Number(value!.replaceAll(',', ''))]));
    expect(values).toEqual(DEFAULT_LIMITS);
  });
});
