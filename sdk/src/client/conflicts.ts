/** What people have to decide about, as conflicts$ shows it. */
import type { ConflictRow } from '../store/layout.ts';
import type { StoredDecisions } from '../store/read-states.ts';
import type * as Decisions from './decisions.ts';
import type { Place } from './place.ts';
import type { Conflict } from './types.ts';

export interface FoundConflicts {
  readonly count: number;
  /**
   * Oldest first. One that says the same as before is that one, so that lists of the UI stand still. An Error: they are
   * there, and what shows them could not be loaded.
   */
  readonly conflicts: readonly Conflict[] | Error;
}

export async function describeDecisions(
  place: Place,
  { conflicts: ofRecords, constraintConflicts, rejected }: StoredDecisions,
  before: readonly Conflict[],
): Promise<FoundConflicts> {
  const open: readonly ConflictRow[] = [...ofRecords, ...constraintConflicts];
  place.receipts.noteRejected(rejected);
  const count = open.length + rejected.length;
  if (count === 0) return { count, conflicts: [] };
  const decisions = await loadDecisions();
  if (decisions instanceof Error) return { count, conflicts: decisions };
  const known = new Map(before.map((conflict) => [JSON.stringify(conflict), conflict]));
  const conflicts = await decisions.describeConflicts(place, open, rejected);
  return { count, conflicts: conflicts.map((conflict) => known.get(JSON.stringify(conflict)) ?? conflict) };
}

/** Few pages need it before they show their rows; all of them get it then, to have it when there is no network. */
export function loadDecisions(): Promise<typeof Decisions | Error> {
  return import('./decisions.ts').catch(
    (error: unknown) => new Error('A file of the app is missing.', { cause: error }),
  );
}

export function isSameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}
