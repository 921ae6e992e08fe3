/** A State and the hand that moves it: hot, replaying, distinct, never failing. */
import { BehaviorSubject, type Observable } from 'rxjs';

import type { State } from './types.ts';

export interface StateSource<T> {
  readonly state$: State<T>;
  /** Emits only when the value is another one. */
  set(value: T): void;
  complete(): void;
}

export function createState<T>(initial: T, isSame: (a: T, b: T) => boolean = Object.is): StateSource<T> {
  const subject = new BehaviorSubject(initial);
  return {
    state$: withValue(subject.asObservable(), () => subject.value),
    set: (value) => {
      if (!subject.isStopped && !isSame(subject.value, value)) subject.next(value);
    },
    complete: () => subject.complete(),
  };
}

/** Gives an observable its present value as a property. */
export function withValue<T, V>(source: Observable<T>, read: () => V): Observable<T> & { readonly value: V } {
  return Object.defineProperty(source, 'value', { get: read }) as Observable<T> & { readonly value: V };
}
