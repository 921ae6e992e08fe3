/**
 * A device's storage in memory: the same decisions as in the browser (draft, page plan, re-stamping) over maps. For
 * simulations and tests; it can be copied and put back, as a profile can.
 */
import { WAIVERS } from '../constraints/claim.ts';
import { ClaimIndex } from '../constraints/claim-index.ts';
import { maintainConstraints } from '../constraints/maintain.ts';
import type { Constraints } from '../constraints/registry.ts';
import { WAIVER_SCHEMA } from '../constraints/waiver.ts';
import type { RecordChange } from '../core/change.ts';
import { latestNow } from '../core/clock.ts';
import type { OpenConflict } from '../core/conflict.ts';
import { incOf, type Dot, type Inc } from '../core/dot.ts';
import type { RecordState } from '../core/record.ts';
import type { CollectionSchema } from '../core/schema.ts';
import type { Row } from '../core/view.ts';
import { assert } from '../lib/assert.ts';
import { SkerryError } from '../lib/errors.ts';
import type { Json } from '../lib/json.ts';
import type { Random } from '../lib/random.ts';
import { EMPTY_DIGEST, digestText } from '../core/digest.ts';
import type { Sid } from '../core/version-vector.ts';
import type { Bootstrap, Page, Snapshot, SnapshotRecord } from '../protocol/messages.ts';
import { retryIntent } from './attempt.ts';
import {
  addDigest,
  isResumable,
  latestOf,
  stagePiece,
  switchContext,
  switchRecord,
  switchSpace,
} from './bootstrap-plan.ts';
import { changedByStep, changedRecords } from './changed-records.ts';
import { copyRow } from './check-row.ts';
import type {
  Inspection,
  InspectionResult,
  IngestResult,
  OutboxItem,
  OutboxPosition,
  RecordName,
  Refused,
  SnapshotResult,
  StoredIdentity,
  TakeBackResult,
} from './device-store.ts';
import { TransactionDraft, type StepRows } from './draft.ts';
import { followPage } from './follow.ts';
import {
  beginInspection,
  endInspection,
  hasMoved,
  inspect,
  INSPECT_EVERY_MS,
  INSPECT_RECORDS,
  nextInMs,
} from './inspection.ts';
import { createIncarnation, type WriterIncarnation } from './incarnation.ts';
import {
  newReplica,
  newSpace,
  type OutboxRow,
  type QuarantineRow,
  type RecordRow,
  type RejectedRow,
  type ReplicaRow,
  type SpaceRow,
  type StagingRow,
  type TailRow,
  type WriterRow,
} from './layout.ts';
import { seenRecord, type SeenRecord } from './seen.ts';
import { filledBy, knowsOutbox, switchOutbox, UNASKED } from './outbox-switch.ts';
import { applicable, outboxItems, outboxKey, planPage, withContent, type PagePlan } from './page-plan.ts';
import { recordKey } from './record-key.ts';
import { copyIdOf, planRecover } from './recover-plan.ts';
import { withoutFilled } from './rejected.ts';
import { voidsOf } from './space-row.ts';
import { planReject, planWithdrawn } from './reject-plan.ts';
import { planRestamp, withServerTime } from './restamp.ts';
import { SwitchOutcome } from './switch-outcome.ts';
import { planViews, resultOf, withTakenBack, type TakeBack } from './take-back.ts';
import { checkStep, rowIntent, writeStep, type IntendedRecord, type RecordIntent } from './step.ts';
import { hasShare, tailToRead } from './tail-plan.ts';

