/** Finds the note of the address: it may be loading, deleted meanwhile, or here. */
import { useLiveOne } from '@skerry/sdk/react';
import { FileX2 } from 'lucide-react';
import type { ReactNode } from 'react';

import { useSession } from '../data/session.tsx';
import { formatRoute } from '../shell/route.ts';
import { NoteEditor } from './note-editor.tsx';

export function NoteDetail(props: { readonly noteId: string }): ReactNode {
  const { db } = useSession();
  const note = useLiveOne(db.notes, props.noteId);
  if (note === undefined) return null;
  if (note) return <NoteEditor note={note} />;
  return (
    <div className="blank">
      <FileX2 aria-hidden />
      <p>This note is not here. Someone may have deleted it, or it has not arrived yet.</p>
      <a className="button" href={formatRoute({ page: 'notes', noteId: null })}>
        All notes
      </a>
    </div>
  );
}
