/**
 * Which rows fit a query and in which order they come: total, stable, and the same whether an index was used or not.
 *
 * Values are ordered as IndexedDB orders keys: numbers, then strings (by UTF-16 code unit), then arrays. What cannot be
 * a key comes after them in either direction: false and true, then null, objects and absent fields. Rows that are
 * equal so far are ordered by id.
 */
import { cmp } from 'dexie';

import { jsonEqual, type Json } from '../lib/json.ts';
import { isKey, type Condition, type Order } from './query.ts';

export type AnyRow = Readonly<Record<string, Json>> & { readonly id: string };

export function matches(row: AnyRow, conditions: readonly Condition[]): boolean {
  return conditions.every((condition) => fits(fieldOf(row, condition.field), condition));
}

export function compareRows({ field, direction }: Order): (a: AnyRow, b: AnyRow) => number {
  return (a, b) => {
    const [x, y] = [fieldOf(a, field), fieldOf(b, field)];
    const [rankX, rankY] = [rankOf(x), rankOf(y)];
    if (rankX !== rankY) return rankX - rankY;
    return direction * (compareValues(rankX, x, y) || cmp(a.id, b.id));
  };
}

function fits(value: Json | undefined, condition: Condition): boolean {
  switch (condition.op) {
    case 'equals':
      return jsonEqual(value, condition.value);
    case 'anyOf':
      return condition.values.some((wanted) => jsonEqual(value, wanted));
    case 'above':
      return isKey(value) && cmp(value, condition.value) > 0;
    case 'aboveOrEqual':
      return isKey(value) && cmp(value, condition.value) >= 0;
    case 'below':
      return isKey(value) && cmp(value, condition.value) < 0;
    case 'belowOrEqual':
      return isKey(value) && cmp(value, condition.value) <= 0;
    case 'startsWith':
      return typeof value === 'string' && value.startsWith(condition.value);
    case 'contains':
      return Array.isArray(value) && value.some((element: Json) => jsonEqual(element, condition.value));
  }
}

function rankOf(value: Json | undefined): 0 | 1 | 2 {
  if (isKey(value)) return 0;
  return typeof value === 'boolean' ? 1 : 2;
}

function compareValues(rank: 0 | 1 | 2, a: Json | undefined, b: Json | undefined): number {
  if (rank === 0) return cmp(a, b);
  return rank === 1 ? Number(a) - Number(b) : 0;
}

function fieldOf(row: AnyRow, field: string): Json | undefined {
  return Object.hasOwn(row, field) ? row[field] : undefined;
}
