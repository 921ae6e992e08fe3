/**
 * Live queries: shared by all who ask the same, running while someone subscribes and for a second after.
 *
 * What runs is found by its key at the moment of subscribing, so two observables made for the same question share one
 * run without holding each other, and nothing is left when the last one is gone.
 */
import { Dexie, liveQuery } from 'dexie';
import { Observable, Subject, type Subscriber } from 'rxjs';

import { asSkerryError } from './failure.ts';
import type { Lifetime } from './lifetime.ts';
import type { LocalDatabase } from '../store/local-database.ts';
import { shareAnswer } from './sharing.ts';
import { withValue } from './state.ts';
import type { LiveQuery } from './types.ts';

const LINGER_MS = 1_000;

export interface LiveQueries {
  /** `key`: what the query says; null when that cannot be told, because it has a function. Throws CLOSED. */
  live<T>(key: string | null, read: () => PromiseLike<T>): LiveQuery<T>;
}

/** `assertReadable` is asked before every read; what it throws fails the query, for those who subscribe to it. */
export function createLiveQueries(
  lifetime: Lifetime,
  persevere: LocalDatabase['persevere'],
  assertReadable: () => void,
): LiveQueries {
  const runs = new Map<unknown, Run<unknown>>();
  lifetime.onClose(() => {
    for (const run of runs.values()) run.complete();
    runs.clear();
  });
  const start = <T>(place: unknown, read: () => PromiseLike<T>): Run<T> => {
    const run = new Run(
      () => {
        assertReadable();
        return persevere(read);
      },
      () => {
        if (runs.get(place) === run) runs.delete(place);
      },
    );
    runs.set(place, run as Run<unknown>);
    return run;
  };
  return {
    live<T>(key: string | null, read: () => PromiseLike<T>): LiveQuery<T> {
      lifetime.assertOpen();
      const place: unknown = key ?? read;
      const source = new Observable<T>((subscriber) => {
        if (lifetime.isClosed) return subscriber.complete();
        const known = runs.get(place) as Run<T> | undefined;
        return (known ?? start(place, read)).attach(subscriber);
      });
      return withValue(source, () => (runs.get(place) as Run<T> | undefined)?.value);
    },
  };
}

/** One running query and those who listen to it. */
class Run<T> {
  value: T | undefined;
  readonly #subject = new Subject<T>();
  readonly #query: { unsubscribe(): void };
  readonly #onEnd: () => void;
  #hasValue = false;
  #linger: ReturnType<typeof setTimeout> | undefined;

  constructor(read: () => PromiseLike<T>, onEnd: () => void) {
    this.#onEnd = onEnd;
    // What read() throws at once would escape from Dexie's timer; in a promise it comes back as an error.
    this.#query = liveQuery(() => Dexie.Promise.resolve().then(read)).subscribe({
      next: (value) => this.#publish(value),
      error: (error: unknown) => this.#fail(error),
    });
  }

  attach(subscriber: Subscriber<T>): () => void {
    clearTimeout(this.#linger);
    if (this.#hasValue) subscriber.next(this.value as T);
    const subscription = this.#subject.subscribe(subscriber);
    return () => {
      subscription.unsubscribe();
      if (!this.#subject.observed) this.#linger = setTimeout(() => this.#end(), LINGER_MS);
    };
  }

  complete(): void {
    this.#end();
    this.#subject.complete();
  }

  /** Dexie runs a query again when something near it was written; here it is told only when its answer changed. */
  #publish(answer: T): void {
    const value = this.#hasValue ? shareAnswer(this.value as T, answer) : answer;
    if (this.#hasValue && value === this.value) return;
    this.value = value;
    this.#hasValue = true;
    this.#subject.next(value);
  }

  /** Ends this run only: whoever subscribes again starts another. */
  #fail(error: unknown): void {
    this.#end();
    this.#subject.error(asSkerryError(error));
  }

  #end(): void {
    clearTimeout(this.#linger);
    this.#query.unsubscribe();
    this.#onEnd();
  }
}
