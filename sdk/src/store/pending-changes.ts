/** The outbox in whole changes. */
import type { Dot } from '../core/dot.ts';
import type { OutboxRow } from './layout.ts';

export interface PendingChange {
  readonly order: number;
  readonly dot: Dot;
  readonly rows: readonly OutboxRow[];
}

/** `rows` in order, whole changes only. */
export function pendingChanges(rows: readonly OutboxRow[]): PendingChange[] {
  const changes: { order: number; dot: Dot; rows: OutboxRow[] }[] = [];
  for (const row of rows) {
    const last = changes.at(-1);
    if (last?.order === row.order) last.rows.push(row);
    else changes.push({ order: row.order, dot: row.dot!, rows: [row] });
  }
  return changes;
}
