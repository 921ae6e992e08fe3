/**
 * How large a space and its records may grow, decided when a change is admitted: a record that fits into no frame could be
 * given to no new device, siblings that no write can name could be settled by nobody, and what one space takes from the
 * disk all others lack.
 *
 * What makes something smaller is always let in, or nobody could ever get below a limit again.
 */
import { applyRecordChange } from '../core/apply.ts';
import type { Change, Op, RecordChange } from '../core/change.ts';
import type { Dot } from '../core/dot.ts';
import { recordToJson } from '../core/record-json.ts';
import { copyRecord, createRecord, isGone, type Mark, type RecordState } from '../core/record.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import { utf8Length } from '../lib/utf8.ts';
import type { Limits } from '../protocol/limits.ts';
import type { PreparedChange } from './append.ts';
import { spaceKey, type SpaceView } from './space.ts';

export type SpaceLimits = Pick<Limits, 'siblingsPerField' | 'recordBytes' | 'spaceBytes'>;

export interface Excess {
  readonly code: 'TOO_LARGE' | 'STORAGE_FULL';
  readonly message: string;
}

/** Why the change cannot be added to the space as it is now, if so. */
export function excessOf(view: SpaceView, { change, text }: PreparedChange, limits: SpaceLimits): Excess | null {
  const bytes = utf8Length(text);
  for (const rec of change.recs) {
    const message = isDelete(rec) ? null : recordExcess(view, change, rec, bytes, limits);
    if (message !== null) return { code: 'TOO_LARGE', message };
  }
  // Twice: in the log and in its records.
  if (view.bytes + 2 * bytes <= limits.spaceBytes || onlyDeletes(view, change)) return null;
  return { code: 'STORAGE_FULL', message: `the space is full: it may take ${limits.spaceBytes} bytes` };
}

/** What was added counts from now on. */
export function growBy(view: SpaceView, { change, text }: PreparedChange): void {
  const bytes = utf8Length(text);
  view.bytes += 2 * bytes;
  for (const { c, id } of change.recs) {
    const key = spaceKey(c, id);
    const before = view.sizes.get(key);
    if (before !== undefined) view.sizes.set(key, before + bytes);
  }
}

/** Bytes of the records that a push has to do with: what deciding it costs grows with them. */
export function bytesTouched(view: SpaceView, changes: readonly PreparedChange[]): number {
  const keys = new Set(changes.flatMap(({ change }) => change.recs.map(({ c, id }) => spaceKey(c, id))));
  let bytes = 0;
  for (const key of keys) bytes += view.sizes.get(key) ?? 0;
  return bytes;
}

function recordExcess(
  view: SpaceView,
  change: Change,
  rec: RecordChange,
  bytes: number,
  { siblingsPerField, recordBytes }: SpaceLimits,
): string | null {
  const key = spaceKey(rec.c, rec.id);
  const record = view.records.get(key);
  if (record && hasTooManySiblings(record, rec, siblingsPerField))
    return `more than ${siblingsPerField} versions of one field that nobody has settled`;
  const before = view.sizes.get(key) ?? sizeOf(record);
  view.sizes.set(key, before);
  if (before + bytes <= recordBytes) return null;
  // An upper bound so far. What is replaced goes, so it is counted.
  const [exact, after] = [sizeOf(record), sizeOf(changed(record, change, rec))];
  view.sizes.set(key, exact);
  return after > recordBytes && after > exact
    ? `the record would have ${after} bytes, allowed are ${recordBytes}`
    : null;
}

function changed(record: RecordState | undefined, { dot, hlc }: Change, rec: RecordChange): RecordState {
  const copy = record ? copyRecord(record) : createRecord();
  applyRecordChange(copy, { dot, hlc }, rec);
  return copy;
}

function sizeOf(record: RecordState | undefined): number {
  return record ? utf8Length(canonicalJson(recordToJson(record) as unknown as Json)) : 0;
}

/** Also of the record as a whole, whose frontier the next write names. */
function hasTooManySiblings(record: RecordState, rec: RecordChange, most: number): boolean {
  if (grows(record.rv, rec.rv, most)) return true;
  return rec.ops.some((op) => grows(entriesAt(record, op), 'pred' in op ? op.pred : [], most));
}

function entriesAt(record: RecordState, op: Op): readonly Mark[] {
  if (op.t === 'life') return record.life;
  return op.t === 'set' || op.t === 'add' ? (record.cells.get(op.p) ?? []) : [];
}

/** Whether there are more than `most` when one comes, those that it replaces go, and there were fewer before. */
function grows(entries: readonly Mark[], replaced: readonly Dot[], most: number): boolean {
  if (entries.length < most) return false;
  const gone = new Set(replaced);
  const after = entries.filter(({ dot }) => !gone.has(dot)).length + 1;
  return after > most && after > entries.length;
}

function isDelete({ ops }: RecordChange): boolean {
  return ops.every((op) => op.t === 'life' && op.v === 'dead');
}

/** Of what is there: each can be deleted once. */
function onlyDeletes({ records }: SpaceView, { recs }: Change): boolean {
  return recs.every((rec) => isDelete(rec) && !isGone(records.get(spaceKey(rec.c, rec.id))));
}
