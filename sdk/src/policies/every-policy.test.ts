/** What every policy promises, whatever it does with its entries. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { applyRecordChange } from '../core/apply.ts';
import { withoutEffectless } from '../core/combine.ts';
import { writeRecord } from '../core/commit.ts';
import { openConflicts } from '../core/conflict.ts';
import { canonicalState } from '../core/history.fixture.ts';
import { copyRecord, createRecord, type Entry, type RecordState } from '../core/record.ts';
import { viewRecord, type Row } from '../core/view.ts';
import type { Json } from '../lib/json.ts';
import { seededRandom } from '../lib/random.ts';
import { mergeCalls } from '../store/merge-calls.ts';
import { randomJson } from '../testing/random-json.ts';
import { ASK, type MergeInput } from './merge.ts';
import { compileCollection, POLICIES } from './registry.ts';
import type { Policy, PolicyKind } from './policy.ts';

const MERGES = {
  longest: ({ versions }: MergeInput<Json>) => {
    const texts = versions
      .map((version) => JSON.stringify(version))
      .toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1));
    return texts.at(-1)!.length % 5 === 0 ? ASK : (JSON.parse(texts.at(-1)!) as Json);
  },
  broken: ({ versions }: MergeInput<Json>) => {
    if (versions.length > 2) throw new Error('too many');
    return undefined as unknown as Json;
  },
};

const FIELDS: Readonly<Record<string, Policy>> = {
  ask: { kind: 'ask' },
  lww: { kind: 'lww' },
  fww: { kind: 'fww' },
  text: { kind: 'text' },
  max: { kind: 'max' },
  min: { kind: 'min' },
  longest: { kind: 'merge', name: 'longest' },
  broken: { kind: 'merge', name: 'broken' },
  set: { kind: 'set' },
  counter: { kind: 'counter' },
  map: { kind: 'map', of: { kind: 'ask' } },
  texts: { kind: 'map', of: { kind: 'text' } },
  hot: { kind: 'hot' },
  local: { kind: 'local' },
};
const REGISTERS = ['ask', 'lww', 'fww', 'text', 'max', 'min', 'longest', 'broken'];
const PLAN = { name: 'all', fields: FIELDS, groups: [], onDeleteVsEdit: 'ask' as const };
/** As another device has it: compiled for itself. */
const schemaHere = () =>
  compileCollection(
    PLAN,
    mergeCalls(MERGES, () => 0),
  );

const values = fc.nat().map((seed) => randomJson(seededRandom(seed), 2));
const someText = fc.constantFrom('one two three', 'one 2 three', 'one two', '1 two three', '');
const siblings = fc
  .array(
    fc.record({
      hlc: fc.integer({ min: 10, max: 20 }),
      v: fc.option(fc.oneof(values, someText), { nil: undefined }),
      base: fc.option(fc.record({ hlc: fc.nat(3), v: fc.oneof(values, someText) }), { nil: undefined }),
      first: fc.option(fc.nat(9), { nil: undefined }),
    }),
    { minLength: 2, maxLength: 6 },
  )
  .map((all) => all.map((one, i) => defined({ dot: `w${i}`.padEnd(16, '_') + '.1', ...one }) as unknown as Entry));

function defined(object: object): object {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

const shuffled = (entries: readonly Entry[], by: number): Entry[] =>
  entries
    .map((entry, i) => ({ entry, rank: (i * 7 + by * 13) % 11 }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ entry }) => entry);

function recordOf(path: string, entries: readonly Entry[]): RecordState {
  const record = createRecord();
  record.rv = entries.map(({ dot, hlc }) => ({ dot, hlc }));
  record.cells.set(path, entries);
  return record;
}

