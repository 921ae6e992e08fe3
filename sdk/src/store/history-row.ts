/**
 * What a step took away from a record, at rest. Written in the transaction of the step, and only when it takes something
 * away: a row that is inserted, and a first sync, write nothing here.
 */
import { formerOf, type Former } from '../core/former.ts';
import type { Dot } from '../core/dot.ts';
import type { RecordState } from '../core/record.ts';
import type { Path } from '../core/paths.ts';
import { packRecord, unpackRecord } from './packed-record.ts';

export interface HistoryRow {
  /** In the order of the steps; given by the store. */
  readonly n?: number;
  readonly c: string;
  readonly id: string;
  /** Of this device's clock, in milliseconds since 1970: how old it is. */
  readonly at: number;
  readonly bytes: number;
  /** Packed as records are. */
  readonly former: string;
  readonly added?: readonly Path[];
  /** The step withdrew these changes, because a server does not take them. */
  readonly withdrawn?: readonly Dot[];
}

/** The row of the store that says how much of it was counted. */
export interface HistoryMark {
  readonly n: 0;
  /** All rows up to here are in `bytes`. */
  readonly counted: number;
  readonly bytes: number;
}

export const NOT_COUNTED: HistoryMark = { n: 0, counted: 0, bytes: 0 };

export interface Kept {
  readonly rows: number;
  readonly bytes: number;
}

/** A row without its content, with key and clock. */
const ROW_BYTES = 100;

export interface RecordStep {
  readonly c: string;
  readonly id: string;
  readonly before: RecordState | undefined;
  /** undefined: nothing is left of it, and of its history neither. */
  readonly after: RecordState | undefined;
  readonly withdrawn?: readonly Dot[];
}

/** null: nothing is to be kept. */
export function historyRow({ c, id, before, after, withdrawn }: RecordStep, atMs: number): HistoryRow | null {
  const former = after && formerOf(before, after);
  if (!former) return null;
  const text = packRecord(former.state);
  const added = former.added.length > 0 ? { added: former.added } : {};
  const dots = withdrawn && withdrawn.length > 0 ? { withdrawn } : {};
  const bytes = ROW_BYTES + text.length + former.added.reduce((sum, path) => sum + path.length, 0);
  return { c, id, at: atMs, bytes, former: text, ...added, ...dots };
}

export function formerIn({ former, added = [] }: HistoryRow): Former {
  return { state: unpackRecord(former), added };
}
