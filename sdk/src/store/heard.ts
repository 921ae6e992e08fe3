/** Of each writer, the last change that this device has heard of: noted with the page that brings it. */
import { incOf, seqOf, type Dot, type Inc } from '../core/dot.ts';
import type { Hlc } from '../core/clock.ts';
import type { Write } from './ingest-snapshot.ts';
import { WRITERS, type Heard, type WriterRow } from './layout.ts';
import { answerOf, plainStore } from './requests.ts';

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

/** The rows of writers that are known and were heard of since. */
export function heardRows(known: ReadonlyMap<Inc, WriterRow>, marks: Iterable<HeardMark>): readonly WriterRow[] {
  return [...lastOfEach(marks)].flatMap(([inc, heard]) => {
    const row = known.get(inc);
    return row && heard.seq > (row.heard?.seq ?? 0) ? [{ ...row, heard } satisfies WriterRow] : [];
  });
}

/** Of writers that are known. */
export async function noteHeard(tx: Write, marks: readonly HeardMark[]): Promise<void> {
  const writers = plainStore(tx, WRITERS);
  const incs = new Set(marks.map(({ dot }) => incOf(dot)));
  const rows = await Promise.all([...incs].map((inc) => answerOf<WriterRow | undefined>(writers.get(inc))));
  const known = new Map(rows.flatMap((row) => (row ? [[row.inc, row] as const] : [])));
  for (const row of heardRows(known, marks)) writers.put(row);
}
