import { describe, expect, it } from 'vitest';

import { compileCollection, type CollectionPlan } from '../policies/registry.ts';
import { applyRecordChange } from './apply.ts';
import type { Op } from './change.ts';
import { resolveLife, writeRecord } from './commit.ts';
import { openConflicts, type OpenFieldConflict } from './conflict.ts';
import { dotOf, type Dot } from './dot.ts';
import { createRecord, lifeStatus, type RecordState } from './record.ts';
import { viewRecord } from './view.ts';

const dot = (name: string): Dot => dotOf(name.padEnd(16, '_'), 1);
const schemaOf = (onDeleteVsEdit: CollectionPlan['onDeleteVsEdit']) =>
  compileCollection({ name: 'notes', fields: { title: { kind: 'ask' } }, groups: [], onDeleteVsEdit });
const SCHEMA = schemaOf('ask');
const INSERT: readonly Op[] = [
  { t: 'life', v: 'live', pred: [] },
  { t: 'set', p: 'title', v: 'A', pred: [] },
];

/** A change of the record `r` by a writer of that name, who had seen the changes of those others. */
interface Written {
  readonly by: string;
  readonly hlc: number;
  readonly seen: readonly string[];
  readonly ops: readonly Op[];
}

function stateOf(...changes: readonly Written[]): RecordState {
  const state = createRecord();
  for (const { by, hlc, seen, ops } of changes)
    applyRecordChange(state, { dot: dot(by), hlc }, { c: 'notes', id: 'r', rv: seen.map(dot), ops });
  return state;
}

const inserted: Written = { by: 'first', hlc: 1, seen: [], ops: INSERT };

function deleted(by: string, hlc: number): Written {
  return { by, hlc, seen: ['first'], ops: [{ t: 'life', v: 'dead', pred: [dot('first')] }] };
}

function edited(by: string, hlc: number, baseHlc = 1): Written {
  const op: Op = { t: 'set', p: 'title', v: by, pred: [dot('first')], base: { hlc: baseHlc, v: `base ${baseHlc}` } };
  return { by, hlc, seen: ['first'], ops: [op] };
}

const contested = (): RecordState => stateOf(inserted, deleted('deleter', 2), edited('editor', 3));

describe('a delete against an edit', () => {
  it('[OCF1] an edit of the contested record keeps it: nobody is asked any more', () => {
    const current = contested();
    const next = { id: 'r', title: 'C' };
    const change = writeRecord({ schema: SCHEMA, id: 'r', current, confirmed: current, next })!;
    expect(openConflicts(SCHEMA, 'r', current).map(({ kind }) => kind)).toEqual(['delete']);
    applyRecordChange(current, { dot: dot('keeper'), hlc: 4 }, change);
    expect(viewRecord(SCHEMA, 'r', current)).toEqual({ row: next, conflicts: [] });
    expect(lifeStatus(current)).toBe('live');
  });

  it('[OCF2] one decision settles it, however many deleted the record', () => {
    for (const life of ['live', 'dead'] as const) {
      const current = stateOf(inserted, deleted('one', 2), deleted('two', 3), edited('editor', 4));
      expect(lifeStatus(current)).toBe('contested');
      const change = resolveLife(SCHEMA, 'r', current, life);
      applyRecordChange(current, { dot: dot('decider'), hlc: 5 }, change);
      expect([lifeStatus(current), current.life.length]).toEqual([life, 1]);
    }
  });

  it('[OCF3] another edit makes it another conflict: what was not seen is not settled', () => {
    const current = contested();
    const [before] = openConflicts(SCHEMA, 'r', current);
    const { by, hlc, seen, ops } = edited('third', 4);
    applyRecordChange(current, { dot: dot(by), hlc }, { c: 'notes', id: 'r', rv: seen.map(dot), ops });
    const after = openConflicts(SCHEMA, 'r', current).find(({ kind }) => kind === 'delete');
    expect(after!.id).not.toBe(before!.id);
  });

  it('[OCF4] where deletes win, the record is not shown and nobody is asked about any of it', () => {
    const schema = schemaOf('delete-wins');
    const current = stateOf(inserted, deleted('deleter', 2), edited('editor', 3), edited('other', 4));
    expect(current.cells.get('title')!.length).toBe(2);
    expect(viewRecord(schema, 'r', current)).toEqual({ row: null, conflicts: [] });
  });
});

describe('the id and the ancestor of a conflict', () => {
  it('[OCF5] rows that one change wrote have conflicts of their own', () => {
    for (const state of [contested(), stateOf(inserted, edited('one', 2), edited('two', 3))]) {
      const [mine] = openConflicts(SCHEMA, 'r', state);
      const [other] = openConflicts(SCHEMA, 'q', state);
      expect(mine!.id).not.toBe(other!.id);
    }
  });

  it('[OCF6] the ancestor is the oldest that a version carries, in whatever order they came', () => {
    const versions = [edited('one', 12, 9), edited('two', 11, 5), edited('three', 13, 7)];
    for (const order of [versions, versions.toReversed()]) {
      const [conflict] = openConflicts(SCHEMA, 'r', stateOf(inserted, ...order)) as OpenFieldConflict[];
      expect(conflict!.base).toEqual({ hlc: 5, v: 'base 5' });
    }
  });
});
