/**
 * Where writes of a collection happen: each in a transaction of its own, or all in one that the app has opened. The
 * code that writes is the same.
 */
import type { LocalDatabase } from '../store/local-database.ts';
import { asSkerryError } from './failure.ts';
import type { Lifetime } from './lifetime.ts';

export interface WriteScope {
  /** Throws CLOSED. */
  assertOpen(): void;
  /**
   * Runs `fn` in one read-write transaction over the collection. It is one change, or several when it is large and
   * `isSplittable`.
   */
  write<R>(collection: string, fn: () => Promise<R>, isSplittable?: boolean): Promise<R>;
  /** Runs `fn`, which only reads, again when the connection was lost. */
  read<R>(fn: () => PromiseLike<R>): PromiseLike<R>;
}

export function ownTransactions(local: LocalDatabase, lifetime: Lifetime): WriteScope {
  return {
    assertOpen: lifetime.assertOpen,
    write: async (name, fn, isSplittable = false) =>
      (await local.transact({ collections: [name], isSplittable, isOurs: true }, fn)).result,
    read: local.persevere,
  };
}

/** Every error that leaves is a SkerryError, but those of the caller's own function, which pass as they are. */
export async function guarded<R>(
  scope: Pick<WriteScope, 'assertOpen'>,
  run: (user: UserCode) => Promise<R>,
): Promise<R> {
  scope.assertOpen();
  let thrown: { readonly error: unknown } | undefined;
  const note = (error: unknown): never => {
    thrown = { error };
    throw error;
  };
  const user: UserCode = (fn) => {
    try {
      const answer = fn();
      return isPromise(answer) ? (answer.then(undefined, note) as typeof answer) : answer;
    } catch (error) {
      return note(error);
    }
  };
  try {
    return await run(user);
  } catch (error) {
    const failure = asSkerryError(error);
    // A full disk or a limit ends the transaction; what the caller's function saw of it is only the echo.
    const isCause = failure.code === 'QUOTA' || failure.code === 'TIMEOUT';
    throw thrown && !isCause ? thrown.error : failure;
  }
}

/** By its shape: inside a transaction Dexie puts a Promise of its own in the place of the global one. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** Runs a function of the caller, and remembers what it threw. */
export type UserCode = <R>(fn: () => R) => R;
