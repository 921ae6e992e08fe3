/**
 * Listens for what the SDK merges by itself. Every edit of a note writes `editedAt`, which the last write wins: so where two people
 * edited a note at once, whatever in it, one `editedAt` gives way, and the SDK tells that as `merged`. Shows nothing itself.
 */
import type { Revision } from '@skerry/sdk';
import { useEffect } from 'react';
import { filter, mergeMap } from 'rxjs';

import type { Note } from '../data/schema.ts';
import { useSession } from '../data/session.tsx';
import type { MergedPerson } from './merge-log.ts';

export function MergeWatch(): null {
  const { db, merges } = useSession();
  useEffect(() => {
    // What could not be merged is asked about, and is no merge. That is told right behind it.
    const asked = new Set(db.conflicts$.value.map(({ rowId }) => rowId));
    const asking = db.events$.subscribe((event) => {
      if (event.type === 'conflict-opened') asked.add(event.rowId);
      if (event.type === 'conflict-closed') asked.delete(event.rowId);
    });
    const watching = db.events$
      .pipe(
        filter((event) => event.type === 'merged'),
        filter(({ collection, field }) => collection === 'notes' && field === 'editedAt'),
        mergeMap(async ({ rowId, at, losers }) => ({ rowId, at, losers, revisions: await db.notes.history(rowId) })),
      )
      .subscribe({
        next: ({ rowId, at, losers, revisions }) => {
          if (asked.has(rowId)) return;
          for (const edit of losers.filter((loser) => typeof loser === 'number'))
            merges.add({ noteId: rowId, at: at.getTime(), edit, people: peopleOf(revisions, edit) });
        },
        error: (error: unknown) => console.info('Merges are not listed any more:', error),
      });
    return () => [asking, watching].forEach((subscription) => subscription.unsubscribe());
  }, [db, merges]);
  return null;
}

/** Who wrote the edit that gave way, and who wrote the one that did not. */
function peopleOf(revisions: readonly Revision<Note>[], edit: number): readonly MergedPerson[] {
  const latest = Math.max(...revisions.map(({ values }) => values.editedAt ?? 0));
  const writers = [latest, edit].flatMap(
    (time) => revisions.find(({ values }) => values.editedAt === time)?.user ?? [],
  );
  return [...new Map(writers.map(({ id, name }) => [id, { id, name: name ?? id }])).values()];
}
