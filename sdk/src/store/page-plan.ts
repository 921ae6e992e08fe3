/**
 * What a page of the log does to a device: pure, from what was stored to what to store. Remote changes apply to the
 * base, under the device's own pending ones; what a person sees never goes back.
 */
import { applyRecordChange } from '../core/apply.ts';
import { isVoid, withoutDependencies, type Change, type Op, type RecordChange } from '../core/change.ts';
import { latestNow, receive } from '../core/clock.ts';
import type { OpenConflict } from '../core/conflict.ts';
import { digestOfRecord, digestText, exchange, type Digest } from '../core/digest.ts';
import { parsePath } from '../core/paths.ts';
import type { PolicyProblem } from '../core/policy-problem.ts';
import { incOf, type Dot } from '../core/dot.ts';
import { isKnownKind } from '../core/op-kinds.ts';
import { copyRecord, createRecord, isEmptyRecord, type Mark, type RecordState } from '../core/record.ts';
import { repeatRecordChange } from '../core/repeat.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { isExpired } from '../core/tombstone.ts';
import { commonHorizon } from '../core/topology.ts';
import type { Stamp, VersionVector } from '../core/version-vector.ts';
import { viewRecord, type RecordView, type Row } from '../core/view.ts';
import { assert } from '../lib/assert.ts';
import { jsonEqual, type Json } from '../lib/json.ts';
import { utf8Length } from '../lib/utf8.ts';
import { isCut } from '../protocol/later-entries.ts';
import type { ChangeEntry } from '../protocol/messages.ts';
import { conflictMoves } from './conflict-moves.ts';
import { withLocal } from './local-fields.ts';
import { recordKey } from './record-key.ts';
import { endWriters, isClash, lostContent, rejectLost, withoutFilled, type Lost } from './rejected.ts';
import type { IngestResult, Merged, OutboxItem } from './device-store.ts';
import { followPage, isSamePlace, type Followed, type FollowedChange, type OutOfStep } from './follow.ts';
import {
  currentState,
  isTombstone,
  type OutboxKey,
  type OutboxRow,
  type RecordRow,
  type RejectedRow,
  type ReplicaRow,
  type SpaceRow,
  type TailEntry,
  type TailRow,
  type WriterRow,
} from './layout.ts';
import { planTail, tailEntry, type TailPlan } from './tail-plan.ts';

/** An entry that is new to this device, with its content. */
export interface FreshEntry {
  readonly stamp: Stamp;
  readonly dot: Dot;
  readonly mark: Mark;
  readonly change: Change;
  /** Rows of the outbox that hold this very change: they leave with it. */
  readonly own: readonly OutboxRow[];
  /** Applied before, under another number. */
  readonly isRepeated: boolean;
  /** It was taken back, here or by a copy of this profile, and a server has taken it all the same. */
  readonly isFilled: boolean;
  /** What the rows hold and the log does not have under this dot. */
  readonly lost: Lost | null;
}

export interface PageInput {
  readonly replica: ReplicaRow;
  /** This device's wall clock. */
  readonly nowMs: number;
  readonly entries: readonly FreshEntry[];
  readonly schemas: ReadonlyMap<string, CollectionSchema>;
  /** Every record that the entries touch, as stored, by recordKey(). */
  readonly records: ReadonlyMap<string, RecordRow>;
  /** The rows of the outbox that stay and touch these records, by outboxKey(); with the heads of their changes. */
  readonly pending: ReadonlyMap<string, OutboxRow>;
  /** Records whose views are computed anew although no entry touches them. */
  readonly recompute?: readonly RecordRow[];
  /** What the page means for where this device stands; absent when nothing came. */
  readonly followed?: Followed;
  /** Tombstones, of which those that every server has promised to forget go; read when a server has published. */
  readonly tombstones?: readonly RecordRow[];
  /** The rejected writes, all of them; read when an entry is filled. */
  readonly refused?: readonly RejectedRow[];
  /** Rows from the begin of the tail, as tailToRead() says. */
  readonly tail?: readonly TailRow[];
}

