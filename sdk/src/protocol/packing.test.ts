import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Change, Op, RecordChange } from '../core/change.ts';
import { dotOf } from '../core/dot.ts';
import { utf8Length } from '../lib/utf8.ts';
import { decodeDeviceMessage, decodeServerMessage, encodeMessage, encodePage, type StoredEntry } from './codec.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import type { LogEntry, Page, Push } from './messages.ts';
import { unpackFrame } from './packing.ts';

const SID = 'SSSSSSSSSSS';
const INCS = ['AAAAAAAAAAAAAAAA', 'BBBBBBBBBBBBBBBB', 'CCCCCCCCCCCCCCCC'];

const dots = fc.record({ inc: fc.constantFrom(...INCS), seq: fc.integer({ min: 1, max: 2 ** 53 - 1 }) });
const dot = dots.map(({ inc, seq }) => dotOf(inc, seq));
const few = fc.array(dot, { maxLength: 3 });
const plain = fc.jsonValue({ maxDepth: 2 });
const words = fc.array(fc.constantFrom('a', 'b', ' ', '\u{1f984}', '\u{1f985}', '\ud83e\u{1f984}'.slice(1)), {
  maxLength: 12,
});
const text = words.map((parts) => parts.join(''));
/** Keys of a newer version. */
const newer = fc.dictionary(fc.constantFrom('later', 'x', 'names'), plain, { maxKeys: 2 });
const base = fc.record({ hlc: fc.nat(), v: fc.oneof(text, plain), later: plain }, { requiredKeys: ['hlc'] });
const op = fc.oneof(
  fc.record({ t: fc.constant('life'), v: fc.constantFrom('live', 'dead'), pred: few }),
  fc
    .record(
      {
        t: fc.constant('set'),
        p: fc.constantFrom('title', 'body'),
        pred: few,
        v: fc.oneof(text, plain),
        base,
        first: fc.nat(),
      },
      { requiredKeys: ['t', 'p', 'pred'] },
    )
    .chain((set) => newer.map((others) => ({ ...others, ...set }))),
  fc.record({ t: fc.constantFrom('add', 'rm'), p: fc.constant('tags/"red"'), pred: few }),
  fc.record({ t: fc.constantFrom('add'), p: fc.constant('tags/"red"'), pred: few, colour: plain }),
  fc.record({ t: fc.constant('inc'), p: fc.constant('likes#c'), n: fc.integer() }),
  fc.record({ t: fc.constant('paint'), p: fc.constant('title'), pred: plain }),
) as fc.Arbitrary<Op>;
const record = fc
  .record({
    c: fc.constantFrom('notes', 'events'),
    id: fc.uuid(),
    rv: few,
    ops: fc.array(op, { minLength: 1, maxLength: 4 }),
  })
  .chain((known) => newer.map((others) => ({ ...others, ...known }))) as fc.Arbitrary<RecordChange>;
const change = fc
  .record(
    {
      dot,
      hlc: fc.nat(),
      recs: fc.array(record, { minLength: 1, maxLength: 2 }),
      deps: fc.dictionary(fc.constantFrom(SID, 'TTTTTTTTTTT'), fc.nat(3), { maxKeys: 2 }),
      ex: fc.array(dot, { maxLength: 1 }),
      label: fc.string(),
    },
    { requiredKeys: ['dot', 'hlc', 'recs'] },
  )
  .chain((known) => newer.map((others) => ({ ...others, ...known }))) as fc.Arbitrary<Change>;
const entry = fc.oneof(
  change.map((one): Partial<LogEntry> => ({ dot: one.dot, change: one })),
  dot.map((bare) => ({ dot: bare })),
  dot.chain((bare) => fc.nat().map((hlc) => ({ dot: bare, hlc }))),
);

/** JSON has neither -0 nor keys without a value. */
function json<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function sent(message: Push | Page): unknown {
  return unpackFrame(JSON.parse(encodeMessage(message)));
}

