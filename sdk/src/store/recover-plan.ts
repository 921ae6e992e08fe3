/**
 * A change edits a record that was deleted and forgotten everywhere. No server has taken it or ever will, so what it
 * writes there, and what the changes behind it write there, moves to a copy of the record: in their places, under their
 * dots, with the same causality between them. So each of them happens once, also when two copies of a profile move them
 * at different times. The copy is neither there nor gone until somebody decides.
 *
 * What the record held besides follows in a change of its own, because copies of a profile may know different things
 * of it; they write equal values.
 */
import { applyRecordChange } from '../core/apply.ts';
import type { Op, RecordChange, Writer } from '../core/change.ts';
import { tick } from '../core/clock.ts';
import { dotOf, incOf, type Dot, type Inc } from '../core/dot.ts';
import { parsePath, zeroPath } from '../core/paths.ts';
import {
  compareMarks,
  copyRecord,
  createRecord,
  dotsOf,
  lifeStatus,
  type Entry,
  type RecordState,
} from '../core/record.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { countersOf, zeroOf } from '../core/view.ts';
import { hash128 } from '../lib/hash.ts';
import { canonicalJson } from '../lib/json.ts';
import type { RecordName } from './device-store.ts';
import type { OutboxRow, RecordRow, ReplicaRow } from './layout.ts';
import { keyOf, recordBytes, replaced, withRecords } from './outbox-changes.ts';
import { pendingChanges, type PendingChange } from './pending-changes.ts';
import type { TakeBack } from './take-back.ts';

export interface RecoverInput {
  readonly replica: ReplicaRow;
  /** The outbox from the refused change on, in order; empty when it is not there. */
  readonly outbox: readonly OutboxRow[];
  /** The record as stored. */
  readonly record: RecordRow;
  /** What is stored under the id of the copy: another copy of this profile may have made it already. */
  readonly copy: RecordRow | undefined;
  readonly schema: CollectionSchema | undefined;
  /** Under which the rest of the record is written. */
  readonly inc: Inc;
  readonly writer: Writer;
  readonly nowMs: number;
}

/** The same on every copy of a profile that moves the same change. */
export function copyIdOf({ c, id }: RecordName, dot: Dot): string {
  return `~${hash128(canonicalJson([c, id, dot]))}`;
}

export function planRecover(input: RecoverInput): TakeBack {
  const { record, outbox, replica } = input;
  const changes = pendingChanges(outbox);
  const [refused] = changes;
  if (!refused) return { type: 'nothing', isPending: false };
  const own = recordChangeIn(refused.rows, record);
  if (!own) return { type: 'nothing', isPending: true };
  const id = copyIdOf(record, refused.dot);
  // A delete of what is gone says nothing new, and a hot register never stands against a delete.
  const isSilent = own.ops.every((op) => op.t === 'lww') || own.ops.some((op) => op.t === 'life' && op.v === 'dead');
  const moved = isSilent ? [refused] : changes.filter((change) => recordChangeIn(change.rows, record));
  const isRecord = (rec: RecordChange): boolean => rec.c === record.c && rec.id === record.id;
  const puts = moved.flatMap((change) => {
    const move = (rec: RecordChange): RecordChange | null =>
      isSilent ? null : moveTo(id, rec, change === refused ? null : refused.dot);
    return markEmpty(withRecords(change, (rec) => (isRecord(rec) ? move(rec) : rec)));
  });
  const left = moved.flatMap((change) => change.rows.filter((row) => row.recs.some(isRecord)).map(keyOf));
  const written = { ...replica, outbox: { ...replica.outbox, bytes: replica.outbox.bytes + grown(moved, puts) } };
  const plan = { type: 'take-back', outboxDeletes: [], rejected: [] } as const;
  const rest = replaced(record, left);
  if (isSilent) return { ...plan, outboxPuts: puts, writers: [], records: [rest], replica: written, told: [] };

  const copied = movedState(input.copy, id, puts);
  const complement = lifeStatus(copied) === 'dead' ? null : restOf(input, id, copied, wholeOf(record, moved));
  const added = complement ? complementRow(input, written, complement) : null;
  const isCopy = (rec: RecordChange): boolean => rec.c === record.c && rec.id === id;
  const all = added ? [...puts, added.row] : puts;
  const places = all.filter((row) => row.recs.some(isCopy)).map(keyOf);
  return {
    ...plan,
    outboxPuts: all,
    writers: added ? [{ inc: input.inc, ...input.writer }] : [],
    records: [rest, replaced(input.copy ?? { c: record.c, id, pending: [], conflicts: [] }, [], places)],
    replica: added?.replica ?? written,
    told: [{ collection: record.c, rowId: record.id, copy: id }],
  };
}

/** Nothing of it is left that somebody could miss: unlike a change that was refused, it may be named. */
function markEmpty(rows: readonly OutboxRow[]): readonly OutboxRow[] {
  if (rows.some((row) => row.recs.length > 0)) return rows;
  return rows.map((row) => (row.head ? { ...row, head: { ...row.head, kind: 'recover' } } : row));
}

function recordChangeIn(rows: readonly OutboxRow[], { c, id }: RecordName): RecordChange | undefined {
  return rows.flatMap((row) => row.recs).find((rec) => rec.c === c && rec.id === id);
}

