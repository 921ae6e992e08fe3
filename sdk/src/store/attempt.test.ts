import { expect, test } from 'vitest';

import type { Dot } from '../core/dot.ts';
import { compileCollection } from '../policies/registry.ts';
import { retryIntent } from './attempt.ts';
import { NOTES } from './devices.fixture.ts';
import type { RejectedRow } from './layout.ts';

const SCHEMA = compileCollection(NOTES);
const ID = '0198f0c1-6b7a-7c3e-9a51-3f2b8f6d2e10';

/** A row brought to life by a write that had seen these. */
function rejected(pred: readonly Dot[]): RejectedRow {
  const life = { t: 'life', v: 'live', pred } as const;
  const rec = { c: 'notes', id: ID, rv: pred, ops: [life, { t: 'set', p: 'title', v: 'mine', pred: [] } as const] };
  const error = { code: 'FORBIDDEN', message: 'no' } as const;
  return { id: 'r', c: 'notes', rowId: ID, hlc: 1, error, parts: [{ dot: 'a.2', hlc: 1, rec }] };
}

const written = (pred: readonly Dot[], value: { readonly title: string } | null): unknown =>
  retryIntent(SCHEMA, rejected(pred), value).change(undefined, undefined);

test.each([null, { title: 'other' }])(
  '[REJ12] written again (%j): a forgotten row is not made under its id',
  (value) => {
    expect(() => written(['a.1'], value)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
    expect(written([], value)).toMatchObject({
      id: ID,
      ops: expect.arrayContaining([expect.objectContaining({ t: 'life' })]),
    });
  },
);
