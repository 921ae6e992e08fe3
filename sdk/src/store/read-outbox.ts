/**
 * The outbox as people read it. A device that has been offline for long, or has no server, has a long one: it is read in pieces that
 * hold nobody up, a write adds to its end, and of what a server has confirmed only the places are read again. What is counted in
 * the same transaction says whether the rest is as it was.
 */
import { Dexie, type Table, type Transaction } from 'dexie';

import type { Dot } from '../core/dot.ts';
import { fieldsOfOps, META, OUTBOX, type OutboxKey, type OutboxRow, type ReplicaRow } from './layout.ts';
import type { OutboxSummary } from './local-database.ts';

/** What a reader has of the outbox, oldest first. */
export interface KnownOutbox {
  /** The last place that was read. */
  readonly end: OutboxKey;
  readonly dots: readonly Dot[];
  /** The places of the dots. */
  readonly orders: readonly number[];
  /** Some of it may be gone: which of its places are left is told. */
  readonly isInDoubt: boolean;
}

export interface OutboxReading {
  /** It begins with the oldest; else behind what is known. */
  readonly isWhole: boolean;
  readonly summaries: readonly OutboxSummary[];
  /** The places of the summaries. */
  readonly orders: readonly number[];
  /** The last place that was read; null when there was none. */
  readonly end: OutboxKey | null;
  /** Nothing lies behind it. */
  readonly isEnd: boolean;
  /** Of what was in doubt: the places that are left, and when the last of them was written by the device's clock. */
  readonly left: { readonly orders: ReadonlySet<number>; readonly lastHlc: number | null } | null;
  /** All that the outbox has. */
  readonly outbox: ReplicaRow['outbox'];
}

/** So much is read at once: a few milliseconds. An outbox that is not longer is read before open() resolves. */
export const PIECE_BYTES = 262_144;
export const PIECE_ROWS = 1_000;

export function readOutbox(dexie: Dexie, known: KnownOutbox | null): Promise<OutboxReading> {
  return dexie.transaction('r', META, OUTBOX, async (transaction) => {
    const { outbox } = (await transaction.table(META).get('replica')) as ReplicaRow;
    return readPiece(transaction, outbox, known);
  });
}

/** In a transaction over the outbox. At least one change, where there is one. */
export async function readPiece(
  transaction: Pick<Transaction, 'table'>,
  outbox: ReplicaRow['outbox'],
  known: KnownOutbox | null,
): Promise<OutboxReading> {
  const table = transaction.table<OutboxRow>(OUTBOX);
  const [rows, left] = await Promise.all([
    rowsBehind(table, outbox, known?.end ?? null),
    known?.isInDoubt ? readLeft(table, known) : null,
  ]);
  const summaries = summariesOf(rows.rows);
  return {
    isWhole: known === null,
    summaries,
    orders: ordersOf(rows.rows),
    end: endOf(rows.rows),
    isEnd: rows.isEnd,
    left,
    outbox,
  };
}

async function rowsBehind(
  table: Table<OutboxRow>,
  { changes, bytes }: ReplicaRow['outbox'],
  end: OutboxKey | null,
): Promise<{ readonly rows: readonly OutboxRow[]; readonly isEnd: boolean }> {
  const perChange = Math.max(1, bytes / Math.max(1, changes));
  const limit = Math.max(2, Math.min(PIECE_ROWS, Math.floor(PIECE_BYTES / perChange)));
  const behind = table.where(':id').above(end ?? Dexie.minKey);
  const rows = await behind.limit(limit).toArray();
  if (rows.length < limit) return { rows, isEnd: true };
  // The last change may go on behind them.
  const { order } = rows.at(-1)!;
  const whole = rows.filter((row) => row.order < order);
  if (whole.length > 0) return { rows: whole, isEnd: false };
  return { rows: await table.where(':id').between([order, 0], [order, Infinity]).toArray(), isEnd: false };
}

async function readLeft(
  table: Table<OutboxRow>,
  { end }: KnownOutbox,
): Promise<{ readonly orders: ReadonlySet<number>; readonly lastHlc: number | null }> {
  const keys = (await table.where(':id').belowOrEqual(end).primaryKeys()) as unknown as OutboxKey[];
  const orders = new Set(keys.map(([order]) => order));
  const last = keys.at(-1);
  const row = last && (await table.get([last[0], 0] as never));
  return { orders, lastHlc: row?.head?.hlc ?? null };
}

function endOf(rows: readonly OutboxRow[]): OutboxKey | null {
  const last = rows.at(-1);
  return last ? [last.order, last.part] : null;
}

/** The places of the changes. */
export function ordersOf(rows: readonly OutboxRow[]): number[] {
  return rows.flatMap(({ head, order }) => (head ? [order] : []));
}

/** Of whole changes. */
export function summariesOf(rows: readonly OutboxRow[]): OutboxSummary[] {
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
