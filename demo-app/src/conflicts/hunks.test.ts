import type { FieldConflict, Hunk } from '@skerry/sdk';
import { expect, test } from 'vitest';

import { hunksOf, isShown, placesOf, withAll, withVersion } from './hunks.ts';

const TEXT = 'Bring two head torches.\nAsk Bruno about the unicorn key.\nCoffee. More coffee.';
const AT = TEXT.indexOf(' unicorn');
const WORDS: Hunk = {
  offset: AT,
  length: ' unicorn'.length,
  base: ' boat',
  versions: [' universe', ' unicorn'],
};

test('[DHUNK1] a clash is shown at its place, with the line around it', () => {
  expect(placesOf(conflict([WORDS]), 0)).toEqual([
    { before: 'Ask Bruno about the', words: ' universe', after: ' key.' },
  ]);
  expect(placesOf(conflict([WORDS]), null)[0]!.words).toBe(' boat');
  const long = `${'word '.repeat(40)}here${' word'.repeat(40)}`;
  const [place] = placesOf(conflict([{ offset: 200, length: 4, base: '', versions: ['there', 'here'] }], long), 1);
  expect(place!.before).toMatch(/^… (word ){5,10}$/);
  expect(place!.after).toMatch(/^( word){5,10} …$/);
});

test('[DHUNK5] what is around a clash is nobody’s version: no other clash, no other line', () => {
  const text = 'one\nAsk Ines about the unicorn key\ntwo\nthree';
  const at = (words: string, other: string): Hunk => {
    return { offset: text.indexOf(words), length: words.length, base: '', versions: [other, words] };
  };
  const hunks = [at(' Ines', ' Bruno'), at(' unicorn', ' universe'), at('\ntwo', '\n2')];
  expect(placesOf(conflict(hunks, text), 0)).toEqual([
    { before: 'Ask', words: ' Bruno', after: ' about the …' },
    { before: '… about the', words: ' universe', after: ' key' },
    { before: '', words: '\n2', after: '' },
  ]);
  const line = at('two\n', '2\n');
  expect(placesOf(conflict([line], text), 0)).toEqual([{ before: '', words: '2\n', after: '' }]);
});

test('[DHUNK2] keeping a version keeps its words there, and what was merged everywhere else', () => {
  const two = conflict([WORDS, { offset: TEXT.length, length: 0, base: '', versions: [' Tea!', ''] }]);
  expect(withVersion(two, 0)).toEqual({ body: `${TEXT.replace('unicorn', 'universe')} Tea!` });
  expect(withVersion(two, 1)).toEqual({ body: TEXT });
  expect([isShown(two, 0), isShown(two, 1)]).toEqual([false, true]);
});

test('[DHUNK3] keeping all leaves no words out and repeats none', () => {
  expect(withAll(conflict([WORDS]))).toEqual({ body: TEXT.replace('unicorn', 'universe / unicorn') });
  const lines = { offset: 0, length: 24, base: '', versions: ['One.\n', 'Two.\nThree.\n', 'One.\n'] };
  expect(withAll(conflict([lines], 'Bring two head torches.\nEnd'))).toEqual({ body: 'One.\nTwo.\nThree.\nEnd' });
  const untouched = { ...WORDS, versions: [' universe', ' unicorn', ' boat'] };
  expect(withAll(conflict([untouched]))).toEqual(withAll(conflict([WORDS])));
  const removed = { ...WORDS, versions: [' universe', ''] };
  expect(withAll(conflict([removed]))).toEqual({ body: TEXT.replace('unicorn', 'universe') });
});

test('[DHUNK4] versions without a common text are not cut into places', () => {
  const { hunks: _none, ...whole } = conflict([]);
  expect(hunksOf(whole)).toBe(null);
  expect(hunksOf({ ...conflict([WORDS]), provisional: { body: 5 } })).toBe(null);
});

function conflict(hunks: readonly Hunk[], text = TEXT): FieldConflict {
  const versions = [0, 1].map(() => ({ value: {}, user: null, device: null, at: new Date(0), here: false }));
  return {
    id: 'c',
    kind: 'field',
    collection: 'notes',
    rowId: 'r',
    detectedAt: new Date(0),
    fields: ['body'],
    base: {},
    versions,
    provisional: { body: text },
    hunks,
    resolve: () => Promise.reject(new Error('not here')),
  };
}
