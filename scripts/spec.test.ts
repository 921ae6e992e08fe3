/** Rules and tests name each other: `docs/spec.md` lists the rules, the tests cite their ids in brackets. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('..', import.meta.url).pathname;
const FOLDERS = ['sdk/src', 'sync-server/src', 'demo-app/src', 'e2e', 'scripts'];
const RULE = /^- \*\*([A-Z][A-Z0-9]*\d)\*\* \S/gm;
/** Ids at the head of a test's name: '[HLC2] counts up …'. */
const CITATION = /['"`]((?:\[[A-Z][A-Z0-9]*\d\] ?)+)/g;

function ruleIds(spec: string): string[] {
  return [...spec.matchAll(RULE)].map((match) => match[1]!);
}

function citedIds(text: string): string[] {
  return [...text.matchAll(CITATION)].flatMap((match) =>
    [...match[1]!.matchAll(/\[([A-Z0-9]+)\]/g)].map((id) => id[1]!),
  );
}

function testFiles(folder: string): string[] {
  const entries = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(test|spec)\.tsx?$|contract\.ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('node_modules'));
}

describe('the specification', () => {
  const rules = ruleIds(readFileSync(join(ROOT, 'docs/spec.md'), 'utf8'));
  const cited = new Set(FOLDERS.flatMap(testFiles).flatMap((path) => citedIds(readFileSync(path, 'utf8'))));

  it('[SPC1] every rule has a test that cites it', () => {
    expect(rules.filter((id) => !cited.has(id))).toEqual([]);
  });

  it('[SPC2] every id that a test cites is a rule', () => {
    const known = new Set(rules);
    expect([...cited].filter((id) => !known.has(id))).toEqual([]);
  });

  it('[SPC3] every rule has an id of its own', () => {
    expect(rules.filter((id, i) => rules.indexOf(id) !== i)).toEqual([]);
    expect(rules.length).toBeGreaterThan(100);
  });
});
