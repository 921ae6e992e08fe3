/**
 * Several steps of one transaction on one record, as the one change that they make: what the last step wants, in place
 * of everything that all of them saw before the transaction.
 */
import { jsonEqual } from '../lib/json.ts';
import type { Op, RecordChange } from './change.ts';
import { addCounts } from './count.ts';
import type { Dot } from './dot.ts';
import { isGone, lifeStatus, type RecordState } from './record.ts';
import type { CollectionSchema } from './schema.ts';

/** `own` is the dot of the transaction's change: the second step saw what the first one wrote under it. */
export function combineChanges(first: RecordChange, second: RecordChange, own: Dot): RecordChange {
  const ops = new Map(first.ops.map((op) => [cellOf(op), op]));
  for (const op of second.ops) {
    const cell = cellOf(op);
    const earlier = ops.get(cell);
    ops.delete(cell);
    ops.set(cell, earlier ? combineOps(earlier, op, own) : op);
  }
  // A write that starts from the row as it was before it was deleted here wants it: as if somebody else had deleted it.
  const life = ops.get('');
  if (life?.t === 'life' && life.v === 'dead' && second.ops.every((op) => op.t !== 'life')) {
    ops.set('', { ...life, v: 'live' });
  }
  return { c: first.c, id: first.id, rv: union(first.rv, second.rv, own), ops: [...ops.values()] };
}

function cellOf(op: Op): string {
  return op.t === 'life' ? '' : op.p;
}

function combineOps(first: Op, second: Op, own: Dot): Op {
  if (first.t === 'lww' || second.t === 'lww') return second;
  if (first.t === 'inc' || second.t === 'inc') {
    return first.t === 'inc' && second.t === 'inc' ? { ...second, n: addCounts(first.n, second.n) } : second;
  }
  return { ...second, pred: union(first.pred, second.pred, own) };
}

function union(first: readonly Dot[], second: readonly Dot[], own: Dot): readonly Dot[] {
  return [...new Set([...first, ...second.filter((dot) => dot !== own)])];
}

/** The change without what leaves the record as it was before the transaction; null when nothing is left. */
export function withoutEffectless(
  schema: CollectionSchema,
  start: RecordState | undefined,
  change: RecordChange,
): RecordChange | null {
  const life = change.ops.find((op) => op.t === 'life');
  if (isGone(start) && life?.v === 'dead') return null;
  const ops = change.ops.filter((op) => hasEffect(schema, start, op));
  return ops.length === 0 ? null : { ...change, ops };
}

function hasEffect(schema: CollectionSchema, start: RecordState | undefined, op: Op): boolean {
  switch (op.t) {
    case 'life':
      return op.v === 'dead' || isGone(start) || lifeStatus(start!) !== 'live';
    case 'set': {
      const entries = start?.cells.get(op.p) ?? [];
      if (entries.length > 1) return true;
      return !jsonEqual(entries.length === 0 ? undefined : schema.read(op.p, entries).shown.v, op.v);
    }
    case 'add':
      return !start?.cells.has(op.p);
    case 'rm':
      return start?.cells.has(op.p) ?? false;
    case 'inc':
      return op.n !== 0;
    case 'lww':
      return !jsonEqual(start?.hot?.get(op.p)?.v, op.v);
  }
}
