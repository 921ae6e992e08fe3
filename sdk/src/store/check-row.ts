/** The one gate before a write is called saved: what passes is the same on every store and every wire. */
import { fieldProblem } from '../core/paths.ts';
import type { CollectionSchema } from '../core/schema.ts';
import type { Row } from '../core/view.ts';
import { SkerryError } from '../lib/errors.ts';
import { findJsonProblem, type Json } from '../lib/json.ts';

export const MAX_ID_LENGTH = 256;

/**
 * A copy of a row without fields that are undefined, so that what the app does to its objects afterwards changes
 * nothing. Checks its id and what is inside objects; checkFields() does the rest. Throws INVALID_ID, INVALID_FIELD,
 * INVALID_VALUE.
 */
export function copyRow(schema: CollectionSchema, row: unknown): Row {
  if (typeof row !== 'object' || row === null || Array.isArray(row)) {
    throw new SkerryError(
      'INVALID_VALUE',
      `A row of ${schema.name} must be an object, not ${row === null ? 'null' : typeof row}.`,
    );
  }
  const copy: Record<string, Json> = {};
  for (const [field, value] of Object.entries(row)) {
    if (value === undefined) continue;
    // Assigned to the copy it would be its prototype, and gone.
    if (field === '__proto__') checkField(schema, field, value);
    copy[field] = typeof value === 'object' ? copyValue(schema, field, value) : (value as Json);
  }
  checkId(schema.name, copy['id']);
  return copy;
}

function copyValue(schema: CollectionSchema, field: string, value: unknown): Json {
  checkField(schema, field, value);
  return structuredClone(value) as Json;
}

/**
 * Throws INVALID_FIELD, INVALID_VALUE. What is as `shown` is not asked about: nothing that a peer wrote, or another
 * version of the app, can make a row uneditable.
 */
export function checkFields(schema: CollectionSchema, row: Row, shown: Row | undefined): void {
  for (const [field, value] of Object.entries(row)) {
    if (field === 'id' || (shown && Object.hasOwn(shown, field) && Object.is(shown[field], value))) continue;
    checkField(schema, field, value);
  }
}

/** copyRow() and checkFields() at once, for a row of which nothing is shown. */
export function checkRow(schema: CollectionSchema, row: unknown): Row {
  const copy = copyRow(schema, row);
  checkFields(schema, copy, undefined);
  return copy;
}

export function checkId(collection: string, id: unknown): string {
  const isGood =
    typeof id === 'string' &&
    id.length > 0 &&
    id.length <= MAX_ID_LENGTH &&
    id !== '__proto__' &&
    findJsonProblem(id) === null;
  if (isGood) return id;
  throw new SkerryError(
    'INVALID_ID',
    `An id of ${collection} must be a string of 1 to ${MAX_ID_LENGTH} characters; got ${describe(id)}.`,
  );
}

function checkField(schema: CollectionSchema, field: string, value: unknown): void {
  const name = fieldProblem(field);
  if (name) throw new SkerryError('INVALID_FIELD', `${schema.name}: ${name}.`);
  const problem = findJsonProblem(value);
  if (problem) {
    const place = [field, problem.path].filter(Boolean).join(problem.path.startsWith('[') ? '' : '.');
    throw new SkerryError('INVALID_VALUE', `${schema.name}.${place}: ${problem.reason}.`);
  }
  const place = schema.placeOf(field);
  if (place.kind === 'set' && !Array.isArray(value)) throw mismatch(schema, field, 'set() field holds an array', value);
  if (place.kind === 'map' && (typeof value !== 'object' || value === null || Array.isArray(value)))
    throw mismatch(schema, field, 'map() field holds an object', value);
  if (place.kind === 'counter' && !Number.isSafeInteger(value))
    throw mismatch(schema, field, 'counter() field holds an integer', value);
}

function mismatch(schema: CollectionSchema, field: string, rule: string, value: unknown): SkerryError {
  return new SkerryError('INVALID_VALUE', `${schema.name}.${field}: a ${rule}; got ${describe(value)}.`);
}

function describe(value: unknown): string {
  return typeof value === 'string' ? `a string of ${value.length} characters` : value === null ? 'null' : typeof value;
}
