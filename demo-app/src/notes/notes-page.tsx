/** The notes: list and editor side by side, on a phone one after the other; and what a note was before. */
import { useLive } from '@skerry/sdk/react';
import { NotebookPen } from 'lucide-react';
import type { ReactNode } from 'react';

import { useAttempt } from '../data/use-attempt.ts';
import { useSession } from '../data/session.tsx';
import { OnDemand } from '../shell/on-demand.tsx';
import { NoteDetail, NoteHistoryPanel } from '../shell/pages.ts';
import { go } from '../shell/route.ts';
import { NoteList } from './note-list.tsx';
import { Welcome } from './welcome.tsx';

interface NotesPageProps {
  readonly noteId: string | null;
  readonly view: 'history' | undefined;
}

export function NotesPage(props: NotesPageProps): ReactNode {
  const { db } = useSession();
  const attempt = useAttempt();
  const notes = useLive(db.notes);

  const create = async (): Promise<void> => {
    await attempt('The note could not be created', async () => {
      const id = await db.notes.insert({ title: '', body: '', tags: [], pinned: false, editedAt: Date.now() });
      go({ page: 'notes', noteId: id });
    });
  };

  const closeHistory = (): void => {
    go({ page: 'notes', noteId: props.noteId }, { replace: true });
    document.querySelector<HTMLElement>('[data-testid="note-history"]')?.focus();
  };

  return (
    <div className="notes" data-detail={props.noteId !== null || undefined}>
      <NoteList notes={notes} selectedId={props.noteId} onCreate={create} />
      <section className="note-pane" aria-label="Note">
        {props.noteId !== null ? (
          <OnDemand>
            <NoteDetail key={props.noteId} noteId={props.noteId} />
          </OnDemand>
        ) : notes?.length === 0 ? (
          <Welcome />
        ) : (
          <div className="blank">
            <NotebookPen aria-hidden />
            <p>Choose a note, or start a new one.</p>
          </div>
        )}
      </section>
      {props.noteId !== null && props.view === 'history' && (
        <OnDemand>
          <NoteHistoryPanel key={props.noteId} noteId={props.noteId} onClose={closeHistory} />
        </OnDemand>
      )}
    </div>
  );
}
