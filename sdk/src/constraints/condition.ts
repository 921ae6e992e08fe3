/** Which rows a constraint is about. */
import type { Condition } from '../core/constraint.ts';
import type { Row } from '../core/view.ts';
import { jsonEqual, type Json } from '../lib/json.ts';
import { fieldOf } from './claim.ts';

/** A function that throws says nothing: its row takes no part, and the others go on. */
export function takesPart(when: Condition | undefined, row: Row): boolean {
  if (when === undefined) return true;
  if (typeof when !== 'function') return Object.entries(when).every(([field, wanted]) => holds(row, field, wanted));
  try {
    // A copy: whatever it does to its row, the row is as it was.
    return Boolean(when(JSON.parse(JSON.stringify(row)) as Row));
  } catch {
    return false;
  }
}

function holds(row: Row, field: string, wanted: Json | readonly Json[]): boolean {
  const value = fieldOf(row, field);
  return Array.isArray(wanted) ? wanted.some((one: Json) => jsonEqual(value, one)) : jsonEqual(value, wanted as Json);
}
