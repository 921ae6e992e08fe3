/** The versions of a note that this device knows, newest first, read again whenever something came to the note. */
import { useEffect, useState } from 'react';
import { catchError, EMPTY, filter, merge, switchMap } from 'rxjs';

import { useSession } from '../data/session.tsx';
import { useNotices } from '../ui/notices.tsx';
import type { NoteRevision } from './entries.ts';

/** Undefined while it is read. */
export function useHistory(noteId: string): readonly NoteRevision[] | undefined {
  const { db } = useSession();
  const notices = useNotices();
  const [revisions, setRevisions] = useState<readonly NoteRevision[]>();
  useEffect(() => {
    // meta() tells of the latest write; what was passed over or withdrawn came before it.
    const others = db.events$.pipe(filter(({ type }) => type === 'pulled' || type === 'rejected' || type === 'merged'));
    const subscription = merge(db.notes.meta(noteId), others)
      .pipe(
        switchMap(() => db.notes.history(noteId)),
        catchError((error: unknown) => {
          notices.failed('The history could not be read', error);
          return EMPTY;
        }),
      )
      .subscribe(setRevisions);
    return () => subscription.unsubscribe();
  }, [db, noteId, notices]);
  return revisions;
}
