/**
 * Keeps the history within its limits. Rows are counted once, behind the writes that made them: no write waits for it,
 * and it costs as much as was written since. A context that ends in between leaves it to the next one.
 */
import type { IDBPDatabase } from 'idb';

import { HISTORY } from './layout.ts';
import { NOT_COUNTED, type HistoryMark, type HistoryRow, type Kept } from './history-row.ts';
import { HISTORY_LIMITS, type HistoryLimits } from './history-limits.ts';
import { recordKey } from './record-key.ts';

/** Rows, or bytes, that one context writes before it looks. */
const SWEEP_ROWS = 256;
const SWEEP_BYTES = 2_097_152;
/** So many rows are read at once. */
const BATCH = 500;

export interface HistorySweep {
  /** These were written. */
  note(kept: Kept): void;
  /** What another context has left, or what has become too old since. */
  start(): void;
}

export interface HistorySweepOptions {
  /** Rejects when the database is closed. */
  readonly open: () => Promise<IDBPDatabase>;
  readonly nowMs: () => number;
  readonly limits?: HistoryLimits;
}

export function createHistorySweep({ open, nowMs, limits = HISTORY_LIMITS }: HistorySweepOptions): HistorySweep {
  let rows = 0;
  let bytes = 0;
  let sweeping: Promise<unknown> = Promise.resolve();
  const queue = (run: (db: IDBPDatabase) => Promise<void>): void => {
    // A database that is being closed is swept when it is opened again.
    sweeping = sweeping.then(async () => run(await open())).catch(() => undefined);
  };
  return {
    note(kept) {
      rows += kept.rows;
      bytes += kept.bytes;
      if (rows < SWEEP_ROWS && bytes < SWEEP_BYTES) return;
      rows = 0;
      bytes = 0;
      queue((db) => sweepHistory(db, nowMs(), limits));
    },
    start: () =>
      queue(async (db) => {
        if (await isDue(db, nowMs, limits)) await sweepHistory(db, nowMs(), limits);
      }),
  };
}

async function isDue(db: IDBPDatabase, nowMs: () => number, { ageMs }: HistoryLimits): Promise<boolean> {
  const store = db.transaction(HISTORY).store;
  const [mark, last, [oldest]] = await Promise.all([
    store.get(0) as Promise<HistoryMark | undefined>,
    store.openKeyCursor(null, 'prev'),
    store.getAll(behind(0), 1) as Promise<HistoryRow[]>,
  ]);
  if (!oldest) return false;
  return (last!.key as number) - (mark?.counted ?? 0) >= SWEEP_ROWS || oldest.at < nowMs() - ageMs;
}

export async function sweepHistory(
  db: IDBPDatabase,
  nowMs: number,
  limits: HistoryLimits = HISTORY_LIMITS,
): Promise<void> {
  const tx = db.transaction(HISTORY, 'readwrite', { durability: 'relaxed' });
  // Whoever awaits a request hears of it.
  tx.done.catch(() => undefined);
  const { store } = tx;
  const mark = ((await store.get(0)) as HistoryMark | undefined) ?? NOT_COUNTED;
  const deletes: Promise<void>[] = [];
  let { counted, bytes } = mark;
  const drop = (row: HistoryRow): void => {
    bytes -= row.bytes;
    deletes.push(store.delete(row.n!));
  };
  for (;;) {
    const fresh = (await store.getAll(behind(counted), BATCH)) as HistoryRow[];
    if (fresh.length === 0) break;
    counted = fresh.at(-1)!.n!;
    bytes += fresh.reduce((sum, row) => sum + row.bytes, 0);
    const records = new Map(fresh.map(({ c, id }) => [recordKey(c, id), [c, id]] as const));
    for (const key of records.values()) {
      const kept = (await store.index('[c+id]').getAllKeys(IDBKeyRange.only(key))) as number[];
      const known = kept.filter((n) => n <= counted);
      const surplus = known.slice(0, Math.max(0, known.length - limits.stepsPerRow));
      for (const n of surplus) drop((await store.get(n)) as HistoryRow);
    }
  }
  for (let isDone = false; !isDone;) {
    const oldest = (await store.getAll(behind(0), BATCH)) as HistoryRow[];
    const isOver = (row: HistoryRow): boolean => bytes > limits.bytes || row.at < nowMs - limits.ageMs;
    let i = 0;
    while (i < oldest.length && isOver(oldest[i]!)) drop(oldest[i++]!);
    isDone = i < oldest.length || oldest.length === 0;
  }
  await Promise.all([...deletes, store.put({ n: 0, counted, bytes } satisfies HistoryMark)]);
  await tx.done;
}

function behind(n: number): IDBKeyRange {
  return IDBKeyRange.lowerBound(n, true);
}
