/**
 * Computes anew whatever is derived, and reports where the stores differ from it. Nothing is changed.
 *
 * It reads in slices, each a transaction of its own that has all it is compared with, so that writes go on and no slice
 * mistakes a write for damage; sums that no slice can have are taken again when something moved meanwhile. Between
 * records it lets the page go on.
 */
import type { IDBPDatabase, IDBPTransaction } from 'idb';

import { applyRecordChange } from '../core/apply.ts';
import { digestOfRecord, digestText, EMPTY_DIGEST, exchange, type Digest } from '../core/digest.ts';
import { copyRecord, createRecord, type RecordState } from '../core/record.ts';
import { recordToJson } from '../core/record-json.ts';
import { viewRecord, type Row } from '../core/view.ts';
import { canonicalJson } from '../lib/json.ts';
import {
  CONFLICTS,
  currentState,
  isTombstone,
  META,
  OUTBOX,
  RECORDS,
  TAIL,
  type ConflictRow,
  type OutboxRow,
  type RecordRow,
  type ReplicaRow,
  type TailRow,
} from './layout.ts';
import { withLocal } from './local-fields.ts';
import { recordRow, type StoredRecordRow } from './packed-record.ts';
import { outboxKey } from './page-plan.ts';
import { createPauses, type Pauses } from './pauses.ts';
import { readSpace } from './space-row.ts';
import { verifyConstraints } from './verify-constraints.ts';
import { Findings, textOf, TRIES, type Verified, type VerifyReport } from './verify-report.ts';

/** Records of a slice: some milliseconds to read. */
const SLICE = 50;
/** Rows of the outbox and the tail that are read at once: each may have hundreds of records. */
const BATCH = 10;
export interface VerifyOptions {
  /** Called after every slice. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

type Read = IDBPTransaction<unknown, string[]>;

export async function verifyDatabase(
  db: IDBPDatabase,
  about: Verified,
  { onProgress }: VerifyOptions = {},
): Promise<VerifyReport> {
  const startedMs = performance.now();
  const findings = new Findings();
  const pauses = createPauses();
  const total = await db.count(RECORDS);
  const tell = (): void => onProgress?.({ done: Math.min(total, findings.checked.records), total });
  await verifyDigest(
    db,
    findings,
    () => verifyRecords(db, about, findings, pauses, tell),
    () => sumRecords(db, pauses),
  );
  await verifyConflicts(db, about, findings, pauses);
  await verifyOutbox(db, findings, pauses);
  await verifyTail(db, findings);
  if (!(await verifyConstraints(db, about, findings, pauses))) findings.unfinished.push('constraints');
  onProgress?.({ done: total, total });
  return findings.report(Math.round(performance.now() - startedMs));
}

/** `first` sums the records while it looks at them; `again` only sums. */
async function verifyDigest(
  db: IDBPDatabase,
  findings: Findings,
  first: () => Promise<Digest>,
  again: () => Promise<Digest>,
): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const before = await logPlace(db);
    const sum = await (tries === 0 ? first : again)();
    if (before.text !== (await logPlace(db)).text) continue;
    // It is not computed yet.
    if (before.digest === null || digestText(before.digest) === digestText(sum)) return;
    return findings.add('digest', `kept is ${digestText(before.digest)}, the records come to ${digestText(sum)}`, null);
  }
  findings.unfinished.push('digest');
}

/** Bases move with it, and only with it. */
async function logPlace(db: IDBPDatabase): Promise<{ readonly text: string; readonly digest: Digest | null }> {
  const { store } = db.transaction(META);
  const { digest } = await readSpace(store);
  const { cursor } = (await store.get('replica')) as ReplicaRow;
  return { text: canonicalJson([digest && digestText(digest), { ...cursor }]), digest };
}

async function sumRecords(db: IDBPDatabase, pauses: Pauses): Promise<Digest> {
  let sum = EMPTY_DIGEST;
  let after: IDBKeyRange | undefined;
  for (;;) {
    const rows = (await db.getAll(RECORDS, after, SLICE)) as StoredRecordRow[];
    for (const stored of rows) {
      const record = readRecord(stored);
      if (record) sum = withRecord(sum, record);
      await pauses.breathe();
    }
    const last = rows.at(-1);
    if (!last || rows.length < SLICE) return sum;
    after = IDBKeyRange.lowerBound([last.c, last.id], true);
  }
}

