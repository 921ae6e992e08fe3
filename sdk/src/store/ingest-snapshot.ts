/**
 * A snapshot in IndexedDB: pieces are kept in a store of their own, which no local write waits for; with the last one the
 * device goes over in a single transaction. Nothing but IndexedDB is awaited inside one.
 */
import type { IDBPDatabase, IDBPTransaction } from 'idb';

import { maintainConstraints } from '../constraints/maintain.ts';
import type { Constraints } from '../constraints/registry.ts';
import type { Writer } from '../core/change.ts';
import { latestNow } from '../core/clock.ts';
import { digestText, EMPTY_DIGEST } from '../core/digest.ts';
import type { Inc } from '../core/dot.ts';
import type { CollectionSchema } from '../core/schema.ts';
import type { Bootstrap, ChangeEntry, Snapshot, SnapshotRecord } from '../protocol/messages.ts';
import {
  addDigest,
  latestOf,
  stagePiece,
  switchContext,
  switchRecord,
  switchSpace,
  type SwitchContext,
  type SwitchedRecord,
} from './bootstrap-plan.ts';
import { changedRecords } from './changed-records.ts';
import { runOnIdb } from './constraint-idb.ts';
import type { IngestResult, SnapshotResult } from './device-store.ts';
import { isSamePlace, type OutOfStep } from './follow.ts';
import { noteHeard } from './heard.ts';
import { keepSteps, writtenBy } from './history-idb.ts';
import type { Kept, RecordStep } from './history-row.ts';
import {
  CONFLICTS,
  currentState,
  META,
  OUTBOX,
  QUARANTINE,
  RECORDS,
  REJECTED,
  SNAPSHOT,
  TAIL,
  WRITERS,
  type OutboxRow,
  type RecordRow,
  type RejectedRow,
  type ReplicaRow,
  type StagingRow,
  type TailRow,
  type WriterRow,
} from './layout.ts';
import { filledBy, knowsOutbox, switchOutbox, UNASKED, type OutboxSwitch } from './outbox-switch.ts';
import { readableRow, storedRow, type StoredRecordRow } from './packed-record.ts';
import { recordKey } from './record-key.ts';
import { withoutFilled } from './rejected.ts';
import { readSpace } from './space-row.ts';
import { SwitchOutcome } from './switch-outcome.ts';

export type Write = IDBPTransaction<unknown, string[], 'readwrite'>;
export type Begun = Extract<StagingRow, { key: 'begun' }>;

/** The transaction that goes over to a snapshot is given up: nothing of it happened. */
export class RefusedSnapshot extends Error {
  readonly result: OutOfStep;
  /** The pieces are good: only the last one is asked for again. */
  readonly isResumable: boolean;

  constructor(result: OutOfStep) {
    super(result.reason);
    this.result = result;
    this.isResumable = result === UNASKED;
  }
}

/** `complete`: every piece is here. */
export async function stage(
  db: IDBPDatabase,
  bootstrap: Bootstrap,
  piece: Snapshot,
): Promise<SnapshotResult | 'complete'> {
  const { cursor } = (await db.get(META, 'replica')) as ReplicaRow;
  const tx = db.transaction(SNAPSHOT, 'readwrite', { durability: 'relaxed' });
  const begun = (await tx.store.get('begun')) as Begun | undefined;
  const staging = stagePiece(begun, cursor, bootstrap, piece);
  if (staging.type === 'repeated') return { type: 'staged' };
  if (staging.type === 'out-of-step' || staging.isNew) void tx.store.clear();
  if (staging.type === 'stage') {
    void tx.store.put({ key: piece.piece, piece } satisfies StagingRow);
    // Until the device has gone over the last piece counts as missing: it comes again after a crash.
    const next = staging.isLast ? piece.piece : staging.begun.next;
    void tx.store.put({ ...staging.begun, next });
  }
  await tx.done;
  if (staging.type === 'out-of-step') return staging;
  return staging.isLast ? 'complete' : { type: 'staged' };
}

export interface GoingOver {
  readonly bootstrap: Bootstrap;
  readonly schemas: ReadonlyMap<string, CollectionSchema>;
  readonly constraints: Constraints;
  readonly nowMs: number;
  readonly onHistory: (kept: Kept) => void;
  /** Tells which collections' views were computed here. */
  readonly noteViews: (collections: ReadonlySet<string>) => Promise<void>;
}

