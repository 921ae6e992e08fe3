/**
 * Shapes: the form of untrusted JSON as plain data, and the one function that holds a value against them.
 *
 * The schema of the protocol is data, so that the checks and its hash (`schema-hash.test.ts`) cannot drift apart. An
 * object may have more keys than its shape names: a newer peer's. They must be plain JSON and are kept untouched.
 */
import { isDot, isInc } from '../core/dot.ts';
import { isSid, isVersionVector } from '../core/version-vector.ts';
import { MAX_PATH_LENGTH } from '../core/paths.ts';
import { findJsonProblem } from '../lib/json.ts';
import type { Limits } from './limits.ts';

/** A fixed number, or the name of a limit that the server may tighten. */
export type Bound = number | keyof Limits;

export type Shape =
  | { readonly kind: 'json' | 'dot' | 'inc' | 'sid' | 'vector' }
  /** Length in UTF-16 code units; `without` lists characters that may not occur. */
  | { readonly kind: 'string'; readonly min: number; readonly max: number; readonly without?: string }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | { readonly kind: 'one-of'; readonly values: readonly (string | true)[] }
  | { readonly kind: 'list'; readonly of: Shape; readonly min: number; readonly max: Bound }
  | { readonly kind: 'tuple'; readonly of: readonly Shape[] }
  /** Keys are incarnations. */
  | { readonly kind: 'by-inc'; readonly of: Shape; readonly max: number }
  /** Keys are server ids, or paths inside a record. */
  | { readonly kind: 'by-sid' | 'by-path'; readonly of: Shape }
  | ObjectShape
  /** An object told apart by the string under `by`; `other`, when there, takes the ones not listed. */
  | {
      readonly kind: 'union';
      readonly by: string;
      readonly cases: Readonly<Record<string, ObjectShape>>;
      readonly other?: ObjectShape;
    }
  /** An object told apart by which of the keys under `cases` it has. */
  | { readonly kind: 'one-with'; readonly cases: Readonly<Record<string, ObjectShape>>; readonly other: ObjectShape };

export interface ObjectShape {
  readonly kind: 'object';
  readonly required: Readonly<Record<string, Shape>>;
  readonly optional: Readonly<Record<string, Shape>>;
}

/** What is wrong, where, and whether it is only more than one of the limits allows. */
export interface ShapeProblem {
  readonly path: string;
  readonly reason: string;
  readonly overLimit?: boolean;
}

/** Finds the first place where `value`, fresh from JSON.parse, does not have the shape. */
export function findShapeProblem(value: unknown, shape: Shape, limits: Limits, path = ''): ShapeProblem | null {
  switch (shape.kind) {
    case 'json':
      return findJsonProblem(value, path);
    case 'dot':
      return isDot(value) ? null : { path, reason: 'is not a dot <inc>.<seq>' };
    case 'inc':
      return isInc(value) ? null : { path, reason: 'is not a writer incarnation (16 characters of base64url)' };
    case 'sid':
      return isSid(value) ? null : { path, reason: 'is not a server id (11 characters of base64url)' };
    case 'vector':
      return isVersionVector(value) ? null : { path, reason: 'is not a version vector of at most 64 servers' };
    case 'string':
      return stringProblem(value, shape, path);
    case 'integer':
      return integerProblem(value, shape, path);
    case 'one-of':
      return shape.values.includes(value as string | true)
        ? null
        : { path, reason: `is none of ${shape.values.join(', ')}` };
    case 'list':
      return listProblem(value, shape, limits, path);
    case 'tuple':
      return tupleProblem(value, shape.of, limits, path);
    case 'by-inc':
    case 'by-sid':
    case 'by-path':
      return mapProblem(value, shape, limits, path);
    case 'one-with':
      return oneWithProblem(value, shape, limits, path);
    case 'object':
      return objectProblem(value, shape, limits, path);
    case 'union':
      return unionProblem(value, shape, limits, path);
  }
}

function stringProblem(value: unknown, shape: Shape & { kind: 'string' }, path: string): ShapeProblem | null {
  if (typeof value !== 'string') return { path, reason: 'is not a string' };
  if (value.length < shape.min || value.length > shape.max) {
    return { path, reason: `has ${value.length} characters, allowed are ${shape.min} to ${shape.max}` };
  }
  if (value === '__proto__') return { path, reason: 'cannot be __proto__' };
  if (shape.without !== undefined) {
    for (const character of shape.without) {
      if (value.includes(character)) return { path, reason: `contains ${character}` };
    }
  }
  return findJsonProblem(value, path);
}

function integerProblem(value: unknown, shape: Shape & { kind: 'integer' }, path: string): ShapeProblem | null {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return { path, reason: 'is not a safe integer' };
  const number = value as number;
  if (number >= shape.min && number <= shape.max) return null;
  return { path, reason: `is ${number}, allowed are ${shape.min} to ${shape.max}` };
}

