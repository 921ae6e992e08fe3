/** The history of records in IndexedDB, in a transaction that is open. */
import type { Dot } from '../core/dot.ts';
import { HISTORY, currentState, type OutboxRow, type RecordRow, type RejectedRow } from './layout.ts';
import {
  historyRow,
  NOT_COUNTED,
  type HistoryMark,
  type HistoryRow,
  type Kept,
  type RecordStep,
} from './history-row.ts';
import type { Write } from './ingest-snapshot.ts';
import { pendingChanges } from './pending-changes.ts';
import type { PagePlan } from './page-plan.ts';
import { recordKey } from './record-key.ts';
import { plainStore } from './requests.ts';
import type { TakeBackPlan } from './take-back.ts';

const NOTHING: Kept = { rows: 0, bytes: 0 };

/** Changes by the record that they wrote, by recordKey(). */
export type ChangesByRecord = ReadonlyMap<string, readonly Dot[]>;

/** What a plan does to records, before it is told to anybody. `stored`: the records as they were, by recordKey(). */
export function keepHistory(
  tx: Write,
  stored: ReadonlyMap<string, RecordRow>,
  { records, forgotten }: Pick<PagePlan, 'records' | 'forgotten'>,
  { nowMs, withdrawn }: { readonly nowMs: number; readonly withdrawn: ChangesByRecord },
): Promise<Kept> {
  const stepOf = ({ c, id }: RecordRow, after: RecordStep['after']): RecordStep => {
    const key = recordKey(c, id);
    return { c, id, before: currentState(stored.get(key)), after, withdrawn: withdrawn.get(key) ?? [] };
  };
  return keepSteps(
    tx,
    [...records.map((row) => stepOf(row, currentState(row))), ...forgotten.map((row) => stepOf(row, undefined))],
    nowMs,
  );
}

export function changesIn(rejected: readonly RejectedRow[]): ChangesByRecord {
  return new Map(rejected.map(({ c, rowId, parts }) => [recordKey(c, rowId), parts.map(({ dot }) => dot)]));
}

/** What rows of the outbox no longer write to a record, after a plan has put others in their place. */
export function takenFrom(
  before: readonly OutboxRow[],
  { outboxPuts, outboxDeletes }: Pick<TakeBackPlan, 'outboxPuts' | 'outboxDeletes'>,
): ChangesByRecord {
  const keyOf = (order: number, part: number): string => `${order}.${part}`;
  const after = new Map(before.map((row) => [keyOf(row.order, row.part), row]));
  for (const [order, part] of outboxDeletes) after.delete(keyOf(order, part));
  for (const row of outboxPuts) after.set(keyOf(row.order, row.part), row);
  const rows = [...after.values()].sort((a, b) => a.order - b.order || a.part - b.part);
  const left = writtenBy(rows);
  return new Map(
    [...writtenBy(before)].map(([key, dots]) => [key, dots.filter((dot) => !left.get(key)?.includes(dot))]),
  );
}

/** What of each record these changes wrote, by recordKey(). */
export function writtenBy(rows: readonly OutboxRow[]): ChangesByRecord {
  const dots = new Map<string, Dot[]>();
  for (const { dot, rows: parts } of pendingChanges(rows)) {
    for (const { c, id } of parts.flatMap((part) => part.recs)) {
      const key = recordKey(c, id);
      dots.set(key, [...(dots.get(key) ?? []), dot]);
    }
  }
  return dots;
}

export async function keepSteps(tx: Write, steps: readonly RecordStep[], nowMs: number): Promise<Kept> {
  const rows = steps.flatMap((step) => historyRow(step, nowMs) ?? []);
  const gone = steps.filter(({ before, after }) => before && !after);
  if (rows.length + gone.length === 0) return NOTHING;
  const store = plainStore(tx, HISTORY);
  for (const row of rows) store.add(row);
  if (gone.length > 0) await forgetRecords(tx, gone);
  return { rows: rows.length, bytes: rows.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** What was forgotten everywhere has no history either: it would be told of whatever is made under its id later. */
async function forgetRecords(tx: Write, names: readonly { readonly c: string; readonly id: string }[]): Promise<void> {
  const store = tx.objectStore(HISTORY);
  const found = await Promise.all(
    names.map(({ c, id }) => store.index('[c+id]').getAll(IDBKeyRange.only([c, id])) as Promise<HistoryRow[]>),
  );
  const rows = found.flat();
  if (rows.length === 0) return;
  const mark = ((await store.get(0)) as HistoryMark | undefined) ?? NOT_COUNTED;
  const counted = rows.filter(({ n }) => n! <= mark.counted);
  const bytes = mark.bytes - counted.reduce((sum, row) => sum + row.bytes, 0);
  await Promise.all([...rows.map(({ n }) => store.delete(n!)), store.put({ ...mark, bytes })]);
}