async function verifyRecords(
  db: IDBPDatabase,
  about: Verified,
  findings: Findings,
  pauses: Pauses,
  tell: () => void,
): Promise<Digest> {
  let sum = EMPTY_DIGEST;
  for (const collection of await collectionsOf(db, about)) {
    let after: string | null = null;
    do {
      const slice: Slice = await readSlice(db, collection, after);
      for (const stored of slice.records) {
        const record = readRecord(stored);
        if (record) {
          sum = withRecord(sum, record);
          verifyRecord(about, findings, slice, record);
        } else findings.add('record-unreadable', 'the stored state is not one', placeOf(stored));
        findings.checked.records += 1;
        await pauses.breathe();
      }
      const known = new Set(slice.records.map(({ id }) => id));
      for (const id of slice.rows.keys())
        if (!known.has(id)) findings.add('row-unexpected', 'no record makes this row', { collection, rowId: id });
      findings.checked.rows += slice.rows.size;
      after = slice.next;
      tell();
    } while (after !== null);
  }
  return sum;
}

/** Those of the app, and those that a newer version of it has records of. */
async function collectionsOf(db: IDBPDatabase, { schemas }: Verified): Promise<readonly string[]> {
  const names = new Set([...schemas.keys()].filter((name) => db.objectStoreNames.contains(name)));
  const { store } = db.transaction(RECORDS);
  let cursor = await store.openKeyCursor();
  while (cursor) {
    const [name] = cursor.primaryKey as [string, string];
    names.add(name);
    cursor = await cursor.continue([name, []]);
  }
  return [...names];
}

interface Slice {
  readonly records: readonly StoredRecordRow[];
  /** Of the table, between the first and the last of the records. */
  readonly rows: ReadonlyMap<string, Row>;
  readonly conflicts: ReadonlyMap<string, ConflictRow>;
  readonly outbox: ReadonlyMap<string, OutboxRow>;
  /** The last id; null: there are no more. */
  readonly next: string | null;
}

async function readSlice(db: IDBPDatabase, collection: string, after: string | null): Promise<Slice> {
  const hasTable = db.objectStoreNames.contains(collection);
  const tx = db.transaction([RECORDS, CONFLICTS, OUTBOX, ...(hasTable ? [collection] : [])]) as Read;
  const range = IDBKeyRange.bound([collection, after ?? ''], [collection, []], after !== null);
  const records = (await tx.objectStore(RECORDS).getAll(range, SLICE)) as StoredRecordRow[];
  const next = records.length === SLICE ? records.at(-1)!.id : null;
  const wantedConflicts = new Set(records.flatMap((record) => record.conflicts));
  const places = new Map(
    records
      .flatMap(({ pending }) => pending.flatMap(([order, part]) => [[order, part] as const, [order, 0] as const]))
      .map((place) => [outboxKey(place), place]),
  );
  const [rows, conflicts, outbox] = await Promise.all([
    hasTable ? (tx.objectStore(collection).getAll(idRange(after, next)) as Promise<Row[]>) : [],
    Promise.all(
      [...wantedConflicts].map((id) => tx.objectStore(CONFLICTS).get(id) as Promise<ConflictRow | undefined>),
    ),
    Promise.all(
      [...places.values()].map((place) => tx.objectStore(OUTBOX).get([...place]) as Promise<OutboxRow | undefined>),
    ),
  ]);
  return {
    records,
    next,
    rows: new Map(rows.map((row) => [row['id'] as string, row])),
    conflicts: new Map(conflicts.flatMap((row) => (row ? [[row.id, row] as const] : []))),
    outbox: new Map(outbox.flatMap((row) => (row ? [[outboxKey([row.order, row.part]), row] as const] : []))),
  };
}

function idRange(after: string | null, last: string | null): IDBKeyRange | undefined {
  if (after === null) return last === null ? undefined : IDBKeyRange.upperBound(last);
  return last === null ? IDBKeyRange.lowerBound(after, true) : IDBKeyRange.bound(after, last, true);
}

