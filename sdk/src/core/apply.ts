/**
 * The whole merge: one function, the same on device and server, for local, remote and relayed changes.
 *
 * `live = live - pred + own dot`. As a function of the set of applied changes it is commutative for concurrent ones
 * and associative; it is idempotent because every replica applies a dot once. Causes come before effects, which log
 * order guarantees.
 */
import type { Op, RecordChange } from './change.ts';
import { compareDots, type Dot } from './dot.ts';
import { addCounts } from './count.ts';
import { moreKeys } from './op-kinds.ts';
import { rankOf, type Entry, type LifeEntry, type Mark, type RecordState } from './record.ts';
import type { Stamp } from './version-vector.ts';

/** Applies to `record` in place. `stamp` is the server's number of the change, where there is one already. */
export function applyRecordChange(record: RecordState, mark: Mark, change: RecordChange, stamp?: Stamp): void {
  const { dot, hlc } = mark;
  if (entersFrontier(change)) record.rv = replaced(record.rv, change.rv, { dot, hlc });
  for (const op of change.ops) applyOp(record, mark, op, stamp);
}

function applyOp(record: RecordState, mark: Mark, op: Op, stamp: Stamp | undefined): void {
  const { dot, hlc } = mark;
  switch (op.t) {
    case 'life': {
      const entry: Writable<LifeEntry> = { dot, hlc, v: op.v, ...moreKeys(op) };
      if (op.of !== undefined) entry.of = op.of;
      if (stamp && op.v === 'dead') entry.stamp = stamp;
      record.life = replaced(record.life, op.pred, entry);
      return;
    }
    case 'set': {
      const entry: Writable<Entry> = { dot, hlc, ...moreKeys(op) };
      if (op.v !== undefined) entry.v = op.v;
      if (op.base) entry.base = op.base;
      if (op.first !== undefined) entry.first = op.first;
      if (stamp && op.claim !== undefined) entry.stamps = [stamp];
      record.cells.set(op.p, replaced(record.cells.get(op.p), op.pred, entry));
      return;
    }
    case 'add':
      record.cells.set(op.p, replaced(record.cells.get(op.p), op.pred, { dot, hlc, ...moreKeys(op) }));
      return;
    case 'rm': {
      const kept = without(record.cells.get(op.p) ?? [], op.pred);
      if (kept.length === 0) record.cells.delete(op.p);
      else record.cells.set(op.p, kept);
      return;
    }
    case 'inc':
      record.counters.set(op.p, addCounts(record.counters.get(op.p) ?? 0, op.n));
      return;
    case 'lww':
      return keepLatest(record, mark, op);
  }
}

/** What only writes hot registers is no edit that a delete could have missed. */
export function entersFrontier({ ops }: Pick<RecordChange, 'ops'>): boolean {
  return ops.some((op) => op.t !== 'lww');
}

/**
 * Of a hot register only the latest value stays. The same write may come under several stamps: the greatest of them stays,
 * also where its rank is not by its stamp.
 */
export function keepLatest(record: RecordState, { dot, hlc }: Mark, { p, v, over }: HotOp): void {
  const entry: Writable<Entry> = { dot, hlc };
  if (v !== undefined) entry.v = v;
  if (over !== undefined && over >= hlc) entry.over = over;
  record.hot ??= new Map();
  const held = record.hot.get(p);
  if (!held || compareHot(entry, held) > 0) record.hot.set(p, entry);
}

function compareHot(a: Entry, b: Entry): number {
  return rankOf(a) - rankOf(b) || compareDots(a.dot, b.dot) || a.hlc - b.hlc;
}

type HotOp = Extract<Op, { t: 'lww' }>;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** `live - pred + own`. Nearly always one takes the place of one. */
function replaced<M extends Mark>(live: readonly M[] | undefined, pred: readonly Dot[], own: M): readonly M[] {
  if (live === undefined || live.length === 0) return [own];
  if (live.length === 1 && pred.length === 1 && live[0]!.dot === pred[0]) return [own];
  return [...without(live, pred), own];
}

function without<M extends Mark>(marks: readonly M[], dots: readonly Dot[]): readonly M[] {
  return dots.length === 0 || marks.length === 0 ? marks : marks.filter((mark) => !dots.includes(mark.dot));
}
