/**
 * Where a value lives inside a record. The kind is part of the path, so that two versions of an app that disagree
 * about a field's type write different cells instead of corrupting one:
 *
 * `title` a register · `end+room+start` a group, one register for several fields · `tags/"red"` an element of a
 * set · `likes#c` a counter. Anything else comes from a newer version: kept, passed on, not shown.
 */
import { canonicalJson, type Json } from '../lib/json.ts';

export type Path = string;

export type ParsedPath =
  | { readonly kind: 'register'; readonly field: string }
  | { readonly kind: 'group'; readonly fields: readonly string[] }
  | { readonly kind: 'element'; readonly field: string; readonly element: Json }
  | { readonly kind: 'counter'; readonly field: string }
  | { readonly kind: 'unknown' };

export const MAX_FIELD_LENGTH = 128;
export const MAX_PATH_LENGTH = 2048;

/** Why a field cannot have this name, or null. */
export function fieldProblem(field: string): string | null {
  if (field.length === 0) return 'a field name is empty';
  if (field.length > MAX_FIELD_LENGTH) return `a field name is longer than ${MAX_FIELD_LENGTH} characters`;
  if (/[/#+\u0000]/.test(field) || !field.isWellFormed())
    return `the field name ${JSON.stringify(field)} contains / # + or a character that cannot be stored`;
  return field === '__proto__' ? 'the field name __proto__ cannot be used' : null;
}

export function groupPath(fields: readonly string[]): Path {
  return fields.toSorted().join('+');
}

export function elementPath(field: string, element: Json): Path {
  return `${field}/${canonicalJson(element)}`;
}

export function counterPath(field: string): Path {
  return `${field}#c`;
}

export function parsePath(path: Path): ParsedPath {
  const slash = path.indexOf('/');
  if (slash >= 0) return parseElement(path.slice(0, slash), path.slice(slash + 1));
  const hash = path.indexOf('#');
  if (hash >= 0)
    return path.slice(hash) === '#c' ? { kind: 'counter', field: path.slice(0, hash) } : { kind: 'unknown' };
  if (path.includes('+')) return { kind: 'group', fields: path.split('+') };
  return { kind: 'register', field: path };
}

function parseElement(field: string, text: string): ParsedPath {
  try {
    return { kind: 'element', field, element: JSON.parse(text) as Json };
  } catch {
    return { kind: 'unknown' };
  }
}
