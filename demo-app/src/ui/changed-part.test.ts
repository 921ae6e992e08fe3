import { expect, test } from 'vitest';

import { abridged, changedPart, movedCaret } from './changed-part.ts';

test('[DDIFF1] what someone changed is shown as whole words', () => {
  expect(changedPart('the old boat', 'the older boat')).toEqual({ before: 'the ', changed: 'older', after: ' boat' });
  expect(changedPart('Room A, Tue', 'Room C, Tue')).toEqual({ before: 'Room ', changed: 'C', after: ', Tue' });
  expect(changedPart('', 'unicorn')).toEqual({ before: '', changed: 'unicorn', after: '' });
  expect(changedPart('same', 'same').changed).toBe('');
  expect(changedPart('the old boat', 'the boat').changed).toBe('');
});

test('[DDIFF2] the parts always make the whole text', () => {
  for (const [base, text] of [
    ['a b', 'b'],
    ['aaa', 'aaaa'],
    ['x y z', 'x z'],
    ['one', 'two'],
  ] as const) {
    const { before, changed, after } = changedPart(base, text);
    expect(before + changed + after).toBe(text);
  }
});

test('[DDIFF3] of a long text only the surroundings of the change remain', () => {
  const long = 'x'.repeat(100);
  expect(abridged({ before: long, changed: 'new', after: long }, 3)).toEqual({
    before: '…xxx',
    changed: 'new',
    after: 'xxx…',
  });
});

test('[DCARET1] a caret stays beside its letter when someone else writes before it, after it or around it', () => {
  expect(movedCaret('boat', 'the boat', 2)).toBe(6);
  expect(movedCaret('boat', 'boat key', 2)).toBe(2);
  expect(movedCaret('the old boat', 'the new boat', 12)).toBe(12);
  expect(movedCaret('universe', 'unicorn', 8)).toBe(7);
  expect(movedCaret('abcdef', 'af', 3)).toBe(1);
});
