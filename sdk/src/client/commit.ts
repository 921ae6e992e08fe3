/** What a caller gets for a transaction that was committed. */
import type { Written } from '../store/local-database.ts';
import { confirmation } from './confirmation.ts';
import type { Place } from './place.ts';
import type { Followed } from './receipts.ts';
import type { Commit } from './types.ts';
import { guarded } from './write-scope.ts';

/** It can be undone and followed as long as this object is kept. */
export function commitOf<R>(
  { local, lifetime, receipts }: Place,
  result: R,
  written: Written,
  undo: () => Promise<void> = () => local.undo(written.undo),
): Commit<R> {
  let followed: Followed | undefined;
  const follow = (): Followed => (followed ??= receipts.follow(written));
  return {
    result,
    id: written.dot,
    get receipt$() {
      return follow().receipt$;
    },
    confirmed: (options) =>
      guarded(lifetime, () => confirmation({ written, follow, isSynced: receipts.isSynced, lifetime }, options)),
    undo: () => guarded(lifetime, undo),
  };
}
