/**
 * What a form was shown. It may be saved much later, and what of it had not been sent may be taken back meanwhile; so it
 * carries what that had replaced: what is written then comes after that.
 */
import type { RecordChange } from '../core/change.ts';
import type { Dot } from '../core/dot.ts';
import { dotsIn, createRecord, type RecordState } from '../core/record.ts';
import type { TakenBack } from '../core/taken-back.ts';
import { currentState, type OutboxKey, type OutboxRow, type RecordRow } from './layout.ts';
import type { LocalFields } from './local-fields.ts';

/** The record and, beside it, what only this device has of the row. */
export type SeenRecord = RecordState & {
  readonly local?: LocalFields;
  readonly unsent?: readonly UnsentWrite[];
};

/** A change of the record that waited in the outbox. */
interface UnsentWrite {
  readonly dot: Dot;
  readonly order: number;
  readonly rec: RecordChange;
}

/** Where in the outbox that is which `seenRecord()` asks for. */
export function placesSeen({ pending }: RecordRow): OutboxKey[] {
  return pending.flatMap(([order, part]): OutboxKey[] =>
    part === 0
      ? [[order, 0]]
      : [
          [order, 0],
          [order, part],
        ],
  );
}

/** What a form that is opened now has seen. `outbox`: at least the rows of `placesSeen()`. */
export function seenRecord(row: RecordRow | undefined, outbox: readonly OutboxRow[]): SeenRecord {
  const state = currentState(row) ?? createRecord();
  const unsent = row ? unsentOf(row, outbox) : [];
  return { ...state, ...(row?.local ? { local: row.local } : {}), ...(unsent.length > 0 ? { unsent } : {}) };
}

function unsentOf({ c, id, pending }: RecordRow, outbox: readonly OutboxRow[]): UnsentWrite[] {
  const dots = new Map(outbox.flatMap(({ order, dot }) => (dot ? [[order, dot] as const] : [])));
  return pending.flatMap(([order, part]) => {
    const recs = outbox.find((row) => row.order === order && row.part === part)?.recs ?? [];
    return recs.filter((rec) => rec.c === c && rec.id === id).map((rec) => ({ dot: dots.get(order)!, order, rec }));
  });
}

/**
 * What of the unsent writes is neither there nor pending any more. Some of it may have been sent and replaced by others
 * since: whoever gets what is written now has those as well, so nothing is lost by not naming it.
 */
export function goneSince({ unsent = [] }: SeenRecord, current: RecordState, stored: RecordRow | undefined): TakenBack {
  const pending = new Set(stored?.pending.map(([order]) => order));
  const there = new Set(unsent.length > 0 ? dotsIn(current) : []);
  const gone = unsent.filter(({ dot, order }) => !pending.has(order) && !there.has(dot));
  return new Map(gone.map(({ dot, rec }) => [dot, rec]));
}
