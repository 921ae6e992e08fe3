/**
 * The whole merge: one function, the same on device and server, for local, remote and relayed changes.
 *
 * `live = live - pred + own dot`. As a function of the set of applied changes it is commutative for concurrent ones
 * and associative; it is idempotent because every replica applies a dot once. Causes come before effects, which log
 * order guarantees.
 */
import type { Op, RecordChange } from './change.ts';
import type { Dot } from './dot.ts';
import { addCounts } from './count.ts';
import { moreKeys } from './op-kinds.ts';
import { compareMarks, type Entry, type Mark, type RecordState } from './record.ts';
import type { Path } from './paths.ts';
import type { Stamp } from './version-vector.ts';

/** Applies to `record` in place. `stamp` is the server's number of the change, where there is one already. */
export function applyRecordChange(record: RecordState, mark: Mark, change: RecordChange, stamp?: Stamp): void {
  if (entersFrontier(change)) record.rv = [...without(record.rv, change.rv), { dot: mark.dot, hlc: mark.hlc }];
  for (const op of change.ops) applyOp(record, mark, op, stamp);
}

function applyOp(record: RecordState, { dot, hlc }: Mark, op: Op, stamp: Stamp | undefined): void {
  switch (op.t) {
    case 'life': {
      const entry = {
        dot,
        hlc,
        v: op.v,
        ...(op.of === undefined ? {} : { of: op.of }),
        ...(stamp && op.v === 'dead' ? { stamp } : {}),
        ...moreKeys(op),
      };
      record.life = [...without(record.life, op.pred), entry];
      return;
    }
    case 'set': {
      const entry = {
        dot,
        hlc,
        ...(op.v === undefined ? {} : { v: op.v }),
        ...(op.base ? { base: op.base } : {}),
        ...(op.first === undefined ? {} : { first: op.first }),
        ...(stamp && op.claim !== undefined ? { stamp } : {}),
        ...moreKeys(op),
      };
      return replace(record.cells, op.p, op.pred, entry);
    }
    case 'add':
      return replace(record.cells, op.p, op.pred, { dot, hlc, ...moreKeys(op) });
    case 'rm':
      return replace(record.cells, op.p, op.pred, null);
    case 'inc':
      record.counters.set(op.p, addCounts(record.counters.get(op.p) ?? 0, op.n));
      return;
    case 'lww':
      return keepLatest(record, op.p, op.v === undefined ? { dot, hlc } : { dot, hlc, v: op.v });
  }
}

/** What only writes hot registers is no edit that a delete could have missed. */
export function entersFrontier({ ops }: Pick<RecordChange, 'ops'>): boolean {
  return ops.some((op) => op.t !== 'lww');
}

/** Of a hot register only the latest value stays. */
export function keepLatest(record: RecordState, path: Path, entry: Entry): void {
  record.hot ??= new Map();
  const held = record.hot.get(path);
  if (!held || compareMarks(entry, held) > 0) record.hot.set(path, entry);
}

function replace(cells: Map<Path, readonly Entry[]>, path: Path, pred: readonly Dot[], entry: Entry | null): void {
  const kept = without(cells.get(path) ?? [], pred);
  const live = entry ? [...kept, entry] : kept;
  if (live.length === 0) cells.delete(path);
  else cells.set(path, live);
}

function without<M extends Mark>(marks: readonly M[], dots: readonly Dot[]): readonly M[] {
  return dots.length === 0 || marks.length === 0 ? marks : marks.filter((mark) => !dots.includes(mark.dot));
}
