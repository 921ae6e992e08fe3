/**
 * Runs a checked query on a Dexie table. Only Dexie's own promises are chained, so that a live query and a transaction
 * stay what they are.
 */
import { Dexie, type Collection, type PromiseExtended, type Table, type WhereClause } from 'dexie';

import { compareRows, matches, type AnyRow } from './query-order.ts';
import { planQuery, type IndexInfo, type Plan, type Range } from './query-plan.ts';
import { invalid, type CheckedQuery } from './query.ts';
import type { OnScan } from './scan-warnings.ts';

export type RowTable = Table<AnyRow, string>;

/** `onScan` hears of a query that no index answers. */
export function findRows(table: RowTable, query: CheckedQuery, onScan?: OnScan): PromiseExtended<AnyRow[]> {
  if (query.limit === 0) return Dexie.Promise.resolve([]) as PromiseExtended<AnyRow[]>;
  const plan = planQuery(query, indexesOf(table));
  if (isScan(plan, query)) onScan?.(table.name, query);
  if (!plan.isOrdered)
    return reach(table, plan)
      .toArray()
      .then((rows) => selectRows(rows, query));
  return firstRows(table, plan, query).then((rows) => {
    const isShort = plan.mayLackRows && rows.length < query.limit;
    if (!isShort) return rows;
    // Rows without a value to order by are in no such index; they come last.
    return reach(table, planQuery({ ...query, limit: Infinity }, indexesOf(table)))
      .toArray()
      .then((all) => selectRows(all, query));
  });
}

export function countRows(table: RowTable, query: CheckedQuery, onScan?: OnScan): PromiseExtended<number> {
  const plan = planQuery({ ...query, limit: Infinity }, indexesOf(table));
  if (!plan.isExact && plan.range.type === 'all') onScan?.(table.name, { ...query, limit: Infinity });
  const total = plan.isExact
    ? reach(table, plan).count()
    : reach(table, plan)
        .toArray()
        .then((rows) => rows.filter((row) => isWanted(row, query)).length);
  return total.then((count) => Math.min(Math.max(count - query.offset, 0), query.limit));
}

function indexesOf(table: RowTable): readonly IndexInfo[] {
  return table.schema.indexes.flatMap(({ name, keyPath, multi }) => {
    const fields = typeof keyPath === 'string' ? [keyPath] : (keyPath ?? []);
    // A dot is a path into a value here, and part of a field's name in a query.
    const isUsable = fields.length > 0 && fields.every((field) => !field.includes('.'));
    return isUsable ? [{ name, fields, ...(multi ? { isMulti: true } : {}) }] : [];
  });
}

/** Rows are read that the answer does not have. */
function isScan(plan: Plan, { conditions, filter, limit }: CheckedQuery): boolean {
  const wantsLess = conditions.length > 0 || filter !== null || limit !== Infinity;
  return plan.range.type === 'all' && !plan.isOrdered && wantsLess;
}

function firstRows(table: RowTable, plan: Plan, { order, offset, limit }: CheckedQuery): PromiseExtended<AnyRow[]> {
  const rows = order.direction === 1 ? reach(table, plan) : reach(table, plan).reverse();
  const rest = offset === 0 ? rows : rows.offset(offset);
  return (limit === Infinity ? rest : rest.limit(limit)).toArray();
}

function reach(table: RowTable, { index, range }: Plan): Collection<AnyRow, string> {
  if (range.type === 'all') return index ? table.orderBy(index.name) : table.toCollection();
  const where = table.where(index?.name ?? ':id');
  switch (range.type) {
    case 'equals':
      return where.equals(range.key as never);
    case 'anyOf':
      return where.anyOf(range.keys as never);
    case 'startsWith':
      return where.startsWith(range.prefix);
    case 'between':
      return between(where, range);
  }
}

function between(where: WhereClause<AnyRow, string>, range: Range & { type: 'between' }): Collection<AnyRow, string> {
  const { lower, upper, prefix } = range;
  if (prefix.length === 0 && lower && !upper)
    return lower.isIncluded ? where.aboveOrEqual(lower.key) : where.above(lower.key);
  if (prefix.length === 0 && upper && !lower)
    return upper.isIncluded ? where.belowOrEqual(upper.key) : where.below(upper.key);
  const key = (end: unknown): unknown => (prefix.length === 0 ? end : [...prefix, end]);
  return where.between(
    key(lower ? lower.key : Dexie.minKey),
    key(upper ? upper.key : Dexie.maxKey),
    lower?.isIncluded ?? true,
    upper?.isIncluded ?? true,
  );
}

function selectRows(rows: readonly AnyRow[], query: CheckedQuery): AnyRow[] {
  const wanted = rows.filter((row) => isWanted(row, query)).sort(compareRows(query.order));
  return wanted.slice(query.offset, query.offset + query.limit);
}

function isWanted(row: AnyRow, { conditions, filter }: CheckedQuery): boolean {
  if (!matches(row, conditions)) return false;
  if (!filter) return true;
  try {
    return Boolean(filter(row as never));
  } catch (error) {
    throw invalid('its filter threw', error);
  }
}
