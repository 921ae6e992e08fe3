/**
 * Copies what the caller hands in, at once: a write happens later, and the caller may change the object meanwhile.
 * Proxies of UI libraries become plain data. Whatever is not JSON is left as it is, for the gate in the store to name.
 */
import { SkerryError } from '../lib/errors.ts';
import { MAX_JSON_DEPTH } from '../lib/json.ts';

export type Fields = Record<string, unknown>;

/** The own fields of a row or patch. Throws INVALID_VALUE when it is not a plain object. */
export function copyFields(value: unknown, what: string): Fields {
  if (!isReadable(value) || !isPlainObject(value)) {
    throw new SkerryError('INVALID_VALUE', `${what} must be a plain object; got ${describe(value)}.`);
  }
  try {
    return copyValue(value, 0) as Fields;
  } catch (cause) {
    throw new SkerryError('INVALID_VALUE', `${what} cannot be read: a getter of it, or a proxy, threw.`, { cause });
  }
}

export function copyValue(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  // A cycle is found as depth: the gate refuses what is left.
  if (depth > MAX_JSON_DEPTH + 1) return value;
  if (Array.isArray(value)) return copyArray(value, depth);
  if (!isPlainObject(value)) return value;
  const copy: Fields = {};
  for (const key of Reflect.ownKeys(value)) {
    if (!Object.prototype.propertyIsEnumerable.call(value, key)) continue;
    const member = copyValue(value[key as string], depth + 1);
    if (key !== '__proto__') copy[key as string] = member;
    // Defined, not assigned: it must arrive at the gate as a key.
    else Object.defineProperty(copy, key, { value: member, enumerable: true, writable: true, configurable: true });
  }
  return copy;
}

/** Holes stay holes. */
function copyArray(array: readonly unknown[], depth: number): unknown[] {
  const copy: unknown[] = [];
  copy.length = array.length;
  for (let i = 0; i < array.length; i++) if (i in array) copy[i] = copyValue(array[i], depth + 1);
  return copy;
}

/** Also of another realm: its Object.prototype has no prototype either. */
export function isPlainObject(value: unknown): value is Fields {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** A proxy that was revoked throws at whatever it is asked. */
function isReadable(value: unknown): boolean {
  try {
    return Array.isArray(value) || true;
  } catch {
    return false;
  }
}

export function describe(value: unknown): string {
  if (!isReadable(value)) return 'a revoked proxy';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value !== 'object') return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value);
  return isPlainObject(value) ? 'an object' : `a ${value.constructor?.name ?? 'class instance'}`;
}
