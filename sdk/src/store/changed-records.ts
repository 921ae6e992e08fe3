/** What constraints must know of records that were written, and which of their news are left at the end of a transaction. */
import type { ChangedRecord, ConstraintMove } from '../constraints/maintain.ts';
import type { Constraints } from '../constraints/registry.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { viewRecord } from '../core/view.ts';
import { currentState, type RecordRow } from './layout.ts';
import type { IntendedRecord } from './step.ts';

/** The records that any constraint is about, as they are stored now. */
export function changedRecords(
  constraints: Constraints,
  schemas: ReadonlyMap<string, CollectionSchema>,
  records: readonly RecordRow[],
): readonly ChangedRecord[] {
  return records
    .filter((record) => constraints.concerns(record.c))
    .map((record) => {
      const state = currentState(record);
      const schema = schemas.get(record.c);
      const row = schema && state ? viewRecord(schema, record.id, state).row : null;
      return { collection: record.c, id: record.id, state, row };
    });
}

/** The same of what a step of a local transaction wrote. */
export function changedByStep(constraints: Constraints, written: readonly IntendedRecord[]): readonly ChangedRecord[] {
  return written
    .filter(({ schema }) => constraints.concerns(schema.name))
    .map(({ schema, id, row, view }) => ({
      collection: schema.name,
      id,
      state: currentState(row ?? undefined),
      row: view.row,
    }));
}

/** What one step opened and a later one closed was never open for anybody, and the other way round. */
export function netMoves(
  before: readonly ConstraintMove[],
  added: readonly ConstraintMove[],
): readonly ConstraintMove[] {
  return added.reduce((moves, move) => {
    const opposite = moves.find(({ conflict, type }) => conflict === move.conflict && type !== move.type);
    return opposite ? moves.filter((other) => other !== opposite) : [...moves, move];
  }, before);
}
