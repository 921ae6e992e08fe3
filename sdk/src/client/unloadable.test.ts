import 'fake-indexeddb/auto';
import { afterEach, expect, test, vi } from 'vitest';

import { closeAll, freshName, openNotes } from './notes.fixture.ts';

afterEach(() => {
  vi.doUnmock('./decisions.ts');
  vi.useRealTimers();
  closeAll();
});

test('[CFL10] conflicts that cannot be shown, because a file of the app is missing, are counted, and shown later', async () => {
  vi.doMock('./decisions.ts', () => {
    throw new TypeError('Failed to fetch dynamically imported module');
  });
  const errors: string[] = [];
  const logger = { debug: () => undefined, info: () => undefined, error: (text: string) => void errors.push(text) };
  const name = freshName();
  const before = await openNotes({ name });
  await before.notes.insert({ id: 'a', title: 'before', tags: [] });
  const seen = await before.notes.readToken('a');
  await before.notes.update('a', { title: 'universe' });
  await before.notes.update('a', { title: 'unicorn' }, { seen });
  await before.close();

  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
  const db = await openNotes({ name, logger });
  expect(db.conflicts$.value).toEqual([]);
  expect(db.status$.value.conflicts).toBe(1);
  expect(errors.join()).toContain('Conflicts cannot be shown yet');
  expect(await db.notes.get('a')).toMatchObject({ id: 'a' });

  vi.doUnmock('./decisions.ts');
  await vi.advanceTimersByTimeAsync(5_000);
  await expect
    .poll(() => db.conflicts$.value.map(({ kind, rowId }) => ({ kind, rowId })))
    .toEqual([{ kind: 'field', rowId: 'a' }]);
  expect(db.status$.value.conflicts).toBe(1);
});