describe('packed changes', () => {
  it('[PCK1] what is packed comes back as it was, with every key that a newer version may add', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
        const push: Push = json({ type: 'push', changes });
        expect(sent(push)).toEqual(push);
      }),
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 4 }), (entries) => {
        const stamped = entries.map((one, i) => ({ stamp: [SID, i + 1], ...one })) as LogEntry[];
        const page: Page = json({ type: 'page', entries: stamped, cursor: { [SID]: 9 }, head: { [SID]: 9 } });
        expect(sent(page)).toEqual(page);
      }),
    );
  });

  it('[PCK1] an ancestor never ends in half of a character', () => {
    const [one, other] = ['\u{1f984}', '\u{1f985}'];
    for (const [v, before] of [
      [one, other],
      [`a${one}b`, `a${other}b`],
      ['\u{10984}', '\u{1f984}'],
      ['x', ''],
      ['', 'x'],
    ] as const) {
      const ops: Op[] = [{ t: 'set', p: 'body', v, pred: [], base: { hlc: 1, v: before } }];
      const push: Push = {
        type: 'push',
        changes: [{ dot: dotOf(INCS[0]!, 1), hlc: 2, recs: [{ c: 'n', id: 'i', rv: [], ops }] }],
      };
      expect(encodeMessage(push).isWellFormed() && !/\\ud/i.test(encodeMessage(push))).toBe(true);
      expect(sent(push)).toEqual(push);
    }
  });

  it('[PCK2] a frame that is not packed is read too', () => {
    const push: Push = { type: 'push', changes: [edit(1, 'v')] };
    expect(decodeDeviceMessage(JSON.stringify(push), DEFAULT_LIMITS)).toEqual({ type: 'ok', message: push });
    const mixed = JSON.parse(encodeMessage(push)) as { names: unknown; changes: unknown[] };
    mixed.changes.push(edit(2, 'w'));
    expect(decodeDeviceMessage(JSON.stringify(mixed), DEFAULT_LIMITS)).toEqual({
      type: 'ok',
      message: { type: 'push', changes: [edit(1, 'v'), edit(2, 'w')] },
    });
  });

  const RECS = [[2, 'n', [1, 3], [['set', 'title', 0, 'v']]]];
  const OPS = (...ops: unknown[]): unknown => [0, 1, 1, 4, 5, [[2, 'n', [1, 3], ops]]];
  it.each<[string, unknown]>([
    ['no list', {}],
    ['an empty list', []],
    ['a server that is not named', [9, 1, 1, 4, 5, RECS]],
    ['a server that is a writer', [1, 1, 1, 4, 5, RECS]],
    ['a writer by a name', [0, 1, INCS[0], 4, 5, RECS]],
    ['a writer by half a number', [0, 1, 0.5, 4, 5, RECS]],
    ['a writer before the first', [0, 1, -1, 4, 5, RECS]],
    ['a number that is text', [0, 1, 1, '4', 5, RECS]],
    ['a number that is a deep list', [0, 1, 1, [[[[]]]], 5, RECS]],
    ['a number too large', [0, 1, 1, 2 ** 53, 5, RECS]],
    ['records that are none', [0, 1, 1, 4, 5, 'x']],
    ['a record that is none', [0, 1, 1, 4, 5, [7]]],
    ['a collection that is not named', [0, 1, 1, 4, 5, [[9, 'n', [], [['set', 'title', 0, 'v']]]]]],
    ['a collection with too long a name', [0, 1, 1, 4, 5, [[3, 'n', [], [['set', 'title', 0, 'v']]]]]],
    ['operations that are none', [0, 1, 1, 4, 5, [[2, 'n', [], 5]]]],
    ['an operation that is none', OPS('set')],
    ['half a dot', OPS(['set', 'title', [1], 'v'])],
    ['a pred that is none', OPS(['set', 'title', 1, 'v'])],
    ['an ancestor longer than the value', OPS(['set', 'title', 0, 'abc', [1, 2, 2, '']])],
    ['an ancestor before the value', OPS(['set', 'title', 0, 'abc', [1, -1, 2, '']])],
    ['an ancestor of no text', OPS(['set', 'title', 0, 5, [1, 0, 0, '']])],
    ['an ancestor that is cut through a character', OPS(['set', 'title', 0, '\u{1f984}', [1, 1, 0, '']])],
    ['other fields that are none', OPS(['set', 'title', 0, 'v', 0, 'x'])],
    ['other fields of a change that are none', [0, 1, 1, 4, 5, RECS, []]],
    ['a key __proto__', OPS(['set', 'title', 0, 'v', 0, JSON.parse('{"__proto__":{"polluted":1}}')])],
  ])('[PCK3] %s is a bad frame', (_, bad) => {
    const frame = (item: unknown): string =>
      JSON.stringify({
        type: 'page',
        names: [SID, INCS[0], 'notes', 'x'.repeat(129)],
        entries: [item],
        cursor: {},
        head: {},
      });
    expect(decodeServerMessage(frame([0, 1, 1, 4, 5, RECS]), DEFAULT_LIMITS)).toMatchObject({ type: 'ok' });
    expect(decodeServerMessage(frame(bad), DEFAULT_LIMITS)).toMatchObject({ type: 'bad', code: 'BAD_FRAME' });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('[PCK3] names that are none name nothing', () => {
    for (const names of [null, 5, {}, 'abc', [1, {}, null]]) {
      const frame = { type: 'push', names, changes: [[0, 1, 5, [], null]] };
      expect(decodeDeviceMessage(JSON.stringify(frame), DEFAULT_LIMITS)).toMatchObject({ type: 'bad' });
    }
  });

  it('[PCK4] a long rv is not repeated for every operation by a number', () => {
    const rv = Array.from({ length: 200 }, (_, i) => dotOf(INCS[0]!, i + 1));
    const ops = Array.from({ length: 400 }, (_, i): Op => ({ t: 'set', p: `f${i}`, v: 1, pred: rv }));
    const push: Push = {
      type: 'push',
      changes: [{ dot: dotOf(INCS[1]!, 1), hlc: 2, recs: [{ c: 'n', id: 'i', rv, ops }] }],
    };
    const frame = JSON.parse(encodeMessage(push)) as {
      changes: [unknown, unknown, unknown, [[unknown, unknown, unknown, unknown[][]]]][];
    };
    expect(JSON.stringify(sent(push)).length).toBeLessThan(8 * JSON.stringify(frame).length);
    for (const packed of frame.changes[0]![3][0][3]) packed[2] = 0;
    const short = JSON.stringify(unpackFrame(frame));
    expect(short.length).toBeLessThan(8 * JSON.stringify(frame).length);
  });

  it('[PCK5] a change of one field of a note costs at most 120 bytes beyond its value, and its ancestor', () => {
    const cost = (value: string, ancestor?: string): number => {
      const changes = Array.from({ length: 200 }, (_, i) => edit(i, value, ancestor));
      const stored = changes.map((one, i): StoredEntry => {
        const n = 40_001 + i;
        return { lsn: n, stamp: [SID, n], kind: 'change', dot: one.dot, text: JSON.stringify(one) };
      });
      const cursor = { [SID]: 40_201 };
      const page = encodePage(stored, { cursor, head: cursor, chain: { [SID]: 'c'.repeat(22) } });
      const push = encodeMessage({
        type: 'push',
        changes: changes.map((one) => ({ ...one, deps: { [SID]: 40_000 } })),
      });
      return Math.max(utf8Length(page), utf8Length(push)) / changes.length - utf8Length(JSON.stringify(value));
    };
    const note = 'All work and no play makes a dull note. '.repeat(10);
    expect(cost(note)).toBeLessThan(120);
    expect(cost(note, note.replace('dull', 'merry'))).toBeLessThan(160);
    expect(cost('Plans', 'Plan')).toBeLessThan(160);
  });
});

/** A note's edit by one of three writers, after a change of another field. */
function edit(i: number, v: string, ancestor?: string): Change {
  const [own, other, third] = [0, 1, 2].map((k) => INCS[(i + k) % 3]!) as [string, string, string];
  const id = `0198f0c1-6b7a-7c3e-9a51-3f2b8f6d${2_000 + i}`;
  const carried = ancestor === undefined ? {} : { base: { hlc: 1_838_255_514_100_000, v: ancestor } };
  const set: Op = { t: 'set', p: 'body', v, pred: [dotOf(third, 70_000 + i)], ...carried };
  const recs = [{ c: 'notes', id, rv: [dotOf(other, 80_000 + i)], ops: [set] }];
  return { dot: dotOf(own, 90_000 + i), hlc: 1_838_255_514_100_736 + i, recs };
}
