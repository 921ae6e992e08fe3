/**
 * What React's useSyncExternalStore wants, made from what the SDK has: an observable that knows its present value.
 * The observable is the only state, so a render never sees a value that the observable does not hold.
 */
import type { Observable } from 'rxjs';

export interface ExternalStore<T> {
  subscribe(onChange: () => void): () => void;
  getSnapshot(): T;
}

/** Errors of the source are left to RxJS, which reports them to the page: nothing is swallowed here. */
export function externalStore<T>(source: Observable<unknown> & { readonly value: T }): ExternalStore<T> {
  return {
    subscribe: (onChange) => {
      const subscription = source.subscribe(onChange);
      return () => subscription.unsubscribe();
    },
    getSnapshot: () => source.value,
  };
}