function verifyRecord({ schemas }: Verified, findings: Findings, slice: Slice, record: RecordRow): void {
  const place = placeOf(record);
  verifyOverlay(findings, slice, record);
  if ((record.dead === 1) !== isTombstone(record.id, record.base))
    findings.add('tombstone-mark', record.dead === 1 ? 'is marked' : 'is not marked', place);
  const schema = schemas.get(record.c);
  const state = currentState(record);
  if (!schema) return;
  const view = state ? viewRecord(schema, record.id, state) : { row: null, conflicts: [] };
  const wanted = withLocal(schema, view.row, record.local);
  const shown = slice.rows.get(record.id);
  if (wanted && !shown) findings.add('row-missing', 'the record makes a row', place);
  else if (shown && !wanted) findings.add('row-unexpected', 'the record makes no row', place);
  else if (wanted && shown && textOf(wanted) !== textOf(shown))
    findings.add('row-differs', `differs in ${fieldsThatDiffer(wanted, shown).join(', ')}`, place);
  verifyOpenConflicts(findings, slice, record, view.conflicts);
}

function verifyOverlay(findings: Findings, { outbox }: Slice, record: RecordRow): void {
  const { c, id, base, grave, pending, overlay } = record;
  const place = placeOf(record);
  const ground = base ?? grave;
  const state = ground ? copyRecord(ground) : createRecord();
  for (const [order, part] of pending) {
    const first = outbox.get(outboxKey([order, 0]));
    const rec = outbox
      .get(outboxKey([order, part]))
      ?.recs.find((candidate) => candidate.c === c && candidate.id === id);
    if (!rec || !first?.head || !first.dot)
      return findings.add('pending-missing', `names ${order}.${part} of the outbox, which has no change of it`, place);
    applyRecordChange(state, { dot: first.dot, hlc: first.head.hlc }, rec);
  }
  const wanted = pending.length > 0 ? stateText(state) : '';
  if (wanted !== (overlay ? stateText(overlay) : ''))
    findings.add('overlay-differs', 'is not the base with the unsent changes applied', place);
}

function verifyOpenConflicts(
  findings: Findings,
  slice: Slice,
  record: RecordRow,
  wanted: readonly { readonly id: string }[],
): void {
  const place = placeOf(record);
  const open = new Map(wanted.map((conflict) => [conflict.id, conflict]));
  for (const [id, conflict] of open) {
    const stored = slice.conflicts.get(id);
    if (!stored) findings.add('conflict-missing', `${id} should be open`, place);
    else if (textOf(stored) !== textOf(conflict)) findings.add('conflict-differs', `${id} says something else`, place);
  }
  for (const id of record.conflicts)
    if (!open.has(id)) findings.add('conflict-unexpected', `${id} should be closed`, place);
}

/** Those that no record names. */
async function verifyConflicts(
  db: IDBPDatabase,
  { schemas }: Verified,
  findings: Findings,
  pauses: Pauses,
): Promise<void> {
  let after: IDBKeyRange | undefined;
  for (;;) {
    const tx = db.transaction([CONFLICTS, RECORDS]);
    const rows = (await tx.objectStore(CONFLICTS).getAll(after, SLICE)) as ConflictRow[];
    const records = tx.objectStore(RECORDS);
    for (const conflict of rows) {
      findings.checked.conflicts += 1;
      if (conflict.kind === 'constraint' || !schemas.has(conflict.collection)) continue;
      const { collection, rowId, id } = conflict;
      const record = (await records.get([collection, rowId])) as StoredRecordRow | undefined;
      if (!record?.conflicts.includes(id))
        findings.add('conflict-unexpected', `${id} is named by no record`, { collection, rowId });
    }
    await pauses.breathe();
    const last = rows.at(-1);
    if (!last || rows.length < SLICE) return;
    after = IDBKeyRange.lowerBound(last.id, true);
  }
}

