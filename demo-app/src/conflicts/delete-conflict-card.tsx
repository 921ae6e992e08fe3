/** Someone deleted what someone else went on editing. It stays until a person says which of the two it is. */
import type { DeleteConflict } from '@skerry/sdk';
import { Check, Trash2 } from 'lucide-react';
import type { ReactNode } from 'react';

import { useSession } from '../data/session.tsx';
import { authorOf } from '../ui/author.ts';
import { Byline } from '../ui/byline.tsx';
import { rowText, thingOf } from './describe.ts';
import { RowName } from './row-name.tsx';
import { useDecide } from './use-decide.ts';

interface CardProps {
  readonly conflict: DeleteConflict;
  readonly namesRow: boolean;
  readonly onDecided: () => void;
}

export function DeleteConflictCard({ conflict, namesRow, onDecided }: CardProps): ReactNode {
  const { me } = useSession();
  const decide = useDecide(onDecided);
  const thing = thingOf(conflict.collection);
  const deleter = authorOf(conflict.deleted, me).name;
  const editor = authorOf(conflict.edited, me);
  return (
    <>
      <div className="decision-head">
        <Trash2 aria-hidden />
        <h2>
          {deleter} deleted{' '}
          {namesRow ? <RowName collection={conflict.collection} rowId={conflict.rowId} /> : `this ${thing}`},{' '}
          {editor.isMe ? 'you' : editor.name} edited it
        </h2>
      </div>
      <ol className="versions">
        <li className="version" data-testid="conflict-version" data-choice="keep">
          <Byline version={conflict.edited} />
          <p className="version-value">{rowText(conflict.collection, conflict.edited.value)}</p>
          <div className="version-foot">
            <button
              type="button"
              className="button"
              data-testid="keep-version"
              onClick={() => void decide(`Kept the ${thing}`, () => conflict.resolve('keep'))}
            >
              <Check aria-hidden /> <span data-testid="conflict-resolve">Keep the {thing}</span>
            </button>
          </div>
        </li>
        <li className="version" data-testid="conflict-version" data-choice="delete">
          <Byline version={conflict.deleted} />
          <p className="version-value empty">Deleted</p>
          <div className="version-foot">
            <button
              type="button"
              className="button"
              data-testid="keep-version"
              onClick={() => void decide(`Deleted the ${thing}`, () => conflict.resolve('delete'))}
            >
              <Trash2 aria-hidden /> Delete the {thing}
            </button>
          </div>
        </li>
      </ol>
    </>
  );
}
