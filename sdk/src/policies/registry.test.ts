import { describe, expect, it } from 'vitest';

import type { Entry } from '../core/record.ts';
import { compileCollection, type CollectionPlan } from './registry.ts';

const plan = (o: Partial<CollectionPlan>): CollectionPlan => ({ name: 'c', fields: {}, groups: [], onDeleteVsEdit: 'ask', ...o });
const entry = (dot: string, hlc: number, v?: string): Entry => ({ dot: `${dot.padEnd(16, '_')}.1`, hlc, ...(v === undefined ? {} : { v }) });

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
    const schema = compileCollection(plan({ groups: [['start', 'end']], fields: { start: { kind: 'lww' }, end: { kind: 'lww' } } }));
    expect(schema.placeOf('end')).toEqual({ kind: 'group', path: 'end+start', fields: ['end', 'start'] });
    expect(schema.read('end+start', [entry('a', 1, 'x'), entry('b', 2, 'y')]).isConflict).toBe(false);
  });

  it('[POL4] a schema that contradicts itself is refused', () => {
    const bad: Partial<CollectionPlan>[] = [
      { groups: [['a']] },
      { groups: [['a', 'b'], ['b', 'c']] },
      { groups: [['a', 'b']], fields: { a: { kind: 'lww' } } },
      { groups: [['a', 'b']], fields: { a: { kind: 'set' }, b: { kind: 'set' } } },
      { fields: { id: { kind: 'ask' } } },
      { fields: { 'a/b': { kind: 'ask' } } },
      { fields: { a: { kind: 'toString' as never } } },
    ];
    for (const o of bad) expect(() => compileCollection(plan(o))).toThrow(expect.objectContaining({ code: 'INVALID_SCHEMA' }));
  });
});
