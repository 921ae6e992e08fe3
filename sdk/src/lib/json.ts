/**
 * Plain JSON data: the only values that replicate.
 *
 * One validator decides for every store and every wire, so that a value is either the same everywhere or refused
 * before it is called saved. Canonical text is the basis of equality, set elements and content hashes.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Deepest nesting of a value; deeper ones are refused by every replica. */
export const MAX_JSON_DEPTH = 64;

/** A place that is named has so many characters. */
const MAX_PLACE = 80;

/** Why a value is not plain JSON data, with the place inside it. */
export interface JsonProblem {
  readonly path: string;
  readonly reason: string;
}

/**
 * Finds the first thing in `value` that is not plain JSON data: undefined, functions, non-finite numbers, negative
 * zero, lone surrogates, NUL characters, class instances, sparse arrays, cycles (as depth), `__proto__` keys.
 */
export function findJsonProblem(value: unknown, path = '', depth = 0): JsonProblem | null {
  switch (typeof value) {
    case 'string':
      return stringProblem(value, path);
    case 'number':
      return numberProblem(value, path);
    case 'boolean':
      return null;
    case 'object':
      if (value === null) return null;
      if (depth >= MAX_JSON_DEPTH)
        return { path: shortened(path), reason: `nested deeper than ${MAX_JSON_DEPTH} levels, or in a cycle` };
      return Array.isArray(value) ? arrayProblem(value, path, depth) : objectProblem(value, path, depth);
    default:
      return { path, reason: `a value of type ${typeof value} is not JSON data` };
  }
}

/** Of a cycle it would say the same again and again. */
function shortened(path: string): string {
  return path.length > MAX_PLACE ? `${path.slice(0, MAX_PLACE)}…` : path;
}

function stringProblem(text: string, path: string): JsonProblem | null {
  // Stores disagree about both: PostgreSQL refuses them, SQLite and UTF-8 alter them, IndexedDB keeps them.
  if (text.includes('\u0000')) return { path, reason: 'a NUL character cannot be stored everywhere' };
  return text.isWellFormed() ? null : { path, reason: 'a lone surrogate is not a well-formed string' };
}

function numberProblem(number: number, path: string): JsonProblem | null {
  if (!Number.isFinite(number)) return { path, reason: `${number} is not a finite number` };
  // JSON text turns -0 into 0, so replicas would disagree about it.
  return Object.is(number, -0) ? { path, reason: '-0 does not survive JSON; write 0' } : null;
}

function arrayProblem(array: readonly unknown[], path: string, depth: number): JsonProblem | null {
  for (let i = 0; i < array.length; i++) {
    if (!(i in array)) return { path: `${path}[${i}]`, reason: 'a sparse array is not JSON data' };
    const problem = findJsonProblem(array[i], `${path}[${i}]`, depth + 1);
    if (problem) return problem;
  }
  return null;
}

function objectProblem(object: object, path: string, depth: number): JsonProblem | null {
  const prototype: unknown = Object.getPrototypeOf(object);
  const isPlain = prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
  if (!isPlain) return { path, reason: `a ${object.constructor?.name ?? 'class instance'} is not plain JSON data` };
  if (Object.getOwnPropertySymbols(object).length > 0) return { path, reason: 'symbol keys are not JSON data' };
  for (const [key, value] of Object.entries(object)) {
    const place = path === '' ? key : `${path}.${key}`;
    if (key === '__proto__') return { path: place, reason: 'the key __proto__ cannot be used' };
    const problem = stringProblem(key, place) ?? findJsonProblem(value, place, depth + 1);
    if (problem) return problem;
  }
  return null;
}

/** JSON text with object keys in code unit order: equal data has equal text. */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) text += `${text === '' ? '' : ','}${canonicalJson(item)}`;
    return `[${text}]`;
  }
  const object = value as { readonly [key: string]: Json };
  for (const key of Object.keys(object).sort()) {
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(object[key]!)}`;
  }
  return `{${text}}`;
}

/** Equality of JSON data; undefined (an absent field) equals only itself. */
export function jsonEqual(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  // Of a list the keys are its places.
  const [left, right] = [a, b] as [Readonly<Record<string, Json>>, Readonly<Record<string, Json>>];
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && jsonEqual(left[key], right[key]))
  );
}
