/** What plans need of IndexedDB and what they leave there, in a transaction that is open. */
import { maintainConstraints, type ConstraintMove } from '../constraints/maintain.ts';
import type { Constraints } from '../constraints/registry.ts';
import type { RecordChange } from '../core/change.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { changedRecords } from './changed-records.ts';
import { runOnIdb } from './constraint-idb.ts';
import type { Kept } from './history-row.ts';
import type { Write } from './ingest-snapshot.ts';
import {
  CONFLICTS,
  META,
  OUTBOX,
  RECORDS,
  REJECTED,
  TAIL,
  WRITERS,
  type OutboxKey,
  type OutboxRow,
  type RecordRow,
} from './layout.ts';
import { recordRow, storedRow, type StoredRecordRow } from './packed-record.ts';
import { outboxKey, type PagePlan } from './page-plan.ts';
import { recordKey } from './record-key.ts';
import { answerOf, plainStore, type AnyTransaction } from './requests.ts';

export interface Plans {
  readonly schemas: ReadonlyMap<string, CollectionSchema>;
  readonly constraints: Constraints;
  readonly fingerprints: ReadonlyMap<string, string>;
  /** So much was added to the history. */
  readonly onHistory: (kept: Kept) => void;
}

/** From so many records of a collection on, their range is read instead of each. */
const RANGE_READ = 20;

export async function loadRecords(
  tx: AnyTransaction,
  entries: readonly { readonly recs: readonly Pick<RecordChange, 'c' | 'id'>[] }[],
): Promise<Map<string, RecordRow>> {
  const ids = new Map<string, Set<string>>();
  for (const { recs } of entries) {
    for (const { c, id } of recs) {
      const others = ids.get(c);
      if (others) others.add(id);
      else ids.set(c, new Set([id]));
    }
  }
  const rows = await Promise.all([...ids].map(([c, wanted]) => readRecords(tx, c, wanted)));
  return new Map(rows.flat().map((row) => [recordKey(row.c, row.id), recordRow(row)] as const));
}

async function readRecords(tx: AnyTransaction, c: string, ids: ReadonlySet<string>): Promise<StoredRecordRow[]> {
  if (ids.size < RANGE_READ) return readEach(tx, c, [...ids]);
  const sorted = [...ids].sort();
  // What was written together lies together, and new ids sort behind all others; of what lies apart as much is read in vain.
  const limit = ids.size * 2;
  const range = IDBKeyRange.bound([c, sorted[0]], [c, sorted.at(-1)]);
  const found = await answerOf<StoredRecordRow[]>(plainStore(tx, RECORDS).getAll(range, limit));
  const rows = found.filter((row) => ids.has(row.id));
  if (found.length < limit) return rows;
  const end = found.at(-1)!.id;
  return [
    ...rows,
    ...(await readEach(
      tx,
      c,
      sorted.filter((id) => id > end),
    )),
  ];
}

async function readEach(tx: AnyTransaction, c: string, ids: readonly string[]): Promise<StoredRecordRow[]> {
  const records = plainStore(tx, RECORDS);
  const rows = await Promise.all(ids.map((id) => answerOf<StoredRecordRow | undefined>(records.get([c, id]))));
  return rows.filter((row) => row !== undefined);
}

/** The outbox rows that go on being pending for these records, and the heads of their changes. */
export async function loadPending(
  tx: AnyTransaction,
  records: readonly RecordRow[],
  gone: ReadonlySet<string>,
): Promise<Map<string, OutboxRow>> {
  const wanted = new Map<string, OutboxKey>();
  for (const record of records) {
    for (const key of record.pending) {
      if (gone.has(outboxKey(key))) continue;
      wanted.set(outboxKey(key), key);
      wanted.set(outboxKey([key[0], 0]), [key[0], 0]);
    }
  }
  if (wanted.size === 0) return new Map();
  const outbox = plainStore(tx, OUTBOX);
  const rows = await Promise.all(
    [...wanted.values()].map((key) => answerOf<OutboxRow | undefined>(outbox.get([...key]))),
  );
  return new Map(rows.flatMap((row) => (row ? [[outboxKey([row.order, row.part]), row] as const] : [])));
}

/** Issues every write, and resolves to what constraints have to say about it. `head`: the first rows of the outbox, where they were read. */
export function storePlan(
  tx: Write,
  { schemas, constraints }: Pick<Plans, 'schemas' | 'constraints'>,
  plan: PagePlan,
  head: readonly OutboxRow[] = [],
): Promise<readonly ConstraintMove[]> {
  const storeOf = storesIn(tx);
  for (const { collection, id, row } of plan.rows) {
    if (!tx.objectStoreNames.contains(collection)) continue;
    if (row) storeOf(collection).put(row);
    else storeOf(collection).delete(id);
  }
  for (const record of plan.records) storeOf(RECORDS).put(storedRow(record));
  for (const { c, id } of plan.forgotten) storeOf(RECORDS).delete([c, id]);
  for (const id of plan.closedConflicts) storeOf(CONFLICTS).delete(id);
  for (const conflict of plan.conflicts) storeOf(CONFLICTS).put(conflict);
  for (const row of plan.rejected) storeOf(REJECTED).put(row);
  for (const id of plan.closedRejected) storeOf(REJECTED).delete(id);
  for (const writer of plan.writers) storeOf(WRITERS).put(writer);
  for (const key of keysToDelete(plan.outboxDeletes, head)) storeOf(OUTBOX).delete(key);
  for (const row of plan.tail.puts) storeOf(TAIL).put(row);
  for (const position of plan.tail.deletes) storeOf(TAIL).delete(position);
  storeOf(META).put(plan.replica);
  if (plan.space) storeOf(META).put(plan.space);
  return runOnIdb(
    tx,
    maintainConstraints(constraints, changedRecords(constraints, schemas, [...plan.records, ...plan.forgotten])),
  );
}

/** Each looked up once: that costs as much as a small request. */
function storesIn(tx: Write): (name: string) => IDBObjectStore {
  const stores = new Map<string, IDBObjectStore>();
  return (name) => {
    const known = stores.get(name);
    if (known) return known;
    const store = plainStore(tx, name);
    stores.set(name, store);
    return store;
  };
}

/** What leaves from the begin of the outbox without a gap leaves as one range. */
function keysToDelete(keys: readonly OutboxKey[], head: readonly OutboxRow[]): (IDBKeyRange | [number, number])[] {
  const leaving = new Set(keys.map(outboxKey));
  const staying = head.findIndex((row) => !leaving.has(outboxKey([row.order, row.part])));
  const together = staying === -1 ? head : head.slice(0, staying);
  const last = together.at(-1);
  if (last === undefined) return keys.map(([order, part]) => [order, part]);
  for (const row of together) leaving.delete(outboxKey([row.order, row.part]));
  const rest = keys.filter((key) => leaving.has(outboxKey(key)));
  return [
    IDBKeyRange.upperBound([last.order, last.part]),
    ...rest.map(([order, part]): [number, number] => [order, part]),
  ];
}
