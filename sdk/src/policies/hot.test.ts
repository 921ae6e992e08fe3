import { describe, expect, it } from 'vitest';

import { applyRecordChange } from '../core/apply.ts';
import type { RecordChange } from '../core/change.ts';
import { combineChanges, withoutEffectless } from '../core/combine.ts';
import { writeRecord } from '../core/commit.ts';
import { openConflicts } from '../core/conflict.ts';
import { copyRecord, createRecord, type RecordState } from '../core/record.ts';
import { viewRecord, type Row } from '../core/view.ts';
import { hot } from './hot.ts';
import { lww } from './lww.ts';
import type { Policy } from './policy.ts';
import { compileCollection } from './registry.ts';
import { set } from './set.ts';

const schemaOf = (fields: Record<string, Policy>, onDeleteVsEdit: 'ask' | 'delete-wins' = 'ask') =>
  compileCollection({ name: 'notes', fields, groups: [], onDeleteVsEdit });
const SCHEMA = schemaOf({ seen: hot() });

let count = 0;

function write(state: RecordState, next: Row | null, hlc: number, schema = SCHEMA): RecordChange {
  const change = writeRecord({ schema, id: 'r', current: state, confirmed: undefined, next })!;
  applyRecordChange(state, { dot: `writer__________.${++count}`, hlc }, change);
  return change;
}

function created(row: Row = { id: 'r', title: 'A' }): RecordState {
  const state = createRecord();
  write(state, row, 1);
  return state;
}

const rowOf = (state: RecordState, schema = SCHEMA): Row | null => viewRecord(schema, 'r', state).row;

