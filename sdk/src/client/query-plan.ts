/**
 * Chooses how a query reaches its rows: by ids, by an index, or by reading all of them. Pure: the same answer comes
 * out whatever is chosen, only sooner.
 *
 * An index lacks the rows whose value cannot be a key (absent, null, booleans, objects), so it is used only where no
 * such row could fit.
 */
import type { Json } from '../lib/json.ts';
import { isKey, type CheckedQuery, type Condition, type Order } from './query.ts';

/** An index of the table, or its primary key; several fields when it is compound. */
export interface IndexInfo {
  readonly name: string;
  readonly fields: readonly string[];
  /** It has an entry for each element of the field's array: a row is in it as often as that. */
  readonly isMulti?: boolean;
}

export type Range =
  | { readonly type: 'all' }
  | { readonly type: 'equals'; readonly key: Json }
  | { readonly type: 'anyOf'; readonly keys: readonly Json[] }
  | { readonly type: 'startsWith'; readonly prefix: string }
  | {
      readonly type: 'between';
      readonly lower: Bound | null;
      readonly upper: Bound | null;
      readonly prefix: readonly Json[];
    };

export interface Bound {
  readonly key: Json;
  readonly isIncluded: boolean;
}

export interface Plan {
  /** null: the primary key. */
  readonly index: IndexInfo | null;
  readonly range: Range;
  /** The range says all that the query asks: no row needs to be looked at again. */
  readonly isExact: boolean;
  /** The rows come out in the order asked for, so that offset and limit can be left to the database. */
  readonly isOrdered: boolean;
  /** The index may lack rows, which come after those it has: read all when it gives too few. */
  readonly mayLackRows: boolean;
}

const PRIMARY_KEY: IndexInfo = { name: 'id', fields: ['id'] };

export function planQuery(query: CheckedQuery, indexes: readonly IndexInfo[]): Plan {
  const inOrder = planInOrder(query, indexes);
  if (inOrder) return inOrder;
  const candidates = [PRIMARY_KEY, ...indexes].flatMap((index) => candidatesOf(index, query.conditions));
  const best = candidates.filter((one) => !isWithin(one, candidates)).toSorted((a, b) => a.cost - b.cost)[0];
  if (!best) return planAll(query, indexes);
  // A row that holds the element itself in the place of an array is in the index too.
  const isExact = best.used.length === query.conditions.length && !query.filter && !best.index.isMulti;
  const isOrdered = isExact && comesOrdered(best, query.order);
  return { index: nullIfPrimary(best.index), range: best.range, isExact, isOrdered, mayLackRows: false };
}

interface Candidate {
  readonly index: IndexInfo;
  readonly range: Range;
  readonly used: readonly Condition[];
  readonly cost: number;
}

/** Another one asks the same and more of the index. */
function isWithin(one: Candidate, all: readonly Candidate[]): boolean {
  return all.some(
    (other) => other.used.length > one.used.length && one.used.every((condition) => other.used.includes(condition)),
  );
}

/** Smaller is better: how many rows a kind of range lets through, as a rule. */
const COST = { equals: 10, anyOf: 20, startsWith: 30, between: 40 } as const;

function candidatesOf(index: IndexInfo, conditions: readonly Condition[]): readonly Candidate[] {
  if (index.isMulti) return elementCandidate(index, conditions);
  if (index.fields.length > 1) return compoundCandidate(index, conditions);
  return conditions
    .filter((condition) => condition.field === index.fields[0])
    .flatMap((condition) => {
      const found = singleRange(condition, conditions);
      return found ? [{ index, ...found, cost: costOf(index, found.range) }] : [];
    });
}

/** Only for elements: a row may be in the index many times, or not at all with an empty array. */
function elementCandidate(index: IndexInfo, conditions: readonly Condition[]): readonly Candidate[] {
  return conditions.flatMap((condition) => {
    if (condition.op !== 'contains' || condition.field !== index.fields[0] || !isKey(condition.value)) return [];
    const range: Range = { type: 'equals', key: condition.value };
    return [{ index, range, used: [condition], cost: costOf(index, range) + 8 }];
  });
}

function singleRange(condition: Condition, conditions: readonly Condition[]): Pick<Candidate, 'range' | 'used'> | null {
  switch (condition.op) {
    case 'equals':
      return isKey(condition.value) ? { range: { type: 'equals', key: condition.value }, used: [condition] } : null;
    case 'anyOf':
      return condition.values.every(isKey)
        ? { range: { type: 'anyOf', keys: condition.values }, used: [condition] }
        : null;
    case 'startsWith':
      return { range: { type: 'startsWith', prefix: condition.value }, used: [condition] };
    case 'contains':
      return null;
    default:
      return between([], condition.field, conditions);
  }
}

