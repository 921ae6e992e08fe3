/**
 * What a page of the log does to a device: pure, from what was stored to what to store. Remote changes apply to the
 * base, under the device's own pending ones; what a person sees never goes back.
 */
import { applyRecordChange } from '../core/apply.ts';
import type { Change, RecordChange, Writer } from '../core/change.ts';
import { receive } from '../core/clock.ts';
import type { OpenConflict } from '../core/conflict.ts';
import { parsePath } from '../core/paths.ts';
import type { PolicyProblem } from '../core/policy-problem.ts';
import { incOf, type Dot } from '../core/dot.ts';
import { isKnownKind } from '../core/op-kinds.ts';
import { copyRecord, createRecord, isEmptyRecord, type Mark, type RecordState } from '../core/record.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { countOf, type Stamp } from '../core/version-vector.ts';
import { viewRecord, type RecordView, type Row } from '../core/view.ts';
import { assert } from '../lib/assert.ts';
import { jsonEqual, type Json } from '../lib/json.ts';
import { utf8Length } from '../lib/utf8.ts';
import { isCut } from '../protocol/later-entries.ts';
import type { ChangeEntry, LogEntry, Page } from '../protocol/messages.ts';
import { conflictMoves } from './conflict-moves.ts';
import { withLocal } from './local-fields.ts';
import { recordKey } from './record-key.ts';
import { endWriters, isClash, lostContent, rejectLost, type Lost } from './rejected.ts';
import type { IngestResult, Merged, OutboxItem } from './device-store.ts';
import {
  currentState,
  type OutboxKey,
  type OutboxRow,
  type RecordRow,
  type RejectedRow,
  type ReplicaRow,
  type WriterRow,
} from './layout.ts';

/** An entry that is new to this device, with its content. */
export interface FreshEntry {
  readonly stamp: Stamp;
  readonly dot: Dot;
  readonly mark: Mark;
  readonly recs: readonly RecordChange[];
  readonly writer?: Writer;
  /** Rows of the outbox that hold this very change: they leave with it. */
  readonly own: readonly OutboxRow[];
  /** What those hold and the log does not have under this dot. */
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
}

export interface PagePlan {
  readonly records: readonly RecordRow[];
  readonly rows: readonly { readonly collection: string; readonly id: string; readonly row: Row | null }[];
  readonly conflicts: readonly OpenConflict[];
  readonly closedConflicts: readonly string[];
  readonly writers: readonly WriterRow[];
  readonly outboxDeletes: readonly OutboxKey[];
  readonly rejected: readonly RejectedRow[];
  readonly replica: ReplicaRow;
  readonly result: Extract<IngestResult, { type: 'ingested' }>;
}

export type OutOfStep = Extract<IngestResult, { type: 'out-of-step' }>;

/** What of a page was not applied already. */
export function freshEntries(replica: ReplicaRow, entries: readonly LogEntry[]): readonly LogEntry[] | OutOfStep {
  const cursor: Record<string, number> = { ...replica.cursor };
  const fresh: LogEntry[] = [];
  for (const entry of entries) {
    const [sid, n] = entry.stamp;
    const applied = countOf(cursor, sid);
    if (n <= applied) continue;
    if (n !== applied + 1)
      return { type: 'out-of-step', reason: `the page goes on with ${n} of ${sid}, this device has ${applied}` };
    cursor[sid] = n;
    fresh.push(entry);
  }
  return fresh;
}

/** The entries with their content, which for own ones may be only in the outbox; `own` finds its rows by dot. */
export function withContent(
  entries: readonly LogEntry[],
  own: (dot: Dot) => readonly OutboxRow[],
): readonly FreshEntry[] | OutOfStep {
  const known: FreshEntry[] = [];
  for (const entry of entries) {
    if ('control' in entry || 'alias' in entry) continue;
    const { stamp, dot } = entry;
    const rows = own(dot);
    const change = entry.change ?? ownChange(entry, rows);
    if (!change) return { type: 'out-of-step', reason: 'the server left out a change that is not in the outbox', dot };
    const { hlc, recs, writer } = change;
    const lost = entry.change ? lostContent(rows, entry.change) : null;
    known.push({ stamp, dot, mark: { dot, hlc }, recs, ...(writer ? { writer } : {}), own: rows, lost });
  }
  return known;
}

