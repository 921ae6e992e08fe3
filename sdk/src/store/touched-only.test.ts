import { afterEach, describe, expect, it, vi } from 'vitest';

import { dotOf } from '../core/dot.ts';
import type { RecordChange } from '../core/change.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { seededRandom } from '../lib/random.ts';
import { compileCollection } from '../policies/registry.ts';
import type { LogEntry, Page } from '../protocol/messages.ts';
import { testDevice } from './devices.fixture.ts';
import { RECORDS, type RecordRow } from './layout.ts';
import { emptyDisk, MemoryDevice } from './memory-device.ts';
import { recordKey } from './record-key.ts';

const SID = 'SSSSSSSSSSS';
const [FIRST, LEFT, RIGHT] = ['AAAAAAAAAAAAAAAA', 'BBBBBBBBBBBBBBBB', 'CCCCCCCCCCCCCCCC'] as const;
const TOUCHED = [17, 1_000, 9_999];

/** Of one log: a note for each number, then two edits of the title that had not seen each other. */
function made(numbers: readonly number[], from: number): Page {
  return page(
    numbers.map((number, i) => [
      FIRST,
      from + i,
      { c: 'notes', id: `n${number}`, rv: [], ops: titled([], 'made', true) },
    ]),
    from,
  );
}

function contested(numbers: readonly number[], from: number, seqOf: (number: number) => number): Page {
  const edits = numbers.flatMap((number, i) =>
    [LEFT, RIGHT].map((inc): [string, number, RecordChange] => {
      const seen = [dotOf(FIRST, seqOf(number))];
      return [inc, i + 1, { c: 'notes', id: `n${number}`, rv: seen, ops: titled(seen, inc, false) }];
    }),
  );
  return page(edits, from);
}

function titled(pred: readonly string[], v: string, isNew: boolean): RecordChange['ops'] {
  return [...(isNew ? [{ t: 'life', v: 'live', pred: [] } as const] : []), { t: 'set', p: 'title', v, pred }];
}

function page(changes: readonly (readonly [string, number, RecordChange])[], from: number): Page {
  const entries = changes.map(([inc, seq, rec], i): LogEntry => {
    const dot = dotOf(inc, seq);
    return { stamp: [SID, from + i], dot, change: { dot, hlc: from + i, recs: [rec] } };
  });
  const end = { [SID]: from + entries.length - 1 };
  return { type: 'page', entries, cursor: end, head: end };
}

/** Tells which records were looked at. */
class WatchedRecords extends Map<string, RecordRow> {
  readonly looked = new Set<string>();
  isWatched = false;

  override get(key: string): RecordRow | undefined {
    if (this.isWatched) this.looked.add(key);
    return super.get(key);
  }

  override [Symbol.iterator](): MapIterator<[string, RecordRow]> {
    if (this.isWatched) throw new Error('every record was looked at');
    return super[Symbol.iterator]();
  }

  override entries = (): MapIterator<[string, RecordRow]> => this[Symbol.iterator]();
  override keys = (): never => this.#all();
  override values = (): never => this.#all();
  override forEach = (): never => this.#all();

  #all(): never {
    throw new Error('every record was looked at');
  }
}

afterEach(() => vi.restoreAllMocks());

describe('what a page costs', () => {
  it('[MET3] a page that touches 3 of 10,000 records reads and derives the conflicts of those 3', () => {
    const compiled = compileCollection({ name: 'notes', fields: {}, groups: [], onDeleteVsEdit: 'ask' });
    const read = vi.fn(compiled.read);
    const schema: CollectionSchema = { ...compiled, read };
    const records = new WatchedRecords();
    const device = new MemoryDevice({
      schemas: new Map([['notes', schema]]),
      user: { id: 'u' },
      nowMs: () => 0,
      random: seededRandom(1),
      disk: { ...emptyDisk('d'), records },
    });
    const numbers = Array.from({ length: 10_000 }, (_, i) => i);
    expect(device.ingest(made(numbers, 1), [SID]).type).toBe('ingested');
    read.mockClear();
    records.isWatched = true;
    expect(
      device.ingest(
        contested(TOUCHED, 10_001, (number) => number + 1),
        [SID],
      ),
    ).toMatchObject({
      conflictsChanged: TOUCHED.map((number) => ({ type: 'conflict-opened', rowId: `n${number}` })),
    });
    expect(records.looked).toEqual(new Set(TOUCHED.map((number) => recordKey('notes', `n${number}`))));
    // The row before, the row after, its conflict, who was passed over, and what constraints see of it.
    expect(read.mock.calls.length).toBeLessThanOrEqual(6 * TOUCHED.length);
    const reads = read.mock.calls.length;
    device.write([[{ collection: 'notes', id: 'n17', edit: (shown) => ({ ...shown!, title: 'settled' }) }]]);
    expect(records.looked.size).toBe(TOUCHED.length);
    expect(read.mock.calls.length - reads).toBeLessThanOrEqual(8);
    expect(device.disk.conflicts.size).toBe(TOUCHED.length - 1);
  });

  it('[MET3] IndexedDB is asked for the records that a page touches, each once, and for no other', async () => {
    const anna = await testDevice('anna');
    const numbers = Array.from({ length: 300 }, (_, i) => i);
    await anna.store.ingest(made(numbers, 1), [SID]);
    const asked: unknown[] = [];
    const { get, getAll, openCursor } = IDBObjectStore.prototype;
    vi.spyOn(IDBObjectStore.prototype, 'get').mockImplementation(function (this: IDBObjectStore, key) {
      if (this.name === RECORDS) asked.push(key);
      return get.call(this, key);
    });
    vi.spyOn(IDBObjectStore.prototype, 'getAll').mockImplementation(function (this: IDBObjectStore, ...query) {
      if (this.name === RECORDS) asked.push('all');
      return getAll.apply(this, query);
    });
    vi.spyOn(IDBObjectStore.prototype, 'openCursor').mockImplementation(function (this: IDBObjectStore, ...query) {
      if (this.name === RECORDS) asked.push('cursor');
      return openCursor.apply(this, query);
    });
    const result = await anna.store.ingest(
      contested([7, 42, 299], 301, (number) => number + 1),
      [SID],
    );
    expect(result).toMatchObject({ conflictsChanged: [{ rowId: 'n7' }, { rowId: 'n42' }, { rowId: 'n299' }] });
    expect(asked).toEqual([
      ['notes', 'n7'],
      ['notes', 'n42'],
      ['notes', 'n299'],
    ]);
  });
});
