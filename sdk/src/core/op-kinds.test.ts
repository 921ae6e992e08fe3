import { describe, expect, it } from 'vitest';

import { applyRecordChange } from './apply.ts';
import type { Op } from './change.ts';
import { isKnownKind } from './op-kinds.ts';
import { createRecord, type RecordState } from './record.ts';

const DOT = 'AAAAAAAAAAAAAAAA.1';

function stateAfter(...ops: readonly object[]): RecordState {
  const record = createRecord();
  applyRecordChange(record, { dot: DOT, hlc: 1 }, { c: 'notes', id: 'n', rv: [], ops: ops as readonly Op[] });
  return record;
}

describe('operations of a newer version', () => {
  it('[FWD1] keys that are not known stay with the entry that the operation leaves', () => {
    const record = stateAfter(
      { t: 'life', v: 'live', pred: [], why: 'import' },
      { t: 'set', p: 'title', v: 1, pred: [], base: { hlc: 1, v: 0, from: 'x' }, lang: 'de', more: { deep: [1] } },
      { t: 'add', p: 'tags/"a"', pred: [], colour: 'red' },
    );
    expect(record.life).toEqual([{ dot: DOT, hlc: 1, v: 'live', more: { why: 'import' } }]);
    expect(record.cells.get('title')).toEqual([
      { dot: DOT, hlc: 1, v: 1, base: { hlc: 1, v: 0, from: 'x' }, more: { lang: 'de', more: { deep: [1] } } },
    ]);
    expect(record.cells.get('tags/"a"')).toEqual([{ dot: DOT, hlc: 1, more: { colour: 'red' } }]);
  });

  it('[FWD1] an operation of today leaves nothing of the kind', () => {
    const record = stateAfter(
      { t: 'set', p: 'a', v: 1, pred: [], base: { hlc: 1 }, first: 1 },
      { t: 'add', p: 's/1', pred: [] },
    );
    expect([...record.cells.values()].flat().filter((entry) => 'more' in entry)).toEqual([]);
  });

  it('[FWD1] kinds are known by name, and names of built-in properties are none', () => {
    expect(['life', 'set', 'add', 'rm', 'inc'].map(isKnownKind)).toEqual([true, true, true, true, true]);
    expect(['later', 'constructor', 'toString', '__proto__', ''].filter(isKnownKind)).toEqual([]);
  });
});