/** In one transaction, because sum and rows move with every write. */
async function verifyOutbox(db: IDBPDatabase, findings: Findings, pauses: Pauses): Promise<void> {
  const tx = db.transaction([META, OUTBOX]) as Read;
  const { outbox: kept } = (await tx.objectStore(META).get('replica')) as ReplicaRow;
  const sum = { changes: 0, bytes: 0 };
  await inBatches<OutboxRow>(
    tx.objectStore(OUTBOX),
    ({ order, part }) => [order, part],
    (row) => {
      if (row.head) sum.changes += 1;
      sum.bytes += row.bytes;
    },
  );
  findings.checked.changes = sum.changes;
  if (textOf(sum) !== textOf(kept))
    findings.add('outbox-sums', `kept are ${textOf(kept)}, the outbox comes to ${textOf(sum)}`, null);
  await verifyPlaces(db, findings, pauses);
}

/** What stands in the outbox is named by its record. */
async function verifyPlaces(db: IDBPDatabase, findings: Findings, pauses: Pauses): Promise<void> {
  let after: IDBKeyRange | undefined;
  for (;;) {
    const tx = db.transaction([OUTBOX, RECORDS]) as Read;
    const rows = (await tx.objectStore(OUTBOX).getAll(after, BATCH)) as OutboxRow[];
    const records = tx.objectStore(RECORDS);
    for (const { order, part, recs } of rows) {
      for (const { c, id } of recs) {
        const record = (await records.get([c, id])) as StoredRecordRow | undefined;
        if (record?.pending.some((key) => key[0] === order && key[1] === part)) continue;
        findings.add('pending-unknown', `${order}.${part} of the outbox is not named`, { collection: c, rowId: id });
      }
    }
    await pauses.breathe();
    const last = rows.at(-1);
    if (!last || rows.length < BATCH) return;
    after = IDBKeyRange.lowerBound([last.order, last.part], true);
  }
}

async function verifyTail(db: IDBPDatabase, findings: Findings): Promise<void> {
  const tx = db.transaction([META, TAIL]) as Read;
  const { tail } = await readSpace(tx.objectStore(META));
  const sum = { entries: 0, bytes: 0 };
  let last = 0;
  await inBatches<TailRow>(
    tx.objectStore(TAIL),
    ({ position }) => position,
    (row) => {
      sum.entries += row.entries.length;
      sum.bytes += row.bytes;
      last = row.position;
    },
  );
  findings.checked.tail = sum.entries;
  const kept = { entries: tail.entries, bytes: tail.bytes };
  if (textOf(sum) !== textOf(kept) || last >= tail.next)
    findings.add('tail-sums', `kept are ${textOf(tail)}, the rows come to ${textOf({ ...sum, last })}`, null);
}

/** Calls back for every row, inside the transaction, a few at a time. */
async function inBatches<Row>(
  store: { getAll(range: IDBKeyRange | undefined, count: number): Promise<unknown[]> },
  keyOf: (row: Row) => IDBValidKey,
  take: (row: Row) => void,
): Promise<void> {
  let after: IDBKeyRange | undefined;
  for (;;) {
    const rows = (await store.getAll(after, BATCH)) as Row[];
    rows.forEach(take);
    const last = rows.at(-1);
    if (!last || rows.length < BATCH) return;
    after = IDBKeyRange.lowerBound(keyOf(last), true);
  }
}

/** null: what is stored is not a state. */
function readRecord(stored: StoredRecordRow): RecordRow | null {
  try {
    const record = recordRow(stored);
    for (const state of [record.base, record.overlay]) if (state) stateText(state);
    return record;
  } catch {
    return null;
  }
}

function withRecord(sum: Digest, { c, id, base }: RecordRow): Digest {
  return exchange(sum, EMPTY_DIGEST, digestOfRecord(c, id, base));
}

function placeOf({ c, id }: Pick<RecordRow, 'c' | 'id'>): { readonly collection: string; readonly rowId: string } {
  return { collection: c, rowId: id };
}

function fieldsThatDiffer(a: Row, b: Row): readonly string[] {
  const fields = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...fields].filter((field) => textOf(a[field]) !== textOf(b[field])).toSorted();
}

function stateText(state: RecordState): string {
  return textOf(recordToJson(state));
}
