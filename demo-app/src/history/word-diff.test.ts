import { expect, test } from 'vitest';

import { abridgedDiff, wordDiff } from './word-diff.ts';

const told = (before: string, after: string): string =>
  wordDiff(before, after)
    .map(({ kind, text }) => ({ same: text, added: `+${text}+`, removed: `-${text}-` })[kind])
    .join('');

test('[DDIFF4] words that were added and removed are told at their places', () => {
  expect(told('the old boat sails', 'the older boat sails home')).toBe('the -old-+older+ boat sails+ home+');
  expect(told('milk\nbread', 'milk\nbutter\nbread')).toBe('milk\n+butter\n+bread');
  expect(told('the old boat', 'a new boat')).toBe('-the old-+a new+ boat');
  expect(told('boat ', 'boat a key ')).toBe('boat +a key +');
  expect(told('', 'new')).toBe('+new+');
  expect(told('gone', '')).toBe('-gone-');
  expect(told('same', 'same')).toBe('same');
  expect(wordDiff('', '')).toEqual([]);
});

test('[DDIFF5] the stretches make both texts again, whatever was written, also where it is too long to compare', () => {
  const long = Array.from({ length: 9_000 }, (_, i) => `w${i}`).join(' ');
  const texts = ['', 'a b c', 'c b a', 'a\n\nb', '👩‍👩‍👧 family', 'مرحبا بالعالم', long, `${long.toUpperCase()} end`];
  for (const before of texts)
    for (const after of texts) {
      const stretches = wordDiff(before, after);
      const without = (kind: string): string =>
        stretches.map((stretch) => (stretch.kind === kind ? '' : stretch.text)).join('');
      expect([without('added'), without('removed')]).toEqual([before, after]);
    }
});

test('[DDIFF6] of what stayed the same only the words around a change are shown', () => {
  const long = 'one two three four five six seven eight nine ten eleven twelve thirteen fourteen';
  const shown = abridgedDiff(wordDiff(`${long} end`, `start ${long}`), 12).map(({ kind, text }) => [kind, text]);
  expect(shown).toEqual([
    ['added', 'start '],
    ['same', 'one two … fourteen'],
    ['removed', ' end'],
  ]);
  expect(abridgedDiff(wordDiff('a b', 'a c')).map(({ text }) => text)).toEqual(['a ', 'b', 'c']);
  expect(abridgedDiff(wordDiff('on. ', 'on. The end. ')).map(({ text }) => text)).toEqual(['on. ', 'The end. ']);
  expect(abridgedDiff(wordDiff('', 'word '.repeat(500)))[0]!.text.length).toBeLessThan(700);
});
