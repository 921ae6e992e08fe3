/** A change of the outbox with other content: the dot stays, and says what it was. */
import { hashOfChange, type RecordChange } from '../core/change.ts';
import { utf8Length } from '../lib/utf8.ts';
import type { OutboxKey, OutboxRow, RecordRow } from './layout.ts';
import { changeOf } from './page-plan.ts';
import type { PendingChange } from './pending-changes.ts';

export function keyOf({ order, part }: OutboxRow): OutboxKey {
  return [order, part];
}

export function recordBytes(rec: RecordChange): number {
  return utf8Length(JSON.stringify(rec)) + 1;
}

/** Rows of one change with other record changes in the same parts: under the same dot, with the hash of what it was. */
export function withRecords(
  { rows }: PendingChange,
  convert: (rec: RecordChange) => RecordChange | null,
): readonly OutboxRow[] {
  const was = hashOfChange(changeOf(rows));
  return rows.map((row) => {
    const recs = row.recs.flatMap((rec) => convert(rec) ?? []);
    const bytes = recs.reduce((sum, rec) => sum + recordBytes(rec), 0);
    return { ...row, recs, bytes, ...(row.head ? { head: { ...row.head, was } } : {}) };
  });
}

/** The record without these places in the outbox, and with those. */
export function replaced(
  record: RecordRow,
  without: readonly OutboxKey[],
  added: readonly OutboxKey[] = [],
): RecordRow {
  const gone = new Set(without.map(String));
  const kept = record.pending.filter(
    (key) => !gone.has(String(key)) && !added.some((one) => String(one) === String(key)),
  );
  const pending = [...kept, ...added].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return { ...record, pending };
}
