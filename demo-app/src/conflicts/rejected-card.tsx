/** The server did not take a write. It is kept on this device until the person tries again or lets go of it. */
import type { RejectedWrite } from '@skerry/sdk';
import { Ban, RotateCcw, Trash2 } from 'lucide-react';
import type { ReactNode } from 'react';

import { attemptText, refusalText, thingOf } from './describe.ts';
import { RowName } from './row-name.tsx';
import { useDecide } from './use-decide.ts';

interface CardProps {
  readonly conflict: RejectedWrite;
  readonly namesRow: boolean;
  readonly onDecided: () => void;
}

export function RejectedCard({ conflict, namesRow, onDecided }: CardProps): ReactNode {
  const decide = useDecide(onDecided);
  const { collection, rowId } = conflict;
  return (
    <>
      <div className="decision-head">
        <Ban aria-hidden />
        <h2>
          The server did not take what you did to{' '}
          {namesRow ? <RowName collection={collection} rowId={rowId} /> : `this ${thingOf(collection)}`}
        </h2>
      </div>
      <ol className="versions">
        <li className="version" data-testid="conflict-version">
          <p className="hint">{refusalText(conflict)}</p>
          <p className="version-value">{attemptText(conflict)}</p>
          <div className="version-foot">
            <button
              type="button"
              className="button"
              data-testid="keep-version"
              onClick={() => void decide('Tried again', () => conflict.resolve('retry'))}
            >
              <RotateCcw aria-hidden /> <span data-testid="conflict-resolve">Try again</span>
            </button>
            <button
              type="button"
              className="button"
              data-testid="keep-version"
              onClick={() => void decide('Discarded', () => conflict.resolve('discard'))}
            >
              <Trash2 aria-hidden /> Discard it
            </button>
          </div>
        </li>
      </ol>
    </>
  );
}