/** Throws RefusedSnapshot, and the transaction must be undone. */
export async function goOver(
  tx: Write,
  { bootstrap, schemas, constraints, nowMs, onHistory, noteViews }: GoingOver,
): Promise<IngestResult> {
  const meta = tx.objectStore(META);
  const replica = (await meta.get('replica')) as ReplicaRow;
  const begun = (await tx.objectStore(SNAPSHOT).get('begun')) as Begun | undefined;
  // Another context of this device may have gone on, or staged another one, in between.
  if (begun?.bootstrap.id !== bootstrap.id || !isSamePlace(begun.cursor, replica.cursor))
    throw new RefusedSnapshot({ type: 'out-of-step', reason: 'this device has moved on while the snapshot arrived' });
  const space = await readSpace(meta);
  const outbox = (await tx.objectStore(OUTBOX).getAll()) as OutboxRow[];
  if (!knowsOutbox(bootstrap, outbox)) throw new RefusedSnapshot(UNASKED);
  const tailRows = (await tx.objectStore(TAIL).getAll()) as TailRow[];
  const switched = switchOutbox({
    replica,
    bootstrap,
    outbox,
    tail: tailRows.flatMap((row) => row.entries),
    writerOf: writersIn(await readWriters(tx, replica)),
  });
  const context = switchContext({ bootstrap, schemas, cursor: replica.cursor, nowMs }, switched);
  const filled = filledBy(bootstrap, outbox, space.voids);
  const refused = filled.size === 0 ? [] : ((await tx.objectStore(REJECTED).getAll()) as RejectedRow[]);
  const outcome = new SwitchOutcome(context, switched, withoutFilled(refused, filled));
  const left = new Map((await tx.objectStore(RECORDS).getAllKeys()).map((key) => [keyText(key), key] as const));
  const written = new Map(
    [...context.pending.values()]
      .flat()
      .flatMap((row) => row.recs.map((rec) => [recordKey(rec.c, rec.id), rec] as const)),
  );
  const withdrawn = writtenBy(switched.withdrawn);
  const collections = new Set<string>();
  const recent: ChangeEntry[] = [];
  let latest = replica.received;
  let digest = EMPTY_DIGEST;
  const take = async (names: readonly Named[]): Promise<void> => {
    const stored = await readRecords(tx, names);
    const steps: RecordStep[] = [];
    for (const [i, { c, id, given }] of names.entries()) {
      left.delete(recordKey(c, id));
      written.delete(recordKey(c, id));
      collections.add(c);
      const made = switchRecord(context, { c, id }, stored[i], given);
      digest = addDigest(digest, made.digest);
      outcome.add({ c, id }, made);
      storeRecord(tx, context, { c, id }, stored[i], made);
      if (!made.isWritten) continue;
      const dots = withdrawn.get(recordKey(c, id)) ?? [];
      const after = currentState(made.record ?? undefined);
      steps.push({ c, id, before: currentState(stored[i]), after, withdrawn: dots });
    }
    onHistory(await keepSteps(tx, steps, nowMs));
  };
  for (let n = 0; n < bootstrap.pieces; n++) {
    const row = (await tx.objectStore(SNAPSHOT).get(n)) as { readonly piece: Snapshot } | undefined;
    if (!row) throw new RefusedSnapshot({ type: 'out-of-step', reason: `piece ${n} of the snapshot is not here` });
    const { piece } = row;
    latest = latestOf(piece, latest, latestNow(nowMs, replica.offsetMs));
    recent.push(...piece.recent);
    await putWriters(tx, piece);
    await take(piece.records.map((given) => ({ c: given.c, id: given.id, given })));
  }
  const rest = [
    ...new Map(
      [...left.values()]
        .map(nameOf)
        .concat([...written.values()])
        .map((name) => [recordKey(name.c, name.id), name]),
    ).values(),
  ];
  for (let i = 0; i < rest.length; i += BATCH) await take(rest.slice(i, i + BATCH).map(({ c, id }) => ({ c, id })));
  if (digestText(digest) !== bootstrap.digest) throw new RefusedSnapshot(outcome.refuse());
  const moved = switchSpace(space, bootstrap, digest, recent, switched);
  storeOutbox(tx, switched);
  for (const row of outcome.rejected) void tx.objectStore(REJECTED).put(row);
  for (const id of outcome.closedRejected) void tx.objectStore(REJECTED).delete(id);
  void tx.objectStore(TAIL).clear();
  for (const row of moved.tail) void tx.objectStore(TAIL).put(row);
  void tx.objectStore(SNAPSHOT).clear();
  const hlc = Math.max(replica.hlc, latest);
  void meta.put({ ...switched.replica, cursor: bootstrap.cursor, received: latest, hlc } satisfies ReplicaRow);
  void meta.put(moved.space);
  const changed = changedRecords(constraints, schemas, outcome.written);
  const moves = await runOnIdb(tx, maintainConstraints(constraints, changed));
  await noteViews(collections);
  const { result } = outcome;
  return { ...result, conflictsChanged: [...result.conflictsChanged, ...moves] };
}

