import { describe, expect, it } from 'vitest';

import { writeRecord } from '../core/commit.ts';
import type { Entry } from '../core/record.ts';
import { map } from './map.ts';
import { compileCollection, type CollectionPlan } from './registry.ts';
import { text } from './text.ts';

const plan = (o: Partial<CollectionPlan>): CollectionPlan => ({
  name: 'c',
  fields: {},
  groups: [],
  onDeleteVsEdit: 'ask',
  ...o,
});
const entry = (dot: string, hlc: number, v?: string): Entry => ({
  dot: `${dot.padEnd(16, '_')}.1`,
  hlc,
  ...(v === undefined ? {} : { v }),
});

describe('policies', () => {
  it('[POL1] ask shows the latest and asks; equal values are no conflict', () => {
    const { read } = compileCollection(plan({}));
    const [a, b] = [entry('a', 1, 'x'), entry('b', 2, 'y')];
    expect(read('f', [b, a])).toEqual({ shown: b, isConflict: true, losers: [] });
    expect(read('f', [a, entry('b', 2, 'x')]).isConflict).toBe(false);
    expect(read('f', [a, entry('b', 2)]).isConflict).toBe(true);
  });

  it('[POL2] lww shows the latest, ties by writer, and names what it passed over', () => {
    const { read } = compileCollection(plan({ fields: { f: { kind: 'lww' } } }));
    const [a, b] = [entry('a', 5, 'x'), entry('b', 5, 'y')];
    expect(read('f', [a, b])).toEqual({ shown: b, isConflict: false, losers: [a] });
    expect(read('f', [b, a])).toEqual({ shown: b, isConflict: false, losers: [a] });
  });

  it('[POL3] the fields of a group live in one register under one policy', () => {
    const schema = compileCollection(
      plan({ groups: [['start', 'end']], fields: { start: { kind: 'lww' }, end: { kind: 'lww' } } }),
    );
    expect(schema.placeOf('end')).toEqual({ kind: 'group', path: 'end+start', fields: ['end', 'start'] });
    expect(schema.read('end+start', [entry('a', 1, 'x'), entry('b', 2, 'y')]).isConflict).toBe(false);
  });

  it('[POL5] fww keeps the first claim, also after its owner has edited it', () => {
    const schema = compileCollection(plan({ fields: { f: { kind: 'fww' } } }));
    const [claim, rival] = [entry('a', 1, 'mine'), entry('b', 2, 'theirs')];
    expect(schema.read('f', [rival, claim])).toEqual({ shown: claim, isConflict: false, losers: [rival] });
    const edited: Entry = { ...entry('c', 9, 'mine, edited'), first: 1 };
    expect(schema.read('f', [rival, edited]).shown).toBe(edited);
    const change = writeRecord({
      schema,
      id: 'r',
      current: { rv: [], life: [], cells: new Map([['f', [claim]]]), counters: new Map() },
      confirmed: undefined,
      next: { id: 'r', f: 'mine, edited' },
    });
    expect(change!.ops).toContainEqual({ t: 'set', p: 'f', v: 'mine, edited', pred: [claim.dot], first: 1 });
  });

  it('[POL6] max and min show the greater and the smaller value, numbers before texts', () => {
    const { read } = compileCollection(plan({ fields: { high: { kind: 'max' }, low: { kind: 'min' } } }));
    const entries = [3, 10, 7].map((v, i): Entry => ({ ...entry(`w${i}`, i + 1), v }));
    expect([read('high', entries).shown.v, read('low', entries).shown.v]).toEqual([10, 3]);
    expect(read('low', [...entries, entry('x', 9, 'text'), entry('y', 10)]).shown.v).toBe(3);
    expect(read('high', entries).isConflict).toBe(false);
  });

  it('[TXT10] text by lines asks about two edits of one line and merges those of two; by words it merges both', () => {
    const words = compileCollection(plan({ fields: { body: text() } }));
    const lines = compileCollection(plan({ fields: { body: text({ by: 'line' }) } }));
    const from = (dot: string, hlc: number, v: string): Entry => ({
      ...entry(dot, hlc, v),
      base: { hlc: 1, v: 'red sea\nwhite gull\n' },
    });
    const oneLine = [from('a', 2, 'blue sea\nwhite gull\n'), from('b', 3, 'red lake\nwhite gull\n')];
    expect(words.read('body', oneLine)).toMatchObject({ shown: { v: 'blue lake\nwhite gull\n' }, isConflict: false });
    expect(lines.read('body', oneLine)).toMatchObject({
      shown: { v: 'red lake\nwhite gull\n' },
      isConflict: true,
      hunks: [{ offset: 0, base: 'red sea\n', versions: ['blue sea\n', 'red lake\n'] }],
    });
    const twoLines = [from('a', 2, 'blue sea\nwhite gull\n'), from('b', 3, 'red sea\ngrey gull\n')];
    expect(lines.read('body', twoLines)).toMatchObject({ shown: { v: 'blue sea\ngrey gull\n' }, isConflict: false });
  });

  it('[TXT10] the default is by words, as plain data; another granularity is INVALID_SCHEMA', () => {
    for (const byWord of [text(), text({}), text({ by: 'word' })]) expect(byWord).toEqual({ kind: 'text' });
    expect(() => compileCollection(plan({ fields: { body: text({ by: 'letter' as never }) } }))).toThrow(
      expect.objectContaining({ code: 'INVALID_SCHEMA' }) as Error,
    );
    expect(() => compileCollection(plan({ fields: { keys: map(text({ by: 'line' })) } }))).not.toThrow();
    const group = { fields: { a: text(), b: text({ by: 'line' }) }, groups: [['a', 'b']] };
    expect(() => compileCollection(plan(group))).toThrow('different policies');
  });

  it('[POL7] text merges with the ancestor that the writes carry, and asks only where they clash', () => {
    const { read } = compileCollection(plan({ fields: { body: { kind: 'text' } } }));
    const from = (dot: string, hlc: number, v: string, base = 'red sea\nwhite gull'): Entry => ({
      ...entry(dot, hlc, v),
      base: { hlc: 1, v: base },
    });
    expect(read('body', [from('a', 2, 'blue sea\nwhite gull'), from('b', 3, 'red sea\ngrey gull')])).toMatchObject({
      shown: { v: 'blue sea\ngrey gull' },
      isConflict: false,
    });
    const clash = read('body', [from('b', 3, 'green sea\nwhite gull'), from('a', 2, 'blue sea\nwhite gull')]);
    expect(clash).toMatchObject({
      shown: { v: 'green sea\nwhite gull' },
      isConflict: true,
      hunks: [{ offset: 0, base: 'red', versions: ['blue', 'green'] }],
    });
    expect(read('body', [from('a', 2, 'x'), { ...entry('b', 3), v: 7 }])).toMatchObject({
      shown: { v: 7 },
      isConflict: true,
    });
  });

  it('[POL4] a schema that contradicts itself is refused', () => {
    const bad: Partial<CollectionPlan>[] = [
      { groups: [['a']] },
      {
        groups: [
          ['a', 'b'],
          ['b', 'c'],
        ],
      },
      { groups: [['a', 'b']], fields: { a: { kind: 'lww' } } },
      { groups: [['a', 'b']], fields: { a: { kind: 'set' }, b: { kind: 'set' } } },
      { fields: { id: { kind: 'ask' } } },
      { fields: { 'a/b': { kind: 'ask' } } },
      { fields: { a: { kind: 'toString' as never } } },
    ];
    for (const o of bad)
      expect(() => compileCollection(plan(o))).toThrow(expect.objectContaining({ code: 'INVALID_SCHEMA' }));
  });
});