/** All fields equal, or all but the last equal and a range over the last: then every field must have a key. */
function compoundCandidate(index: IndexInfo, conditions: readonly Condition[]): readonly Candidate[] {
  const equals: Condition[] = [];
  const keys: Json[] = [];
  for (const field of index.fields) {
    const condition = conditions.find((c) => c.field === field && c.op === 'equals' && isKey(c.value));
    if (condition?.op !== 'equals') break;
    equals.push(condition);
    keys.push(condition.value);
  }
  const missing = index.fields.length - equals.length;
  if (missing === 0)
    return [
      { index, range: { type: 'equals', key: keys }, used: equals, cost: costOf(index, { type: 'equals', key: keys }) },
    ];
  const rest = missing === 1 ? between(keys, index.fields.at(-1)!, conditions) : null;
  return rest ? [{ index, range: rest.range, used: [...equals, ...rest.used], cost: costOf(index, rest.range) }] : [];
}

function between(
  prefix: readonly Json[],
  field: string,
  conditions: readonly Condition[],
): Pick<Candidate, 'range' | 'used'> | null {
  const lower = conditions.find((c) => c.field === field && (c.op === 'above' || c.op === 'aboveOrEqual'));
  const upper = conditions.find((c) => c.field === field && (c.op === 'below' || c.op === 'belowOrEqual'));
  const used = [lower, upper].filter((condition) => condition !== undefined);
  if (used.length === 0) return null;
  return { range: { type: 'between', lower: boundOf(lower), upper: boundOf(upper), prefix }, used };
}

function boundOf(condition: Condition | undefined): Bound | null {
  if (!condition || !('value' in condition)) return null;
  return { key: condition.value, isIncluded: condition.op.endsWith('OrEqual') };
}

function costOf(index: IndexInfo, range: Range): number {
  if (range.type === 'all') return Infinity;
  const open = range.type === 'between' && !(range.lower && range.upper) ? 5 : 0;
  const isUnique = index === PRIMARY_KEY && range.type !== 'between' ? 9 : 0;
  return COST[range.type] + open - isUnique - index.fields.length;
}

/** Without a condition that an index can answer: in the order of an index, if only the first rows are wanted. */
function planAll(query: CheckedQuery, indexes: readonly IndexInfo[]): Plan {
  const all: Plan = { index: null, range: { type: 'all' }, isExact: false, isOrdered: false, mayLackRows: false };
  const isExact = query.conditions.length === 0 && !query.filter;
  if (!isExact) return all;
  if (query.order.field === 'id') return { ...all, isExact, isOrdered: true };
  const index = indexes.find(
    ({ fields, isMulti }) => !isMulti && fields.length === 1 && fields[0] === query.order.field,
  );
  if (!index || query.limit === Infinity) return { ...all, isExact };
  return { ...all, index, isExact, isOrdered: true, mayLackRows: true };
}

/** The first rows of those that are equal in all but the last field of a compound index, in the order of that. */
function planInOrder(query: CheckedQuery, indexes: readonly IndexInfo[]): Plan | null {
  const { conditions, order, filter, limit } = query;
  if (limit === Infinity || filter || conditions.length === 0) return null;
  const index = indexes.find(
    ({ fields, isMulti }) =>
      !isMulti && fields.length === conditions.length + 1 && fields.at(-1) === order.field && fields.length > 1,
  );
  const keys = index?.fields.slice(0, -1).map((field) => conditions.find((one) => one.field === field));
  const prefix = keys?.flatMap((one) => (one?.op === 'equals' && isKey(one.value) ? [one.value] : []));
  if (!index || prefix!.length < conditions.length) return null;
  const range: Range = { type: 'between', lower: null, upper: null, prefix: prefix! };
  return { index, range, isExact: true, isOrdered: true, mayLackRows: true };
}

/** Rows of one key come by id; rows of a range over one field come by that field, then id. */
function comesOrdered({ index, range }: Candidate, { field }: Order): boolean {
  if (range.type === 'equals') return field === 'id';
  // Of a compound index all fields but the last are equal.
  return (range.type === 'between' || range.type === 'startsWith') && field === index.fields.at(-1);
}

function nullIfPrimary(index: IndexInfo): IndexInfo | null {
  return index === PRIMARY_KEY ? null : index;
}
