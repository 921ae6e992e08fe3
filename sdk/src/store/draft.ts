/**
 * One local write transaction while it is open: which changes it makes and what they leave in every store. Pure: it
 * is told what was stored and says what to store, so that the page and the simulation run the same decisions.
 *
 * A transaction is one change, whatever it writes. It may write in several steps; each step's record changes are a
 * part of the change in the outbox, and a record that is written again has its changes combined where they are. Only a bulk write
 * outside a transaction of the app's own is split into several changes, so that each stays within the limits.
 */
import { applyRecordChange } from '../core/apply.ts';
import { combineChanges, withoutEffectless } from '../core/combine.ts';
import type { RecordChange, Writer } from '../core/change.ts';
import { problemKey, type PolicyProblem } from '../core/policy-problem.ts';
import { tick, type Hlc } from '../core/clock.ts';
import { dotOf, incOf, type Dot, type Inc } from '../core/dot.ts';
import { copyRecord, createRecord, type RecordState } from '../core/record.ts';
import type { CollectionSchema } from '../core/schema.ts';
import type { VersionVector } from '../core/version-vector.ts';
import type { UndoneRecord } from '../core/undo.ts';
import { isVisible, readRow, viewRecord, type RecordView, type Row } from '../core/view.ts';
import { assert } from '../lib/assert.ts';
import { SkerryError } from '../lib/errors.ts';
import { utf8Length } from '../lib/utf8.ts';
import { checkChange } from '../protocol/check-change.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import type { ConflictMove } from './device-store.ts';
import { conflictMoves } from './conflict-moves.ts';
import { withLocal, type LocalFields } from './local-fields.ts';
import { KEY_SEPARATOR, recordKey } from './record-key.ts';
import {
  currentState,
  type ChangeHead,
  type OutboxKey,
  type OutboxRow,
  type RecordRow,
  type ReplicaRow,
} from './layout.ts';

/** A bulk write is split when a change has this many records or bytes. */
const SPLIT_RECORDS = 200;
const SPLIT_BYTES = 131_072;
/** Writers whose numbering is remembered; a living one that was forgotten starts a new incarnation. */
const MAX_SEQS = 64;

export interface DraftOptions {
  /** As stored before this transaction. */
  readonly replica: ReplicaRow;
  readonly inc: Inc;
  readonly writer: Writer;
  readonly nowMs: number;
  readonly isSplittable: boolean;
  readonly kind?: 'resolve';
  readonly label?: string;
}

interface ChangeDraft {
  readonly order: number;
  readonly dot: Dot;
  readonly head: ChangeHead;
  readonly parts: PartDraft[];
  bytes: number;
}

interface PartDraft {
  readonly recs: Map<string, { readonly change: RecordChange; readonly bytes: number }>;
  isDirty: boolean;
}

interface RecordDraft {
  readonly stored: RecordRow | undefined;
  place: { readonly change: ChangeDraft; readonly part: number } | null;
  /** What the row has that never leaves this device. */
  local: LocalFields | undefined;
  /** Every conflict that this record had before or during the transaction. */
  readonly conflicts: Set<string>;
  /** Those that are open now. */
  open: readonly string[];
}

/** What one record is after a write. */
export interface WrittenRecord {
  /** null: nothing is stored of it. */
  readonly row: RecordRow | null;
  readonly view: RecordView;
  /** Conflicts that were open before and are no longer. */
  readonly closed: readonly string[];
}

/** What a step leaves in the outbox and in the replica's row. */
export interface StepRows {
  readonly outboxPuts: readonly OutboxRow[];
  readonly outboxDeletes: readonly OutboxKey[];
  readonly replica: ReplicaRow;
}

export class TransactionDraft {
  readonly #options: DraftOptions;
  readonly #changes: ChangeDraft[] = [];
  readonly #records = new Map<string, RecordDraft>();
  readonly #problems = new Map<string, PolicyProblem>();
  #step: { change: ChangeDraft; part: number } | null = null;

  constructor(options: DraftOptions) {
    this.#options = options;
  }

  knows(collection: string, id: string): boolean {
    return this.#records.has(recordKey(collection, id));
  }