describe('every policy', () => {
  it('[POL8] is covered here', () => {
    const kinds = new Set(Object.values(FIELDS).map(({ kind }) => kind));
    const all: PolicyKind[] = [...(Object.keys(POLICIES) as PolicyKind[]), 'merge'];
    expect([...kinds].sort()).toEqual(all.sort());
  });

  it('[POL8] gives the same value, conflict and versions for its entries in any order, on every replica', () => {
    const [here, there] = [schemaHere(), schemaHere()];
    fc.assert(
      fc.property(siblings, fc.nat(100), (entries, by) => {
        for (const path of [...REGISTERS, 'map#m/"k"', 'texts#m/"k"']) {
          const one = recordOf(path, entries);
          const other = recordOf(path, shuffled(entries, by));
          expect(viewRecord(there, 'r', other), path).toEqual(viewRecord(here, 'r', one));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('[POL8] never writes: reading leaves every entry and the state as they were', () => {
    const schema = schemaHere();
    fc.assert(
      fc.property(siblings, (entries) => {
        for (const path of REGISTERS) {
          const record = recordOf(path, deepFreeze(entries));
          const before = canonicalState(record);
          viewRecord(schema, 'r', record);
          openConflicts(schema, 'r', record);
          expect(canonicalState(record)).toBe(before);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('[POL8] equal values are no conflict', () => {
    const schema = schemaHere();
    fc.assert(
      fc.property(values, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 5 }), (v, clocks) => {
        const entries = clocks.map((hlc, i): Entry => ({ dot: `w${i}`.padEnd(16, '_') + '.1', hlc, v }));
        for (const path of REGISTERS) {
          const { row, conflicts } = viewRecord(schema, 'r', recordOf(path, entries));
          expect([row![path], conflicts], path).toEqual([v, []]);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('[POL8] a function that fails leaves every other field readable', () => {
    const schema = schemaHere();
    fc.assert(
      fc.property(siblings, (entries) => {
        const all = createRecord();
        all.rv = entries;
        for (const path of REGISTERS) all.cells.set(path, entries);
        const { row, problems } = viewRecord(schema, 'r', all);
        for (const path of REGISTERS)
          expect(row![path]).toEqual(viewRecord(schema, 'r', recordOf(path, entries)).row![path]);
        const fields = new Set((problems ?? []).map(({ field }) => field));
        expect([...fields].filter((field) => field !== 'broken')).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  const fieldValues: Readonly<Record<string, fc.Arbitrary<Json>>> = {
    ...Object.fromEntries(REGISTERS.map((field) => [field, values])),
    set: fc.subarray(['a', 'b', 'c']),
    counter: fc.integer({ min: -5, max: 5 }),
    map: fc.dictionary(fc.constantFrom('a', 'b'), fc.nat(2)),
    texts: fc.dictionary(fc.constantFrom('a', 'b'), someText),
    hot: values,
    local: values,
  };
  const rows = fc.record(fieldValues, { requiredKeys: [] }).map((fields) => ({ ...fields, id: 'r' }) as Row);

  it('[POL9] a row written as it is shown is no change, and one that is written is shown', () => {
    const schema = schemaHere();
    fc.assert(
      fc.property(fc.array(rows, { minLength: 1, maxLength: 4 }), (written) => {
        const state = createRecord();
        for (const [i, next] of written.entries()) {
          const before = i === 0 ? undefined : copyRecord(state);
          const change = writeRecord({ schema, id: 'r', current: state, confirmed: undefined, next });
          const mark = { dot: `writer__________.${i + 1}`, hlc: i + 1 };
          if (change) applyRecordChange(state, mark, change);
          const shown = viewRecord(schema, 'r', state).row!;
          const { local: _here, ...shared } = { ...schema.empty, ...next } as Row;
          expect(shown).toEqual({ ...shared, set: (shared['set'] as string[]).toSorted() });
          expect(writeRecord({ schema, id: 'r', current: state, confirmed: undefined, next })).toBeNull();
          // What has an effect stays a change, and every operation of it has one.
          if (change) expect(withoutEffectless(schema, before, change)).toEqual(change);
        }
      }),
      { numRuns: 200 },
    );
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