describe('hot', () => {
  it('[HOT2] a thousand concurrent writers leave one value and no siblings, in whatever order they come', () => {
    const base = created();
    const changes = Array.from({ length: 1000 }, (_, i) => ({
      mark: { dot: `w${i}`.padEnd(16, '_') + '.1', hlc: 2 + ((i * 37) % 500) },
      change: writeRecord({
        schema: SCHEMA,
        id: 'r',
        current: base,
        confirmed: undefined,
        next: { id: 'r', title: 'A', seen: i },
      })!,
    }));
    const [one, other] = [copyRecord(base), copyRecord(base)];
    for (const { mark, change } of changes) applyRecordChange(one, mark, change);
    for (const { mark, change } of changes.toReversed()) applyRecordChange(other, mark, change);
    expect(rowOf(one)).toEqual(rowOf(other));
    expect(one.hot?.size).toBe(1);
    expect(openConflicts(SCHEMA, 'r', one)).toEqual([]);
    expect(JSON.stringify(changes[0]!.change)).toBe(
      '{"c":"notes","id":"r","rv":[],"ops":[{"t":"lww","p":"seen#h","v":0}]}',
    );
  });

  it('[HOT3] a hot write leaves no trace in the frontier: a delete that had not seen it wins in silence', () => {
    const anna = created();
    const ben = copyRecord(anna);
    const seen = write(ben, { id: 'r', title: 'A', seen: 7 }, 9);
    expect(ben.rv).toEqual([anna.rv[0]]);
    const gone = write(anna, null, 2);
    applyRecordChange(anna, { dot: 'x_______________.1', hlc: 9 }, seen);
    applyRecordChange(ben, { dot: 'y_______________.1', hlc: 2 }, gone);
    expect([rowOf(anna), rowOf(ben)]).toEqual([null, null]);
    expect([openConflicts(SCHEMA, 'r', anna), openConflicts(SCHEMA, 'r', ben)]).toEqual([[], []]);
  });

  it('[HOT3] with another field in the same change it is an edit like any other', () => {
    const anna = created();
    const ben = copyRecord(anna);
    const both = write(ben, { id: 'r', title: 'B', seen: 7 }, 9);
    write(anna, null, 2);
    applyRecordChange(anna, { dot: 'x_______________.1', hlc: 9 }, both);
    expect(openConflicts(SCHEMA, 'r', anna).map(({ kind }) => kind)).toEqual(['delete']);
  });

  it('[HOT4] a hot write alone makes no row, and no delete is needed for one; the row that comes has it', () => {
    const state = createRecord();
    applyRecordChange(
      state,
      { dot: 'x_______________.1', hlc: 5 },
      { c: 'notes', id: 'r', rv: [], ops: [{ t: 'lww', p: 'seen#h', v: 1 }] },
    );
    expect(viewRecord(SCHEMA, 'r', state)).toEqual({ row: null, conflicts: [] });
    expect(writeRecord({ schema: SCHEMA, id: 'r', current: state, confirmed: undefined, next: null })).toBeNull();
    const before = copyRecord(state);
    expect(write(state, { id: 'r', title: 'A', seen: 2 }, 6).ops[0]).toEqual({ t: 'life', v: 'live', pred: [] });
    expect(rowOf(state)).toEqual({ id: 'r', title: 'A', seen: 2 });
    applyRecordChange(before, { dot: 'y_______________.1', hlc: 4 }, write(createRecord(), { id: 'r', title: 'B' }, 4));
    expect(rowOf(before)).toEqual({ id: 'r', title: 'B', seen: 1 });
  });

  it('[HOT5] a row that is made again has nothing of the old value', () => {
    const state = created({ id: 'r', title: 'A', seen: 1 });
    write(state, null, 2);
    write(state, { id: 'r', title: 'B' }, 3);
    expect(rowOf(state)).toEqual({ id: 'r', title: 'B' });
    write(state, null, 4);
    write(state, { id: 'r', seen: 1 }, 5);
    expect(rowOf(state)).toEqual({ id: 'r', seen: 1 });
  });

  it('[HOT6] a hot write decides nothing about a delete against an edit', () => {
    const anna = created();
    const ben = copyRecord(anna);
    const edit = write(ben, { id: 'r', title: 'B' }, 9);
    write(anna, null, 2);
    applyRecordChange(anna, { dot: 'x_______________.1', hlc: 9 }, edit);
    const before = openConflicts(SCHEMA, 'r', anna);
    expect(before).toHaveLength(1);
    expect(write(anna, { id: 'r', title: 'B', seen: 3 }, 10).ops).toEqual([{ t: 'lww', p: 'seen#h', v: 3 }]);
    expect(openConflicts(SCHEMA, 'r', anna)).toEqual(before);
    write(anna, { id: 'r', title: 'C', seen: 3 }, 11);
    expect(openConflicts(SCHEMA, 'r', anna)).toEqual([]);
  });

  it('[HOT7] a register that became hot, and back: both apps show what was written last', () => {
    const plain = schemaOf({ seen: lww() });
    const state = createRecord();
    write(state, { id: 'r', seen: 1 }, 1, plain);
    expect(rowOf(state)).toEqual({ id: 'r', seen: 1 });
    write(state, { id: 'r', seen: 2 }, 2);
    expect(rowOf(state)).toEqual({ id: 'r', seen: 2 });
    write(state, { id: 'r' }, 3);
    expect(rowOf(state)).toEqual({ id: 'r' });
    write(state, { id: 'r', seen: 4 }, 4);
    write(state, { id: 'r', seen: 5 }, 5, plain);
    expect(rowOf(state, plain)).toEqual({ id: 'r', seen: 5 });
    write(state, null, 6, plain);
    write(state, { id: 'r' }, 7, plain);
    expect([rowOf(state, plain), rowOf(state)]).toEqual([{ id: 'r' }, { id: 'r' }]);
  });

  it('[HOT7] the last element of a set that was hot before goes for good', () => {
    const state = createRecord();
    write(state, { id: 'r', seen: ['a', 'b'] }, 1);
    const sets = schemaOf({ seen: set() });
    expect(rowOf(state, sets)).toEqual({ id: 'r', seen: ['a', 'b'] });
    write(state, { id: 'r', seen: ['a'] }, 2, sets);
    write(state, { id: 'r', seen: [] }, 3, sets);
    expect(rowOf(state, sets)).toEqual({ id: 'r', seen: [] });
  });

  it('[HOT8] writes of one transaction are one, and none when it is as before', () => {
    const state = created({ id: 'r', title: 'A', seen: 1 });
    const start = copyRecord(state);
    const one = write(state, { id: 'r', title: 'A', seen: 2 }, 2);
    const two = write(state, { id: 'r', title: 'B', seen: 3 }, 2);
    expect(combineChanges(one, two, 'z_______________.1')).toMatchObject({
      rv: start.rv.map(({ dot }) => dot),
      ops: [
        { t: 'set', p: 'title' },
        { t: 'lww', p: 'seen#h', v: 3 },
      ],
    });
    const back = write(state, { id: 'r', title: 'B', seen: 1 }, 2);
    expect(withoutEffectless(SCHEMA, start, combineChanges(one, back, 'z_______________.1'))).toBeNull();
  });

  it('[HOT4] a row is made in several steps of one transaction, although its hot value was there before', () => {
    const start = createRecord();
    applyRecordChange(
      start,
      { dot: 'x_______________.1', hlc: 5 },
      { c: 'notes', id: 'r', rv: [], ops: [{ t: 'lww', p: 'seen#h', v: 1 }] },
    );
    const state = copyRecord(start);
    const one = write(state, { id: 'r', seen: 1 }, 6);
    const two = write(state, { id: 'r', title: 'A', seen: 1 }, 6);
    const combined = withoutEffectless(SCHEMA, start, combineChanges(one, two, `writer__________.${count - 1}`));
    expect(combined?.ops.map(({ t }) => t)).toEqual(['life', 'set']);
  });

  it('[HOT9] another kind of operation on its path, or it on another path, changes nothing that is shown', () => {
    const state = created({ id: 'r', title: 'A', seen: 1 });
    applyRecordChange(
      state,
      { dot: 'x_______________.1', hlc: 9 },
      {
        c: 'notes',
        id: 'r',
        rv: [],
        ops: [
          { t: 'set', p: 'seen#h', v: 'set', pred: [] },
          { t: 'lww', p: 'title', v: 'hot' },
        ],
      },
    );
    expect(viewRecord(SCHEMA, 'r', state)).toEqual({ row: { id: 'r', title: 'A', seen: 1 }, conflicts: [] });
  });
});
