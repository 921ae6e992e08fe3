/** Settling a constraint conflict: an ordinary write of one of its rows, or of the waiver that allows it. */
import { WAIVER_SCHEMA, waivedBy, waiverRow } from '../constraints/waiver.ts';
import type { OpenConstraintConflict } from '../core/constraint.ts';
import type { CollectionSchema } from '../core/schema.ts';
import type { Row } from '../core/view.ts';
import { SkerryError } from '../lib/errors.ts';
import { copyRow } from './check-row.ts';
import type { ConflictRow } from './layout.ts';
import type { ConstraintChoice } from './local-database.ts';
import { rowIntent, type RecordIntent } from './step.ts';

/** `stored`: what is open now under the id; `row`: the chosen row as it is now. Throws CONFLICT_CHANGED. */
export function constraintResolution(
  schema: CollectionSchema,
  { conflict, stored }: { readonly conflict: OpenConstraintConflict; readonly stored: ConflictRow | undefined },
  choice: ConstraintChoice,
  row: Row | undefined,
): RecordIntent {
  const isAsRead = stored?.kind === 'constraint' && waivedBy(stored) === waivedBy(conflict);
  if (!isAsRead || (choice !== 'allow' && !row))
    throw new SkerryError(
      'CONFLICT_CHANGED',
      `The conflict ${conflict.constraint} of ${conflict.collection} is not as it was read.`,
    );
  if (choice === 'allow') return rowIntent(WAIVER_SCHEMA, conflict.id, waiverRow(conflict));
  const next = choice.change(row!);
  return rowIntent(schema, choice.id, next && copyRow(schema, next));
}
