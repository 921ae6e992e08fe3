/** What people have to decide about, as conflicts$ shows it. */
import type { ConflictRow } from '../store/layout.ts';
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

export async function readConflicts(place: Place, before: readonly Conflict[]): Promise<FoundConflicts> {
  const { local } = place;
  const open: readonly ConflictRow[] = [...(await local.readConflicts()), ...(await local.readConstraintConflicts())];
  const rejected = await local.readRejected();
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
