/** The history of a note. */
import type { ReactNode } from 'react';

import { useSession } from '../data/session.tsx';
import { HistoryList } from './history-list.tsx';
import { noteChanges } from './note-changes.ts';

export function NoteHistory({ noteId }: { readonly noteId: string }): ReactNode {
  const { db } = useSession();
  return (
    <HistoryList
      collection={db.notes}
      rowId={noteId}
      thing="note"
      differences={noteChanges}
      restore={(revision) =>
        db.transaction(async (tx) => {
          await tx.notes.restore(noteId, revision);
          // As something that was just written it comes to the top of the list.
          await tx.notes.update(noteId, { editedAt: Date.now() });
        })
      }
    />
  );
}
