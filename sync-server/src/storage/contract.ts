/**
 * What every storage must do, as cases that any test runner can run: `contract.test.ts` runs them on memory and SQLite.
 */
import assert from 'node:assert/strict';
import { dotOf, type StoredEntry } from '@skerry/sdk/kernel';

import type { NewEntry, Storage, StorageSource } from './port.ts';

export interface ContractCase {
  readonly name: string;
  /** `source` has no data yet. */
  run(source: StorageSource): Promise<void>;
}

const A = 'AAAAAAAAAAAAAAAA';
const B = 'BBBBBBBBBBBBBBBB';
const ALL = { entries: 1_000, bytes: 1_000_000 };

/** Names that a careless storage would confuse, execute or stumble over. */
const SPACES = ['a', 'A', 'a ', "' OR '1'='1", '%', '_', '__proto__', 'constructor', 'ü', '\u{1f984}', 'x'.repeat(256)];

export const STORAGE_CONTRACT: readonly ContractCase[] = [
  {
    name: '[DB1] an empty storage knows nothing of any space',
    run: (source) =>
      withStorage(source, async (storage) => {
        assert.equal(await storage.head('a'), 0);
        assert.deepEqual(await storage.known('a', [A]), new Map());
        assert.deepEqual(await storage.read('a', 0, ALL), []);
        const facts = await storage.transact(['a'], (transaction) =>
          transaction.facts([{ space: 'a', incs: [A], dots: [dotOf(A, 1)] }]),
        );
        assert.deepEqual(facts, [{ head: 0, known: new Map(), hashes: new Map() }]);
      }),
  },
  {
    name: '[DB2] what was appended is read in order, with its facts',
    run: (source) =>
      withStorage(source, async (storage) => {
        await append(
          storage,
          entry('a', 1, A, 1, { owner: 'ada' }),
          entry('a', 2, B, 1),
          entry('a', 3, A, 2, { owner: 'eve' }),
        );
        assert.equal(await storage.head('a'), 3);
        assert.deepEqual(await storage.read('a', 0, ALL), [
          stored('a', 1, A, 1),
          stored('a', 2, B, 1),
          stored('a', 3, A, 2),
        ]);
        const known = new Map([
          [A, { seq: 2, owner: 'ada' }],
          [B, { seq: 1, owner: null }],
        ]);
        assert.deepEqual(plain(await storage.known('a', [A, B, 'CCCCCCCCCCCCCCCC'])), known);
        const question = { space: 'a', incs: [B], dots: [dotOf(A, 2), dotOf(A, 3)] };
        const [facts] = await storage.transact(['a'], (transaction) => transaction.facts([question]));
        assert.equal(facts!.head, 3);
        assert.deepEqual(plain(facts!.known), new Map([[B, { seq: 1, owner: null }]]));
        assert.deepEqual(facts!.hashes, new Map([[dotOf(A, 2), hashOf(dotOf(A, 2))]]));
      }),
  },
  {
    name: '[DB3] reading stops at the number of entries or of bytes, but gives at least one entry',
    run: (source) =>
      withStorage(source, async (storage) => {
        const change = JSON.stringify('ü'.repeat(49));
        await append(storage, ...[1, 2, 3, 4].map((n) => entry('a', n, A, n, { change })));
        const read = async (after: number, entries: number, bytes: number): Promise<readonly number[]> =>
          (await storage.read('a', after, { entries, bytes })).map(({ n }) => n);
        assert.deepEqual(await read(0, 2, 1_000), [1, 2]);
        assert.deepEqual(await read(1, 9, 200), [2, 3]);
        assert.deepEqual(await read(1, 9, 199), [2]);
        assert.deepEqual(await read(1, 9, 1), [2]);
        assert.deepEqual(await read(4, 9, 1), []);
      }),
  },
  {
    name: '[DB4] spaces do not know of each other, whatever they are called',
    run: (source) =>
      withStorage(source, async (storage) => {
        for (const [i, space] of SPACES.entries())
          await append(storage, entry(space, 1, A, 1, { change: JSON.stringify(i) }));
        for (const [i, space] of SPACES.entries()) {
          assert.deepEqual(await storage.read(space, 0, ALL), [{ n: 1, dot: dotOf(A, 1), change: JSON.stringify(i) }]);
        }
      }),
  },
  {
    name: '[DB5] a transaction that fails leaves nothing behind, and the next one works',
    run: (source) =>
      withStorage(source, async (storage) => {
        await append(storage, entry('a', 1, A, 1));
        const failing = storage.transact(['a', 'b'], async (transaction) => {
          await transaction.append([entry('a', 2, A, 2), entry('b', 1, B, 1)]);
          throw new Error('on purpose');
        });
        await assert.rejects(failing, /on purpose/);
        assert.deepEqual([await storage.head('a'), await storage.head('b')], [1, 0]);
        assert.deepEqual(plain(await storage.known('a', [A])), new Map([[A, { seq: 1, owner: null }]]));
        await append(storage, entry('a', 2, A, 2));
        assert.equal(await storage.head('a'), 2);
      }),
  },
  {
    name: '[DB6] a dot twice, or a number out of order, fails as a whole',
    run: (source) =>
      withStorage(source, async (storage) => {
        await append(storage, entry('a', 1, A, 1));
        await assert.rejects(append(storage, entry('a', 2, B, 1), entry('a', 3, A, 1)));
        await assert.rejects(append(storage, entry('a', 2, B, 1), entry('a', 3, B, 1)));
        await assert.rejects(append(storage, entry('a', 3, B, 1)));
        await assert.rejects(append(storage, entry('a', 1, B, 1)));
        assert.deepEqual(await storage.read('a', 0, ALL), [stored('a', 1, A, 1)]);
        await append(storage, entry('b', 1, A, 1));
      }),
  },
  {
    name: '[DB7] transactions run one after the other: a number read in one is not given to another',
    run: (source) =>
      withStorage(source, async (storage) => {
        const writers = Array.from({ length: 20 }, (_, i) => `${String(i).padStart(2, '0')}${'W'.repeat(14)}`);
        await Promise.all(
          writers.map((inc) =>
            storage.transact(['a'], async (transaction) => {
              const [facts] = await transaction.facts([{ space: 'a', incs: [inc], dots: [] }]);
              await transaction.append([entry('a', facts!.head + 1, inc, 1)]);
            }),
          ),
        );
        assert.deepEqual(
          (await storage.read('a', 0, ALL)).map(({ n }) => n),
          writers.map((_, i) => i + 1),
        );
      }),
  },
  {
    name: '[DB8] what is being written is not read before it is durable',
    run: (source) =>
      withStorage(source, async (storage) => {
        await storage.transact(['a'], async (transaction) => {
          await transaction.append([entry('a', 1, A, 1)]);
          assert.deepEqual([await storage.head('a'), await storage.read('a', 0, ALL)], [0, []]);
        });
        assert.equal(await storage.head('a'), 1);
      }),
  },
  {
    name: '[DB9] opened again, it is the same server with the same data',
    run: async (source) => {
      const before = await withStorage(source, async (storage) => {
        await append(storage, entry('a', 1, A, 1));
        return storage.sid;
      });
      await withStorage(source, async (storage) => {
        assert.match(storage.sid, /^[A-Za-z0-9_-]{11}$/);
        assert.equal(storage.sid, before);
        assert.deepEqual(await storage.read('a', 0, ALL), [stored('a', 1, A, 1)]);
      });
    },
  },
];

async function withStorage<T>(source: StorageSource, use: (storage: Storage) => Promise<T>): Promise<T> {
  const storage = await source.open();
  try {
    return await use(storage);
  } finally {
    await storage.close();
  }
}

function append(storage: Storage, ...entries: readonly NewEntry[]): Promise<void> {
  return storage.transact([...new Set(entries.map(({ space }) => space))], (transaction) =>
    transaction.append(entries),
  );
}

function entry(space: string, n: number, inc: string, seq: number, rest: Partial<NewEntry> = {}): NewEntry {
  const dot = dotOf(inc, seq);
  return { space, n, dot, hash: hashOf(dot), change: JSON.stringify({ dot }), owner: null, ...rest };
}

function stored(space: string, n: number, inc: string, seq: number): StoredEntry {
  const { dot, change } = entry(space, n, inc, seq);
  return { n, dot, change };
}

function hashOf(dot: string): string {
  return `hash of ${dot}`;
}

/** Rows of a database are objects without a prototype of ours; compared is what they say. */
function plain<K, V extends object>(map: ReadonlyMap<K, V>): ReadonlyMap<K, V> {
  return new Map([...map].map(([key, value]) => [key, { ...value }]));
}
