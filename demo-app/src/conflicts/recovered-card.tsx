/** Someone edited what had been deleted everywhere long ago. What they had is a copy that is not among the others yet. */
import type { RecoveredCopy } from '@skerry/sdk';
import { Check, History, Trash2 } from 'lucide-react';
import type { ReactNode } from 'react';

import { useSession } from '../data/session.tsx';
import { authorOf } from '../ui/author.ts';
import { Byline } from '../ui/byline.tsx';
import { rowText, thingOf } from './describe.ts';
import { useDecide } from './use-decide.ts';

interface CardProps {
  readonly conflict: RecoveredCopy;
  readonly onDecided: () => void;
}

export function RecoveredCard({ conflict, onDecided }: CardProps): ReactNode {
  const { me } = useSession();
  const decide = useDecide(onDecided);
  const thing = thingOf(conflict.collection);
  const editor = authorOf(conflict.edited, me);
  return (
    <>
      <div className="decision-head">
        <History aria-hidden />
        <h2>
          {editor.isMe ? 'You' : editor.name} edited ‘{String(conflict.row['title'] ?? '').trim() || 'Untitled'}’, which
          had been deleted long before
        </h2>
      </div>
      <ol className="versions">
        <li className="version" data-testid="conflict-version">
          <Byline version={conflict.edited} />
          <p className="version-value">{rowText(conflict.collection, conflict.row)}</p>
          <div className="version-foot">
            <button
              type="button"
              className="button"
              data-testid="keep-version"
              onClick={() => void decide(`Restored the ${thing}`, () => conflict.resolve('restore'))}
            >
              <Check aria-hidden /> <span data-testid="conflict-resolve">Restore the {thing}</span>
            </button>
            <button
              type="button"
              className="button"
              data-testid="keep-version"
              onClick={() => void decide(`Discarded the ${thing}`, () => conflict.resolve('discard'))}
            >
              <Trash2 aria-hidden /> Discard it
            </button>
          </div>
        </li>
      </ol>
    </>
  );
}
