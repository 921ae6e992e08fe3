import { expect, test } from 'vitest';

import { bytesText, dangerText, protectionText, usageText } from './storage-words.ts';

test('[DSTORE1] what is used is told in two digits, and not at all when the browser does not tell', () => {
  expect([0, 340_000, 999_600, 1_234_567, 12_400_000, 2.14e9, 7e13].map(bytesText)).toEqual([
    'less than 1 KB',
    '340 KB',
    '1.0 MB',
    '1.2 MB',
    '12 MB',
    '2.1 GB',
    '70 TB',
  ]);
  expect(usageText({ usage: 340_000, quota: 2e9 })).toBe('340 KB of 2.0 GB');
  expect(usageText({ usage: 340_000, quota: null })).toBe('340 KB');
  expect(usageText({ usage: null, quota: 2e9 })).toBeNull();
});

test('[DSTORE2] what is not promised is not called protected', () => {
  expect(protectionText(true)).toMatch(/^Yes/);
  expect(protectionText(false)).toMatch(/^No, the browser may delete it/);
  expect(protectionText(null)).toMatch(/does not say/);
});

test('[DSTORE3] a danger is told with what to do; that the browser may delete it is no alarm', () => {
  const reset = { at: new Date(0), kept: 1, lost: null };
  const risk = { level: 'high', reason: 'nearly-full', advice: 'Free some space.' } as const;
  expect(dangerText({ risk, reset: null })).toBe('Free some space.');
  expect(dangerText({ risk: { ...risk, level: 'low', reason: 'not-persisted' }, reset: null })).toBeNull();
  expect(dangerText({ risk: { ...risk, level: 'none', reason: 'none' }, reset: null })).toBeNull();
  const cleared = { ...risk, reason: 'reset' } as const;
  expect(dangerText({ risk: cleared, reset })).toMatch(/may be lost\.$/);
  expect(dangerText({ risk: cleared, reset: { ...reset, lost: 0 } })).toMatch(/nothing else was lost\.$/);
  expect(dangerText({ risk: cleared, reset: { ...reset, lost: 1 } })).toMatch(/one change .* is lost\.$/);
});
