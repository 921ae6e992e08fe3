import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Change, Op } from '../core/change.ts';
import { checkChange } from './check-change.ts';
import { DEFAULT_LIMITS, MAX_ID_LENGTH } from './limits.ts';

const INC = 'AAAAAAAAAAAAAAAA';
const GOOD: Change = {
  dot: `${INC}.2`,
  hlc: 1_790_000_000_000 * 1024,
  deps: { BBBBBBBBBBB: 7 },
  ex: ['CCCCCCCCCCCCCCCC.3'],
  kind: 'resolve',
  label: 'rename',
  writer: { user: { id: 'u1', name: 'Ada' }, device: { id: 'd1' } },
  recs: [
    {
      c: 'notes',
      id: 'n1',
      rv: [`${INC}.1`],
      ops: [
        { t: 'life', v: 'live', pred: [] },
        { t: 'set', p: 'title', v: { deep: [1, null] }, pred: [`${INC}.1`], base: { hlc: 5, v: 'before' } },
        { t: 'set', p: 'note', pred: [] },
        { t: 'add', p: 'tags/"a"', pred: [] },
        { t: 'rm', p: 'tags/"b"', pred: [`${INC}.1`] },
        { t: 'inc', p: 'count', n: -3 },
        { t: 'lww', p: 'seen#h', v: 'now' },
        { t: 'lww', p: 'typing#h' },
      ],
    },
  ],
};

const check = (value: unknown, limits = {}) => checkChange(value, { ...DEFAULT_LIMITS, ...limits });
const parsed = (text: string): unknown => JSON.parse(text);
const withOps = (...ops: unknown[]): unknown => ({ ...GOOD, recs: [{ ...GOOD.recs[0], ops }] });
const withRecord = (record: object): unknown => ({ ...GOOD, recs: [{ ...GOOD.recs[0], ...record }] });
const withOp = (op: object): unknown => withOps({ t: 'set', p: 'title', v: 1, pred: [], ...op });
const nested = (levels: number): unknown => parsed('['.repeat(levels) + ']'.repeat(levels));

