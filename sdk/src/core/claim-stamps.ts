/**
 * A claim under several numbers. Its device may have told it to two servers, and each has numbered it; a replica meets these
 * numbers in any order. All of them are kept with the claim, so that what is derived from one is the same everywhere.
 */
import type { RecordChange } from './change.ts';
import type { Dot } from './dot.ts';
import type { RecordState } from './record.ts';
import { compareStamps, type Stamp } from './version-vector.ts';

/** Adds, in place, a number to what is left of the claims of a change that was applied before. Whether there was anything. */
export function numberClaims(record: RecordState, dot: Dot, change: RecordChange, stamp: Stamp): boolean {
  let isAdded = false;
  for (const op of change.ops) {
    if (op.t !== 'set' || op.claim === undefined) continue;
    const entries = record.cells.get(op.p) ?? [];
    const next = entries.map((entry) => {
      if (entry.dot !== dot || hasStamp(entry.stamps, stamp)) return entry;
      isAdded = true;
      return { ...entry, stamps: [...(entry.stamps ?? []), stamp].sort(compareStamps) };
    });
    if (isAdded) record.cells.set(op.p, next);
  }
  return isAdded;
}

function hasStamp(stamps: readonly Stamp[] | undefined, stamp: Stamp): boolean {
  return stamps?.some((one) => compareStamps(one, stamp) === 0) ?? false;
}
