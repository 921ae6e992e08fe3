/** Several writes as one change: atomic here, on the wire, and on every other device. */
import { Dexie } from 'dexie';

import { SkerryError } from '../lib/errors.ts';
import { collectionCalls } from './collection.ts';
import { commitOf } from './commit.ts';
import { describe } from './copy.ts';
import { withUnknownCollections } from './handle.ts';
import type { Lifetime } from './lifetime.ts';
import type { Place } from './place.ts';
import type { OnScan } from './scan-warnings.ts';
import type { Collections, Commit, TransactionCollections } from './types.ts';
import { guarded, type WriteScope } from './write-scope.ts';

/** Longest label of a change that the protocol carries. */
const MAX_LABEL_LENGTH = 1024;

export interface TransactionOptions {
  readonly label?: string;
}

/**
 * What the function throws passes as it is, and nothing was written then. Throws INVALID_VALUE for a bad label,
 * TRANSACTION_ENDED, TIMEOUT, TOO_LARGE, QUOTA, STORAGE_FAILED, CLOSED.
 */
export async function runTransaction<C extends Collections, R>(
  place: Place & { readonly onScan: OnScan },
  fn: (tx: TransactionCollections<C>) => Promise<R>,
  options?: TransactionOptions,
): Promise<Commit<R>> {
  const { local, lifetime } = place;
  return guarded(lifetime, async (user) => {
    const label = options?.label;
    if (typeof fn !== 'function') throw invalid(`transaction() takes a function; got ${describe(fn)}`);
    if (label !== undefined && !isLabel(label))
      throw invalid(`a label is text of at most ${MAX_LABEL_LENGTH} characters`);
    const scope = openScope(lifetime);
    const names = [...local.schemas.keys()];
    const calls = Object.fromEntries(names.map((name) => [name, collectionCalls(local, name, scope, place.onScan)]));
    const tx = withUnknownCollections(calls, names) as unknown as TransactionCollections<C>;
    try {
      const { result, ...written } = await local.transact(label === undefined ? {} : { label }, async () =>
        user(() => fn(tx)),
      );
      return commitOf(place, result, written);
    } finally {
      scope.end();
    }
  });
}

/**
 * Writes go into the transaction that is open; after its end they would be on their own, so they are refused. Those that
 * read before they write go one after another: side by side, each would write over what the other has done.
 */
function openScope(lifetime: Lifetime): WriteScope & { end(): void } {
  let isOpen = true;
  let last: Promise<unknown> = Promise.resolve();
  return {
    assertOpen: () => {
      lifetime.assertOpen();
      // Outside of Dexie's transaction a call would write on its own.
      if (isOpen && Dexie.currentTransaction?.active) return;
      throw new SkerryError(
        'TRANSACTION_ENDED',
        'This call does not belong to its transaction any more. Await every call, and nothing else, inside its function.',
      );
    },
    write: <R>(_collection: string, fn: () => Promise<R>) => {
      const written = last.then(fn, fn);
      last = written;
      return written;
    },
    // The transaction is what is made again.
    read: (fn) => fn(),
    end: () => (isOpen = false),
  };
}

function isLabel(label: unknown): boolean {
  return (
    typeof label === 'string' && label.length <= MAX_LABEL_LENGTH && label.isWellFormed() && !label.includes('\u0000')
  );
}

function invalid(reason: string): SkerryError {
  return new SkerryError('INVALID_VALUE', `The transaction cannot start: ${reason}.`);
}