/** Ends before the first entry that only a newer version can apply: `upgrade` then says why. */
export function planPage(given: PageInput): PagePlan {
  const { entries, upgrade } = applicable(given.entries);
  const input = { ...given, entries };
  const removed = input.entries.flatMap((entry) => entry.own.map((row): OutboxKey => [row.order, row.part]));
  const gone = new Set(removed.map(outboxKey));
  const touched = new Map<string, TouchedRecord>();
  for (const entry of input.entries) {
    for (const rec of entry.recs) applyRecordChange(touch(input, touched, rec).base, entry.mark, rec, entry.stamp);
    // Not always the same records: what a copy of this profile took back is named by the outbox alone.
    for (const rec of entry.own.flatMap((row) => row.recs)) touch(input, touched, rec);
  }
  for (const record of input.recompute ?? []) touch(input, touched, record);
  const finished = [...touched.values()].map((record) => finish(input, record, gone));
  const changed = finished.filter((record) => record.isChanged);
  const rejected = input.entries.flatMap(({ mark, lost }) =>
    rejectLost(mark, lost, (rec) => touched.get(recordKey(rec.c, rec.id))?.base),
  );
  const replica = endWriters(
    advance(input),
    input.entries.flatMap(({ dot, lost }) => (isClash(lost) ? [dot] : [])),
  );
  return {
    records: finished.map((record) => record.row),
    rows: changed.flatMap(({ collection, id, view }) =>
      input.schemas.has(collection) ? [{ collection, id, row: view.row }] : [],
    ),
    conflicts: finished.flatMap((record) => record.view.conflicts),
    closedConflicts: finished.flatMap((record) => record.closed),
    writers: input.entries.flatMap((entry) => (entry.writer ? [{ ...entry.writer, inc: incOf(entry.dot) }] : [])),
    outboxDeletes: removed,
    rejected,
    replica,
    result: {
      type: 'ingested',
      cursor: replica.cursor,
      ...(upgrade === null ? {} : { upgrade }),
      applied: input.entries.filter((entry) => !isConfirmed(entry)).length,
      confirmed: input.entries.filter(isConfirmed).length,
      touched: touchedRows(changed),
      conflictsChanged: [
        ...finished.flatMap(({ collection, id, stored, row }) =>
          conflictMoves(collection, id, stored?.conflicts ?? [], row.conflicts),
        ),
        ...rejected.flatMap(({ id, c, rowId }) => conflictMoves(c, rowId, [], [id])),
      ],
      merged: changed.flatMap((record) => merges(input, record)),
      ...problemsOf(finished),
    },
  };
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
  readonly closed: readonly string[];
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

function finish(input: PageInput, record: TouchedRecord, gone: ReadonlySet<string>): FinishedRecord {
  const { collection, id, stored, base } = record;
  const pending = (stored?.pending ?? []).filter((key) => !gone.has(outboxKey(key)));
  const overlay = pending.length === 0 ? undefined : withPending(input, record, pending);
  const schema = input.schemas.get(collection);
  const hasBase = stored?.base !== undefined || !isEmptyRecord(base);
  const shared = schema && (overlay || hasBase) ? viewRecord(schema, id, overlay ?? base) : NO_VIEW;
  const before = schema && currentState(stored) ? viewRecord(schema, id, currentState(stored)!).row : null;
  const open = shared.conflicts.map((conflict) => conflict.id);
  const wasOpen = stored?.conflicts ?? [];
  const row: RecordRow = {
    c: collection,
    id,
    ...(hasBase ? { base } : {}),
    ...(overlay ? { overlay } : {}),
    pending,
    conflicts: open,
    ...(stored?.local ? { local: stored.local } : {}),
  };
  return {
    ...record,
    row,
    view: schema ? { ...shared, row: withLocal(schema, shared.row, stored?.local) } : shared,
    isChanged: !jsonEqual(before as Json, shared.row as Json),
    closed: wasOpen.filter((conflict) => !open.includes(conflict)),
  };
}

/** Collections of a newer app have no schema here: their state is kept, there is nothing to show. Nor of what was taken back whole. */
const NO_VIEW: RecordView = { row: null, conflicts: [] };

/** base with the device's own unconfirmed changes of the record on top, in the order they were made. */
function withPending(input: PageInput, record: TouchedRecord, pending: readonly OutboxKey[]): RecordState {
  const overlay = copyRecord(record.base);
  for (const key of pending) {
    const row = input.pending.get(outboxKey(key));
    const first = input.pending.get(outboxKey([key[0], 0]));
    const rec = row?.recs.find((candidate) => candidate.c === record.collection && candidate.id === record.id);
    assert(rec && first?.head, `the outbox holds change ${key.join('.')} of ${record.collection}/${record.id}`);
    applyRecordChange(overlay, { dot: first.dot!, hlc: first.head.hlc }, rec);
  }
  return overlay;
}

function advance({ replica, nowMs, entries }: PageInput): ReplicaRow {
  const serverNowMs = nowMs + replica.offsetMs;
  const cursor: Record<string, number> = { ...replica.cursor };
  let received = replica.received;
  let { changes, bytes } = replica.outbox;
  for (const entry of entries) {
    cursor[entry.stamp[0]] = entry.stamp[1];
    received = receive(received, entry.mark.hlc, serverNowMs);
    if (entry.own.length > 0) changes--;
    bytes -= entry.own.reduce((sum, row) => sum + row.bytes, 0);
  }
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

/** How far a page is reported as applied: as far as the server gave it, unless this version had to stop inside it. */
export function reportedResult(plan: PagePlan, page: Page): PagePlan['result'] {
  if (plan.result.upgrade !== undefined) return plan.result;
  if (!isCut(page)) return { ...plan.result, cursor: page.cursor };
  return { ...plan.result, upgrade: `The log has an entry "${page.laterKind}" that only a newer version knows.` };
}

/** What a newer version writes in a way this one cannot apply must not be skipped: the page ends before it. */
function applicable(entries: readonly FreshEntry[]): {
  readonly entries: readonly FreshEntry[];
  readonly upgrade: string | null;
} {
  for (const [i, entry] of entries.entries()) {
    const unknown = entry.recs.flatMap((rec) => rec.ops).find((op) => !isKnownKind(op.t));
    if (!unknown) continue;
    const upgrade = `A newer version of the app wrote an operation "${unknown.t}" that this one cannot apply.`;
    return { entries: entries.slice(0, i), upgrade };
  }
  return { entries, upgrade: null };
}
