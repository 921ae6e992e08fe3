/** Ranking of concurrent entries: consulted only among live ones, total, the same on every replica. */
import { compareMarks, type Entry } from '../core/record.ts';

/** The entry with the greatest (clock, dot). */
export function latest(entries: readonly Entry[]): Entry {
  return entries.reduce((best, entry) => (compareMarks(entry, best) > 0 ? entry : best));
}
