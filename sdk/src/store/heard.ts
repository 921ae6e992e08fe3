/** Of each writer, the last change that this device has heard of: noted with the page that brings it. */
import { incOf, seqOf, type Dot, type Inc } from '../core/dot.ts';
import type { Hlc } from '../core/clock.ts';
import type { Write } from './ingest-snapshot.ts';
import { WRITERS, type Heard, type WriterRow } from './layout.ts';

export interface HeardMark {
  readonly dot: Dot;
  readonly hlc: Hlc;
}

/** The last of each writer. */
export function lastOfEach(marks: Iterable<HeardMark>): ReadonlyMap<Inc, Heard> {
  const last = new Map<Inc, Heard>();
  for (const { dot, hlc } of marks) {
    const inc = incOf(dot);
    const seq = seqOf(dot);
    if (seq > (last.get(inc)?.seq ?? 0)) last.set(inc, { seq, hlc });
  }
  return last;
}

/** Of writers that are known. */
export async function noteHeard(tx: Write, marks: Iterable<HeardMark>): Promise<void> {
  const writers = tx.objectStore(WRITERS);
  await Promise.all(
    [...lastOfEach(marks)].map(async ([inc, heard]) => {
      const row = (await writers.get(inc)) as WriterRow | undefined;
      if (row && heard.seq > (row.heard?.seq ?? 0)) await writers.put({ ...row, heard } satisfies WriterRow);
    }),
  );
}
