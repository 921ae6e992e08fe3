import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { canonicalJson, findJsonProblem, jsonEqual, type Json } from './json.ts';
import { utf8Length } from './utf8.ts';

describe('plain JSON data', () => {
  it('[JSN1] accepts what survives JSON text unchanged, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSparseArray: true,
          withTypedArray: true,
          maxDepth: 4,
        }),
        (value) => {
          if (findJsonProblem(value) !== null) return;
          expect(JSON.parse(JSON.stringify(value))).toEqual(value);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('[JSN2] names the place of the first value that is not', () => {
    expect(findJsonProblem({ a: [1, { b: undefined }] })).toEqual({
      path: 'a[1].b',
      reason: 'a value of type undefined is not JSON data',
    });
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    for (const bad of [
      NaN,
      -0,
      Infinity,
      'a\ud800',
      '\u0000',
      1n,
      Symbol('x'),
      () => 1,
      new Date(),
      new Map(),
      [, 1],
      cyclic,
      JSON.parse('{"__proto__":1}'),
    ]) {
      expect(findJsonProblem(bad)).not.toBeNull();
    }
  });

  it('[JSN3] equal data has equal canonical text, whatever the order of keys', () => {
    expect(canonicalJson({ b: 1, a: [true, null, 'x'] })).toBe('{"a":[true,null,"x"],"b":1}');
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const turned = Object.fromEntries(Object.entries(object).reverse()) as Json;
        expect(canonicalJson(turned)).toBe(canonicalJson(object as Json));
        expect(jsonEqual(turned, object as Json)).toBe(true);
      }),
    );
  });

  it('[JSN3] data is equal when its canonical text is', () => {
    const data = fc.jsonValue({ maxDepth: 3 });
    // Most random pairs differ at the first look: these differ in one place, or in none.
    const near = data.chain((value) =>
      fc.tuple(
        fc.constant([value]),
        fc.oneof(data, fc.constant(value)).map((one) => [one]),
      ),
    );
    fc.assert(
      fc.property(fc.oneof(fc.tuple(data, data), near), ([a, b]) => {
        expect(jsonEqual(a as Json, b as Json)).toBe(canonicalJson(a as Json) === canonicalJson(b as Json));
      }),
      { numRuns: 1_000 },
    );
    expect(jsonEqual([], {} as Json)).toBe(false);
    expect(jsonEqual({ a: 1 }, { b: 1 })).toBe(false);
    expect(jsonEqual([1], [1, 2])).toBe(false);
  });

  it('[JSN4] counts bytes of UTF-8 as an encoder does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(utf8Length(text)).toBe(new TextEncoder().encode(text).length);
      }),
    );
  });
});
