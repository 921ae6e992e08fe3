/** Which conflicts of a record opened and which closed. */
import type { ConflictMove } from './device-store.ts';

export function conflictMoves(
  collection: string,
  rowId: string,
  before: readonly string[],
  after: readonly string[],
): ConflictMove[] {
  const move =
    (type: ConflictMove['type']) =>
    (conflict: string): ConflictMove => ({ type, conflict, collection, rowId });
  return [
    ...after.filter((conflict) => !before.includes(conflict)).map(move('conflict-opened')),
    ...before.filter((conflict) => !after.includes(conflict)).map(move('conflict-closed')),
  ];
}
