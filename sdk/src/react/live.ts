/**
 * Live queries in React. Both hooks give undefined until the first result is there, also on the server, where no
 * query ever runs. A new query starts when the collection, the query or the deps change; its rows are undefined until
 * they are there, never those of the query before. What a query fails with is thrown to the nearest error boundary.
 */
import { useMemo, useSyncExternalStore } from 'react';
import { Subscription } from 'rxjs';

import type { Collection, Id, Query, Stored } from '../client/types.ts';
import { externalStore, type Source } from './external-store.ts';

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

/** One row; null when it does not exist, and without an id, for what is not chosen yet. */
export function useLiveOne<Row>(
  collection: Collection<Row>,
  id: Id | null | undefined,
): Stored<Row> | null | undefined {
  return useLiveQuery(() => (id == null ? NO_ROW : collection.liveOne(id)), [collection, id]);
}

const NO_ROW: Source<null> = { subscribe: () => new Subscription(), value: null };

function useLiveQuery<T>(start: () => Source<T | undefined>, deps: readonly unknown[]): T | undefined {
  // The callers name what `start` depends on; it is made anew in every render.
  // oxlint-disable-next-line react-hooks/exhaustive-deps
  const store = useMemo(() => externalStore(start()), deps);
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