export interface PagePlan {
  readonly records: readonly RecordRow[];
  /** Records of which nothing is left. */
  readonly forgotten: readonly RecordRow[];
  readonly rows: readonly { readonly collection: string; readonly id: string; readonly row: Row | null }[];
  readonly conflicts: readonly OpenConflict[];
  readonly closedConflicts: readonly string[];
  readonly writers: readonly WriterRow[];
  readonly outboxDeletes: readonly OutboxKey[];
  readonly rejected: readonly RejectedRow[];
  /** Ids of rejected writes of which nothing is left. */
  readonly closedRejected: readonly string[];
  /** Changes of this device that are in the log without their content: what names them as seen is to be taken back too. */
  readonly withdrawn: readonly Dot[];
  readonly replica: ReplicaRow;
  /** null: as it was. */
  readonly space: SpaceRow | null;
  readonly tail: Pick<TailPlan, 'puts' | 'deletes'>;
  readonly result: Extract<IngestResult, { type: 'ingested' }>;
}

/** The entries with their content, which for own ones may be only in the outbox; `own` finds its rows by dot. */
export function withContent(
  entries: readonly FollowedChange[],
  own: (dot: Dot) => readonly OutboxRow[],
): readonly FreshEntry[] | OutOfStep {
  const known: FreshEntry[] = [];
  const left = new Set<Dot>();
  for (const entry of entries) {
    const { stamp, dot, isRepeated } = entry;
    // Its rows leave once.
    const rows = left.has(dot) ? [] : own(dot);
    left.add(dot);
    const change = entry.change ?? ownChange(entry, rows);
    if (!change) return { type: 'out-of-step', reason: 'the server left out a change that is not in the outbox', dot };
    const lost = entry.change ? lostContent(rows, entry.change) : null;
    const isFilled = entry.isFilled || (isTakenBack(rows) && !isVoid(change));
    known.push({ stamp, dot, mark: { dot, hlc: change.hlc }, change, own: rows, isRepeated, isFilled, lost });
  }
  return known;
}

function isTakenBack(rows: readonly OutboxRow[]): boolean {
  return rows.length > 0 && isVoid(changeOf(rows));
}

export function planPage(input: PageInput): PagePlan {
  const removed = input.entries.flatMap((entry) => entry.own.map((row): OutboxKey => [row.order, row.part]));
  const gone = new Set(removed.map(outboxKey));
  const horizon = input.followed ? commonHorizon(input.followed.topology) : {};
  const touched = new Map<string, TouchedRecord>();
  for (const entry of input.entries) {
    for (const rec of entry.change.recs) applyEntry(input, touched, entry, rec);
    // Not always the same records: what a copy of this profile took back is named by the outbox alone.
    for (const rec of entry.own.flatMap((row) => row.recs)) touch(input, touched, rec);
  }
  for (const record of input.recompute ?? []) touch(input, touched, record);
  for (const record of input.tombstones ?? []) {
    if (record.base && isExpired(record.id, record.base, horizon)) touch(input, touched, record);
  }
  const finished = [...touched.values()].map((record) => finish(input, record, { gone, horizon }));
  const changed = finished.filter((record) => record.isChanged);
  const { space, tail, isDiverged } = planSpace(input, finished);
  const filled = new Set(input.entries.flatMap(({ dot, isFilled }) => (isFilled ? [dot] : [])));
  const rejected = input.entries.flatMap(({ mark, lost }) =>
    filled.has(mark.dot) ? [] : rejectLost(mark, lost, (rec) => touched.get(recordKey(rec.c, rec.id))?.base),
  );
  const { puts: parted, closed } = withoutFilled(input.refused ?? [], filled);
  const replica = endWriters(
    advance(input),
    input.entries.flatMap(({ dot, lost }) => (isClash(lost) ? [dot] : [])),
  );
  return {
    records: finished.filter((record) => !record.isForgotten).map((record) => record.row),
    forgotten: finished.filter((record) => record.isForgotten).map((record) => record.row),
    rows: changed.flatMap(({ collection, id, view }) =>
      input.schemas.has(collection) ? [{ collection, id, row: view.row }] : [],
    ),
    conflicts: finished.flatMap((record) => record.view.conflicts),
    closedConflicts: finished.flatMap((record) => record.closed),
    writers: input.entries.flatMap(({ dot, change }) => writersOf(dot, change)),
    outboxDeletes: removed,
    rejected: [...parted, ...rejected],
    closedRejected: closed.map(({ id }) => id),
    withdrawn: input.entries.flatMap(({ dot, change, lost }) => (lost && isVoid(change) ? [dot] : [])),
    replica,
    space,
    tail,
    result: {
      type: 'ingested',
      ...reachedBy(input),
      applied: input.entries.filter((entry) => !isConfirmed(entry) && !entry.isRepeated).length,
      confirmed: input.entries.filter(isConfirmed).length,
      touched: touchedRows(changed),
      conflictsChanged: [
        ...finished.flatMap(({ collection, id, stored, row }) =>
          conflictMoves(collection, id, stored?.conflicts ?? [], row.conflicts),
        ),
        ...rejected.flatMap(({ id, c, rowId }) => conflictMoves(c, rowId, [], [id])),
        ...closed.flatMap(({ id, c, rowId }) => conflictMoves(c, rowId, [id], [])),
      ],
      merged: changed.flatMap((record) => merges(input, record)),
      ...problemsOf(finished),
      isDiverged,
      discarded: 0,
    },
  };
}

