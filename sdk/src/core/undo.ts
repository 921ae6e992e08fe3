/**
 * Undoing a change: an ordinary write that shows again what was shown before it. It is made only where nothing newer was
 * written since, by anybody; counters and sets give back just what the change did to them.
 *
 * What was shown is put back as a decision: undoing a resolution settles on the value that was shown before it, and
 * nobody is asked again. Only a recovered copy goes back to where it was, neither there nor gone.
 */
import type { Json } from '../lib/json.ts';
import type { Op, RecordChange } from './change.ts';
import { hotOp } from './commit-hot.ts';
import { cellPred, setOp, type RecordWrite } from './record-write.ts';
import type { Dot } from './dot.ts';
import { mapOfPath, parsePath, type Path } from './paths.ts';
import { compareMarks, dotsOf, lifeStatus, type Entry, type RecordState } from './record.ts';
import type { CollectionSchema } from './schema.ts';
import { isVisible } from './view.ts';

export interface UndoneRecord {
  readonly id: string;
  readonly dot: Dot;
  /** What the change did to the record. */
  readonly change: RecordChange;
  /** The record as the writer saw it; undefined when there was none. */
  readonly before: RecordState | undefined;
}

/** `changed`: something newer was written. null: it shows what it showed before. */
export function undoRecord(
  schema: CollectionSchema,
  { id, dot, change, before }: UndoneRecord,
  current: RecordState | undefined,
  confirmed: RecordState | undefined,
): RecordChange | null | 'changed' {
  if (!current) return 'changed';
  const write = { schema, id, current, confirmed, next: null };
  const ops: Op[] = [];
  const life = change.ops.find((op) => op.t === 'life');
  const undone = life
    ? undoLife(schema, { dot, life, before }, current)
    : lifeStatus(current) === 'dead'
      ? 'changed'
      : null;
  if (undone === 'changed') return 'changed';
  if (undone) ops.push(undone);
  // A row that was made by the change goes as a whole.
  if (undone?.t === 'life' && undone.v === 'dead') return { c: schema.name, id, rv: dotsOf(current.rv), ops };
  for (const op of change.ops) {
    switch (op.t) {
      case 'life':
        break;
      case 'set': {
        const entries = current.cells.get(op.p) ?? [];
        if (entries.length !== 1 || entries[0]!.dot !== dot) return 'changed';
        ops.push(valueOp(write, op.p, shownBefore(schema, op.p, before)));
        break;
      }
      case 'add':
        // What others added as well stays.
        if (!before?.cells.has(op.p) && isOwn(current.cells.get(op.p), dot))
          ops.push({ t: 'rm', p: op.p, pred: [dot] });
        break;
      case 'rm':
        if (!before?.cells.has(op.p) || current.cells.has(op.p)) break;
        if (parsePath(op.p).kind === 'element') ops.push({ t: 'add', p: op.p, pred: [] });
        else ops.push(setOp(write, op.p, shownBefore(schema, op.p, before)));
        break;
      case 'lww':
        // What others wrote since then is shown instead, as everywhere.
        if (current.hot?.get(op.p)?.dot === dot) ops.push(hotOp(write, op.p, before?.hot?.get(op.p)?.v));
        break;
      case 'inc':
        ops.push({ ...op, n: -op.n });
        break;
    }
  }
  return ops.length === 0 ? null : { c: schema.name, id, rv: dotsOf(current.rv), ops };
}

function valueOp(write: RecordWrite, path: Path, value: Json | undefined): Op {
  const isRemoval = value === undefined && mapOfPath(path) !== null;
  return isRemoval ? { t: 'rm', p: path, pred: cellPred(write, path) } : setOp(write, path, value);
}

type LifeOp = Extract<Op, { t: 'life' }>;

function undoLife(
  schema: CollectionSchema,
  { dot, life, before }: { readonly dot: Dot; readonly life: LifeOp; readonly before: RecordState | undefined },
  current: RecordState,
): Op | null | 'changed' {
  const isLatest = current.life.length === 1 && current.life[0]!.dot === dot;
  const pred = dotsOf(current.life);
  const wasVisible = before !== undefined && before.life.length > 0 && isVisible(schema, before);
  const zombie = before?.life.find((entry) => entry.v === 'zombie');
  if (zombie && before && lifeStatus(before) === 'recovered') {
    if (!isLatest || current.rv.some((mark) => mark.dot !== dot)) return 'changed';
    return { t: 'life', v: 'zombie', pred, ...(zombie.of === undefined ? {} : { of: zombie.of }) };
  }
  if (life.v === 'dead') {
    if (!isLatest || lifeStatus(current) !== 'dead') return 'changed';
    return wasVisible ? { t: 'life', v: 'live', pred } : null;
  }
  if (wasVisible) return lifeStatus(current) === 'dead' ? 'changed' : null;
  return isLatest && current.rv.every((mark) => mark.dot === dot) ? { t: 'life', v: 'dead', pred } : 'changed';
}

function shownBefore(schema: CollectionSchema, path: string, before: RecordState | undefined): Entry['v'] {
  const entries = before?.cells.get(path);
  if (!entries) return undefined;
  const { kind } = parsePath(path);
  if (kind === 'register' || kind === 'group' || kind === 'key') return schema.read(path, entries).shown.v;
  return entries.toSorted(compareMarks).at(-1)!.v;
}

function isOwn(entries: readonly Entry[] | undefined, dot: Dot): boolean {
  return entries?.some((entry) => entry.dot === dot) ?? false;
}
