import { describe, expect, it } from 'vitest';

import { openConflicts } from '../core/conflict.ts';
import { MANY_SIBLINGS, problemKey } from '../core/policy-problem.ts';
import { createRecord, type Entry } from '../core/record.ts';
import type { Json } from '../lib/json.ts';
import { viewRecord } from '../core/view.ts';
import { mergeCalls, missingMerges, SLOW_MERGE_MS } from '../store/merge-calls.ts';
import { ask } from './ask.ts';
import { map } from './map.ts';
import { ASK, merge, type AnyMergeFunction, type MergeInput } from './merge.ts';
import { compileCollection, type CollectionPlan } from './registry.ts';

const PLAN: CollectionPlan = {
  name: 'notes',
  fields: { span: { kind: 'merge', name: 'mine' }, title: ask() },
  groups: [],
  onDeleteVsEdit: 'ask',
};

const entry = (dot: string, hlc: number, v?: Json, base?: Entry['base']): Entry => ({
  dot: `${dot.padEnd(16, '_')}.1`,
  hlc,
  ...(v === undefined ? {} : { v }),
  ...(base ? { base } : {}),
});

const schemaWith = (fn: AnyMergeFunction | undefined, plan = PLAN, nowMs = () => 0) =>
  compileCollection(plan, mergeCalls(fn ? { mine: fn } : {}, nowMs));

/** How a record with these entries of `span` and a clash of titles is seen. */
function seen(fn: AnyMergeFunction | undefined, entries: readonly Entry[], nowMs?: () => number) {
  const record = createRecord();
  record.rv = entries;
  record.cells.set('span', entries);
  record.cells.set('title', [entry('t', 1, 'one'), entry('u', 2, 'two')]);
  return viewRecord(schemaWith(fn, PLAN, nowMs), 'r', record);
}

const AB = [entry('a', 2, 3, { hlc: 1, v: 1 }), entry('b', 3, 9, { hlc: 1, v: 1 })];
const sum = ({ base = 0, versions }: MergeInput<number>): number =>
  versions.reduce((total, version) => total + version - base, base);

