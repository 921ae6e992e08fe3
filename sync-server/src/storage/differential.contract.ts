/**
 * One judgement everywhere: what a device lets its app save, what a server lets into its log, and what a storage gives back
 * to the letter are the same. Cases of the storage contract, so that every storage takes part.
 */
import assert from 'node:assert/strict';
import {
  checkChange,
  compileCollection,
  DEFAULT_LIMITS,
  dotOf,
  parsePath,
  seededRandom,
  SkerryError,
  type Change,
  type Json,
} from '@skerry/sdk/kernel';
import { emptyDisk, MemoryDevice } from '@skerry/sdk/testing';

import { contentOf } from '../hub/prepare.ts';
import { push, type ContractCase } from './contract.ts';
import type { Storage } from './port.ts';

const INC = 'AAAAAAAAAAAAAAAA';
const NOTES = compileCollection({ name: 'notes', fields: {}, groups: [], onDeleteVsEdit: 'ask' });
const INVALID = new Set(['INVALID_VALUE', 'INVALID_ID', 'INVALID_FIELD', 'TOO_LARGE']);

const TEXTS: readonly string[] = [
  '',
  'a',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  "' OR '1'='1",
  '%_\\',
  '"}],"x":[{"',
  '\u0000',
  'a\u0000b',
  '\\u0000',
  '\ud800',
  'a\udc00b',
  '\u{1f984}',
  '\u2028\u2029\ufeff\u202e',
  '\u0001\u001f\u007f',
  'e\u0301 \u00e9',
  'x'.repeat(256),
  'x'.repeat(257),
  'x'.repeat(10_000),
  '\u{1f984}'.repeat(128),
];

const NUMBERS: readonly number[] = [
  0,
  -0,
  1.5,
  -1e-320,
  5e-324,
  0.1 + 0.2,
  1e21,
  1.7976931348623157e308,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 53 + 2,
  -(2 ** 63),
  Number.POSITIVE_INFINITY,
  Number.NaN,
];

const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
const OBJECTS: readonly unknown[] = [
  null,
  true,
  [],
  {},
  [null, [undefined]],
  // oxlint-disable-next-line no-sparse-arrays -- what it is about
  [1, , 3],
  { a: undefined },
  JSON.parse('{"__proto__":{"polluted":true}}'),
  { constructor: { prototype: { polluted: true } } },
  { '\ud800': 1 },
  { 'a\u0000': 1 },
  { '': { '': '' } },
  { 2: 'b', 1: 'a', b: 1, a: 2 },
  new Date(0),
  new Map([[1, 2]]),
  new Uint8Array(2),
  1n,
  Symbol('s'),
  () => 1,
  nested(63),
  nested(64),
  nested(65),
  'x'.repeat(700_000),
  'ü'.repeat(400_000),
];

const VALUES: readonly unknown[] = [...TEXTS, ...NUMBERS, ...OBJECTS, ...NUMBERS.map((n) => ({ deep: [n] }))];

/** Rows of a device: id, field and value. */
interface Row {
  readonly id: unknown;
  readonly field: string;
  readonly value: unknown;
}

const IDS: readonly unknown[] = [...TEXTS, 7, null, {}, ['a']];

const ROWS: readonly Row[] = [
  ...VALUES.map((value) => ({ id: 'n', field: 'body', value })),
  ...IDS.map((id) => ({ id, field: 'body', value: 1 })),
  ...TEXTS.map((field) => ({ id: 'n', field, value: 1 })),
  ...madeUp(200),
];

/** Values of every kind inside one another. */
function madeUp(count: number): readonly Row[] {
  const random = seededRandom(7);
  const below = (n: number): number => Math.floor(random.fraction() * n);
  const pick = <T>(from: readonly T[]): T => from[below(from.length)]!;
  const make = (depth: number): unknown => {
    if (depth === 0 || random.fraction() < 0.3) return pick<unknown>([...TEXTS, ...NUMBERS, null, true]);
    const items = Array.from({ length: below(4) }, () => make(depth - 1));
    return random.fraction() < 0.5 ? items : Object.fromEntries(items.map((item) => [pick(TEXTS), item]));
  };
  return Array.from({ length: count }, () => ({ id: 'n', field: 'body', value: make(3) }));
}

