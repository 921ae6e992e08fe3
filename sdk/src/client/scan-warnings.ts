/**
 * Says in development which queries read a whole table to answer: once for each shape of query, with the index that would
 * help. Nothing is refused; a small table may well be read.
 */
import type { CheckedQuery, Condition } from './query.ts';
import { isKey } from './query.ts';
import type { Logger } from './types.ts';

/** Called with each query that no index answers. */
export type OnScan = (collection: string, query: CheckedQuery) => void;

/** `isWanted`: what the app says; left out: in development. */
export function createScanWarnings(logger: Logger | undefined, isWanted: boolean | undefined): OnScan {
  if (!(isWanted ?? isDevelopment())) return () => undefined;
  const told = new Set<string>();
  return (collection, query) => {
    const shape = shapeOf(collection, query);
    if (told.size === told.add(shape).size) return;
    const text = `A query of ${collection} reads every row: ${shape}. ${adviceFor(query)} (Told once, in development; see warnOnScan of open().)`;
    if (logger) logger.info(text);
    else console.warn(text);
  };
}

/** What the query says, without its values. */
function shapeOf(collection: string, { conditions, filter, order, limit }: CheckedQuery): string {
  const parts = [
    ...conditions.map(({ field, op }) => `${field} ${op}`).toSorted(),
    ...(filter ? ['a filter'] : []),
    ...(order.field === 'id' ? [] : [`ordered by ${order.field}`]),
    ...(limit === Infinity ? [] : ['a limit']),
  ];
  return `${collection} (${parts.join(', ')})`;
}

function adviceFor({ conditions, order, limit }: CheckedQuery): string {
  const searchable = conditions.filter(isSearchable);
  const index = indexFor(searchable, limit === Infinity || order.field === 'id' ? null : order.field);
  if (index && (searchable.length > 0 || conditions.length === 0)) return `An index '${index}' would help.`;
  if (conditions.length > 0)
    return 'null, true, false and objects are in no index: a field with numbers or texts could be.';
  return 'A filter is asked about each of them: what an index can answer belongs in where.';
}

function indexFor(conditions: readonly Condition[], order: string | null): string | null {
  const element = conditions.find(({ op }) => op === 'contains');
  if (element) return `*${element.field}`;
  const equal = conditions.filter(({ op }) => op === 'equals').map(({ field }) => field);
  const [other] = conditions.filter(({ op }) => op !== 'equals').map(({ field }) => field);
  const last = other ?? order;
  const fields = [...new Set([...equal, ...(last === null ? [] : [last])])];
  return fields.length > 1 ? `[${fields.join('+')}]` : (fields[0] ?? null);
}

function isSearchable(condition: Condition): boolean {
  return condition.op === 'anyOf' ? condition.values.every(isKey) : isKey(condition.value);
}

/** As bundlers put it: a page that is not bundled has no `process`. */
declare const process: { readonly env: { readonly NODE_ENV?: string } };

function isDevelopment(): boolean {
  try {
    return process.env.NODE_ENV === 'development';
  } catch {
    return false;
  }
}
