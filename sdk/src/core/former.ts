/**
 * What a step took away from a record: as much of the state before it as it takes to go back there. Steps that are kept one
 * after another lead from what a record is now to what it was, as every policy read it then.
 *
 * Hot registers are not in it: of those nothing but the latest is kept anywhere.
 */
import { isCreated, type Entry, type LifeEntry, type Mark, type RecordState } from './record.ts';
import type { Path } from './paths.ts';

export interface Former {
  /** The frontier, the life and the counters before, whole; of the cells those that the step wrote. */
  readonly state: RecordState;
  /** Cells that were not there before. */
  readonly added: readonly Path[];
}

/** null: nothing was taken away or put in its place that anybody could miss. A record that is made takes nothing away. */
export function formerOf(before: RecordState | undefined, after: RecordState): Former | null {
  if (!before || !isCreated(before)) return null;
  const cells = new Map<Path, readonly Entry[]>();
  for (const [path, entries] of before.cells)
    if (!isSameMarks(entries, after.cells.get(path)))
      cells.set(path, entries.length === 1 ? [bare(entries[0]!)] : entries);
  const added = [...after.cells.keys()].filter((path) => !before.cells.has(path));
  const isSame =
    cells.size === 0 &&
    added.length === 0 &&
    isSameMarks(before.life, after.life) &&
    isSameCount(before.counters, after.counters);
  return isSame ? null : { state: { rv: before.rv, life: before.life, cells, counters: before.counters }, added };
}

/** The state before a step, from the state after it. */
export function beforeStep(after: RecordState, { state, added }: Former): RecordState {
  const cells = new Map(after.cells);
  for (const path of added) cells.delete(path);
  for (const [path, entries] of state.cells) cells.set(path, entries);
  const { hot } = after;
  return { rv: state.rv, life: state.life, cells, counters: state.counters, ...(hot ? { hot } : {}) };
}

/** Every write that the state still names, hot registers left out. */
export function marksOf({ rv, life, cells }: RecordState): readonly Mark[] {
  const marks = new Map<string, Mark>();
  for (const mark of rv) marks.set(mark.dot, mark);
  for (const entries of [life, ...cells.values()] as readonly (readonly (Entry | LifeEntry)[])[])
    for (const mark of entries) marks.set(mark.dot, mark);
  return [...marks.values()];
}

/** Alone, a value needs nothing of what is there to compare it with others. */
function bare({ dot, hlc, v }: Entry): Entry {
  return v === undefined ? { dot, hlc } : { dot, hlc, v };
}

function isSameMarks(a: readonly Mark[], b: readonly Mark[] | undefined): boolean {
  if (a === b) return true;
  return b !== undefined && a.length === b.length && a.every(({ dot }) => b.some((mark) => mark.dot === dot));
}

function isSameCount(a: ReadonlyMap<Path, number>, b: ReadonlyMap<Path, number>): boolean {
  return a.size === b.size && [...a].every(([path, count]) => b.get(path) === count);
}
