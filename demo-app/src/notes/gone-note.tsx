/** The address of a note that is not here: deleted, or not arrived. What this device knows of it can be looked at. */
import { FileX2, History } from 'lucide-react';
import type { ReactNode } from 'react';

import { formatRoute } from '../shell/route.ts';

export function GoneNote({ noteId }: { readonly noteId: string }): ReactNode {
  return (
    <div className="blank">
      <FileX2 aria-hidden />
      <p>This note is not here. Someone may have deleted it, or it has not arrived yet.</p>
      <a className="button" href={formatRoute({ page: 'notes', noteId, view: 'history' })} data-testid="note-history">
        <History aria-hidden /> See its history
      </a>
      <a className="button quiet" href={formatRoute({ page: 'notes', noteId: null })}>
        All notes
      </a>
    </div>
  );
}
