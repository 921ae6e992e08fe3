/** What a peer can say that keeps to the form and to nothing else: for property tests. */
import fc from 'fast-check';

import type { Change, Op, RecordChange } from '../../sdk/src/core/change.ts';
import type { LogEntry, Page } from '../../sdk/src/protocol/messages.ts';

export const SID = 'SSSSSSSSSSS';
const MAX = Number.MAX_SAFE_INTEGER;
/** Names of writers and a server that are names of every object's properties too. */
export const INCS = ['AAAAAAAAAAAAAAAA', 'BBBBBBBBBBBBBBBB', '__defineGetter__', '__lookupSetter__'] as const;
export const OTHER_SID = 'constructor';

export const NAUGHTY = [
  '',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'a\u0000b',
  '\ud800',
  '\udc00x',
  '\u{1f984}',
  '\\u0000',
  '"',
  '{"a":1,"a":2}',
  "'; drop table log; --",
  'x'.repeat(10_000),
] as const;
const NUMBERS = [0, -0, 1, -1, 1.5, MAX, -MAX, 2 ** 53, 2 ** 63, 1e308, 5e-324];

export const text = fc.oneof(fc.constantFrom(...NAUGHTY), fc.string(), fc.string({ unit: 'binary' }));
export const number = fc.oneof(fc.constantFrom(...NUMBERS), fc.double(), fc.integer());

/** Anything that JSON.parse can give, the hostile included. */
export const json: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: fc.oneof(text, number, fc.boolean(), fc.constant(null)) },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom(nested(5), nested(64), nested(65), nested(80), polluting()) },
  { weight: 1, arbitrary: fc.dictionary(text, fc.oneof(text, number), { maxKeys: 3, noNullPrototype: true }) },
);

export function nested(levels: number): unknown {
  return JSON.parse('['.repeat(levels) + ']'.repeat(levels));
}

export function polluting(): unknown {
  return JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
}

/** A text of JSON by parts that no writer of ours puts together. */
export const jsonText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"a":',
        '"a"',
        '1',
        '-0',
        '1e400',
        'null',
        'true',
        '\\',
        '"',
        '\\u0000',
        ' ',
      ),
      text.map((value) => JSON.stringify(value)),
      fc.json({ maxDepth: 2 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

/** A text with a piece cut out and something else put in. */
export function damaged(texts: readonly string[]): fc.Arbitrary<string> {
  return fc
    .record({ base: fc.constantFrom(...texts), at: fc.nat(), cut: fc.nat(12), put: fc.oneof(jsonText, text) })
    .map(({ base, at, cut, put }) => {
      const start = at % base.length;
      return base.slice(0, start) + put + base.slice(start + cut);
    });
}

/** A value with something else in one place of it. */
export function altered(values: readonly unknown[]): fc.Arbitrary<unknown> {
  return fc
    .record({
      base: fc.constantFrom(...values),
      steps: fc.array(fc.nat(), { minLength: 1, maxLength: 6 }),
      put: json,
      key: text,
    })
    .map(({ base, steps, put, key }) => alter(structuredClone(base), steps, put, key));
}

function alter(value: unknown, [step, ...rest]: readonly number[], put: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || step === undefined) return put;
  const keys = Object.keys(value);
  const target = value as Record<string, unknown>;
  // One place past the last is a new one.
  const chosen = keys[step % (keys.length + 1)] ?? (Array.isArray(value) ? String(keys.length) : key);
  const next = Object.hasOwn(target, chosen) && rest.length > 0 ? alter(target[chosen], rest, put, key) : put;
  Object.defineProperty(target, chosen, { value: next, enumerable: true, configurable: true, writable: true });
  return value;
}

const dot = fc.tuple(fc.constantFrom(...INCS), fc.integer({ min: 1, max: 6 })).map(([inc, seq]) => `${inc}.${seq}`);
const dots = fc.uniqueArray(dot, { maxLength: 4 });
const hlc = fc.oneof(
  fc.integer({ min: 0, max: 9 }),
  fc.constantFrom(0, 1_843_200_000_000_000, MAX - 1, MAX),
  fc.nat(MAX),
);
const path = fc.constantFrom(
  'title',
  'body',
  'score',
  'claim',
  'constructor',
  'end+room+start',
  'room+end',
  'title+title',
  'likes#c',
  'title#c',
  'likes#z',
  'likes#y',
  'tags/"a"',
  'tags/["a"]',
  'tags/"\\u0000"',
  'tags/{"__proto__":1}',
  'tags/[[[',
  'title/1',
  'likes',
  'tags',
  '/',
  '#c',
  '+',
);
const value = fc.oneof(
  fc.constantFrom<unknown>('a', 'b', 1, null, true, [], ['a'], {}, { room: 1, end: 'x' }, MAX, -MAX, 1e308, 0.5),
  fc.jsonValue({ maxDepth: 2 }),
);
const count = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constantFrom(MAX, -MAX, MAX - 1));
const more = fc.option(fc.record({ later: fc.constantFrom<unknown>(1, { a: [1] }) }), { nil: {} });

const op: fc.Arbitrary<Op> = fc
  .oneof(
    fc.record({ t: fc.constant('life'), v: fc.constantFrom('live', 'dead'), pred: dots }),
    fc.record(
      { t: fc.constant('set'), p: path, v: value, pred: dots, base: fc.record({ hlc, v: value }), first: hlc },
      { requiredKeys: ['t', 'p', 'pred'] },
    ),
    fc.record({ t: fc.constantFrom('add', 'rm'), p: path, pred: dots }),
    fc.record({ t: fc.constant('inc'), p: path, n: count }),
  )
  .chain((known) => more.map((rest) => ({ ...rest, ...known }) as Op));

const ops = fc.uniqueArray(op, { minLength: 1, maxLength: 6, selector: (one) => ('p' in one ? one.p : '') });

const record: fc.Arbitrary<RecordChange> = fc.record({
  c: fc.constantFrom('notes', 'notes', 'notes', 'toString', 'drawings'),
  id: fc.constantFrom('n', 'constructor'),
  rv: dots,
  ops,
});

export const change: fc.Arbitrary<Omit<Change, 'dot'>> = fc.record(
  {
    hlc,
    recs: fc.uniqueArray(record, { minLength: 1, maxLength: 3, selector: ({ c, id }) => `${c}/${id}` }),
    kind: fc.constantFrom('resolve', 'recover' as never),
    label: fc.constantFrom('', 'constructor'),
    writer: fc.constant({ device: { id: 'constructor' } }),
  },
  { requiredKeys: ['hlc', 'recs'] },
);

/** A log of changes that contradict one another: preds of what never was, dots of others, absurd clocks and counts. */
export const log: fc.Arbitrary<readonly Change[]> = fc
  .array(fc.tuple(fc.constantFrom(...INCS), change), { minLength: 1, maxLength: 8 })
  .map((written) => {
    const seqs = new Map<string, number>();
    return written.map(([inc, rest]) => {
      const seq = (seqs.get(inc) ?? 0) + 1;
      seqs.set(inc, seq);
      return { ...rest, dot: `${inc}.${seq}` };
    });
  });

export function pageOf(changes: readonly Change[], after = 0): Page {
  const entries = changes.map((one, i): LogEntry => ({ stamp: [SID, after + i + 1], dot: one.dot, change: one }));
  const cursor = { [SID]: after + changes.length };
  return { type: 'page', entries, cursor, head: cursor };
}

export { dot, hlc };
