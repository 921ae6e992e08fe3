import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { dotOf } from '../core/dot.ts';
import { applyRecordChange } from '../core/apply.ts';
import { createRecord, type RecordState } from '../core/record.ts';
import { exchange, LogServer, testDevice } from './devices.fixture.ts';
import { RECORDS, type RecordRow } from './layout.ts';
import { packRecord, recordRow, storedRow, unpackRecord, type StoredRecordRow } from './packed-record.ts';

const INCS = ['AAAAAAAAAAAAAAAA', 'BBBBBBBBBBBBBBBB'] as const;
const mark = fc.record({
  dot: fc
    .tuple(fc.constantFrom(...INCS), fc.integer({ min: 1, max: 2 ** 53 - 1 }))
    .map(([inc, seq]) => dotOf(inc, seq)),
  hlc: fc.oneof(fc.nat(2), fc.constant(1_838_255_514_100_736), fc.constant(2 ** 53 - 1)),
});
/** No -0, as in every value that was accepted. */
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as never);
const others = fc.record(
  { v: json, base: json, first: fc.nat(), over: fc.nat(), stamps: json, all: json },
  { requiredKeys: [] },
);
const entry = fc.tuple(mark, others).map(([one, more]) => ({ ...one, ...more }));
const life = fc
  .tuple(mark, fc.record({ v: fc.constantFrom('live', 'dead'), stamp: json }, { requiredKeys: ['v'] }))
  .map(([one, more]) => ({ ...one, ...more }));
const path = fc.constantFrom('title', 'end+room', 'tags/"red"', 'tags/[1]', 'constructor');
const state = fc.record({
  rv: fc.array(mark, { maxLength: 3 }),
  life: fc.array(life, { maxLength: 3 }),
  cells: fc.array(fc.tuple(path, fc.array(entry, { maxLength: 3 }))).map((cells) => new Map(cells)),
  counters: fc.array(fc.tuple(path, fc.integer())).map((counters) => new Map(counters)),
}) as unknown as fc.Arbitrary<RecordState>;

describe('a record at rest', () => {
  it('[REST1] comes back as it was: every entry, in its order, with every key', () => {
    fc.assert(
      fc.property(state, (record) => {
        const text = packRecord(record);
        expect(unpackRecord(text)).toEqual(record);
        expect(packRecord(unpackRecord(text))).toBe(text);
      }),
    );
  });

  it('[REST2] what was stored as objects is read, written over, and synced', async () => {
    const server = new LogServer();
    const [anna, ben] = [await testDevice('anna'), await testDevice('ben')];
    const notes = anna.db.dexie.table('notes');
    const records = anna.db.dexie.table(RECORDS);
    await notes.add({ id: 'n', title: 'A', tags: ['a'] });
    await exchange(server, anna, ben);
    await notes.update('n', { title: 'B' });
    const row = (await records.get(['notes', 'n'])) as StoredRecordRow;
    expect(typeof row.base).toBe('string');
    expect(typeof row.overlay).toBe('string');
    const asBefore: RecordRow = recordRow(row);
    expect(recordRow(storedRow(asBefore))).toEqual(asBefore);
    await records.put(asBefore);
    await notes.update('n', { tags: ['b'] });
    await exchange(server, anna, ben);
    for (const device of [anna, ben])
      expect(await device.db.dexie.table('notes').get('n')).toEqual({ id: 'n', title: 'B', tags: ['b'], likes: 0 });
    expect(await ben.db.readConflicts()).toEqual([]);
  });

  it('[REST3] an idle record has at most 120 bytes beside its values, as one device made it and as another edited it', () => {
    const made = createRecord();
    const values = { title: 'All work and no play', body: 'x'.repeat(400), pinned: false, color: 'yellow' };
    const first = { dot: dotOf(INCS[0], 70_000), hlc: 1_838_255_514_100_736 };
    applyRecordChange(made, first, {
      c: 'notes',
      id: 'n',
      rv: [],
      ops: [
        { t: 'life', v: 'live', pred: [] },
        ...Object.entries(values).map(([p, v]) => ({ t: 'set', p, v, pred: [] }) as const),
      ],
    });
    expect(beside(made, values)).toBeLessThanOrEqual(80);
    const second = { dot: dotOf(INCS[1], 80_000), hlc: 1_838_255_514_200_000 };
    applyRecordChange(made, second, {
      c: 'notes',
      id: 'n',
      rv: [first.dot],
      ops: [{ t: 'set', p: 'title', v: values.title, pred: [first.dot] }],
    });
    expect(beside(made, values)).toBeLessThanOrEqual(120);
  });
});

/** What the text has more than the values as JSON, and the header of a string in memory. */
function beside(record: RecordState, values: object): number {
  return packRecord(record).length - JSON.stringify(values).length + 16;
}
