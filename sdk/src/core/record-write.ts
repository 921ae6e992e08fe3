/** What a write of one record is made from, and the operation that gives a register its value. */
import { canonicalJson, type Json } from '../lib/json.ts';
import type { Base, Op } from './change.ts';
import type { Dot } from './dot.ts';
import type { Path } from './paths.ts';
import { compareMarks, type Entry, type Mark, type RecordState } from './record.ts';
import type { CollectionSchema } from './schema.ts';
import type { Row } from './view.ts';

export interface RecordWrite {
  readonly schema: CollectionSchema;
  readonly id: string;
  /** The record as the writer saw it: undefined when there was none. */
  readonly current: RecordState | undefined;
  /** The record as the server's log gives it: where carried bases come from. */
  readonly confirmed: RecordState | undefined;
  /** The row as it should be; null deletes it. */
  readonly next: Row | null;
}

/** A write names at most so many dots of one cell, the latest; what it does not name stays as a sibling. */
export const MAX_PRED = 1_000;

export const ABSENT: readonly Entry[] = [];

/** The value that a register gets; undefined: the field is absent. */
export function setOp(write: RecordWrite, path: Path, value: Json | undefined): Op {
  const entries = write.current?.cells.get(path) ?? ABSENT;
  const base = carriedBase(write, path);
  const first = inheritedClaim(write, path);
  return {
    t: 'set',
    p: path,
    ...(value === undefined ? {} : { v: value }),
    pred: named(entries),
    ...(base ? { base } : {}),
    ...(first === null ? {} : { first }),
    ...(write.schema.isClaim(path) ? { claim: 'home' } : {}),
  };
}

/** When the earliest of the replaced values was claimed. */
function inheritedClaim({ schema, current }: RecordWrite, path: Path): number | null {
  const replaced = current?.cells.get(path);
  if (!replaced || !schema.inheritsClaim(path)) return null;
  return Math.min(...replaced.map((entry) => entry.first ?? entry.hlc));
}

function carriedBase({ schema, confirmed }: RecordWrite, path: Path): Base | null {
  const entries = confirmed?.cells.get(path);
  const most = schema.baseLength(path);
  if (!entries || most === 0) return null;
  const { hlc: latest, v } = schema.read(path, entries).shown;
  // What merges several versions is later than each of them.
  const hlc = Math.min(latest + entries.length - 1, Number.MAX_SAFE_INTEGER);
  if (v === undefined) return { hlc };
  return canonicalJson(v).length <= most ? { hlc, v } : null;
}

/** The dots that are live in a cell. */
export function cellPred({ current }: RecordWrite, path: Path): readonly Dot[] {
  return named(current?.cells.get(path) ?? ABSENT);
}

/** The dots of what is replaced: all of them, unless there are more than a change may name. */
export function named(marks: readonly Mark[]): readonly Dot[] {
  const latest = marks.length <= MAX_PRED ? marks : marks.toSorted(compareMarks).slice(-MAX_PRED);
  return latest.map((mark) => mark.dot);
}