  /** Tells what was stored of a record before this transaction; once per record. */
  load(collection: string, id: string, stored: RecordRow | undefined): void {
    this.#records.set(recordKey(collection, id), {
      stored,
      place: null,
      local: stored?.local,
      conflicts: new Set(stored?.conflicts),
      open: stored?.conflicts ?? [],
    });
  }

  /** The record before this transaction. */
  stored(collection: string, id: string): RecordRow | undefined {
    return this.#record(collection, id).stored;
  }

  /** The record as this transaction shows it so far. */
  current(schema: CollectionSchema, id: string): RecordState | undefined {
    const record = this.#record(schema.name, id);
    const change = this.#changeOf(record, recordKey(schema.name, id));
    return change ? this.#applied(record, change) : currentState(record.stored);
  }

  /** The row that the app sees of this record, as this transaction shows it so far. */
  shown(schema: CollectionSchema, id: string): Row | undefined {
    const state = this.current(schema, id);
    if (!state || state.life.length === 0 || !isVisible(schema, state)) return undefined;
    return withLocal(schema, readRow(schema, id, state), this.local(schema.name, id));
  }

  /** What the row has that never leaves this device, as this transaction shows it so far. */
  local(collection: string, id: string): LocalFields | undefined {
    return this.#record(collection, id).local;
  }

  /** Begins a step: what it writes becomes a part of its own in the outbox. */
  beginStep(): void {
    this.#step = null;
  }

  /** What a step changes, made from current(); null: nothing. `local`: what the row has that never leaves this device. */
  write(
    schema: CollectionSchema,
    id: string,
    step: RecordChange | null,
    local: LocalFields | undefined,
  ): WrittenRecord {
    const record = this.#record(schema.name, id);
    record.local = local;
    const key = recordKey(schema.name, id);
    if (step) this.#place(record, key, this.#combined(schema, record, key, step));
    const state = this.current(schema, id);
    const shared = state ? viewRecord(schema, id, state) : { row: null, conflicts: [] };
    const view = { ...shared, row: withLocal(schema, shared.row, local) };
    for (const problem of view.problems ?? []) this.#problems.set(problemKey(problem), problem);
    const open = view.conflicts.map((conflict) => conflict.id);
    record.open = open;
    for (const conflict of open) record.conflicts.add(conflict);
    const closed = [...record.conflicts].filter((conflict) => !open.includes(conflict));
    const { local: _before, ...stored } = record.stored ?? {};
    const beside = local ? { local } : {};
    if (!record.place) return { row: record.stored ? ({ ...stored, ...beside } as RecordRow) : null, view, closed };
    const place: OutboxKey = [record.place.change.order, record.place.part];
    const row: RecordRow = {
      ...stored,
      c: schema.name,
      id,
      overlay: state!,
      pending: [...(record.stored?.pending ?? []), place],
      conflicts: open,
      ...beside,
    };
    return { row, view, closed };
  }

  /** What to store after a step. Throws TOO_LARGE or INVALID_VALUE when a server would not take the change. */
  finishStep(): StepRows {
    return { ...this.#outboxOf(this.#changes), replica: this.#replica() };
  }

  /** In the middle of a long step: what of its changes will not become more. */
  finishedChanges(): Omit<StepRows, 'replica'> {
    return this.#outboxOf(this.#changes.slice(0, -1));
  }

  #outboxOf(changes: readonly ChangeDraft[]): Omit<StepRows, 'replica'> {
    const puts: OutboxRow[] = [];
    const deletes: OutboxKey[] = [];
    for (const change of changes) {
      checkSendable(change);
      const isEmpty = change.parts.every((part) => part.recs.size === 0);
      change.parts.forEach((part, index) => {
        if (!part.isDirty && !isEmpty) return;
        part.isDirty = false;
        if (isEmpty || (part.recs.size === 0 && index > 0)) deletes.push([change.order, index]);
        else puts.push(outboxRow(change, part, index));
      });
    }
    return { outboxPuts: puts, outboxDeletes: deletes };
  }

  /** Dots of the changes as they stand. */
  get dots(): readonly Dot[] {
    return this.#written().map((change) => change.dot);
  }

  /** What the outbox has of them. */
  get outboxRows(): readonly OutboxRow[] {
    return this.#written().flatMap((change) => change.parts.map((part, index) => outboxRow(change, part, index)));
  }

  /** What the transaction did to each record, as it stands: for undoing it. */
  get undoable(): readonly (UndoneRecord & { readonly collection: string })[] {
    return [...this.#records].flatMap(([key, record]) => {
      const written = this.#changeOf(record, key);
      if (!written) return [];
      const { change, draft } = written;
      return [{ collection: change.c, id: change.id, dot: draft.dot, change, before: currentState(record.stored) }];
    });
  }

  get recordCount(): number {
    return this.#changes.reduce(
      (sum, change) => sum + change.parts.reduce((count, part) => count + part.recs.size, 0),
      0,
    );
  }

  /** Conflicts that this transaction opened or closed. */
  get conflictsChanged(): readonly ConflictMove[] {
    return [...this.#records].flatMap(([key, { stored, open }]) => {
      if (open.length === 0 && (stored?.conflicts ?? open).length === 0) return [];
      const [collection, rowId] = key.split(KEY_SEPARATOR) as [string, string];
      return conflictMoves(collection, rowId, stored?.conflicts ?? [], open);
    });
  }

  /** What the developer should hear of the rows that this transaction wrote. */
  get problems(): readonly PolicyProblem[] {
    return [...this.#problems.values()];
  }

  /** This device's wall clock when it began. */
  get nowMs(): number {
    return this.#options.nowMs;
  }

  /** Place in the outbox of the first change. */
  get order(): number {
    return this.#options.replica.order;
  }

  /** Next place in the outbox after this transaction. */
  get position(): number {
    return this.#replica().order;
  }

  /** What the outbox has after this transaction. */
  get outbox(): ReplicaRow['outbox'] {
    return this.#replica().outbox;
  }

  /** What of the server's log was applied here before it. */
  get saw(): VersionVector {
    return this.#options.replica.cursor;
  }

  /** The highest seq that this transaction takes if it commits. */
  get lastSeq(): number {
    return this.#firstSeq() + this.#written().length - 1;
  }

  #written(): ChangeDraft[] {
    return this.#changes.filter((change) => change.parts.some((part) => part.recs.size > 0));
  }

  #record(collection: string, id: string): RecordDraft {
    const record = this.#records.get(recordKey(collection, id));
    assert(record, `record ${collection}/${id} was loaded before it is written`);
    return record;
  }

  #changeOf(record: RecordDraft, key: string): { change: RecordChange; draft: ChangeDraft } | null {
    const written = record.place?.change.parts[record.place.part]?.recs.get(key);
    return written ? { change: written.change, draft: record.place!.change } : null;
  }

  #applied(record: RecordDraft, { change, draft }: { change: RecordChange; draft: ChangeDraft }): RecordState {
    const before = currentState(record.stored);
    const state = before ? copyRecord(before) : createRecord();
    applyRecordChange(state, { dot: draft.dot, hlc: draft.head.hlc }, change);
    return state;
  }

  /** With what the transaction changed of this record before; null when both together change nothing. */
  #combined(schema: CollectionSchema, record: RecordDraft, key: string, step: RecordChange): RecordChange | null {
    const earlier = this.#changeOf(record, key);
    if (!earlier) return step;
    const combined = combineChanges(earlier.change, step, earlier.draft.dot);
    // A resolution counts even if it settles on what was there; a split change is never taken back.
    if (this.#options.isSplittable || this.#options.kind === 'resolve') return combined;
    return withoutEffectless(schema, currentState(record.stored), combined);
  }

  #place(record: RecordDraft, key: string, change: RecordChange | null): void {
    if (record.place) this.#remove(record.place.change, record.place.part, key);
    if (!change) {
      record.place = null;
      return;
    }
    const bytes = utf8Length(JSON.stringify(change)) + 1;
    record.place ??= this.#nextPlace(bytes);
    const { change: draft, part } = record.place;
    draft.parts[part]!.recs.set(key, { change, bytes });
    draft.parts[part]!.isDirty = true;
    draft.bytes += bytes;
  }

  #remove(draft: ChangeDraft, index: number, key: string): void {
    const part = draft.parts[index]!;
    draft.bytes -= part.recs.get(key)?.bytes ?? 0;
    part.recs.delete(key);
    part.isDirty = true;
  }

  #nextPlace(bytes: number): { change: ChangeDraft; part: number } {
    const step = this.#step;
    if (step && !this.#isFull(step.change, bytes)) return step;
    const last = this.#changes.at(-1);
    const change = last && !this.#isFull(last, bytes) ? last : this.#newChange();
    // An empty part is used again: the first one carries the head, so it must not stay behind empty.
    let part = change.parts.findIndex((candidate) => candidate.recs.size === 0);
    if (part === -1) part = change.parts.push({ recs: new Map(), isDirty: false }) - 1;
    this.#step = { change, part };
    return this.#step;
  }

  #isFull(change: ChangeDraft, bytes: number): boolean {
    if (!this.#options.isSplittable) return false;
    const records = change.parts.reduce((count, part) => count + part.recs.size, 0);
    return records > 0 && (records >= SPLIT_RECORDS || change.bytes + bytes > SPLIT_BYTES);
  }

  #newChange(): ChangeDraft {
    const { replica, inc, kind, label, writer } = this.#options;
    const index = this.#changes.length;
    const seq = this.#firstSeq() + index;
    const previous = index === 0 ? replica.lastDot : null;
    const head: ChangeHead = {
      hlc: this.#firstHlc() + index,
      deps: replica.cursor,
      ...(previous && incOf(previous) !== inc ? { ex: [previous] } : {}),
      ...(kind ? { kind } : {}),
      ...(label === undefined ? {} : { label }),
      ...(seq === 1 ? { writer } : {}),
    };
    const change: ChangeDraft = { order: replica.order + index, dot: dotOf(inc, seq), head, parts: [], bytes: 0 };
    this.#changes.push(change);
    return change;
  }

  #firstSeq(): number {
    return (this.#options.replica.seqs[this.#options.inc] ?? 0) + 1;
  }

  #firstHlc(): Hlc {
    const { replica, nowMs } = this.#options;
    return tick(replica.hlc, Math.floor(nowMs + replica.offsetMs));
  }

  #replica(): ReplicaRow {
    const { replica, inc } = this.#options;
    const written = this.#written();
    const last = written.at(-1);
    if (!last) return replica;
    assert(written.length === this.#changes.length, 'a split change is never emptied');
    const { [inc]: _previous, ...others } = replica.seqs;
    const seqs = Object.fromEntries([...Object.entries(others).slice(1 - MAX_SEQS), [inc, this.lastSeq]]);
    return {
      ...replica,
      hlc: last.head.hlc,
      order: last.order + 1,
      lastDot: last.dot,
      seqs,
      outbox: {
        changes: replica.outbox.changes + written.length,
        bytes: replica.outbox.bytes + written.reduce((sum, change) => sum + change.bytes, 0),
      },
    };
  }
}

