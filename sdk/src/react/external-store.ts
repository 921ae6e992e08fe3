/**
 * What React's useSyncExternalStore wants, made from what the SDK has: an observable that knows its present value.
 * The observable is the only state, so a render never sees a value that the observable does not hold.
 */
import type { Observable } from 'rxjs';

/** Of an observable that knows its present value, what is used here. */
export type Source<T> = Pick<Observable<unknown>, 'subscribe'> & { readonly value: T };

export interface ExternalStore<T> {
  subscribe(onChange: () => void): () => void;
  /** Throws what the observable failed with: React hands it to the nearest error boundary. */
  getSnapshot(): T;
}

export function externalStore<T>(source: Source<T>): ExternalStore<T> {
  let failure: { readonly error: unknown } | null = null;
  return {
    subscribe: (onChange) => {
      // Who subscribes again starts again.
      failure = null;
      const subscription = source.subscribe({
        next: onChange,
        error: (error: unknown) => {
          failure = { error };
          onChange();
        },
      });
      return () => subscription.unsubscribe();
    },
    getSnapshot: () => {
      if (failure !== null) throw failure.error;
      return source.value;
    },
  };
}
