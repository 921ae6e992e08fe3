/**
 * Live queries in React. Both hooks give undefined until the first result is there, also on the server, where no
 * query ever runs. A new query starts when the collection, the query or the deps change.
 */
import { useMemo, useSyncExternalStore } from 'react';

import type { Collection, Id, LiveQuery, Query, Stored } from '../client/types.ts';
import { externalStore } from './external-store.ts';

/**
 * The rows of a query. Without deps the query is compared by what it says (where, orderBy, limit, offset), so that an
 * object literal does not start it anew in every render. A filter is a function and says nothing: name in deps what it
 * depends on, as with useMemo.
 */
export function useLive<Row>(
  collection: Collection<Row>,
  query?: Query<Row>,
  deps?: readonly unknown[],
): readonly Stored<Row>[] | undefined {
  const key = deps ? '' : queryKey(query);
  return useLiveQuery(() => collection.live(query), [collection, key, ...(deps ?? [])]);
}

/** One row; null when it does not exist. */
export function useLiveOne<Row>(collection: Collection<Row>, id: Id): Stored<Row> | null | undefined {
  return useLiveQuery(() => collection.liveOne(id), [collection, id]);
}

function useLiveQuery<T>(start: () => LiveQuery<T>, deps: readonly unknown[]): T | undefined {
  // The callers name what `start` depends on; it is made anew in every render.
  // oxlint-disable-next-line react-hooks/exhaustive-deps
  const store = useMemo(() => externalStore<T | undefined>(start()), deps);
  return useSyncExternalStore(store.subscribe, store.getSnapshot, nothing);
}

/** What a query says, as a string. Exported for its test. */
export function queryKey<Row>(query: Query<Row> | undefined): string {
  if (!query) return '';
  const { where, orderBy, limit, offset } = query;
  return JSON.stringify([where, orderBy, limit, offset]);
}

function nothing(): undefined {
  return undefined;
}
