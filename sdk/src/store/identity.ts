/**
 * Who this device is, as its database says. The id is made with the database, in the same store as everything else:
 * what empties the one empties the other. A connection that comes back to another id, or to none, has come back to
 * another database: nothing that it knew of the old one holds, and nothing is deleted anywhere because of that.
 */
import type { IDBPDatabase } from 'idb';

import { applyRecordChange } from '../core/apply.ts';
import { incOf, type Dot } from '../core/dot.ts';
import { copyRecord, createRecord } from '../core/record.ts';
import { SkerryError } from '../lib/errors.ts';
import { randomName } from '../lib/ids.ts';
import {
  currentState,
  LAYOUT_VERSION,
  META,
  newReplica,
  OUTBOX,
  RECORDS,
  WRITERS,
  type LayoutRow,
  type ReplicaRow,
  type ViewsRow,
} from './layout.ts';
import { platformRandom } from './platform-random.ts';
import { recordRow, storedRow, type StoredRecordRow } from './packed-record.ts';
import type { UnsentMemory } from './unsent-memory.ts';
import type { PendingChange } from './pending-changes.ts';
import { begun, issue } from './unawaited.ts';

export interface Identity {
  readonly deviceId: string;
  /** The database was made just now. */
  readonly isNew: boolean;
  /** What the views were computed with; none: that is to be found out. */
  readonly views: ViewsRow | undefined;
}

/**
 * Throws STORAGE_NEWER when a newer SDK has changed what the stores mean; nothing was written then. A database that has all it
 * needs is only read: opening it waits for no disk.
 */
export async function readIdentity(db: IDBPDatabase): Promise<Identity> {
  const tx = begun(db.transaction(META, 'readonly'));
  const { layout, replica, views } = await readMeta(tx.store);
  checkLayout(db, layout);
  if (layout?.version === LAYOUT_VERSION && replica) return { deviceId: replica.deviceId, isNew: false, views };
  return makeIdentity(db);
}

/** Looks again: another tab may have been sooner. */
async function makeIdentity(db: IDBPDatabase): Promise<Identity> {
  const tx = begun(db.transaction(META, 'readwrite'));
  const { layout, replica: stored, views } = await readMeta(tx.store);
  if (layout && layout.version > LAYOUT_VERSION) await tx.done;
  checkLayout(db, layout);
  const replica = stored ?? newReplica(randomName(128, platformRandom));
  if (!stored) issue(tx.store.add(replica));
  if (layout?.version !== LAYOUT_VERSION)
    issue(tx.store.put({ key: 'layout', version: LAYOUT_VERSION } satisfies LayoutRow));
  await tx.done;
  return { deviceId: replica.deviceId, isNew: !stored, views };
}

interface Meta {
  readonly layout: LayoutRow | undefined;
  readonly replica: ReplicaRow | undefined;
  readonly views: ViewsRow | undefined;
}

async function readMeta(store: { get(key: string): Promise<unknown> }): Promise<Meta> {
  const [layout, replica, views] = await Promise.all(['layout', 'replica', 'views'].map((key) => store.get(key)));
  return {
    layout: layout as LayoutRow | undefined,
    replica: replica as ReplicaRow | undefined,
    views: views as ViewsRow | undefined,
  };
}

function checkLayout(db: IDBPDatabase, layout: LayoutRow | undefined): void {
  if (!layout || layout.version <= LAYOUT_VERSION) return;
  throw new SkerryError(
    'STORAGE_NEWER',
    `${db.name} has layout ${layout.version}; this version of the SDK knows ${LAYOUT_VERSION}.`,
  );
}

/**
 * Puts what was unsent into a database that took the place of the old one, under the dots that it had: the server may
 * have got some of it. Resolves to those that are there. Views are computed afterwards.
 *
 * Into one that has taken in pages already nothing is put: a change that came back with them would have its effect twice.
 */
export async function restoreUnsent(db: IDBPDatabase, memory: UnsentMemory): Promise<ReadonlySet<Dot>> {
  const tx = begun(db.transaction([META, OUTBOX, RECORDS, WRITERS], 'readwrite'));
  const meta = tx.objectStore(META);
  let replica = (await meta.get('replica')) as ReplicaRow;
  const restored = new Set<Dot>();
  if (Object.keys(replica.cursor).length > 0) return restored;
  for (const change of memory.changes) {
    restored.add(change.dot);
    // The connection was lost again before it was told.
    if (await tx.objectStore(OUTBOX).index('dot').getKey(change.dot)) continue;
    const rows = change.rows.map((row) => ({ ...row, order: replica.order }));
    for (const row of rows) issue(tx.objectStore(OUTBOX).put(row));
    await applyUnsent(tx.objectStore(RECORDS), { ...change, order: replica.order, rows });
    const inc = incOf(change.dot);
    const writer = memory.writerOf(inc);
    if (writer) issue(tx.objectStore(WRITERS).put({ inc, ...writer }));
    replica = counted(replica, change);
  }
  issue(meta.put(replica));
  // What the tables show is computed anew, also where another tab has done so before.
  issue(meta.delete('views'));
  await tx.done;
  return restored;
}

interface Records {
  get(key: [string, string]): Promise<unknown>;
  put(row: StoredRecordRow): Promise<unknown>;
}

async function applyUnsent(records: Records, { dot, order, rows }: PendingChange): Promise<void> {
  const { hlc } = rows[0]!.head!;
  for (const { part, recs } of rows) {
    for (const rec of recs) {
      const stored = (await records.get([rec.c, rec.id])) as StoredRecordRow | undefined;
      const row = stored ? recordRow(stored) : { c: rec.c, id: rec.id, pending: [], conflicts: [] };
      const before = currentState(row);
      const overlay = before ? copyRecord(before) : createRecord();
      applyRecordChange(overlay, { dot, hlc }, rec);
      issue(records.put(storedRow({ ...row, overlay, pending: [...row.pending, [order, part]] })));
    }
  }
}

function counted(replica: ReplicaRow, { dot, rows }: PendingChange): ReplicaRow {
  const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
  const { outbox, order, hlc } = replica;
  return {
    ...replica,
    order: order + 1,
    hlc: Math.max(hlc, rows[0]!.head!.hlc),
    lastDot: dot,
    outbox: { changes: outbox.changes + 1, bytes: outbox.bytes + bytes },
  };
}
