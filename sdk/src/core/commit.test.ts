import { describe, expect, it } from 'vitest';

import { compileCollection } from '../policies/registry.ts';
import { applyRecordChange } from './apply.ts';
import type { RecordChange } from './change.ts';
import { writeRecord } from './commit.ts';
import { createRecord, type RecordState } from './record.ts';
import { readRow } from './view.ts';

const groups = compileCollection({
  name: 'c',
  fields: { tags: { kind: 'set' } },
  groups: [['room', 'start']],
  onDeleteVsEdit: 'ask',
});
const plain = compileCollection({ name: 'c', fields: {}, groups: [], onDeleteVsEdit: 'ask' });

function record(...changes: readonly (RecordChange | null)[]): RecordState {
  const state = createRecord();
  changes.forEach((change, i) => applyRecordChange(state, { dot: `writer__________.${i + 1}`, hlc: i + 1 }, change!));
  return state;
}

const insert = (schema: typeof plain, row: Record<string, never> | object) =>
  writeRecord({ schema, id: 'r', current: undefined, confirmed: undefined, next: { id: 'r', ...row } as never });

describe('writing a record', () => {
  it('[WRT1] names what it saw: pred is the live dots of the cell, rv the frontier of the record', () => {
    const current = record(insert(plain, { title: 'A', body: 'B' }));
    const change = writeRecord({
      schema: plain,
      id: 'r',
      current,
      confirmed: current,
      next: { id: 'r', title: 'A2', body: 'B' },
    });
    expect(change).toEqual({
      c: 'c',
      id: 'r',
      rv: ['writer__________.1'],
      ops: [{ t: 'set', p: 'title', v: 'A2', pred: ['writer__________.1'], base: { hlc: 1, v: 'A' } }],
    });
  });

  it('[WRT2] an absent field is a set without a value', () => {
    const current = record(insert(plain, { title: 'A' }));
    const change = writeRecord({ schema: plain, id: 'r', current, confirmed: undefined, next: { id: 'r' } });
    expect(change!.ops).toEqual([{ t: 'set', p: 'title', pred: ['writer__________.1'] }]);
    applyRecordChange(current, { dot: 'writer__________.2', hlc: 2 }, change!);
    expect(readRow(plain, 'r', current)).toEqual({ id: 'r' });
  });

  it('[WRT3] cells of another version of the app stay while the row shows their fields, and never hide a newer write', () => {
    const current = record(insert(plain, { room: 'A', start: '10', tags: ['x'] }));
    expect(readRow(groups, 'r', current)).toEqual({ id: 'r', room: 'A', start: '10', tags: ['x'] });
    const change = writeRecord({
      schema: groups,
      id: 'r',
      current,
      confirmed: undefined,
      next: { id: 'r', room: 'B', start: '10', tags: ['x', 'y'] },
    });
    applyRecordChange(current, { dot: 'writer__________.2', hlc: 2 }, change!);
    expect(readRow(groups, 'r', current)).toEqual({ id: 'r', room: 'B', start: '10', tags: ['x', 'y'] });
  });

  it('[WRT4] a value too long to carry as a base of a shown conflict is left out', () => {
    const current = record(insert(plain, { body: 'x'.repeat(2000) }));
    const change = writeRecord({ schema: plain, id: 'r', current, confirmed: current, next: { id: 'r', body: 'y' } });
    expect(change!.ops).toEqual([{ t: 'set', p: 'body', v: 'y', pred: ['writer__________.1'] }]);
  });
});