/** Everything that a profile on disk holds. */
export interface MemoryDisk {
  replica: ReplicaRow;
  readonly records: Map<string, RecordRow>;
  readonly outbox: Map<string, OutboxRow>;
  readonly conflicts: Map<string, OpenConflict>;
  readonly rejected: Map<string, RejectedRow>;
  readonly writers: Map<Inc, WriterRow>;
  readonly rows: Map<string, Row>;
  /** Claims, components and the open conflicts of constraints. */
  readonly constraints: ClaimIndex;
  space: SpaceRow;
  readonly tail: Map<number, TailRow>;
  staging: { readonly begun: Extract<StagingRow, { key: 'begun' }>; readonly pieces: readonly Snapshot[] } | null;
  readonly quarantine: Map<string, QuarantineRow>;
}

export interface MemoryDeviceOptions {
  readonly schemas: ReadonlyMap<string, CollectionSchema>;
  readonly constraints?: Constraints;
  readonly user: { readonly id: string; readonly name?: string };
  readonly nowMs: () => number;
  readonly random: Random;
  readonly disk: MemoryDisk;
}

/** What a local transaction does to one record. */
export type LocalIntent = {
  readonly collection: string;
  readonly id: string;
} & (
  | { readonly row: Row | null; readonly seen?: SeenRecord }
  /** The row made from what this transaction shows of it so far. */
  | { edit(shown: Row | undefined): Row | null }
  /** A change that is not a row write, made from the record as this transaction shows it so far. */
  | { change(current: RecordState | undefined, confirmed: RecordState | undefined): RecordChange | null }
);

export interface TransactionAbout {
  readonly tab?: number;
  readonly kind?: 'resolve';
  readonly label?: string;
}

export function emptyDisk(deviceId: string): MemoryDisk {
  return {
    replica: newReplica(deviceId),
    records: new Map(),
    outbox: new Map(),
    conflicts: new Map(),
    rejected: new Map(),
    writers: new Map(),
    rows: new Map(),
    constraints: new ClaimIndex(),
    space: newSpace(),
    tail: new Map(),
    staging: null,
    quarantine: new Map(),
  };
}

/** The same contents; what is written to one does not show in the other. */
export function copyDisk(disk: MemoryDisk): MemoryDisk {
  return {
    ...disk,
    records: new Map(disk.records),
    outbox: new Map(disk.outbox),
    conflicts: new Map(disk.conflicts),
    rejected: new Map(disk.rejected),
    writers: new Map(disk.writers),
    rows: new Map(disk.rows),
    constraints: disk.constraints.copy(),
    tail: new Map(disk.tail),
    quarantine: new Map(disk.quarantine),
  };
}

export class MemoryDevice {
  readonly #options: MemoryDeviceOptions;
  /** One per open tab; a tab that is opened again gets a new one. */
  readonly #tabs: WriterIncarnation[] = [];
  /** Of the syncing context, which writes only to recover. */
  #syncing!: WriterIncarnation;

  constructor(options: MemoryDeviceOptions) {
    this.#options = options;
    this.reopen();
  }

  get disk(): MemoryDisk {
    return this.#options.disk;
  }

  /** Every connection ends; the next writes are of new incarnations. */
  reopen(tabs = 2): void {
    const { nowMs, random } = this.#options;
    this.#tabs.splice(0, this.#tabs.length, ...Array.from({ length: tabs }, () => createIncarnation(nowMs, random)));
    this.#syncing = createIncarnation(nowMs, random);
  }

  row(collection: string, id: string): Row | undefined {
    return this.disk.rows.get(recordKey(collection, id));
  }

