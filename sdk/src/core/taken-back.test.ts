import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { Op, RecordChange } from './change.ts';
import { afterTakenBack } from './taken-back.ts';

const change = (rv: readonly string[], ops: readonly Op[]): RecordChange => ({ c: 'notes', id: 'a', rv, ops });
const title = (pred: readonly string[]): Op => ({ t: 'set', p: 'title', v: 1, pred });

test('[REJ10] what is taken back is followed to what the first of them had replaced, cell by cell', () => {
  const takenBack = new Map([
    ['x.2', change(['x.1', 'z.1'], [title(['x.1']), { t: 'add', p: 'tags/1', pred: [] }])],
    ['x.1', change(['y.1'], [title(['y.1', 'z.1']), { t: 'life', v: 'live', pred: ['y.2'] }])],
  ]);
  const written = change(
    ['x.2', 'w.1'],
    [
      title(['x.2', 'w.1']),
      { t: 'rm', p: 'tags/1', pred: ['x.2'] },
      { t: 'rm', p: 'tags/2', pred: ['w.1'] },
      { t: 'life', v: 'live', pred: ['x.1'] },
      { t: 'inc', p: 'likes', n: 1 },
    ],
  );
  expect(afterTakenBack(written, takenBack)).toEqual(
    change(
      ['w.1', 'z.1', 'y.1'],
      [
        title(['w.1', 'y.1', 'z.1']),
        { t: 'rm', p: 'tags/2', pred: ['w.1'] },
        { t: 'life', v: 'live', pred: ['y.2'] },
        { t: 'inc', p: 'likes', n: 1 },
      ],
    ),
  );
});

test('[REJ10] a write that only removed what was taken back is none', () => {
  const takenBack = new Map([['x.1', change([], [{ t: 'add', p: 'tags/1', pred: [] }])]]);
  expect(afterTakenBack(change(['x.1'], [{ t: 'rm', p: 'tags/1', pred: ['x.1'] }]), takenBack)).toBeNull();
});

test('[REJ10] nothing of what was taken back is named, in any chain; the rest is named as before', () => {
  const chain = fc.integer({ min: 1, max: 8 });
  fc.assert(
    fc.property(chain, fc.uniqueArray(fc.integer({ min: 0, max: 12 }), { minLength: 1 }), (length, named) => {
      const dots = (places: readonly number[]): string[] => places.map((place) => `d.${place}`);
      const takenBack = new Map(
        Array.from({ length }, (_, i) => [`d.${i + 1}`, change(dots([i]), [title(dots([i]))])] as const),
      );
      const result = afterTakenBack(change(dots(named), [title(dots(named))]), takenBack)!;
      // The chain begins with what d.0 wrote.
      const wanted = new Set(named.map((place) => (place >= 1 && place <= length ? 0 : place)));
      expect(new Set(result.rv)).toEqual(new Set(dots([...wanted])));
      expect(result.ops).toEqual([title(result.rv)]);
    }),
  );
});
