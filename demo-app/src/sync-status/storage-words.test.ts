import { expect, test } from 'vitest';

import { bytesText, dangerText, protectionText, storageTrouble, usageText } from './storage-words.ts';

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

test('[DSTORE4] that the browser may delete what it stores is a danger only where it is the only copy, or space runs short', () => {
  const now = new Date('2026-11-20T10:00:00Z');
  const hoursAgo = (hours: number) => new Date(now.getTime() - hours * 3_600_000);
  const trouble = (
    reason: 'none' | 'not-persisted' | 'nearly-full' | 'full',
    persisted: boolean | null,
    oldestAt: Date | null = null,
    connection: 'online' | 'offline' | 'local-only' = 'offline',
  ) => {
    const level = reason === 'full' ? 'critical' : reason === 'nearly-full' ? 'high' : 'low';
    const pending = { changes: oldestAt ? 1 : 0, bytes: 0, oldestAt };
    return storageTrouble({ persisted, risk: { level, reason, advice: '' } }, { connection, pending }, now);
  };
  expect(trouble('not-persisted', false)).toBeNull();
  expect(trouble('not-persisted', false, hoursAgo(2))).toBeNull();
  expect(trouble('not-persisted', false, hoursAgo(25))).toBe('may-be-deleted');
  expect(trouble('not-persisted', null, hoursAgo(25))).toBe('may-be-deleted');
  expect(trouble('none', true, hoursAgo(25))).toBeNull();
  expect(trouble('not-persisted', false, null, 'local-only')).toBe('may-be-deleted');
  expect(trouble('nearly-full', false, null, 'online')).toBe('may-be-deleted');
  expect(trouble('nearly-full', true, null, 'online')).toBeNull();
  expect(trouble('full', true, null, 'online')).toBe('cannot-save');
});