function grown(before: readonly { readonly rows: readonly OutboxRow[] }[], after: readonly OutboxRow[]): number {
  const bytes = (rows: readonly OutboxRow[]): number => rows.reduce((sum, row) => sum + row.bytes, 0);
  return bytes(after) - bytes(before.flatMap((change) => change.rows));
}

/**
 * `first`: the dot that made the copy; null for the change that makes it. Who revived the record wants it, which is
 * what a copy asks about; who deleted it after all has decided.
 */
function moveTo(id: string, rec: RecordChange, first: Dot | null): RecordChange {
  const zombie = (pred: readonly Dot[]): Op => ({ t: 'life', v: 'zombie', pred, of: rec.id });
  const rest = rec.ops.filter((op) => op.t !== 'life');
  if (first === null) return { ...rec, id, ops: [zombie([]), ...rest] };
  const life = rec.ops.flatMap((op): Op[] => {
    if (op.t !== 'life') return [];
    const pred = [...new Set([...op.pred, first])];
    return [op.v === 'dead' ? { ...op, pred } : zombie(pred)];
  });
  return { ...rec, id, ops: [...life, ...rest] };
}

/** The copy as the moved changes leave it. */
function movedState(copy: RecordRow | undefined, id: string, rows: readonly OutboxRow[]): RecordState {
  const base = copy?.base;
  const state = base ? copyRecord(base) : createRecord();
  const heads = new Map(rows.flatMap((row) => (row.head ? [[row.order, row] as const] : [])));
  for (const row of rows) {
    const rec = row.recs.find((candidate) => candidate.id === id);
    const { dot, head } = heads.get(row.order)!;
    if (rec && !state.rv.some((mark) => mark.dot === dot)) applyRecordChange(state, { dot: dot!, hlc: head!.hlc }, rec);
  }
  return state;
}

/** The record with what moves, and without own changes before it: where those went is theirs to say. */
function wholeOf(record: RecordRow, moved: readonly PendingChange[]): RecordState {
  // What it was last, where it is forgotten here too.
  const ground = record.base ?? record.grave;
  const state = ground ? copyRecord(ground) : createRecord();
  for (const { dot, rows } of moved)
    applyRecordChange(state, { dot, hlc: rows[0]!.head!.hlc }, recordChangeIn(rows, record)!);
  return state;
}

/** What the record shows and the copy does not have yet. Several values of a register: the one that is shown. */
function restOf(
  { record, schema }: RecoverInput,
  id: string,
  copied: RecordState,
  whole: RecordState,
): RecordChange | null {
  const ops: Op[] = [];
  for (const [path, entries] of whole.cells) {
    const { kind } = parsePath(path);
    if (kind === 'zero' || copied.cells.has(path)) continue;
    const { v } = shownOf(schema, path, entries);
    if (v !== undefined) ops.push({ t: 'set', p: path, v, pred: [] });
    else if (kind === 'element') ops.push({ t: 'add', p: path, pred: [] });
  }
  for (const [path, { v }] of whole.hot ?? []) {
    if (v !== undefined && !copied.hot?.has(path)) ops.push({ t: 'lww', p: path, v });
  }
  for (const [path, count] of countersOf(whole)) {
    const parsed = parsePath(path);
    if (parsed.kind !== 'counter') continue;
    const zero = (copied.counters.get(path) ?? 0) - (count - zeroOf(whole, parsed.field));
    const zeros = copied.cells.get(zeroPath(parsed.field)) ?? [];
    // A register, not an increment: who says it twice says it once.
    if (zero !== zeroOf(copied, parsed.field))
      ops.push({ t: 'set', p: zeroPath(parsed.field), v: zero, pred: dotsOf(zeros) });
  }
  return ops.length === 0 ? null : { c: record.c, id, rv: dotsOf(copied.rv), ops };
}

function shownOf(schema: CollectionSchema | undefined, path: string, entries: readonly Entry[]): Entry {
  const { kind } = parsePath(path);
  if (schema && (kind === 'register' || kind === 'group' || kind === 'key')) return schema.read(path, entries).shown;
  return entries.toSorted(compareMarks).at(-1)!;
}

function complementRow(
  { inc, writer, nowMs }: RecoverInput,
  replica: ReplicaRow,
  rec: RecordChange,
): { readonly row: OutboxRow; readonly replica: ReplicaRow } {
  const seq = (replica.seqs[inc] ?? 0) + 1;
  const dot = dotOf(inc, seq);
  const { order, lastDot } = replica;
  const hlc = tick(replica.hlc, Math.floor(nowMs + replica.offsetMs));
  const bytes = recordBytes(rec);
  const head = {
    hlc,
    deps: replica.cursor,
    ...(lastDot && incOf(lastDot) !== inc ? { ex: [lastDot] } : {}),
    kind: 'recover' as const,
    ...(seq === 1 ? { writer } : {}),
  };
  const outbox = { changes: replica.outbox.changes + 1, bytes: replica.outbox.bytes + bytes };
  return {
    row: { order, part: 0, recs: [rec], bytes, dot, head },
    replica: { ...replica, hlc, order: order + 1, lastDot: dot, seqs: { ...replica.seqs, [inc]: seq }, outbox },
  };
}