function listProblem(
  value: unknown,
  shape: Shape & { kind: 'list' },
  limits: Limits,
  path: string,
): ShapeProblem | null {
  if (!Array.isArray(value)) return { path, reason: 'is not a list' };
  const max = typeof shape.max === 'number' ? shape.max : limits[shape.max];
  if (value.length < shape.min) return { path, reason: `has ${value.length} items, at least ${shape.min} are needed` };
  if (value.length > max) {
    const reason = `has ${value.length} items, at most ${max} are allowed`;
    return { path, reason, overLimit: typeof shape.max === 'string' };
  }
  for (let i = 0; i < value.length; i++) {
    const problem = findShapeProblem(value[i], shape.of, limits);
    if (problem) return within(problem, `${path}[${i}]`);
  }
  return null;
}

function tupleProblem(value: unknown, of: readonly Shape[], limits: Limits, path: string): ShapeProblem | null {
  if (!Array.isArray(value) || value.length !== of.length) return { path, reason: `is not a list of ${of.length}` };
  for (let i = 0; i < of.length; i++) {
    const problem = findShapeProblem(value[i], of[i]!, limits);
    if (problem) return within(problem, `${path}[${i}]`);
  }
  return null;
}

type MapShape = Extract<Shape, { kind: 'by-inc' | 'by-sid' | 'by-path' }>;

const KEYS: Readonly<Record<MapShape['kind'], { readonly is: (key: string) => boolean; readonly name: string }>> = {
  'by-inc': { is: isInc, name: 'a writer incarnation' },
  'by-sid': { is: isSid, name: 'a server id' },
  'by-path': { is: isPathText, name: 'a path' },
};

function mapProblem(value: unknown, shape: MapShape, limits: Limits, path: string): ShapeProblem | null {
  if (!isObject(value)) return { path, reason: 'is not an object' };
  const entries = Object.entries(value);
  if (shape.kind === 'by-inc' && entries.length > shape.max) return { path, reason: `has more than ${shape.max} keys` };
  const { is, name } = KEYS[shape.kind];
  for (const [key, item] of entries) {
    if (!is(key)) return { path, reason: `has a key that is not ${name}` };
    const problem = findShapeProblem(item, shape.of, limits);
    if (problem) return within(problem, placeOf(path, key));
  }
  return null;
}

function isPathText(key: string): boolean {
  return key.length > 0 && key.length <= MAX_PATH_LENGTH && key !== '__proto__' && findJsonProblem(key, '') === null;
}

function oneWithProblem(
  value: unknown,
  shape: Shape & { kind: 'one-with' },
  limits: Limits,
  path: string,
): ShapeProblem | null {
  if (!isObject(value)) return { path, reason: 'is not an object' };
  const key = Object.keys(shape.cases).find((candidate) => Object.hasOwn(value, candidate));
  return objectProblem(value, key === undefined ? shape.other : shape.cases[key]!, limits, path);
}

function objectProblem(value: unknown, shape: ObjectShape, limits: Limits, path: string): ShapeProblem | null {
  if (!isObject(value)) return { path, reason: 'is not an object' };
  for (const key in shape.required) {
    if (!Object.hasOwn(value, key)) return { path: placeOf(path, key), reason: 'is missing' };
  }
  for (const key of Object.keys(value)) {
    const problem = memberProblem(key, value[key], shape, limits);
    if (problem) return within(problem, placeOf(path, key));
  }
  return null;
}

function memberProblem(key: string, value: unknown, shape: ObjectShape, limits: Limits): ShapeProblem | null {
  const known = Object.hasOwn(shape.required, key) ? shape.required[key] : undefined;
  const member = known ?? (Object.hasOwn(shape.optional, key) ? shape.optional[key] : undefined);
  if (member) return findShapeProblem(value, member, limits);
  // As one-key data the unknown key itself is checked too: no __proto__, no lone surrogate.
  return (
    findJsonProblem(key) ??
    (key === '__proto__' ? { path: '', reason: 'the key __proto__ cannot be used' } : findJsonProblem(value))
  );
}

function unionProblem(
  value: unknown,
  shape: Shape & { kind: 'union' },
  limits: Limits,
  path: string,
): ShapeProblem | null {
  if (!isObject(value)) return { path, reason: 'is not an object' };
  const tag = Object.hasOwn(value, shape.by) ? value[shape.by] : undefined;
  const known = typeof tag === 'string' && Object.hasOwn(shape.cases, tag) ? shape.cases[tag] : undefined;
  const chosen = known ?? shape.other;
  if (!chosen) return { path: placeOf(path, shape.by), reason: `is none of ${Object.keys(shape.cases).join(', ')}` };
  return objectProblem(value, chosen, limits, path);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A problem inside of a part, named from the whole. Most parts have none, so places are put together only here. */
function within(problem: ShapeProblem, place: string): ShapeProblem {
  const { path } = problem;
  return { ...problem, path: path === '' || path.startsWith('[') ? `${place}${path}` : `${place}.${path}` };
}

function placeOf(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
