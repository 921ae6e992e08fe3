import { Dexie } from 'dexie';
import { expect, test } from 'vitest';

import { SkerryError } from '../lib/errors.ts';
import { asSkerryError } from './failure.ts';

test('[ERR1] an error of ours keeps its code, however deep Dexie has wrapped it', () => {
  const ours = new SkerryError('TOO_LARGE', 'too large');
  expect(asSkerryError(ours)).toBe(ours);
  expect(asSkerryError(new Dexie.AbortError('gone', ours))).toBe(ours);
});

test.each([
  ['QUOTA', new DOMException('full', 'QuotaExceededError')],
  ['QUOTA', new Dexie.AbortError('gone', new DOMException('full', 'QuotaExceededError') as Error)],
  ['ALREADY_EXISTS', new Dexie.ConstraintError('key')],
  ['CLOSED', new Dexie.DatabaseClosedError()],
  ['INVALID_VALUE', new DOMException('cannot clone', 'DataCloneError')],
  ['STORAGE_FAILED', new Dexie.UnknownError('disk')],
  ['STORAGE_FAILED', 'a string'],
])('[ERR2] a foreign error becomes %s, with its cause', (code, error) => {
  expect(asSkerryError(error)).toMatchObject({ name: 'SkerryError', code, cause: error });
});
