/** Finds the note of the address: it may be loading, deleted meanwhile, or here. */
import { useLiveOne } from '@skerry/sdk/react';
import type { ReactNode } from 'react';

import { useSession } from '../data/session.tsx';
import { GoneNote } from './gone-note.tsx';
import { NoteEditor } from './note-editor.tsx';

export function NoteDetail(props: { readonly noteId: string }): ReactNode {
  const { db } = useSession();
  const note = useLiveOne(db.notes, props.noteId);
  if (note === undefined) return null;
  if (note) return <NoteEditor note={note} />;
  return <GoneNote noteId={props.noteId} />;
}
