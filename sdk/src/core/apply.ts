/**
 * The whole merge: one function, the same on device and server, for local, remote and relayed changes.
 *
 * `live = live - pred + own dot`. As a function of the set of applied changes it is commutative for concurrent ones
 * and associative; it is idempotent because every replica applies a dot once. Causes come before effects, which log
 * order guarantees.
 */
import type { Op, RecordChange } from './change.ts';
import type { Dot } from './dot.ts';
import type { Entry, Mark, RecordState } from './record.ts';
import type { Path } from './paths.ts';
import type { Stamp } from './version-vector.ts';

/** Applies to `record` in place. `stamp` is the server's number of the change, where there is one already. */
export function applyRecordChange(record: RecordState, mark: Mark, change: RecordChange, stamp?: Stamp): void {
  record.rv = [...without(record.rv, change.rv), { dot: mark.dot, hlc: mark.hlc }];
  for (const op of change.ops) applyOp(record, mark, op, stamp);
}

function applyOp(record: RecordState, { dot, hlc }: Mark, op: Op, stamp: Stamp | undefined): void {
  switch (op.t) {
    case 'life': {
      const entry = { dot, hlc, v: op.v, ...(stamp && op.v === 'dead' ? { stamp } : {}) };
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
      };
      return replace(record.cells, op.p, op.pred, entry);
    }
    case 'add':
      return replace(record.cells, op.p, op.pred, { dot, hlc });
    case 'rm':
      return replace(record.cells, op.p, op.pred, null);
    case 'inc':
      record.counters.set(op.p, (record.counters.get(op.p) ?? 0) + op.n);
      return;
  }
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
