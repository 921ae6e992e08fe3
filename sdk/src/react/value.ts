/** The present value of a State: the same in the first render, on the server and after every change. */
import { useMemo, useSyncExternalStore } from 'react';

import type { Conflict, State, SyncStatus } from '../client/types.ts';
import { externalStore } from './external-store.ts';

export function useValue<T>(state$: State<T>): T {
  const store = useMemo(() => externalStore<T>(state$), [state$]);
  return useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
}

/** The open conflicts, oldest first. */
export function useConflicts(db: { readonly conflicts$: State<readonly Conflict[]> }): readonly Conflict[] {
  return useValue(db.conflicts$);
}

export function useSyncStatus(db: { readonly status$: State<SyncStatus> }): SyncStatus {
  return useValue(db.status$);
}
