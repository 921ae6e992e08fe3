/** Rows that break a constraint together, as people decide about them. */
import { msOf } from '../core/clock.ts';
import type { OpenConstraintConflict } from '../core/constraint.ts';
import type { Row } from '../core/view.ts';
import { SkerryError } from '../lib/errors.ts';
import type { ConstraintChoice } from '../store/local-database.ts';
import { commitOf } from './commit.ts';
import { copyFields, describe, isPlainObject } from './copy.ts';
import type { Place } from './place.ts';
import type { ConstraintConflict } from './types.ts';
import { guarded } from './write-scope.ts';

export async function describeConstraintConflict(
  place: Place,
  conflict: OpenConstraintConflict,
): Promise<ConstraintConflict> {
  const { local, lifetime } = place;
  const { id, collection, constraint, hlc, rowIds, accepted, contested } = conflict;
  const rows = (await local.dexie.table(collection).bulkGet([...rowIds])) as (Row | undefined)[];
  return {
    kind: 'constraint',
    id,
    collection,
    constraint,
    rowId: contested[0]!,
    detectedAt: new Date(msOf(hlc)),
    // One that is gone by now closes the conflict; what is read next says so.
    rows: rows.flatMap((row) => (row ? [row as ConstraintConflict['rows'][number]] : [])),
    accepted,
    contested,
    resolve: (choice) =>
      guarded(lifetime, async () => {
        const written = await local.resolveConstraint(conflict, choiceFor(conflict, choice));
        return commitOf(place, undefined, written);
      }),
  };
}

function choiceFor(conflict: OpenConstraintConflict, choice: unknown): ConstraintChoice {
  if (choice === 'allow') return choice;
  if (!isPlainObject(choice) || 'change' in choice === 'delete' in choice)
    throw invalid(`resolve() takes { change, to }, { delete } or 'allow'; got ${describe(choice)}`);
  const id = 'change' in choice ? choice['change'] : choice['delete'];
  if (typeof id !== 'string' || !conflict.rowIds.includes(id))
    throw invalid(`the conflict is about ${conflict.rowIds.join(', ')}, not about ${describe(id)}`);
  if ('delete' in choice) return { id, change: () => null };
  const to = copyFields(choice['to'], 'to of resolve()');
  if (Object.keys(to).length === 0) throw invalid('to names no field');
  if (Object.hasOwn(to, 'id') && to['id'] !== id) throw invalid('the id of a row cannot be changed');
  return { id, change: (row) => withFields(row, to) };
}

function withFields(row: Row, fields: Readonly<Record<string, unknown>>): Row {
  const next = Object.entries({ ...row, ...fields }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(next) as Row;
}

function invalid(reason: string): SkerryError {
  return new SkerryError('INVALID_VALUE', `The conflict was not settled: ${reason}.`);
}
