/**
 * One change under two clock stamps. A device whose clock was refused stamps its unsent changes anew; if one of them had
 * reached another server before, or a copy of its profile does the same, two servers have the same dot with different
 * stamps. The greater one counts everywhere, in whatever order a replica meets them.
 */
import { keepLatest } from './apply.ts';
import type { RecordChange } from './change.ts';
import type { Mark, RecordState } from './record.ts';

/** Raises, in place, what is left of a change that was applied before. Whether there was anything to raise. */
export function raiseStamp(record: RecordState, mark: Mark, change: RecordChange): boolean {
  let isRaised = false;
  const raised = <M extends Mark>(marks: readonly M[]): readonly M[] => {
    if (!marks.some((one) => one.dot === mark.dot && one.hlc < mark.hlc)) return marks;
    isRaised = true;
    return marks.map((one) => (one.dot === mark.dot ? { ...one, hlc: mark.hlc } : one));
  };
  record.rv = raised(record.rv);
  record.life = raised(record.life);
  for (const [path, entries] of record.cells) {
    const next = raised(entries);
    if (next !== entries) record.cells.set(path, next);
  }
  // Of a hot register the loser was not kept: it comes again, and may win now.
  for (const op of change.ops) {
    if (op.t !== 'lww') continue;
    const held = record.hot?.get(op.p);
    keepLatest(record, mark, op);
    if (record.hot?.get(op.p) !== held) isRaised = true;
  }
  return isRaised;
}