describe('merge', () => {
  it('[MRG1] shows what the function makes of the ancestor and the versions, in the order of the clock', () => {
    const inputs: unknown[] = [];
    const fn = (input: MergeInput<number>) => {
      inputs.push(input);
      return sum(input);
    };
    const read = schemaWith(fn).read('span', AB.toReversed());
    expect(read).toMatchObject({ shown: { v: 11, dot: AB[1]!.dot }, isConflict: false, losers: [] });
    expect(inputs).toEqual([
      { base: 1, versions: [3, 9] },
      { base: 1, versions: [3, 9] },
    ]);
    expect(schemaWith(fn).read('span', AB)).toEqual(read);
    expect(schemaWith(fn).baseLength('span')).toBe(Infinity);
  });

  it('[MRG1] equal values are one, and a base that is not clear is none', () => {
    const bases: unknown[] = [];
    const fn = ({ base, versions }: MergeInput<number>) => {
      bases.push(base);
      return Math.max(...versions);
    };
    expect(schemaWith(fn).read('span', [entry('a', 2, 5), entry('b', 3, 5)])).toMatchObject({ isConflict: false });
    expect(bases).toEqual([]);
    const unclear = [entry('a', 2, 3, { hlc: 1, v: 1 }), entry('b', 3, 9, { hlc: 1, v: 2 })];
    expect(schemaWith(fn).read('span', unclear).shown.v).toBe(9);
    expect(bases).toEqual([undefined, undefined]);
  });

  it('[MRG2] asks when the function does, and when a version took the field away', () => {
    const asked = seen(() => ASK, AB);
    expect(asked.row).toMatchObject({ span: 9 });
    expect(asked.conflicts.map((conflict) => 'path' in conflict && conflict.path)).toEqual(['span', 'title']);
    expect(asked.problems).toBeUndefined();
    let calls = 0;
    const removed = seen(() => ++calls, [AB[0]!, entry('c', 4)]);
    expect([removed.row, removed.conflicts.length, calls]).toEqual([{ id: 'r', title: 'two' }, 2, 0]);
  });

  let count = 0;
  const failing: readonly [string, AnyMergeFunction, RegExp][] = [
    [
      'throws',
      () => {
        throw new TypeError('no');
      },
      /threw TypeError: no/,
    ],
    [
      'throws something else',
      () => {
        // oxlint-disable-next-line no-throw-literal -- what a function of an app may do
        throw null as unknown;
      },
      /threw object/,
    ],
    ['gives nothing', () => undefined, /undefined is not JSON/],
    ['is async', async () => 1, /Promise/],
    ['gives a number that is none', () => NaN, /finite/],
    ['gives a cycle', cycle, /nested deeper/],
    [
      'never ends',
      function forever(): number {
        return forever() + 1;
      },
      /RangeError/,
    ],
    ['says another thing each time', () => ++count, /differently/],
  ];
  it.each(failing)('[MRG3] a function that %s concerns its field only, which is asked about', (_what, fn, reason) => {
    const view = seen(fn, AB);
    expect(view.row).toEqual({ id: 'r', span: 9, title: 'two' });
    expect(view.conflicts).toHaveLength(2);
    expect(view.problems).toMatchObject([
      { type: 'policy-failed', collection: 'notes', rowId: 'r', field: 'span', policy: 'mine' },
    ]);
    expect((view.problems![0] as { reason: string }).reason).toMatch(reason);
  });

  it('[MRG3] a function that is not there is one that fails', () => {
    const view = seen(undefined, AB);
    expect(view.conflicts).toHaveLength(2);
    expect(view.problems).toMatchObject([{ type: 'policy-failed', reason: expect.stringContaining('registered') }]);
    const nested = { ...PLAN, fields: { ...PLAN.fields, labels: map(merge('other', sum)) } };
    expect(missingMerges(nested, { mine: sum })).toEqual(['other']);
    expect(missingMerges(nested, { mine: sum, other: sum })).toEqual([]);
  });

  it('[MRG4] nothing that the function does to what it is given, or to what it gave, reaches the record', () => {
    const versions = [entry('a', 2, ['x']), entry('b', 3, ['y'])];
    let given: string[] = [];
    const fn = (input: MergeInput<string[]>) => {
      given = (input.versions as string[][])[0]!;
      given.push('added');
      return given;
    };
    const schema = schemaWith(fn as AnyMergeFunction);
    const reading = schema.read('span', versions);
    given.push('later');
    expect(reading.shown.v).toEqual(['x', 'added']);
    expect(versions.map(({ v }) => v)).toEqual([['x'], ['y']]);
  });

  it('[MRG5] a function that takes long is told about, and used', () => {
    let nowMs = 0;
    const fn = (input: MergeInput<number>): number => {
      nowMs += SLOW_MERGE_MS + 1;
      return sum(input);
    };
    const view = seen(fn, AB, () => nowMs);
    expect(view.row).toMatchObject({ span: 11 });
    expect(view.problems).toEqual([
      {
        type: 'policy-slow',
        collection: 'notes',
        rowId: 'r',
        field: 'span',
        policy: 'mine',
        tookMs: SLOW_MERGE_MS + 1,
      },
    ]);
    expect(seen(sum, AB, () => nowMs).problems).toBeUndefined();
  });

  it('[MRG6] one reading asks the function for its row and its conflicts together', () => {
    let calls = 0;
    const fn = (input: MergeInput<number>): number => {
      calls++;
      return sum(input);
    };
    const record = createRecord();
    record.rv = AB;
    record.cells.set('span', AB);
    const schema = schemaWith(fn);
    viewRecord(schema, 'r', record);
    viewRecord(schema, 'r', record);
    expect(calls).toBe(2);
  });

  it('[MRG7] merges a group as one value, and wants an object for it', () => {
    const plan: CollectionPlan = {
      ...PLAN,
      fields: { from: { kind: 'merge', name: 'mine' }, to: { kind: 'merge', name: 'mine' } },
      groups: [['from', 'to']],
    };
    const entries = [entry('a', 2, { from: 1, to: 5 }), entry('b', 3, { from: 2, to: 9 })];
    const widest = ({ versions }: MergeInput<{ from: number; to: number }>) => ({
      from: Math.min(...versions.map(({ from }) => from)),
      to: Math.max(...versions.map(({ to }) => to)),
    });
    const record = createRecord();
    record.rv = entries;
    record.cells.set('from+to', entries);
    expect(viewRecord(schemaWith(widest, plan), 'r', record).row).toEqual({ id: 'r', from: 1, to: 9 });
    const wrong = viewRecord(
      schemaWith(() => 7, plan),
      'r',
      record,
    );
    expect([wrong.row, wrong.conflicts.length, wrong.problems?.length]).toEqual([{ id: 'r', from: 2, to: 9 }, 1, 1]);
    const two = { ...plan, fields: { ...plan.fields, to: { kind: 'merge', name: 'other' } as const } };
    expect(() => compileCollection(two)).toThrow(expect.objectContaining({ code: 'INVALID_SCHEMA' }));
  });

  it('[MRG8] merges key by key in a map', () => {
    const plan = { ...PLAN, fields: { votes: { kind: 'map', of: { kind: 'merge', name: 'mine' } } as const } };
    const record = createRecord();
    record.rv = AB;
    record.cells.set('votes#m/"x"', AB);
    record.cells.set('votes#m/"y"', [entry('c', 4, 1)]);
    expect(viewRecord(schemaWith(sum, plan), 'r', record)).toEqual({
      row: { id: 'r', votes: { x: 11, y: 1 } },
      conflicts: [],
    });
  });

  it('[MRG9] needs a name', () => {
    for (const name of ['', 'x'.repeat(129), '__proto__', undefined, 7])
      expect(() => compileCollection({ ...PLAN, fields: { a: { kind: 'merge', name } as never } })).toThrow(
        expect.objectContaining({ code: 'INVALID_SCHEMA' }),
      );
  });
});

describe('many siblings', () => {
  const titles = (count: number): readonly Entry[] => Array.from({ length: count }, (_, i) => entry(`w${i}`, i + 1, i));

  it('[SIB1] more concurrent values of a field than people can mean are told about, whatever its policy', () => {
    const record = createRecord();
    record.rv = titles(MANY_SIBLINGS + 1);
    record.cells.set('title', titles(MANY_SIBLINGS + 1));
    const { problems } = viewRecord(schemaWith(sum), 'r', record);
    expect(problems).toEqual([
      { type: 'many-siblings', collection: 'notes', rowId: 'r', field: 'title', siblings: MANY_SIBLINGS + 1 },
    ]);
    expect(problemKey(problems![0]!)).toBe(problemKey({ ...problems![0]!, rowId: 'another' }));
    record.cells.set('title', titles(MANY_SIBLINGS));
    expect(viewRecord(schemaWith(sum), 'r', record).problems).toBeUndefined();
    expect(openConflicts(schemaWith(sum), 'r', record)).toHaveLength(1);
  });
});

function cycle(): unknown {
  const self: { self?: unknown } = {};
  self.self = self;
  return self;
}