function outboxRow(change: ChangeDraft, part: PartDraft, index: number): OutboxRow {
  const recs = [...part.recs.values()];
  const row = {
    order: change.order,
    part: index,
    recs: recs.map((written) => written.change),
    bytes: recs.reduce((sum, written) => sum + written.bytes, 0),
  };
  return index === 0 ? { ...row, dot: change.dot, head: change.head } : row;
}

/** What a server would refuse is refused here, by the server's own check, before it is called saved. */
function checkSendable({ dot, head, parts }: ChangeDraft): void {
  const { changeBytes, recordsPerChange } = DEFAULT_LIMITS;
  let records = 0;
  let bytes = utf8Length(JSON.stringify({ dot, ...head }));
  for (const part of parts) {
    const written = [...part.recs.values()];
    records += written.length;
    bytes += written.reduce((sum, rec) => sum + rec.bytes, 0);
    if (!part.isDirty || written.length === 0) continue;
    const checked = checkChange({ dot, ...head, recs: written.map((rec) => rec.change) }, DEFAULT_LIMITS);
    if (checked.type === 'ok') continue;
    if (checked.code === 'TOO_LARGE') throw tooLarge(checked.reason);
    throw new SkerryError('INVALID_VALUE', `This cannot be sent: ${checked.reason}. Nothing was written.`);
  }
  if (bytes > changeBytes) throw tooLarge(`it has ${bytes} bytes, allowed are ${changeBytes}`);
  if (records > recordsPerChange) throw tooLarge(`it writes ${records} rows, allowed are ${recordsPerChange}`);
}

function tooLarge(reason: string): SkerryError {
  return new SkerryError('TOO_LARGE', `This transaction is too large: ${reason}. Nothing was written.`);
}
