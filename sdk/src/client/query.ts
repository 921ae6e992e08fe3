/** Reads what a caller wrote as a query into a checked form, or says what is wrong with it. */
import { fieldProblem } from '../core/paths.ts';
import { SkerryError } from '../lib/errors.ts';
import { canonicalJson, findJsonProblem, type Json } from '../lib/json.ts';
import { describe, isPlainObject } from './copy.ts';

export type RangeOperator = 'above' | 'aboveOrEqual' | 'below' | 'belowOrEqual';

export type Condition =
  | { readonly field: string; readonly op: 'equals'; readonly value: Json }
  | { readonly field: string; readonly op: 'anyOf'; readonly values: readonly Json[] }
  | { readonly field: string; readonly op: RangeOperator; readonly value: Json }
  | { readonly field: string; readonly op: 'startsWith'; readonly value: string }
  /** The field holds an array with this element. */
  | { readonly field: string; readonly op: 'contains'; readonly value: Json };

export interface Order {
  readonly field: string;
  readonly direction: 1 | -1;
}

/** A row must fit every condition and the filter. */
export interface CheckedQuery {
  readonly conditions: readonly Condition[];
  readonly filter: ((row: never) => unknown) | null;
  /** By id when the caller does not say. */
  readonly order: Order;
  readonly limit: number;
  readonly offset: number;
}

const OPERATORS = ['equals', 'anyOf', 'above', 'aboveOrEqual', 'below', 'belowOrEqual', 'startsWith', 'contains'];
const MEMBERS = ['where', 'filter', 'orderBy', 'limit', 'offset'];

/** Throws INVALID_QUERY. */
export function checkQuery(query: unknown): CheckedQuery {
  const { where, filter, orderBy, limit, offset } = membersOf(query);
  if (filter !== undefined && typeof filter !== 'function')
    throw invalid(`filter must be a function; got ${describe(filter)}`);
  return {
    conditions: where === undefined ? [] : conditionsOf(where),
    filter: (filter as ((row: never) => unknown) | undefined) ?? null,
    order: orderBy === undefined ? { field: 'id', direction: 1 } : orderOf(orderBy),
    limit: limit === undefined ? Infinity : wholeNumber('limit', limit),
    offset: offset === undefined ? 0 : wholeNumber('offset', offset),
  };
}

/** What a query says, as text: equal queries have equal keys. null when a function is part of it. */
export function queryKey({ conditions, filter, order, limit, offset }: CheckedQuery): string | null {
  if (filter) return null;
  const said = conditions.map((condition) => canonicalJson({ ...condition } as unknown as Json)).sort();
  return canonicalJson([said, order.field, order.direction, limit === Infinity ? null : limit, offset]);
}

export function invalid(reason: string, cause?: unknown): SkerryError {
  return new SkerryError('INVALID_QUERY', `The query cannot be run: ${reason}.`, { cause });
}

function membersOf(query: unknown): { readonly [member: string]: unknown } {
  if (query === undefined) return {};
  if (!isPlainObject(query)) throw invalid(`it must be an object; got ${describe(query)}`);
  const stranger = Object.keys(query).find((member) => !MEMBERS.includes(member));
  if (stranger !== undefined) throw invalid(`it has no member ${stranger}; there are ${MEMBERS.join(', ')}`);
  return query;
}

function conditionsOf(where: unknown): Condition[] {
  if (!isPlainObject(where)) throw invalid(`where must be an object; got ${describe(where)}`);
  return Object.entries(where).flatMap(([field, wanted]) => fieldConditions(checkField(field), wanted));
}

function fieldConditions(field: string, wanted: unknown): Condition[] {
  if (!isPlainObject(wanted)) return [{ field, op: 'equals', value: comparable(field, wanted) }];
  const operators = Object.entries(wanted);
  if (operators.length === 0) throw invalid(`where.${field} is an empty object; to look for one, write { equals: {} }`);
  return operators.map(([op, value]) => condition(field, op, value));
}

function condition(field: string, op: string, value: unknown): Condition {
  const place = `${field}.${op}`;
  switch (op) {
    case 'equals':
    case 'contains':
      return { field, op, value: comparable(place, value) };
    case 'anyOf':
      if (!Array.isArray(value)) throw invalid(`where.${place} must be an array; got ${describe(value)}`);
      return { field, op, values: value.map((item: unknown, i) => comparable(`${place}[${i}]`, item)) };
    case 'above':
    case 'aboveOrEqual':
    case 'below':
    case 'belowOrEqual':
      if (!isKey(value))
        throw invalid(`where.${place} must be a number, a string or an array of them; got ${describe(value)}`);
      return { field, op, value: comparable(place, value) };
    case 'startsWith':
      if (typeof value !== 'string') throw invalid(`where.${place} must be a string; got ${describe(value)}`);
      return { field, op, value };
    default:
      throw invalid(
        `where.${place} is no comparison; there are ${OPERATORS.join(', ')}, and { equals: … } compares with an object`,
      );
  }
}

function comparable(place: string, value: unknown): Json {
  const problem = findJsonProblem(value);
  if (problem) throw invalid(`where.${[place, problem.path].filter(Boolean).join('.')}: ${problem.reason}`);
  return value as Json;
}

/** Whether IndexedDB can order by this value: null, booleans and objects are in no index. */
export function isKey(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || (Array.isArray(value) && value.every(isKey));
}

function orderOf(orderBy: unknown): Order {
  if (typeof orderBy !== 'string') throw invalid(`orderBy must be the name of a field; got ${describe(orderBy)}`);
  const isDescending = orderBy.startsWith('-');
  return { field: checkField(isDescending ? orderBy.slice(1) : orderBy), direction: isDescending ? -1 : 1 };
}

function checkField(field: string): string {
  const problem = fieldProblem(field);
  if (problem) throw invalid(problem);
  return field;
}

function wholeNumber(name: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw invalid(`${name} must be a whole number from 0; got ${describe(value)}`);
}