/** How far the page is reported as applied: as far as the server gave it, unless this version had to stop inside it. */
function reachedBy({ replica, followed }: PageInput): { readonly cursor: VersionVector; readonly upgrade?: string } {
  if (!followed) return { cursor: replica.cursor };
  const { page, cursor, upgrade } = followed;
  if (upgrade !== undefined) return { cursor, upgrade };
  if (isCut(page))
    return { cursor, upgrade: `The log has an entry "${page.laterKind}" that only a newer version knows.` };
  // Not further, also when another context of this device has applied more: this is what the server gave this one.
  return { cursor: page.cursor };
}

function writersOf(dot: Dot, { writer }: Change): readonly WriterRow[] {
  return writer ? [{ ...writer, inc: incOf(dot) }] : [];
}

/** What the page leaves behind about the space as a whole, and whether the server has the same. */
function planSpace(
  { followed, entries, tail: oldest }: PageInput,
  finished: readonly FinishedRecord[],
): { space: SpaceRow | null; tail: PagePlan['tail']; isDiverged: boolean } {
  if (!followed) return { space: null, tail: { puts: [], deletes: [] }, isDiverged: false };
  const applied = entries
    .filter((entry) => !entry.isRepeated)
    .map(({ stamp, change }): TailEntry => tailEntry(stamp, withoutDependencies(change)));
  const { tail, ...rows } = planTail(followed, applied, oldest ?? []);
  const digest = followed.space.digest && digestAfter(followed.space.digest, finished);
  const isSame = compareDigests(followed, digest);
  const isDiverged = isSame === null ? followed.space.isDiverged : !isSame;
  return { space: { ...followed.space, digest, tail, isDiverged }, tail: rows, isDiverged: isSame === false };
}

function digestAfter(digest: Digest, finished: readonly FinishedRecord[]): Digest {
  return finished.reduce(
    (sum, { collection, id, stored, row }) =>
      row.base === stored?.base
        ? sum
        : exchange(sum, digestOfRecord(collection, id, stored?.base), digestOfRecord(collection, id, row.base)),
    digest,
  );
}

/** null where the two cannot be compared: the server has said nothing, or another context has applied more. */
function compareDigests({ page, cursor }: Followed, digest: Digest | null): boolean | null {
  if (page.digest === undefined || digest === null || !isSamePlace(cursor, page.cursor)) return null;
  return digestText(digest) === page.digest;
}

function isConfirmed({ own, lost }: FreshEntry): boolean {
  return own.length > 0 && !isClash(lost);
}

interface TouchedRecord {
  readonly collection: string;
  readonly id: string;
  readonly stored: RecordRow | undefined;
  readonly base: RecordState;
}

interface FinishedRecord extends TouchedRecord {
  readonly row: RecordRow;
  readonly view: RecordView;
  readonly isChanged: boolean;
  /** Nothing of it is stored any more. */
  readonly isForgotten: boolean;
  readonly closed: readonly string[];
}

