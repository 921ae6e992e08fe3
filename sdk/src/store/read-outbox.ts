/**
 * The outbox as people read it. A device that has been offline for long, or has no server, has a long one, and a write adds to
 * its end: whoever knows the rest reads only that. What is counted in the same transaction says whether the rest is as it was.
 */
import type { Dexie } from 'dexie';

import type { Dot } from '../core/dot.ts';
import { fieldsOfOps, META, OUTBOX, type OutboxKey, type OutboxRow, type ReplicaRow } from './layout.ts';
import type { OutboxSummary } from './local-database.ts';

/** What a reader has of the outbox. */
export interface KnownOutbox {
  /** The last place that was read. */
  readonly end: OutboxKey;
  readonly dots: readonly Dot[];
  readonly bytes: number;
}

export interface OutboxReading {
  /** All of it; else only what follows what is known. */
  readonly isWhole: boolean;
  /** Oldest first. */
  readonly summaries: readonly OutboxSummary[];
  /** The last place now; null when the outbox is empty. */
  readonly end: OutboxKey | null;
}

export function readOutbox(dexie: Dexie, known: KnownOutbox | null): Promise<OutboxReading> {
  return dexie.transaction('r', META, OUTBOX, async () => {
    const table = dexie.table<OutboxRow>(OUTBOX);
    if (known) {
      const { outbox } = (await dexie.table(META).get('replica')) as ReplicaRow;
      const rows = await table.where(':id').above(known.end).toArray();
      const summaries = summariesOf(rows);
      const bytes = summaries.reduce((sum, one) => sum + one.bytes, known.bytes);
      if (known.dots.length + summaries.length === outbox.changes && bytes === outbox.bytes)
        return { isWhole: false, summaries, end: endOf(rows) ?? known.end };
    }
    const rows = await table.toArray();
    return { isWhole: true, summaries: summariesOf(rows), end: endOf(rows) };
  });
}

function endOf(rows: readonly OutboxRow[]): OutboxKey | null {
  const last = rows.at(-1);
  return last ? [last.order, last.part] : null;
}

function summariesOf(rows: readonly OutboxRow[]): OutboxSummary[] {
  const summaries: OutboxSummary[] = [];
  for (const row of rows) {
    const touched = row.recs.map((rec) => ({
      collection: rec.c,
      rowId: rec.id,
      fields: fieldsOfOps(rec.ops),
      kind: rec.ops.some((op) => op.t === 'life' && op.v === 'dead') ? ('delete' as const) : ('write' as const),
    }));
    const last = summaries.at(-1);
    if (!row.head) {
      if (last)
        summaries[summaries.length - 1] = { ...last, bytes: last.bytes + row.bytes, rows: [...last.rows, ...touched] };
      continue;
    }
    const { hlc, label } = row.head;
    summaries.push({
      dot: row.dot!,
      hlc,
      ...(label === undefined ? {} : { label }),
      bytes: row.bytes,
      rows: touched,
      ...(row.relay ? { relayed: true } : {}),
    });
  }
  return summaries;
}