describe('structural check of a change', { timeout: 30_000 }, () => {
  it('[CHG1] a well-formed change passes as it is', () => {
    expect(check(GOOD)).toEqual({ type: 'ok', change: GOOD });
  });

  it('[CHG2] keys and operations of a newer version are kept untouched', () => {
    const newer = {
      ...GOOD,
      kind: 'recover',
      schema: 7,
      recs: [
        {
          ...GOOD.recs[0],
          gen: 2,
          ops: [
            { t: 'text', p: 'body', u: 'AAEC' },
            { t: 'seal', key: { id: 1 } },
            { t: 'set', p: 'x', pred: [], first: 3 },
          ],
        },
      ],
    };
    const before = structuredClone(newer);
    expect(check(newer)).toEqual({ type: 'ok', change: before });
  });

  it.each<[string, unknown]>([
    ['not an object', 'change'],
    ['null', null],
    ['a list', [GOOD]],
    ['no dot', { ...GOOD, dot: undefined }],
    ['seq 0', { ...GOOD, dot: `${INC}.0` }],
    ['seq beyond safe integers', { ...GOOD, dot: `${INC}.9007199254740993` }],
    ['a dot that is no string', { ...GOOD, dot: [INC, 1] }],
    ['a clock as text', { ...GOOD, hlc: '1' }],
    ['a negative clock', { ...GOOD, hlc: -1 }],
    ['a fractional clock', { ...GOOD, hlc: 1.5 }],
    ['a clock of 128 bits', { ...GOOD, hlc: 2 ** 127 }],
    ['a dependency on -1', { ...GOOD, deps: { BBBBBBBBBBB: -1 } }],
    ['a dependency on no server', { ...GOOD, deps: { "'; drop": 1 } }],
    ['two preceding entries', { ...GOOD, ex: [`${INC}.1`, `${INC}.2`] }],
    ['a writer without a device', { ...GOOD, writer: { user: { id: 'u' } } }],
    ['no records', { ...GOOD, recs: [] }],
    ['records that are no list', { ...GOOD, recs: { 0: GOOD.recs[0] } }],
    ['one record twice', { ...GOOD, recs: [GOOD.recs[0], GOOD.recs[0]] }],
    ['no collection', withRecord({ c: '' })],
    ['a collection with a slash', withRecord({ c: 'a/b' })],
    ['a collection with a hash', withRecord({ c: 'a#b' })],
    ['a collection __proto__', withRecord({ c: '__proto__' })],
    ['an id that is too long', withRecord({ id: 'x'.repeat(MAX_ID_LENGTH + 1) })],
    ['an id that is a number', withRecord({ id: 7 })],
    ['an id __proto__', withRecord({ id: '__proto__' })],
    ['an id with NUL', withRecord({ id: 'a\u0000' })],
    ['an id with a lone surrogate', withRecord({ id: '\ud800' })],
    ['a frontier that is no list', withRecord({ rv: null })],
    ['a frontier of no dots', withRecord({ rv: ['x'] })],
    ['no operations', withOps()],
    ['a path twice', withOps({ t: 'inc', p: 'a', n: 1 }, { t: 'set', p: 'a', pred: [] })],
    ['a path twice, once by a newer operation', withOps({ t: 'inc', p: 'a', n: 1 }, { t: 'later', p: 'a' })],
    ['life twice', withOps({ t: 'life', v: 'live', pred: [] }, { t: 'life', v: 'dead', pred: [] })],
    ['an operation without a type', withOps({ p: 'a' })],
    ['an operation of the type toString', withOps({ t: 7, p: 'a' })],
    ['neither live nor dead', withOps({ t: 'life', v: 'undead', pred: [] })],
    ['an empty path', withOp({ p: '' })],
    ['a path __proto__', withOp({ p: '__proto__' })],
    ['a path with a lone surrogate', withOp({ p: 'a\udc00' })],
    ['a path that is too long', withOp({ p: 'x'.repeat(2049) })],
    ['no pred', withOps({ t: 'set', p: 'a', v: 1 })],
    ['a pred that is no dot', withOp({ pred: [`${INC}.x`] })],
    ['a hot register without a path', withOps({ t: 'lww', v: 1 })],
    [
      'a hot register with a value that is not plain JSON',
      withOps({ t: 'lww', p: 'a#h', v: parsed('{"__proto__":1}') }),
    ],
    ['a counter by a fraction', withOps({ t: 'inc', p: 'a', n: 0.5 })],
    ['a counter by 2^53', withOps({ t: 'inc', p: 'a', n: 2 ** 53 })],
    ['a counter by text', withOps({ t: 'inc', p: 'a', n: '1' })],
    ['a base without a clock', withOp({ base: { v: 1 } })],
    ['a value beyond numbers', withOp(parsed('{"v":1e400}') as object)],
    ['a value -0', withOp({ v: -0 })],
    ['a value with a lone surrogate', withOp({ v: ['\ud800'] })],
    ['a value with a key __proto__', withOp({ v: parsed('{"__proto__":1}') })],
    ['a value 65 deep', withOp({ v: nested(65) })],
    ['an unknown key __proto__', { ...(parsed('{"__proto__":{"polluted":true}}') as object), ...GOOD, ...unsafe() }],
    ['an unknown key with a bad value', { ...GOOD, later: Number.POSITIVE_INFINITY }],
  ])('[CHG3] refuses %s', (_, value) => {
    expect(check(value)).toMatchObject({ type: 'bad', code: 'INVALID_CHANGE' });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('[CHG3] a value may be 64 deep', () => {
    expect(check(withOp({ v: nested(64) }))).toMatchObject({ type: 'ok' });
  });

  it('[CHG3] names of built-in properties are ordinary names', () => {
    const names = ['constructor', 'toString', 'hasOwnProperty'];
    expect(
      names.map((name) => check(withRecord({ c: name, id: name, ops: [{ t: 'set', p: name, pred: [] }] })).type),
    ).toEqual(['ok', 'ok', 'ok']);
    expect(check({ ...GOOD, dot: '__defineGetter__.1' }).type).toBe('ok');
  });

  it.each<[string, unknown, object]>([
    ['records', { ...GOOD, recs: [GOOD.recs[0], { ...GOOD.recs[0]!, id: 'other' }] }, { recordsPerChange: 1 }],
    ['operations', GOOD, { opsPerRecord: 5 }],
    ['dots in pred', withOp({ pred: [`${INC}.1`, `${INC}.2`] }), { siblingsPerField: 1 }],
    ['bytes', GOOD, { changeBytes: JSON.stringify(GOOD).length - 1 }],
    [
      'bytes of UTF-8',
      withOp({ v: 'ü'.repeat(100) }),
      { changeBytes: JSON.stringify(withOp({ v: 'ü'.repeat(100) })).length + 99 },
    ],
  ])('[CHG4] too many %s are TOO_LARGE', (_, value, limits) => {
    expect(check(value, limits)).toMatchObject({ type: 'bad', code: 'TOO_LARGE' });
    expect(check(value)).toMatchObject({ type: 'ok' });
  });

  it('[CHG4] a change of exactly the limit passes', () => {
    expect(check(GOOD, { changeBytes: JSON.stringify(GOOD).length }).type).toBe('ok');
  });

  it('[CHG5] says of any JSON whether it is a change, and never throws', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.constantFrom('dot', 'hlc', 'recs', 'deps', 'ex', 'writer', 'label', 'kind', 'later'),
        (value, key) => {
          expect(['ok', 'bad']).toContain(check(value).type);
          expect(['ok', 'bad']).toContain(check({ ...GOOD, [key]: value }).type);
          expect(['ok', 'bad']).toContain(check(withOp({ [key]: value })).type);
        },
      ),
    );
  });

  it('[CHG5] what passes is plain JSON: it survives the wire unchanged', () => {
    const op: fc.Arbitrary<Op> = fc.record({
      t: fc.constant('set' as const),
      p: fc.string({ minLength: 1 }),
      v: fc.jsonValue() as fc.Arbitrary<never>,
      pred: fc.constant([]),
    });
    fc.assert(
      fc.property(op, (one) => {
        const checked = check(withOps(one));
        if (checked.type === 'ok') expect(JSON.parse(JSON.stringify(checked.change))).toEqual(checked.change);
      }),
    );
  });
});

/** An own key `__proto__`, which an object literal cannot have. */
function unsafe(): object {
  return Object.defineProperty({}, '__proto__', {
    value: { polluted: true },
    enumerable: true,
    configurable: true,
    writable: true,
  });
}