/** With the last of their changes that are in what the records still have. */
async function putWriters(tx: Write, { writers, records, recent }: Snapshot): Promise<void> {
  const store = tx.objectStore(WRITERS);
  await Promise.all(
    writers.map(async (writer) => {
      const known = (await store.get(writer.inc)) as WriterRow | undefined;
      await store.put({ ...(known?.heard ? { heard: known.heard } : {}), ...writer } satisfies WriterRow);
    }),
  );
  const marks = records.flatMap(({ state }) => state.marks.map(([dot, hlc]) => ({ dot, hlc })));
  await noteHeard(tx, [...marks, ...recent.flatMap(({ dot, change }) => (change ? [{ dot, hlc: change.hlc }] : []))]);
}

/** So many records are read at once. */
const BATCH = 500;

interface Named {
  readonly c: string;
  readonly id: string;
  readonly given?: SnapshotRecord;
}

function keyText(key: IDBValidKey): string {
  const { c, id } = nameOf(key);
  return recordKey(c, id);
}

function nameOf(key: IDBValidKey): { readonly c: string; readonly id: string } {
  const [c, id] = key as [string, string];
  return { c, id };
}

function readRecords(tx: Write, names: readonly Named[]): Promise<(RecordRow | undefined)[]> {
  const records = tx.objectStore(RECORDS);
  return Promise.all(
    names.map(async ({ c, id }) => {
      const stored = (await records.get([c, id])) as StoredRecordRow | undefined;
      return stored && readableRow(stored);
    }),
  );
}

/** Of this device's own writers: the only ones that may have to be introduced again. */
async function readWriters(tx: Write, { seqs }: ReplicaRow): Promise<readonly WriterRow[]> {
  const writers = tx.objectStore(WRITERS);
  const rows = await Promise.all(Object.keys(seqs).map((inc) => writers.get(inc) as Promise<WriterRow | undefined>));
  return rows.flatMap((row) => (row ? [row] : []));
}

function writersIn(rows: readonly WriterRow[]): (inc: Inc) => Writer | undefined {
  const known = new Map(rows.map((row) => [row.inc, row]));
  return (inc) => known.get(inc);
}

function storeRecord(
  tx: Write,
  { schemas }: SwitchContext,
  { c, id }: { readonly c: string; readonly id: string },
  stored: RecordRow | undefined,
  made: SwitchedRecord,
): void {
  if (made.discarded) void tx.objectStore(QUARANTINE).put(made.discarded);
  if (!made.isWritten) return;
  const records = tx.objectStore(RECORDS);
  if (made.record) void records.put(storedRow(made.record));
  else if (stored) void records.delete([c, id]);
  for (const conflict of made.closed) void tx.objectStore(CONFLICTS).delete(conflict);
  for (const conflict of made.conflicts) void tx.objectStore(CONFLICTS).put(conflict);
  if (!schemas.has(c) || !tx.objectStoreNames.contains(c)) return;
  if (made.row) void tx.objectStore(c).put(made.row);
  else void tx.objectStore(c).delete(id);
}

function storeOutbox(tx: Write, { deletes, rows }: OutboxSwitch): void {
  const outbox = tx.objectStore(OUTBOX);
  for (const key of deletes) void outbox.delete([...key]);
  for (const row of rows) void outbox.put(row);
}