function applyEntry(
  input: PageInput,
  touched: Map<string, TouchedRecord>,
  { isRepeated, mark, stamp }: FreshEntry,
  rec: RecordChange,
): void {
  if (!isRepeated) return applyRecordChange(touch(input, touched, rec).base, mark, rec, stamp);
  const key = recordKey(rec.c, rec.id);
  // Of a record that was forgotten since nothing is left.
  if (touched.has(key) || input.records.get(key)?.base)
    repeatRecordChange(touch(input, touched, rec).base, mark, rec, stamp);
}

function touch(
  input: PageInput,
  touched: Map<string, TouchedRecord>,
  rec: Pick<RecordChange, 'c' | 'id'>,
): TouchedRecord {
  const key = recordKey(rec.c, rec.id);
  let record = touched.get(key);
  if (!record) {
    const stored = input.records.get(key);
    record = { collection: rec.c, id: rec.id, stored, base: stored?.base ? copyRecord(stored.base) : createRecord() };
    touched.set(key, record);
  }
  return record;
}

function finish(
  input: PageInput,
  record: TouchedRecord,
  { gone, horizon }: { readonly gone: ReadonlySet<string>; readonly horizon: VersionVector },
): FinishedRecord {
  const { collection, id, stored } = record;
  const pending = (stored?.pending ?? []).filter((key) => !gone.has(outboxKey(key)));
  const { base, grave } = groundOf(record, pending.length > 0, horizon);
  const overlay = pending.length === 0 ? undefined : withPending(input, record, base ?? grave, pending);
  const shown = overlay ?? base;
  const schema = input.schemas.get(collection);
  const shared = schema && shown ? viewRecord(schema, id, shown) : NO_VIEW;
  const before = schema && currentState(stored) ? viewRecord(schema, id, currentState(stored)!).row : null;
  const open = shared.conflicts.map((conflict) => conflict.id);
  const wasOpen = stored?.conflicts ?? [];
  const row: RecordRow = {
    c: collection,
    id,
    ...(base ? { base } : {}),
    ...(grave ? { grave } : {}),
    ...(overlay ? { overlay } : {}),
    ...(isTombstone(id, base) ? { dead: 1 } : {}),
    pending,
    conflicts: open,
    ...(stored?.local ? { local: stored.local } : {}),
  };
  return {
    ...record,
    row,
    view: schema ? { ...shared, row: withLocal(schema, shared.row, stored?.local) } : shared,
    isForgotten: !shown,
    isChanged: !jsonEqual(before as Json, shared.row as Json),
    closed: wasOpen.filter((conflict) => !open.includes(conflict)),
  };
}

/** What the outbox is applied to: the base, or what it was last when every server has forgotten it. */
function groundOf(
  { id, stored, base }: TouchedRecord,
  isPending: boolean,
  horizon: VersionVector,
): { readonly base?: RecordState; readonly grave?: RecordState } {
  const hasBase = stored?.base !== undefined || !isEmptyRecord(base);
  if (hasBase && !isExpired(id, base, horizon)) return { base };
  const grave = hasBase ? base : stored?.grave;
  return isPending && grave ? { grave } : {};
}

/** Collections of a newer app have no schema here: their state is kept, there is nothing to show. Nor of what was taken back whole. */
const NO_VIEW: RecordView = { row: null, conflicts: [] };

/** The device's own unconfirmed changes of the record on top of it, in the order they were made. */
function withPending(
  input: PageInput,
  record: TouchedRecord,
  ground: RecordState | undefined,
  pending: readonly OutboxKey[],
): RecordState {
  const overlay = ground ? copyRecord(ground) : createRecord();
  for (const key of pending) {
    const row = input.pending.get(outboxKey(key));
    const first = input.pending.get(outboxKey([key[0], 0]));
    const rec = row?.recs.find((candidate) => candidate.c === record.collection && candidate.id === record.id);
    assert(rec && first?.head, `the outbox holds change ${key.join('.')} of ${record.collection}/${record.id}`);
    applyRecordChange(overlay, { dot: first.dot!, hlc: first.head.hlc }, rec);
  }
  return overlay;
}

function advance({ replica, nowMs, entries, followed }: PageInput): ReplicaRow {
  const latestMs = latestNow(nowMs, replica.offsetMs);
  let { received } = replica;
  let { changes, bytes } = replica.outbox;
  for (const entry of entries) {
    received = receive(received, entry.mark.hlc, latestMs);
    if (entry.own.length > 0) changes--;
    bytes -= entry.own.reduce((sum, row) => sum + row.bytes, 0);
  }
  const cursor = followed?.cursor ?? replica.cursor;
  return { ...replica, cursor, received, hlc: Math.max(replica.hlc, received), outbox: { changes, bytes } };
}

