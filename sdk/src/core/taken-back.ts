/**
 * A write may be made from what was shown a while ago, and of that some may have been taken back meanwhile. Its writer had
 * seen what the taken-back change replaced, too: that is what the write comes after now.
 */
import type { Op, RecordChange } from './change.ts';
import type { Dot } from './dot.ts';

/** What was taken back of one record, by dot. */
export type TakenBack = ReadonlyMap<Dot, RecordChange>;

/** The change with everything that it names still there to be named; null when it then does nothing. */
export function afterTakenBack(change: RecordChange, takenBack: TakenBack): RecordChange | null {
  if (takenBack.size === 0) return change;
  const ops = change.ops.flatMap((op): Op[] => {
    if (!('pred' in op)) return [op];
    const pred = replaced(op.pred, (dot) => predOf(takenBack.get(dot), op), takenBack);
    // There is nothing left that it would remove.
    return op.t === 'rm' && pred.length === 0 ? [] : [{ ...op, pred }];
  });
  if (ops.length === 0) return null;
  return { ...change, rv: replaced(change.rv, (dot) => takenBack.get(dot)!.rv, takenBack), ops };
}

/** What a taken-back change had replaced where `op` writes. */
function predOf(change: RecordChange | undefined, op: Op): readonly Dot[] {
  const same = change?.ops.find((other) => ('p' in op ? 'p' in other && other.p === op.p : other.t === op.t));
  return same && 'pred' in same ? same.pred : [];
}

/** Of a chain of them, what the first had replaced. */
function replaced(dots: readonly Dot[], before: (dot: Dot) => readonly Dot[], takenBack: TakenBack): readonly Dot[] {
  if (!dots.some((dot) => takenBack.has(dot))) return dots;
  const names = new Set(dots);
  // What is added while it is walked is walked as well.
  for (const dot of names) {
    if (!takenBack.has(dot)) continue;
    names.delete(dot);
    for (const earlier of before(dot)) names.add(earlier);
  }
  return [...names];
}
