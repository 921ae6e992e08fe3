/**
 * What a device remembers of having lost access to its space, and how it lets go of what it may no longer hold. What was written here and
 * not sent stays, whatever the policy: nobody else has it.
 */
import type { IDBPDatabase } from 'idb';

import type { Constraints } from '../constraints/registry.ts';
import { incOf, type Inc } from '../core/dot.ts';
import type { CollectionSchema } from '../core/schema.ts';
import {
  CONFLICTS,
  HISTORY,
  INTERNAL_STORES,
  META,
  newSpace,
  OUTBOX,
  QUARANTINE,
  RECORDS,
  SNAPSHOT,
  TAIL,
  WRITERS,
  type OutboxRow,
  type RecordRow,
  type ReplicaRow,
} from './layout.ts';
import { readableRow, storedRow, type StoredRecordRow } from './packed-record.ts';
import { rebuildConstraints } from './rebuild-constraints.ts';

/** In `$replica` from the moment of the loss until access is back. */
export interface AccessRow {
  readonly key: 'access';
  /** Milliseconds since 1970. */
  readonly lostMs: number;
  /** What was here went. */
  readonly isPurged?: true;
}

export async function forgetLoss(db: IDBPDatabase): Promise<void> {
  await db.delete(META, 'access');
}

/** Whether this is news: another tab may have noted it before. */
export async function noteLoss(db: IDBPDatabase, lostMs: number): Promise<boolean> {
  const tx = db.transaction(META, 'readwrite');
  const isNews = !(await tx.store.get('access'));
  if (isNews) void tx.store.put({ key: 'access', lostMs } satisfies AccessRow);
  await tx.done;
  return isNews;
}

export interface PurgeParts {
  readonly schemas: ReadonlyMap<string, CollectionSchema>;
  readonly constraints: Constraints;
}

/**
 * One transaction: everything goes but what was not sent, the rows that it is about, and what was refused and waits for a decision. The
 * device stands at the begin of the log then, so with access it takes the space anew. Resolves to whether this is news.
 */
export async function purge(db: IDBPDatabase, lostMs: number, { schemas, constraints }: PurgeParts): Promise<boolean> {
  const tables = [...schemas.keys()].filter((name) => db.objectStoreNames.contains(name));
  const tx = db.transaction([...INTERNAL_STORES, ...tables], 'readwrite');
  const meta = tx.objectStore(META);
  const before = (await meta.get('access')) as AccessRow | undefined;
  if (before?.isPurged) return false;
  const replica = (await meta.get('replica')) as ReplicaRow;
  const outbox = (await tx.objectStore(OUTBOX).getAll()) as OutboxRow[];
  for (let at = await tx.objectStore(RECORDS).openCursor(); at; at = await at.continue()) {
    const record = readableRow(at.value as StoredRecordRow);
    if (record.pending.length > 0) {
      void at.update(storedRow(withoutBase(record)));
      continue;
    }
    for (const id of record.conflicts) void tx.objectStore(CONFLICTS).delete(id);
    if (tables.includes(record.c)) void tx.objectStore(record.c).delete(record.id);
    void at.delete();
  }
  const own = new Set<Inc>([...Object.keys(replica.seqs), ...outbox.flatMap(({ dot }) => (dot ? [incOf(dot)] : []))]);
  for (const inc of (await tx.objectStore(WRITERS).getAllKeys()) as Inc[])
    if (!own.has(inc)) void tx.objectStore(WRITERS).delete(inc);
  for (const store of [HISTORY, TAIL, SNAPSHOT, QUARANTINE]) void tx.objectStore(store).clear();
  await rebuildConstraints(tx, constraints, schemas);
  void meta.put({ ...replica, cursor: {} } satisfies ReplicaRow);
  void meta.put(newSpace());
  void meta.put({ key: 'access', lostMs, isPurged: true } satisfies AccessRow);
  await tx.done;
  return true;
}

/** What is unsent goes on being shown on what it was written to, as with a record that everybody else has forgotten. */
function withoutBase({ c, id, base, grave = base, overlay, pending, conflicts, local }: RecordRow): RecordRow {
  return {
    c,
    id,
    ...(grave ? { grave } : {}),
    ...(overlay ? { overlay } : {}),
    pending,
    conflicts,
    ...(local ? { local } : {}),
  };
}
