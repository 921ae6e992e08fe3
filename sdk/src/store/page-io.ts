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

export interface Plans {
  readonly schemas: ReadonlyMap<string, CollectionSchema>;
  readonly constraints: Constraints;
  readonly fingerprints: ReadonlyMap<string, string>;
  /** So much was added to the history. */
  readonly onHistory: (kept: Kept) => void;
}

export async function loadRecords(
  tx: Write,
  entries: readonly { readonly recs: readonly Pick<RecordChange, 'c' | 'id'>[] }[],
): Promise<Map<string, RecordRow>> {
  const keys = new Map<string, [string, string]>();
  for (const entry of entries) for (const rec of entry.recs) keys.set(recordKey(rec.c, rec.id), [rec.c, rec.id]);
  const rows = await Promise.all(
    [...keys.values()].map((key) => tx.objectStore(RECORDS).get(key) as Promise<StoredRecordRow | undefined>),
  );
  return new Map(rows.flatMap((row) => (row ? [[recordKey(row.c, row.id), recordRow(row)] as const] : [])));
}

/** The outbox rows that go on being pending for these records, and the heads of their changes. */
export async function loadPending(
  tx: Write,
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
  const rows = await Promise.all(
    [...wanted.values()].map((key) => tx.objectStore(OUTBOX).get([...key]) as Promise<OutboxRow | undefined>),
  );
  return new Map(rows.flatMap((row) => (row ? [[outboxKey([row.order, row.part]), row] as const] : [])));
}

/** Resolves to what constraints have to say about it. */
export async function storePlan(
  tx: Write,
  { schemas, constraints }: Pick<Plans, 'schemas' | 'constraints'>,
  plan: PagePlan,
): Promise<readonly ConstraintMove[]> {
  const writes: Promise<unknown>[] = [];
  for (const { collection, id, row } of plan.rows) {
    if (!tx.objectStoreNames.contains(collection)) continue;
    const rows = tx.objectStore(collection);
    writes.push(row ? rows.put(row) : rows.delete(id));
  }
  const records = tx.objectStore(RECORDS);
  const conflicts = tx.objectStore(CONFLICTS);
  const writers = tx.objectStore(WRITERS);
  const outbox = tx.objectStore(OUTBOX);
  const tail = tx.objectStore(TAIL);
  for (const record of plan.records) writes.push(records.put(storedRow(record)));
  for (const { c, id } of plan.forgotten) writes.push(records.delete([c, id]));
  for (const id of plan.closedConflicts) writes.push(conflicts.delete(id));
  for (const conflict of plan.conflicts) writes.push(conflicts.put(conflict));
  for (const row of plan.rejected) writes.push(tx.objectStore(REJECTED).put(row));
  for (const id of plan.closedRejected) writes.push(tx.objectStore(REJECTED).delete(id));
  for (const writer of plan.writers) writes.push(writers.put(writer));
  for (const key of plan.outboxDeletes) writes.push(outbox.delete([...key]));
  for (const row of plan.tail.puts) writes.push(tail.put(row));
  for (const position of plan.tail.deletes) writes.push(tail.delete(position));
  writes.push(tx.objectStore(META).put(plan.replica));
  if (plan.space) writes.push(tx.objectStore(META).put(plan.space));
  await Promise.all(writes);
  return runOnIdb(
    tx,
    maintainConstraints(constraints, changedRecords(constraints, schemas, [...plan.records, ...plan.forgotten])),
  );
}
