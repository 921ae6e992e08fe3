/**
 * The outbox as people read it. A device that has been offline for long, or has no server, has a long one: it is read in pieces that
 * hold nobody up, a write adds to its end, and of what a server has confirmed only the places are read again. What is counted in
 * the same transaction says whether the rest is as it was.
 */
import type { IDBPDatabase } from 'idb';

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

/** A store in a transaction of `idb`. */
interface Rows {
  get(key: unknown): Promise<unknown>;
  getAll(range?: IDBKeyRange | null, limit?: number): Promise<unknown[]>;
  getAllKeys(range?: IDBKeyRange | null): Promise<unknown[]>;
}

export async function readOutbox(db: IDBPDatabase, known: KnownOutbox | null): Promise<OutboxReading> {
  const tx = db.transaction([META, OUTBOX]);
  // Whoever awaits a request hears of it.
  tx.done.catch(() => undefined);
  const { outbox } = (await tx.objectStore(META).get('replica')) as ReplicaRow;
  return readPiece(tx.objectStore(OUTBOX), outbox, known);
}

/** At least one change, where there is one. */
export async function readPiece(
  store: Rows,
  outbox: ReplicaRow['outbox'],
  known: KnownOutbox | null,
): Promise<OutboxReading> {
  const [{ rows, isEnd }, left] = await Promise.all([
    rowsBehind(store, outbox, known?.end ?? null),
    known?.isInDoubt ? readLeft(store, known) : null,
  ]);
  return {
    isWhole: known === null,
    summaries: summariesOf(rows),
    orders: ordersOf(rows),
    end: endOf(rows),
    isEnd,
    left,
    outbox,
  };
}

async function rowsBehind(
  store: Rows,
  { changes, bytes }: ReplicaRow['outbox'],
  end: OutboxKey | null,
): Promise<{ readonly rows: readonly OutboxRow[]; readonly isEnd: boolean }> {
  const perChange = Math.max(1, bytes / Math.max(1, changes));
  const limit = Math.max(2, Math.min(PIECE_ROWS, Math.floor(PIECE_BYTES / perChange)));
  const rows = (await store.getAll(end && IDBKeyRange.lowerBound(end, true), limit)) as OutboxRow[];
  if (rows.length < limit) return { rows, isEnd: true };
  // The last change may go on behind them.
  const { order } = rows.at(-1)!;
  const whole = rows.filter((row) => row.order < order);
  if (whole.length > 0) return { rows: whole, isEnd: false };
  const parts = IDBKeyRange.bound([order, 0], [order, Infinity]);
  return { rows: (await store.getAll(parts)) as OutboxRow[], isEnd: false };
}

async function readLeft(store: Rows, { end }: KnownOutbox): Promise<OutboxReading['left']> {
  const keys = (await store.getAllKeys(IDBKeyRange.upperBound(end))) as OutboxKey[];
  const last = keys.at(-1);
  const row = last && ((await store.get([last[0], 0])) as OutboxRow | undefined);
  return { orders: new Set(keys.map(([order]) => order)), lastHlc: row?.head?.hlc ?? null };
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
