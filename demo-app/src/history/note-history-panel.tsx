/** What a note was before, beside it or over it. */
import type { ReactNode } from 'react';

import { HistoryPanel } from './history-panel.tsx';
import { NoteHistory } from './note-history.tsx';

interface NoteHistoryPanelProps {
  readonly noteId: string;
  readonly onClose: () => void;
}

export function NoteHistoryPanel({ noteId, onClose }: NoteHistoryPanelProps): ReactNode {
  return (
    <HistoryPanel onClose={onClose}>
      <NoteHistory noteId={noteId} />
    </HistoryPanel>
  );
}
