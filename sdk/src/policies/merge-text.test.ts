import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { keepVersion, mergeText } from './merge-text.ts';

const word = fc.constantFrom('sea', 'gull', 'rock', 'tide', 'salt', 'wind');
const line = fc.array(word, { maxLength: 4 }).map((words) => words.join(' '));
const document = fc.array(line, { maxLength: 6 }).map((lines) => lines.join('\n'));

describe('merging texts', () => {
  it('[TXT1] edits at different places are all in the result', () => {
    expect(mergeText('one\ntwo\nthree', ['ONE\ntwo\nthree', 'one\ntwo\nTHREE'])).toEqual({
      text: 'ONE\ntwo\nTHREE',
      hunks: [],
    });
    expect(mergeText('the quick brown fox', ['the quick red fox', 'a quick brown fox jumps'])).toEqual({
      text: 'a quick red fox jumps',
      hunks: [],
    });
    expect(mergeText('a\nb\nc', ['x\na\nb\nc', 'a\nb\nc\ny', 'a\nB\nc']).text).toBe('x\na\nB\nc\ny');
  });

  it('[TXT2] different edits of the same words are a hunk with its place, its ancestor and every version', () => {
    const merged = mergeText('meet at noon today', ['meet at one today', 'meet at two today']);
    expect(merged).toEqual({
      text: 'meet at two today',
      hunks: [{ offset: 7, length: 4, base: ' noon', versions: [' one', ' two'] }],
    });
  });

  it('[TXT3] insertions at one place are a hunk, not an order that nobody chose', () => {
    const { text, hunks } = mergeText('milk\n', ['milk\neggs\n', 'milk\nbread\n']);
    expect(hunks).toEqual([{ offset: 5, length: 6, base: '', versions: ['eggs\n', 'bread\n'] }]);
    expect(text).toBe('milk\nbread\n');
  });

  it('[TXT4] who changed nothing has no say, and equal edits are one edit', () => {
    fc.assert(
      fc.property(document, document, (base, edited) => {
        expect(mergeText(base, [base, edited])).toEqual({ text: edited, hunks: [] });
        expect(mergeText(base, [edited, edited, base])).toEqual({ text: edited, hunks: [] });
      }),
    );
  });

  it('[TXT5] the outcome depends on the set of versions, not on their order', () => {
    fc.assert(
      fc.property(document, fc.array(document, { minLength: 2, maxLength: 4 }), (base, versions) => {
        const there = mergeText(base, versions);
        const back = mergeText(base, versions.toReversed());
        expect(back.hunks.map(({ base: was, versions: all }) => [was, all.toReversed()])).toEqual(
          there.hunks.map(({ base: was, versions: all }) => [was, all]),
        );
        if (there.hunks.length === 0) expect(back.text).toBe(there.text);
      }),
      { numRuns: 500 },
    );
  });

  it('[TXT6] a hunk stands where it says: its words are the latest changed version, and taking another keeps the rest', () => {
    fc.assert(
      fc.property(document, document, document, (base, a, b) => {
        const { text, hunks } = mergeText(base, [a, b]);
        let end = 0;
        for (const hunk of hunks) {
          expect(hunk.offset).toBeGreaterThanOrEqual(end);
          end = hunk.offset + hunk.length;
          expect(hunk.versions).toContain(text.slice(hunk.offset, end));
        }
        expect(end).toBeLessThanOrEqual(text.length);
      }),
      { numRuns: 500 },
    );
  });

  it('[TXT9] keeping a version keeps its words where versions clash, and what the others wrote elsewhere', () => {
    const merged = mergeText('one\ntwo\nthree', ['ONE a\ntwo\nthree', 'ONE b\ntwo\nTHREE']);
    expect(keepVersion(merged, 0)).toBe('ONE a\ntwo\nTHREE');
    expect(keepVersion(merged, 1)).toBe('ONE b\ntwo\nTHREE');
    fc.assert(
      fc.property(document, document, document, (base, a, b) => {
        const both = mergeText(base, [a, b]);
        for (const i of [0, 1])
          for (const hunk of both.hunks) expect(keepVersion(both, i)).toContain(hunk.versions[i]!);
        expect(mergeText(base, [base, a]).text).toBe(keepVersion(mergeText(base, [base, a]), 1));
      }),
    );
  });

  it('[TXT7] every word of a merge comes from a version or the ancestor, and none that all kept is lost', () => {
    fc.assert(
      fc.property(document, document, document, (base, a, b) => {
        const { text } = mergeText(base, [a, b]);
        const words = (t: string): string[] => t.split(/\s+/).filter(Boolean);
        const known = new Set([base, a, b].flatMap(words));
        expect(words(text).every((one) => known.has(one))).toBe(true);
      }),
    );
  });

  it('[TXT8] a long text with an edit at each end is merged without comparing its middle', () => {
    const middle = Array.from({ length: 20_000 }, (_, i) => `line ${i % 7}`).join('\n');
    const { text, hunks } = mergeText(`start\n${middle}\nend`, [`START\n${middle}\nend`, `start\n${middle}\nEND`]);
    expect([text === `START\n${middle}\nEND`, hunks]).toEqual([true, []]);
  });
});
