/** What the states of an open database begin with, read at once: whoever opens a database waits for one transaction, not for each state. */
import type { Dexie } from 'dexie';
import type { IDBPDatabase } from 'idb';

import { msOf } from '../core/clock.ts';
import type { OpenConflict } from '../core/conflict.ts';
import type { OpenConstraintConflict } from '../core/constraint.ts';
import {
  CONFLICTS,
  META,
  OUTBOX,
  REJECTED,
  WRITERS,
  type ConflictRow,
  type OutboxRow,
  type RejectedRow,
  type ReplicaRow,
  type WriterRow,
} from './layout.ts';
import type { Pending } from './local-database.ts';
import { readPiece, type OutboxReading } from './read-outbox.ts';

/** What somebody is to decide about, oldest first. */
export interface StoredDecisions {
  readonly conflicts: readonly OpenConflict[];
  readonly constraintConflicts: readonly OpenConstraintConflict[];
  readonly rejected: readonly RejectedRow[];
}

export interface StoredStates {
  readonly pending: Pending;
  /** The beginning of the outbox; all of one that is not long. */
  readonly outbox: OutboxReading;
  readonly decisions: StoredDecisions;
  readonly writers: readonly WriterRow[];
  /** This device has lost access to its space, and was not let in since. */
  readonly isLost: boolean;
}

/** `isShown`: whether the app has the collection. */
export async function readStates(
  db: IDBPDatabase,
  isShown: (collection: string) => boolean,
): Promise<StoredStates | null> {
  const tx = db.transaction([META, OUTBOX, CONFLICTS, REJECTED, WRITERS]);
  // Whoever awaits a request hears of it.
  tx.done.catch(() => undefined);
  const all = (store: string): Promise<unknown[]> => tx.objectStore(store).getAll();
  const [[replica, outbox], conflicts, rejected, writers, loss] = await Promise.all([
    tx
      .objectStore(META)
      .get('replica')
      .then(async (found: ReplicaRow | undefined) => {
        const isEmpty = !found || found.outbox.changes === 0;
        return [found, isEmpty ? NOTHING : await readPiece(tx.objectStore(OUTBOX), found.outbox, null)] as const;
      }),
    all(CONFLICTS),
    all(REJECTED),
    all(WRITERS),
    tx.objectStore(META).get('access'),
  ]);
  // Of a database that is being made.
  if (!replica) return null;
  const [oldest] = outbox.summaries;
  return {
    pending: { ...replica.outbox, oldestMs: oldest ? msOf(oldest.hlc) : null, position: replica.order },
    outbox,
    decisions: decisionsOf(conflicts as ConflictRow[], rejected as RejectedRow[], isShown),
    writers: writers as WriterRow[],
    isLost: loss !== undefined,
  };
}

const NOTHING: OutboxReading = {
  isWhole: true,
  summaries: [],
  orders: [],
  end: null,
  isEnd: true,
  left: null,
  outbox: { changes: 0, bytes: 0 },
};

/** Observable by liveQuery. */
export function readDecisions(dexie: Dexie, isShown: (collection: string) => boolean): Promise<StoredDecisions> {
  return dexie.transaction('r', [CONFLICTS, REJECTED], async (transaction) => {
    const [conflicts, rejected] = await Promise.all([
      transaction.table<ConflictRow>(CONFLICTS).toArray(),
      transaction.table<RejectedRow>(REJECTED).toArray(),
    ]);
    return decisionsOf(conflicts, rejected, isShown);
  });
}

export function decisionsOf(
  rows: readonly ConflictRow[],
  rejected: readonly RejectedRow[],
  isShown: (collection: string) => boolean,
): StoredDecisions {
  return {
    conflicts: rows.filter((row) => row.kind !== 'constraint').sort(byAge),
    constraintConflicts: rows
      .filter((row) => row.kind === 'constraint')
      .filter(({ collection }) => isShown(collection)),
    rejected: rejected.toSorted(byAge),
  };
}

function byAge(
  a: { readonly hlc: number; readonly id: string },
  b: { readonly hlc: number; readonly id: string },
): number {
  return a.hlc - b.hlc || (a.id < b.id ? -1 : 1);
}

/** The first of the outbox tells since when something is to be sent. */
export async function readPending(db: IDBPDatabase): Promise<Pending> {
  const tx = db.transaction([META, OUTBOX]);
  // Whoever awaits a request hears of it.
  tx.done.catch(() => undefined);
  const [replica, [first]] = await Promise.all([
    tx.objectStore(META).get('replica') as Promise<ReplicaRow>,
    tx.objectStore(OUTBOX).getAll(null, 1) as Promise<OutboxRow[]>,
  ]);
  return { ...replica.outbox, oldestMs: first?.head ? msOf(first.head.hlc) : null, position: replica.order };
}
