/** What a caller gets for a transaction that was committed. */
import type { LocalDatabase, Written } from '../store/local-database.ts';
import type { Lifetime } from './lifetime.ts';
import type { Commit } from './types.ts';
import { guarded } from './write-scope.ts';

interface Place {
  readonly local: LocalDatabase;
  readonly lifetime: Lifetime;
}

/** It can be undone as long as this object is kept. */
export function commitOf<R>({ local, lifetime }: Place, result: R, { dot, undo }: Written): Commit<R> {
  return { result, id: dot, undo: () => guarded(lifetime, () => local.undo(undo)) };
}
