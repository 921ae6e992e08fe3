/**
 * Writes that a server does not take, as they are kept: one for each record, with all that was written to it. Beside
 * them, what came back from the log with less than this device wrote.
 */
import type { Change, RecordChange } from '../core/change.ts';
import { incOf, type Dot } from '../core/dot.ts';
import { lifeStatus, type Mark, type RecordState } from '../core/record.ts';
import { hash128 } from '../lib/hash.ts';
import { canonicalJson, jsonEqual, type Json } from '../lib/json.ts';
import type { Refused } from './device-store.ts';
import type { OutboxRow, RejectedRow, ReplicaRow } from './layout.ts';

/** `dot` and `hlc` of the change that was refused; still without what it wrote. */
export function rejectedRow(dot: Dot, hlc: number, { c, id }: RecordChange, error: Refused): RejectedRow {
  const { code, message } = error;
  return {
    id: hash128(canonicalJson(['rejected', dot, c, id])),
    c,
    rowId: id,
    hlc,
    error: { code, message },
    parts: [],
  };
}

/** What of an own change is not in the log under its dot. What was moved to a recovered copy is there. */
export interface Lost {
  readonly recs: readonly RecordChange[];
  readonly error: Refused;
}

export const WITHDRAWN: Refused = {
  code: 'WITHDRAWN',
  message: 'A copy of this profile was refused this change and took it back.',
};

const CLASH: Refused = {
  code: 'EQUIVOCATION',
  message: 'The log has another change under the same identity.',
};

export function lostContent(rows: readonly OutboxRow[], logged: Change): Lost | null {
  const isLogged = (rec: RecordChange): boolean => logged.recs.some((other) => jsonEqual(rec as never, other as never));
  const missing = rows.flatMap((row) => row.recs).filter((rec) => !isLogged(rec));
  if (missing.length === 0) return null;
  if (logged.was === undefined) return { recs: missing, error: CLASH };
  const moved = logged.recs.map(contentKey);
  const recs = missing.filter((rec) => !moved.includes(contentKey(rec)));
  return recs.length === 0 ? null : { recs, error: WITHDRAWN };
}

/** Of a change that a copy of this profile took back. */
export function withdrawnContent(rows: readonly OutboxRow[]): Lost {
  return { recs: rows.flatMap((row) => row.recs), error: WITHDRAWN };
}

function contentKey({ c, ops }: RecordChange): string {
  return canonicalJson([c, ops.filter((op) => op.t !== 'life')] as unknown as Json);
}

/** `stateOf` gives a record as the log has it: a delete of what is gone anyway need not be told. */
export function rejectLost(
  { dot, hlc }: Mark,
  lost: Lost | null,
  stateOf: (rec: RecordChange) => RecordState | undefined,
): RejectedRow[] {
  return (lost?.recs ?? []).flatMap((rec) => {
    const state = stateOf(rec);
    const isDelete = rec.ops.some((op) => op.t === 'life' && op.v === 'dead');
    if (isDelete && (!state || state.rv.length === 0 || lifeStatus(state) === 'dead')) return [];
    return [{ ...rejectedRow(dot, hlc, rec, lost!.error), parts: [{ dot, hlc, rec }] }];
  });
}

/** What is left of the list when a server that had taken some of it tells its content: that is in the log after all. */
export function withoutFilled(
  rejected: readonly RejectedRow[],
  filled: ReadonlySet<Dot>,
): { readonly puts: readonly RejectedRow[]; readonly closed: readonly RejectedRow[] } {
  const puts: RejectedRow[] = [];
  const closed: RejectedRow[] = [];
  for (const row of rejected) {
    const parts = row.parts.filter(({ dot }) => !filled.has(dot));
    if (parts.length === 0) closed.push(row);
    else if (parts.length < row.parts.length) puts.push({ ...row, parts });
  }
  return { puts, closed };
}

/** A writer whose number is taken must not count on: the one that shares its numbers would take the next as well. */
export function endWriters(replica: ReplicaRow, clashes: readonly Dot[]): ReplicaRow {
  if (clashes.length === 0) return replica;
  const ended = new Set(clashes.map(incOf));
  const seqs = Object.fromEntries(Object.entries(replica.seqs).filter(([inc]) => !ended.has(inc)));
  return { ...replica, seqs };
}

export function isClash(lost: Lost | null): boolean {
  return lost?.error === CLASH;
}
