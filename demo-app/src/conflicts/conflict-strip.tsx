/** What there is to decide about one note or event, shown where it is. It can wait: nothing else is blocked. */
import type { ReactNode } from 'react';

import type { RowConflict } from '../data/overview.tsx';
import { DeleteConflictCard } from './delete-conflict-card.tsx';
import { FieldConflictCard } from './field-conflict-card.tsx';
import { RecoveredCard } from './recovered-card.tsx';
import { RejectedCard } from './rejected-card.tsx';

interface ConflictStripProps {
  readonly conflicts: readonly RowConflict[];
  /** A decision was made here; the focus was on something that is going away. */
  readonly onSettled: () => void;
}

export function ConflictStrip({ conflicts, onSettled }: ConflictStripProps): ReactNode {
  if (conflicts.length === 0) return null;
  return (
    <div className="conflict-strip" role="group" aria-label="To decide">
      {conflicts.map((conflict) => (
        <section key={conflict.id} className="decision" data-testid="conflict-item" data-kind={conflict.kind}>
          <ConflictCard conflict={conflict} namesRow={false} onDecided={onSettled} />
        </section>
      ))}
    </div>
  );
}

interface ConflictCardProps {
  readonly conflict: RowConflict;
  readonly namesRow: boolean;
  readonly onDecided: () => void;
}

export function ConflictCard({ conflict, ...rest }: ConflictCardProps): ReactNode {
  switch (conflict.kind) {
    case 'field':
      return <FieldConflictCard conflict={conflict} {...rest} />;
    case 'delete':
      return <DeleteConflictCard conflict={conflict} {...rest} />;
    case 'recovered':
      return <RecoveredCard conflict={conflict} onDecided={rest.onDecided} />;
    case 'rejected':
      return <RejectedCard conflict={conflict} {...rest} />;
  }
}
