/**
 * Where a value lives inside a record. The kind is part of the path, so that two versions of an app that disagree
 * about a field's type write different cells instead of corrupting one:
 *
 * `title` a register · `end+room+start` a group, one register for several fields · `tags/"red"` an element of a
 * set · `labels#m/"red"` a key of a map, a register of its own · `likes#c` a counter · `likes#z` where that counter stood
 * when its row was made again · `seen#h` a hot register. Anything else comes from a newer version: kept, passed on, not shown.
 */
import { canonicalJson, findJsonProblem, type Json } from '../lib/json.ts';

export type Path = string;

export type ParsedPath =
  | { readonly kind: 'register'; readonly field: string }
  | { readonly kind: 'group'; readonly fields: readonly string[] }
  | { readonly kind: 'element'; readonly field: string; readonly element: Json }
  | { readonly kind: 'key'; readonly field: string; readonly key: string }
  | { readonly kind: 'counter'; readonly field: string }
  | { readonly kind: 'zero'; readonly field: string }
  | { readonly kind: 'hot'; readonly field: string }
  | { readonly kind: 'unknown' };

/** A register that no field has: which version of the app a row is in (`shape.ts`). */
export const VERSION_PATH: Path = '$version';

export const MAX_FIELD_LENGTH = 128;
export const MAX_PATH_LENGTH = 2048;

/** Why a field cannot have this name, or null. */
export function fieldProblem(field: string): string | null {
  if (field.length === 0) return 'a field name is empty';
  if (field.length > MAX_FIELD_LENGTH) return `a field name is longer than ${MAX_FIELD_LENGTH} characters`;
  if (/[/#+\u0000]/.test(field) || !field.isWellFormed())
    return `the field name ${JSON.stringify(field)} contains / # + or a character that cannot be stored`;
  const isTaken = field === '__proto__' || field === VERSION_PATH;
  return isTaken ? `the field name ${field} cannot be used` : null;
}

export function groupPath(fields: readonly string[]): Path {
  return fields.toSorted().join('+');
}

export function elementPath(field: string, element: Json): Path {
  return `${field}/${canonicalJson(element)}`;
}

/** A key of a map: JSON text, so that it may hold any character. */
export function keyPath(field: string, key: string): Path {
  return `${field}${MAP_MARK}${JSON.stringify(key)}`;
}

/** The field of a key of a map, without a look at the key; null for other paths. */
export function mapOfPath(path: Path): string | null {
  const mark = path.indexOf(MAP_MARK);
  return mark > 0 ? path.slice(0, mark) : null;
}

export function counterPath(field: string): Path {
  return `${field}#c`;
}

/** A register: what a counter had counted when its deleted row was made again. It counts on from there. */
export function zeroPath(field: string): Path {
  return `${field}#z`;
}

/** A register of which only the latest value is kept. */
export function hotPath(field: string): Path {
  return `${field}#h`;
}

export function parsePath(path: Path): ParsedPath {
  const slash = path.indexOf('/');
  if (slash >= 0) {
    const field = mapOfPath(path.slice(0, slash + 1));
    const text = path.slice(slash + 1);
    return field === null ? parseElement(path.slice(0, slash), text) : parseKey(field, text);
  }
  const hash = path.indexOf('#');
  if (hash >= 0) return parseMarked(path.slice(0, hash), path.slice(hash));
  const fields = path.split('+');
  if (fields.some(isBadField)) return UNKNOWN;
  return fields.length > 1 ? { kind: 'group', fields } : { kind: 'register', field: path };
}

/** Between a field and a key: neither a field's name nor an element's path has it there. */
const MAP_MARK = '#m/';

const UNKNOWN: ParsedPath = { kind: 'unknown' };

function isBadField(field: string): boolean {
  return fieldProblem(field) !== null;
}

function parseMarked(field: string, kind: string): ParsedPath {
  if (isBadField(field)) return UNKNOWN;
  if (kind === '#c') return { kind: 'counter', field };
  if (kind === '#h') return { kind: 'hot', field };
  return kind === '#z' ? { kind: 'zero', field } : UNKNOWN;
}

function parseElement(field: string, text: string): ParsedPath {
  try {
    const element = JSON.parse(text) as Json;
    // What no app may write must not come into a row by its name, where escapes can say it.
    if (isBadField(field) || findJsonProblem(element) !== null) return UNKNOWN;
    // One element has one path, or it could not be removed by its value.
    return canonicalJson(element) === text ? { kind: 'element', field, element } : UNKNOWN;
  } catch {
    return UNKNOWN;
  }
}

function parseKey(field: string, text: string): ParsedPath {
  try {
    const key: unknown = JSON.parse(text);
    // One key has one path. An object cannot have every key.
    const isGood = typeof key === 'string' && key !== '__proto__' && JSON.stringify(key) === text;
    return isGood && !isBadField(field) ? { kind: 'key', field, key } : UNKNOWN;
  } catch {
    return UNKNOWN;
  }
}