function problemsOf(records: readonly FinishedRecord[]): { readonly problems?: readonly PolicyProblem[] } {
  const problems = records.flatMap(({ view }) => view.problems ?? []);
  return problems.length > 0 ? { problems } : {};
}

function touchedRows(records: readonly FinishedRecord[]): Record<string, string[]> {
  const touched = new Map<string, string[]>();
  for (const { collection, id } of records) {
    const ids = touched.get(collection);
    if (ids) ids.push(id);
    else touched.set(collection, [id]);
  }
  // A collection may be called as any object's property is.
  return Object.fromEntries(touched);
}

/** Where a policy passed over a value: told to the app, because nothing is lost silently. */
function merges(input: PageInput, record: FinishedRecord): Merged[] {
  const schema = input.schemas.get(record.collection);
  const state = currentState(record.row);
  if (!schema || !state) return [];
  return [...state.cells].flatMap(([path, entries]) => {
    const losers = entries.length > 1 ? schema.read(path, entries).losers : [];
    if (losers.length === 0) return [];
    const parsed = parsePath(path);
    const place = parsed.kind === 'key' ? { field: parsed.field, key: parsed.key } : { field: path };
    return [{ collection: record.collection, rowId: record.id, ...place, losers: losers.map((entry) => entry.v) }];
  });
}

export function outboxKey([order, part]: OutboxKey): string {
  return `${order}.${part}`;
}

/** The change that rows of the outbox hold, as it is sent. */
export function changeOf(rows: readonly OutboxRow[]): Change {
  const [first] = rows;
  assert(first?.head && first.dot, 'the first part of a change has its head');
  return { dot: first.dot, ...first.head, recs: rows.flatMap((row) => row.recs) };
}

/** The change of an entry without content; null when it is not in the outbox. The stamp is the one that the server took. */
function ownChange(entry: ChangeEntry, rows: readonly OutboxRow[]): Change | null {
  if (rows.length === 0) return null;
  const change = changeOf(rows);
  return entry.hlc === undefined ? change : { ...change, hlc: entry.hlc };
}

/** Rows of the outbox, in order and whole changes only, as the engine pushes them. */
export function outboxItems(
  rows: readonly OutboxRow[],
  max: { readonly changes: number; readonly bytes: number },
): OutboxItem[] {
  const items: OutboxItem[] = [];
  let bytes = 0;
  for (let i = 0; i < rows.length && items.length < max.changes;) {
    const { order } = rows[i]!;
    let end = i;
    while (end < rows.length && rows[end]!.order === order) end++;
    const change = changeOf(rows.slice(i, end));
    const size = utf8Length(JSON.stringify(change));
    if (items.length > 0 && bytes + size > max.bytes) break;
    bytes += size;
    items.push({ position: order, change, bytes: size });
    i = end;
  }
  return items;
}

/** What a newer version writes in a way this one cannot apply must not be skipped: the page ends before it. */
export function applicable(
  stored: Parameters<typeof followPage>[0],
  all: Followed,
  entries: readonly FreshEntry[],
): { readonly followed: Followed; readonly entries: readonly FreshEntry[] } {
  const at = entries.findIndex(({ change }) => unknownOp(change) !== undefined);
  if (at === -1) return { followed: all, entries };
  const { stamp, change } = entries[at]!;
  const upgrade = `A newer version of the app wrote an operation "${unknownOp(change)!.t}" that this one cannot apply.`;
  const end = all.page.entries.findIndex((entry) => entry.stamp[0] === stamp[0] && entry.stamp[1] === stamp[1]);
  const followed = followPage(stored, { ...all.page, entries: all.page.entries.slice(0, end) }, all.founders);
  assert(!('reason' in followed), 'the begin of a page that follows does so too');
  return { followed: { ...followed, upgrade }, entries: entries.slice(0, at) };
}

function unknownOp({ recs }: Change): Op | undefined {
  return recs.flatMap((rec) => rec.ops).find((op) => !isKnownKind(op.t));
}