  seen(collection: string, id: string): SeenRecord {
    return seenRecord(this.disk.records.get(recordKey(collection, id)), this.#outboxRows());
  }

  /** One transaction of several steps: all of it, or an exception and nothing. Returns the dots of its changes. */
  write(steps: readonly (readonly LocalIntent[])[], about: TransactionAbout = {}): readonly Dot[] {
    const tab = this.#tabs[about.tab ?? 0]!;
    const draft = this.#begin(tab, about);
    const outcomes = steps.map((step) => {
      const intents = step.map((intent) => this.#intent(draft, intent));
      checkStep(draft, intents);
      return writeStep(draft, intents);
    });
    for (const { written, rows } of outcomes) this.#keep(written, rows);
    if (draft.dots.length > 0) tab.committed(incOf(draft.dots[0]!), draft.lastSeq);
    return draft.dots;
  }

  /**
   * Forgets a rejected write, and writes it again or something else instead. Throws CONFLICT_CHANGED when it is not there any more,
   * NOT_FOUND when the row to change is not.
   */
  settleRejected(
    id: string,
    choice: 'discard' | 'retry' | { readonly value: Readonly<Record<string, Json>> },
    about: TransactionAbout = {},
  ): readonly Dot[] {
    const { rejected } = this.disk;
    const row = rejected.get(id);
    if (!row) throw new SkerryError('CONFLICT_CHANGED', `What was to be done about ${id} is decided.`);
    const dots = choice === 'discard' ? [] : this.write([[this.#retry(row, choice)]], about);
    rejected.delete(id);
    return dots;
  }

  #retry(row: RejectedRow, choice: 'retry' | { readonly value: Readonly<Record<string, Json>> }): LocalIntent {
    const { change } = retryIntent(this.#schema(row.c), row, choice === 'retry' ? null : choice.value);
    return { collection: row.c, id: row.rowId, change };
  }

  #begin(tab: WriterIncarnation, { kind, label }: TransactionAbout): TransactionDraft {
    const { disk, nowMs, user } = this.#options;
    return new TransactionDraft({
      replica: disk.replica,
      inc: tab.continueFrom(disk.replica.seqs),
      writer: { user, device: { id: disk.replica.deviceId } },
      nowMs: nowMs(),
      isSplittable: false,
      ...(kind ? { kind } : {}),
      ...(label === undefined ? {} : { label }),
    });
  }

  #intent(draft: TransactionDraft, intent: LocalIntent): RecordIntent {
    const { collection, id } = intent;
    const schema = this.#schema(collection);
    if (!draft.knows(collection, id)) draft.load(collection, id, this.disk.records.get(recordKey(collection, id)));
    if ('change' in intent) return { schema, id, change: intent.change };
    const next = 'edit' in intent ? intent.edit(draft.shown(schema, id)) : intent.row;
    return rowIntent(schema, id, next && copyRow(schema, next), 'row' in intent ? intent.seen : undefined);
  }

  #keep(written: readonly IntendedRecord[], rows: StepRows | null): void {
    const { disk } = this;
    const { constraints } = this.#options;
    for (const { schema, id, row, view, closed } of written) {
      const key = recordKey(schema.name, id);
      put(disk.records, key, row);
      if (schema.name !== WAIVERS) put(disk.rows, key, view.row);
      for (const conflict of closed) disk.conflicts.delete(conflict);
      for (const conflict of view.conflicts) disk.conflicts.set(conflict.id, conflict);
    }
    for (const row of rows?.outboxPuts ?? []) {
      disk.outbox.set(outboxKey([row.order, row.part]), row);
      if (row.head?.writer) disk.writers.set(incOf(row.dot!), { inc: incOf(row.dot!), ...row.head.writer });
    }
    for (const key of rows?.outboxDeletes ?? []) disk.outbox.delete(outboxKey(key));
    if (rows) disk.replica = rows.replica;
    if (constraints) disk.constraints.run(maintainConstraints(constraints, changedByStep(constraints, written)));
  }

  readIdentity(): StoredIdentity {
    const { replica, space, staging } = this.disk;
    const { deviceId, cursor } = replica;
    const begun = staging && isResumable(staging.begun, cursor) ? staging.begun : null;
    return {
      deviceId,
      cursor,
      chain: space.chain,
      writers: [...new Set([...this.#outboxRows().flatMap((row) => row.dot ?? []), ...voidsOf(space)].map(incOf))],
      heard: [...new Set(this.#tailRows().flatMap((row) => row.incs))],
      isDiverged: space.isDiverged,
      ...(begun ? { resume: { id: begun.bootstrap.id, next: begun.next } } : {}),
    };
  }

  readOutbox(
    after: OutboxPosition | null,
    max: { readonly changes: number; readonly bytes: number },
  ): readonly OutboxItem[] {
    return outboxItems(
      this.#outboxRows().filter((row) => after === null || row.order > after),
      max,
    );
  }

  ingest(page: Page, founders: readonly Sid[]): IngestResult {
    const { disk, schemas, nowMs } = this.#options;
    const { cursor } = disk.replica;
    const stored = { cursor, space: disk.space };
    const all = followPage(stored, page, founders);
    if ('reason' in all) return all;
    const rows = this.#outboxRows();
    const content = withContent(all.changes, (dot) => {
      const first = rows.find((row) => row.dot === dot);
      return first ? rows.filter((row) => row.order === first.order) : [];
    });
    if ('reason' in content) return content;
    const { followed, entries } = applicable(stored, all, content);
    const plan = planPage({
      replica: disk.replica,
      nowMs: nowMs(),
      entries,
      schemas,
      records: disk.records,
      pending: disk.outbox,
      followed,
      tombstones: followed.hasMoved ? [...disk.records.values()].filter((record) => record.dead) : [],
      tail: hasShare([], tailToRead(followed, cursor, entries)) ? [] : this.#tailRows(),
      refused: [...disk.rejected.values()],
    });
    this.#store(plan);
    if (plan.withdrawn.length === 0) return plan.result;
    const left = { replica: disk.replica, outbox: this.#outboxRows(), records: disk.records };
    return withTakenBack(plan.result, this.#takeBack(planWithdrawn(plan.withdrawn, left)));
  }

  ingestSnapshot(bootstrap: Bootstrap, piece: Snapshot): SnapshotResult {
    const { disk } = this;
    const staging = stagePiece(disk.staging?.begun, disk.replica.cursor, bootstrap, piece);
    if (staging.type === 'repeated') return { type: 'staged' };
    if (staging.type === 'out-of-step') {
      disk.staging = null;
      return staging;
    }
    const before = staging.isNew ? [] : (disk.staging?.pieces ?? []);
    const pieces = [...before, piece];
    disk.staging = { begun: staging.begun, pieces };
    if (!staging.isLast) return { type: 'staged' };
    if (!knowsOutbox(bootstrap, this.#outboxRows())) {
      disk.staging = { begun: { ...staging.begun, next: piece.piece }, pieces: before };
      return UNASKED;
    }
    disk.staging = null;
    return this.#goOver(bootstrap, pieces);
  }

  /** From the log so far to the snapshot, at once. */
  #goOver(bootstrap: Bootstrap, pieces: readonly Snapshot[]): IngestResult {
    const { disk, schemas, nowMs } = this.#options;
    const { replica, space, outbox, tail, records } = disk;
    const switched = switchOutbox({
      replica,
      bootstrap,
      outbox: this.#outboxRows(),
      tail: this.#tailRows().flatMap((row) => row.entries),
      writerOf: (inc) => disk.writers.get(inc),
    });
    const filled = filledBy(bootstrap, this.#outboxRows(), space.voids);
    const now = nowMs();
    const context = switchContext({ bootstrap, schemas, cursor: replica.cursor, nowMs: now }, switched);
    const outcome = new SwitchOutcome(context, switched, withoutFilled([...disk.rejected.values()], filled));
    const given = new Map(pieces.flatMap((piece) => piece.records.map((told) => [recordKey(told.c, told.id), told])));
    const written = new Map(
      [...context.pending.values()].flat().flatMap((row) => row.recs.map((rec) => [recordKey(rec.c, rec.id), rec])),
    );
    const named = new Map<string, { readonly c: string; readonly id: string }>([...records, ...written, ...given]);
    let digest = EMPTY_DIGEST;
    const made = [...named].map(([key, name]) => {
      const one = switchRecord(context, name, records.get(key), given.get(key) as SnapshotRecord | undefined);
      digest = addDigest(digest, one.digest);
      outcome.add(name, one);
      return { key, ...one };
    });
    if (digestText(digest) !== bootstrap.digest) return outcome.refuse();
    const recent = pieces.flatMap((piece) => piece.recent);
    const latestMs = latestNow(now, replica.offsetMs);
    const latest = pieces.reduce((max, piece) => latestOf(piece, max, latestMs), replica.received);
    const moved = switchSpace(space, bootstrap, digest, recent, switched);
    for (const { key, record, row, conflicts, closed, discarded } of made) {
      put(records, key, record);
      put(disk.rows, key, row);
      for (const id of closed) disk.conflicts.delete(id);
      for (const conflict of conflicts) disk.conflicts.set(conflict.id, conflict);
      if (discarded) disk.quarantine.set(`${key} ${discarded.hash}`, discarded);
    }
    outbox.clear();
    for (const row of switched.rows) outbox.set(outboxKey([row.order, row.part]), row);
    for (const row of outcome.rejected) disk.rejected.set(row.id, row);
    for (const id of outcome.closedRejected) disk.rejected.delete(id);
    for (const writer of pieces.flatMap((piece) => piece.writers)) disk.writers.set(writer.inc, writer);
    tail.clear();
    for (const row of moved.tail) tail.set(row.position, row);
    disk.replica = {
      ...switched.replica,
      cursor: bootstrap.cursor,
      received: latest,
      hlc: Math.max(replica.hlc, latest),
    };
    disk.space = moved.space;
    const { constraints } = this.#options;
    if (constraints)
      disk.constraints.run(maintainConstraints(constraints, changedRecords(constraints, schemas, outcome.written)));
    return outcome.result;
  }

  inspect(inspection: Inspection | null): InspectionResult {
    const { disk, nowMs } = this.#options;
    const { replica, space, records } = disk;
    const going = inspection ?? beginInspection(space, replica.cursor, nowMs());
    if (!going) return { type: 'done', isDiverged: space.isDiverged, nextInMs: nextInMs(space, nowMs()) };
    if (hasMoved(space, replica.cursor, going)) return { type: 'moved' };
    const after = going.after && recordKey(...going.after);
    const keys = [...records.keys()].sort().filter((key) => after === null || key > after);
    const slice = keys.slice(0, INSPECT_RECORDS).map((key) => records.get(key)!);
    const read = inspect(going, slice);
    if (slice.length === INSPECT_RECORDS) return { type: 'going-on', inspection: read };
    disk.space = endInspection(space, read, nowMs());
    return { type: 'done', isDiverged: disk.space.isDiverged, nextInMs: INSPECT_EVERY_MS };
  }

  noteServerTime(serverNowMs: number): void {
    const { disk, nowMs } = this.#options;
    disk.replica = withServerTime(disk.replica, { serverNowMs, nowMs: nowMs() });
  }

  recover(dot: Dot, name: RecordName): TakeBackResult {
    const { disk, schemas, nowMs, user } = this.#options;
    const copyId = copyIdOf(name, dot);
    const inc = this.#syncing.continueFrom(disk.replica.seqs);
    const result = this.#takeBack(
      planRecover({
        replica: disk.replica,
        outbox: this.#outboxFrom(dot),
        record: disk.records.get(recordKey(name.c, name.id)) ?? { ...name, pending: [], conflicts: [] },
        copy: disk.records.get(recordKey(name.c, copyId)),
        schema: schemas.get(name.c),
        inc,
        writer: disk.writers.get(incOf(dot)) ?? { user, device: { id: disk.replica.deviceId } },
        nowMs: nowMs(),
      }),
    );
    const seq = disk.replica.seqs[inc];
    if (seq !== undefined) this.#syncing.committed(inc, seq);
    return result;
  }

  reject(dot: Dot, error: Refused): TakeBackResult {
    const { replica, records } = this.disk;
    return this.#takeBack(planReject({ replica, outbox: this.#outboxFrom(dot), records, error }));
  }

  #takeBack(plan: TakeBack): TakeBackResult {
    if (plan.type !== 'take-back') return plan;
    const { disk, schemas, nowMs } = this.#options;
    for (const key of plan.outboxDeletes) disk.outbox.delete(outboxKey(key));
    for (const row of plan.outboxPuts) disk.outbox.set(outboxKey([row.order, row.part]), row);
    for (const writer of plan.writers) disk.writers.set(writer.inc, writer);
    for (const row of plan.rejected) disk.rejected.set(row.id, row);
    const views = planViews(plan, { schemas, pending: disk.outbox, nowMs: nowMs() });
    this.#store(views);
    return resultOf(plan, views);
  }

  #outboxFrom(dot: Dot): OutboxRow[] {
    const rows = this.#outboxRows();
    const first = rows.findIndex((row) => row.dot === dot);
    return first === -1 ? [] : rows.slice(first);
  }

  correctClock(
    after: OutboxPosition | null,
    serverNowMs: number,
  ): { readonly restamped: number; readonly offsetMs: number } {
    const { disk, schemas, nowMs } = this.#options;
    const rows = this.#outboxRows().filter((row) => after === null || row.order > after);
    const last = after === null ? undefined : disk.outbox.get(outboxKey([after, 0]));
    const { replica, heads } = planRestamp(disk.replica, rows, last, { serverNowMs, nowMs: nowMs() });
    for (const row of heads) disk.outbox.set(outboxKey([row.order, row.part]), row);
    const recompute = rows.flatMap((row) => row.recs.map((rec) => disk.records.get(recordKey(rec.c, rec.id))!));
    const moment = { replica, nowMs: nowMs(), entries: [] };
    this.#store(planPage({ ...moment, schemas, records: disk.records, pending: disk.outbox, recompute }));
    return { restamped: heads.length, offsetMs: replica.offsetMs };
  }

  #store(plan: PagePlan): void {
    const { disk, schemas, constraints } = this.#options;
    for (const record of plan.records) disk.records.set(recordKey(record.c, record.id), record);
    for (const record of plan.forgotten) disk.records.delete(recordKey(record.c, record.id));
    for (const { collection, id, row } of plan.rows) put(disk.rows, recordKey(collection, id), row);
    for (const id of plan.closedConflicts) disk.conflicts.delete(id);
    for (const conflict of plan.conflicts) disk.conflicts.set(conflict.id, conflict);
    for (const row of plan.rejected) disk.rejected.set(row.id, row);
    for (const id of plan.closedRejected) disk.rejected.delete(id);
    for (const writer of plan.writers) disk.writers.set(writer.inc, writer);
    for (const key of plan.outboxDeletes) disk.outbox.delete(outboxKey(key));
    disk.replica = plan.replica;
    for (const row of plan.tail.puts) disk.tail.set(row.position, row);
    for (const position of plan.tail.deletes) disk.tail.delete(position);
    if (plan.space) disk.space = plan.space;
    if (!constraints) return;
    const changed = changedRecords(constraints, schemas, [...plan.records, ...plan.forgotten]);
    disk.constraints.run(maintainConstraints(constraints, changed));
  }

  #tailRows(): TailRow[] {
    return [...this.disk.tail.values()].sort((a, b) => a.position - b.position);
  }

  #outboxRows(): OutboxRow[] {
    return [...this.disk.outbox.values()].sort((a, b) => a.order - b.order || a.part - b.part);
  }

  #schema(collection: string): CollectionSchema {
    const schema = collection === WAIVERS ? WAIVER_SCHEMA : this.#options.schemas.get(collection);
    assert(schema, `collection ${collection} is known`);
    return schema;
  }
}

function put<V>(map: Map<string, V>, key: string, value: V | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}
