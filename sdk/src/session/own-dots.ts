/**
 * Which changes a device pushed in this very session: it has them in its outbox, so a page names them by dot alone.
 */
import { incOf, seqOf, type Dot, type Inc } from '../core/dot.ts';

export type OwnDots = ReadonlyMap<Inc, SeqRange>;

interface SeqRange {
  readonly first: number;
  readonly last: number;
}

/**
 * Dots of one incarnation come in order, so one range says it. After a hole the range starts anew: what it forgets is
 * sent with its content, which costs bytes and nothing else.
 */
export function withDots(own: OwnDots, dots: readonly Dot[]): OwnDots {
  const ranges = new Map(own);
  for (const dot of dots) {
    const range = ranges.get(incOf(dot));
    const seq = seqOf(dot);
    if (range && seq >= range.first && seq <= range.last) continue;
    ranges.set(incOf(dot), { first: range && seq === range.last + 1 ? range.first : seq, last: seq });
  }
  return ranges;
}

export function isOwn(own: OwnDots, dot: Dot): boolean {
  const range = own.get(incOf(dot));
  const seq = seqOf(dot);
  return range !== undefined && seq >= range.first && seq <= range.last;
}
