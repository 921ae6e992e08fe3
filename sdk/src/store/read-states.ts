/** What the states of an open database begin with, read at once: whoever opens a database waits for one transaction, not for each state. */
import type { Dexie, Transaction } from 'dexie';

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
}

/** `isShown`: whether the app has the collection. */
export function readStates(dexie: Dexie, isShown: (collection: string) => boolean): Promise<StoredStates> {
  return dexie.transaction('r', [META, OUTBOX, CONFLICTS, REJECTED, WRITERS], async (transaction) => {
    const [[replica, outbox], decisions, writers] = await Promise.all([
      transaction
        .table(META)
        .get('replica')
        .then(async (replica: ReplicaRow) => {
          const isEmpty = replica.outbox.changes === 0;
          const piece = isEmpty ? NOTHING : await readPiece(transaction, replica.outbox, null);
          return [replica, piece] as const;
        }),
      decisionsIn(transaction, isShown),
      transaction.table<WriterRow>(WRITERS).toArray(),
    ]);
    const [oldest] = outbox.summaries;
    const pending = { ...replica.outbox, oldestMs: oldest ? msOf(oldest.hlc) : null, position: replica.order };
    return { pending, outbox, decisions, writers };
  });
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

export function readDecisions(dexie: Dexie, isShown: (collection: string) => boolean): Promise<StoredDecisions> {
  return dexie.transaction('r', [CONFLICTS, REJECTED], (transaction) => decisionsIn(transaction, isShown));
}

async function decisionsIn(
  transaction: Pick<Transaction, 'table'>,
  isShown: (collection: string) => boolean,
): Promise<StoredDecisions> {
  const [rows, rejected] = await Promise.all([
    transaction.table<ConflictRow>(CONFLICTS).toArray(),
    transaction.table<RejectedRow>(REJECTED).toArray(),
  ]);
  return {
    conflicts: rows.filter((row) => row.kind !== 'constraint').sort(byAge),
    constraintConflicts: rows
      .filter((row) => row.kind === 'constraint')
      .filter(({ collection }) => isShown(collection)),
    rejected: rejected.sort(byAge),
  };
}

function byAge(
  a: { readonly hlc: number; readonly id: string },
  b: { readonly hlc: number; readonly id: string },
): number {
  return a.hlc - b.hlc || (a.id < b.id ? -1 : 1);
}

/** The first of the outbox tells since when something is to be sent. */
export async function readPending(dexie: Dexie): Promise<Pending> {
  return dexie.transaction('r', META, OUTBOX, async () => {
    const replica = (await dexie.table(META).get('replica')) as ReplicaRow;
    const first =
      replica.outbox.changes === 0
        ? undefined
        : ((await dexie.table(OUTBOX).toCollection().first()) as OutboxRow | undefined);
    return { ...replica.outbox, oldestMs: first?.head ? msOf(first.head.hlc) : null, position: replica.order };
  });
}
