import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { applyRecordChange } from './apply.ts';
import type { Op } from './change.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import { dotOf } from './dot.ts';
import { contentOfRecord, hasNumbers, recordFromJson, recordToJson } from './record-json.ts';
import { createRecord, type RecordState } from './record.ts';

const INC = 'AAAAAAAAAAAAAAAA';

/** Concurrent changes: none has seen another. */
const changes = fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.nat(6), fc.json()), {
  selector: ([seq]) => seq,
  maxLength: 12,
});

function opsOf(kind: number, json: string): Op[] {
  const v = JSON.parse(json) as never;
  const ops: Op[] = [
    { t: 'life', v: kind % 2 === 0 ? 'live' : 'dead', pred: [] },
    { t: 'set', p: 'title', v, pred: [], base: { hlc: 1, v } },
    { t: 'set', p: 'gone', pred: [], first: 3 },
    { t: 'add', p: 'tags/"a"', pred: [] },
    { t: 'inc', p: 'likes#c', n: kind + 1 },
    { t: 'life', v: 'zombie', of: 'other', pred: [] },
    { t: 'lww', p: 'cursor#h', v },
  ];
  return [ops[kind]!];
}

function recordOf(list: readonly (readonly [number, number, string])[]): RecordState {
  const record = createRecord();
  for (const [seq, kind, json] of list) {
    const change = { c: 'notes', id: 'n', rv: [], ops: opsOf(kind, json) };
    applyRecordChange(record, { dot: dotOf(INC, seq), hlc: seq }, change, ['SSSSSSSSSSS', seq]);
  }
  return record;
}

describe('a record as JSON', { timeout: 30_000 }, () => {
  it('[LOG7] is the same text for the same state, in whatever order it arose, and the same state back', () => {
    fc.assert(
      fc.property(changes, (list) => {
        const text = JSON.stringify(recordToJson(recordOf(list)));
        expect(JSON.stringify(recordToJson(recordOf(list.toReversed())))).toBe(text);
        expect(JSON.stringify(recordToJson(recordFromJson(JSON.parse(text) as never)))).toBe(text);
      }),
    );
  });

  it('[LOG7] has its JSON as content, but for the numbers under which something came', () => {
    fc.assert(
      fc.property(changes, fc.boolean(), (list, isClaimed) => {
        const record = recordOf(list);
        if (isClaimed) {
          for (const [path, entries] of record.cells)
            record.cells.set(
              path,
              entries.map((entry) => ({ ...entry, stamps: [['SSSSSSSSSSS', 1]] })),
            );
        }
        const json = canonicalJson(recordToJson(record) as unknown as Json);
        const content = JSON.stringify(JSON.parse(json), (key, value: unknown) =>
          key === 'stamp' || key === 'stamps' ? undefined : value,
        );
        expect(JSON.parse(contentOfRecord(record))).toEqual(JSON.parse(content));
        expect(canonicalJson(JSON.parse(contentOfRecord(record)) as Json)).toBe(contentOfRecord(record));
        expect(hasNumbers(record)).toBe(json.length !== contentOfRecord(record).length);
      }),
    );
  });

  it('[LOG7] a place without a mark is an error, not an entry without a dot', () => {
    expect(() => recordFromJson({ marks: [], rv: [0], life: [], cells: {} })).toThrow(RangeError);
  });
});
