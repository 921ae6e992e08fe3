import { inspect } from 'node:util';
import { expect, test } from 'vitest';

import { withUnknownCollections } from './handle.ts';

const handle = withUnknownCollections<Record<string, unknown>>({ notes: 1 }, ['notes', 'events']);

test('[DBH1] a collection that was not passed to open() is UNKNOWN_COLLECTION', () => {
  expect(() => handle['nots']).toThrow(
    expect.objectContaining({ code: 'UNKNOWN_COLLECTION', message: expect.stringContaining('notes, events') }),
  );
  expect(handle['notes']).toBe(1);
});

test('[DBH2] what languages and tools look for on any object is simply not there', async () => {
  for (const name of ['then', 'toJSON', 'debug', 'peers$', '$$typeof', '_private', '0'])
    expect(handle[name]).toBeUndefined();
  expect('nots' in handle).toBe(false);
  expect(Object.keys(handle)).toEqual(['notes']);
  expect(JSON.stringify(handle)).toBe('{"notes":1}');
  expect(inspect(handle)).toContain('notes: 1');
  expect(`${String(handle)}`).toBe('[object Object]');
  expect(await handle).toBe(handle);
  expect(handle).toEqual({ notes: 1 });
});
