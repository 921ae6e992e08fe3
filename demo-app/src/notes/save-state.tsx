/** The sentence about where the note is, with a shape for each answer. */
import { CircleCheck, HardDrive, HardDriveUpload, PencilLine } from 'lucide-react';
import type { ReactNode } from 'react';

import { saveSentence, type SaveState as State } from './save-sentence.ts';

export function SaveState(state: State): ReactNode {
  return (
    <p className="save-state" data-testid="save-state">
      {icon(state)}
      <span>{saveSentence(state)}</span>
    </p>
  );
}

function icon(state: State): ReactNode {
  if (state.isDirty) return <PencilLine aria-hidden />;
  if (state.connection === 'local-only') return <HardDrive aria-hidden />;
  return state.waitingSince ? <HardDriveUpload aria-hidden /> : <CircleCheck aria-hidden />;
}
