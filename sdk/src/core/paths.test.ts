import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { findJsonProblem, type Json } from '../lib/json.ts';
import { counterPath, elementPath, fieldProblem, groupPath, hotPath, keyPath, mapOfPath, parsePath } from './paths.ts';

const field = fc.string({ minLength: 1, maxLength: 20 }).filter((name) => fieldProblem(name) === null);

describe('paths', () => {
  it('[PTH1] every path says what it was made from', () => {
    fc.assert(
      fc.property(
        field,
        fc.uniqueArray(field, { minLength: 2, maxLength: 4 }),
        fc.jsonValue().filter((value) => findJsonProblem(value) === null),
        fc.string().filter((key) => key !== '__proto__' && findJsonProblem(key) === null),
        (name, fields, element, key) => {
          expect(parsePath(name)).toEqual({ kind: 'register', field: name });
          expect(parsePath(groupPath(fields))).toEqual({ kind: 'group', fields: fields.toSorted() });
          expect(parsePath(counterPath(name))).toEqual({ kind: 'counter', field: name });
          expect(parsePath(keyPath(name, key))).toEqual({ kind: 'key', field: name, key });
          expect(mapOfPath(keyPath(name, key))).toBe(name);
          expect(parsePath(hotPath(name))).toEqual({ kind: 'hot', field: name });
          expect(parsePath(elementPath(name, element as Json))).toEqual({
            kind: 'element',
            field: name,
            element: JSON.parse(JSON.stringify(element)) as unknown,
          });
        },
      ),
    );
  });

  it('[PTH2] paths of a newer version are unknown, not an error', () => {
    expect(parsePath('body#text')).toEqual({ kind: 'unknown' });
    expect(parsePath('tags/{broken')).toEqual({ kind: 'unknown' });
    for (const path of [
      'm#m/',
      'm#m/7',
      'm#m/{}',
      'm#m/"a',
      'm#m/ "a"',
      'm#m/"\\u0061"',
      'm#m/"__proto__"',
      '#m/"a"',
      'a+b#m/"c"',
    ])
      expect(parsePath(path)).toEqual({ kind: 'unknown' });
    for (const element of [
      '"\\u0000"',
      '"\\ud800"',
      '{"__proto__":1}',
      '-0',
      '1e400',
      '{"a":1,"a":2}',
      '['.repeat(65) + ']'.repeat(65),
    ])
      expect(parsePath(`tags/${element}`)).toEqual({ kind: 'unknown' });
  });

  it('[PTH3] names that paths could not tell apart are refused', () => {
    for (const name of ['', 'a/b', 'a#c', 'a+b', '__proto__', '$version', 'x'.repeat(129), 'lone\ud800', 'nul\u0000'])
      expect(fieldProblem(name)).not.toBeNull();
    for (const name of ['a', 'constructor', 'toString', 'Größe', 'a.b', '$x']) expect(fieldProblem(name)).toBeNull();
  });
});