/** The change that the device saves, and the value that its app then reads; null when it says why it does not. Anything else that it throws is a bug. */
function saved({ id, field, value }: Row): { readonly change: Change; readonly shown: Json | undefined } | null {
  const device = new MemoryDevice({
    schemas: new Map([['notes', NOTES]]),
    user: { id: 'u' },
    nowMs: () => 1_800_000_000_000,
    random: seededRandom(1),
    disk: emptyDisk('d'),
  });
  try {
    const row = Object.defineProperty({ id } as Record<string, Json>, field, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
    device.write([[{ collection: 'notes', id: id as string, row }]]);
    const { change } = device.readOutbox(null, { changes: 1, bytes: 1e9 })[0]!;
    return { change, shown: device.row('notes', id as string)?.[field] };
  } catch (error) {
    assert.ok(
      error instanceof SkerryError && INVALID.has(error.code),
      `${String(error)} of ${describe({ id, value })}`,
    );
    assert.equal(device.disk.outbox.size + device.disk.records.size + device.disk.rows.size, 0);
    return null;
  }
}

/** The same row as a peer would send it that checks nothing. */
function sentUnchecked({ id, field, value }: Row): unknown {
  const ops = [
    { t: 'life', v: 'live', pred: [] },
    { t: 'set', p: field, v: value, pred: [] },
  ];
  return { dot: dotOf(INC, 1), hlc: 1, recs: [{ c: 'notes', id, rv: [], ops }] };
}

function isTaken(change: unknown): boolean {
  try {
    return checkChange(change, DEFAULT_LIMITS).type === 'ok';
  } catch (error) {
    // BigInt has no JSON text: nothing that came from one can hold it.
    assert.ok(error instanceof TypeError, String(error));
    return false;
  }
}

function describe(value: unknown): string {
  return (JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item)) ?? '').slice(
    0,
    80,
  );
}

export const DIFFERENTIAL_CONTRACT: readonly ContractCase[] = [
  {
    name: '[DB10] a device saves exactly what a server takes, and the storage gives it back to the letter',
    run: async (source) => {
      const storage = await source.open();
      let taken = 0;
      for (const row of ROWS) {
        const outcome = saved(row);
        const isRow = row.field !== 'id' && (parsePath(row.field).kind === 'register' || row.field === '');
        // A field whose name says another kind of cell is no field of a device.
        if (isRow && row.value !== undefined)
          assert.equal(outcome !== null, isTaken(sentUnchecked(row)), describe(row));
        if (outcome === null) continue;
        assert.ok(isTaken(JSON.parse(JSON.stringify(outcome.change))), describe(row));
        const kept = await keep(storage, outcome.change, ++taken);
        const set = kept.recs[0]!.ops.find((op) => op.t === 'set');
        // What the app reads here is what everybody will read: -0, NaN and the like are not, and were refused.
        if (row.field !== 'id') assert.deepEqual(set?.v, outcome.shown, describe(row));
      }
      assert.ok(taken > 80 && taken < ROWS.length - 40, `${taken} of ${ROWS.length} rows were taken`);
      assert.equal(({} as { polluted?: unknown }).polluted, undefined);
      await storage.close();
    },
  },
];

/** The change as the storage gives it back. */
async function keep(storage: Storage, change: Change, n: number): Promise<Change> {
  const dot = dotOf(INC, n);
  const numbered = { ...change, dot };
  const { hash, text } = contentOf(numbered);
  await push(storage, 'a', [numbered]);
  const [entry] = await storage.read('a', n - 1, { entries: 1, bytes: 1 });
  assert.deepEqual({ lsn: entry!.lsn, dot: entry!.dot }, { lsn: n, dot });
  const again = checkChange(JSON.parse(entry!.text!), DEFAULT_LIMITS);
  assert.ok(again.type === 'ok');
  assert.deepEqual(contentOf(again.change), { hash, text });
  return again.change;
}
