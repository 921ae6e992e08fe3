/**
 * A server does not take a change of this device: permission, shape, size, or another content under its dot. The change
 * is emptied under its dot, with every later one that depends on it; the rest keeps its place and goes on. What was
 * written is kept beside the collections until somebody retries or discards it.
 */
import { dotsNamed } from '../core/change.ts';
import { incOf, type Dot } from '../core/dot.ts';
import type { Refused } from './device-store.ts';
import type { ChangeHead, OutboxRow, RecordRow, RejectedRow, ReplicaRow } from './layout.ts';
import { keyOf, pendingChanges, replaced, withRecords, type PendingChange } from './outbox-changes.ts';
import { changeOf } from './page-plan.ts';
import { recordKey } from './record-key.ts';
import { endWriters, rejectedRow } from './rejected.ts';
import type { TakeBack } from './take-back.ts';

export interface RejectInput {
  readonly replica: ReplicaRow;
  /** The outbox from the refused change on, in order; empty when it is not there. */
  readonly outbox: readonly OutboxRow[];
  /** Every record that these rows name, as stored, by recordKey(). */
  readonly records: ReadonlyMap<string, RecordRow>;
  readonly error: Refused;
}

export function planReject({ replica, outbox, records, error }: RejectInput): TakeBack {
  const changes = pendingChanges(outbox);
  const [refused] = changes;
  if (!refused) return { type: 'nothing', isPending: false };
  if (refused.rows[0]!.relay) return dropRelayed(replica, changes, records);
  // The server has another content under this dot, and gives it out: there is no place left for this one.
  const isTaken = error.code === 'EQUIVOCATION';
  if (!isTaken && refused.rows.every((row) => row.recs.length === 0)) return { type: 'nothing', isPending: true };

  const taken = dependantsOf(changes);
  const emptied = isTaken ? taken.filter((change) => change !== refused) : taken;
  const outboxPuts = emptied.map(emptyRow);
  const rows = taken.flatMap((change) => change.rows);
  const outboxDeletes = [
    ...emptied.flatMap(({ rows: [, ...others] }) => others.map(keyOf)),
    ...(isTaken ? refused.rows.map(keyOf) : []),
  ];
  const keys = rows.map(keyOf);
  const touched = new Set(rows.flatMap((row) => row.recs.map((rec) => recordKey(rec.c, rec.id))));
  const rejected = rejectedRows(taken, error);
  return {
    type: 'take-back',
    outboxPuts,
    outboxDeletes,
    writers: [],
    rejected,
    records: [...touched].map((key) => replaced(records.get(key)!, keys)),
    replica: without(replica, rows, isTaken ? refused : null),
    told: rejected.map(({ c, rowId }) => ({ collection: c, rowId, copy: null })),
  };
}

/**
 * Somebody else's change, offered again because a server has lost it: whoever wrote it has it too, and it is theirs to
 * take back. It leaves with those of its writer behind it, which would wait for it for ever; nobody waits for them.
 */
function dropRelayed(
  replica: ReplicaRow,
  changes: readonly PendingChange[],
  records: ReadonlyMap<string, RecordRow>,
): TakeBack {
  const inc = incOf(changes[0]!.dot);
  const dropped = changes.filter(({ dot, rows }) => rows[0]!.relay && incOf(dot) === inc);
  const rows = dropped.flatMap((change) => change.rows);
  const dots = new Set(dropped.map(({ dot }) => dot));
  const freed = changes.flatMap(({ dot, rows: [first] }): OutboxRow[] => {
    const { ex, ...head } = first!.head!;
    return !dots.has(dot) && ex?.some((other) => dots.has(other)) ? [{ ...first!, head }] : [];
  });
  const touched = new Set(rows.flatMap((row) => row.recs.map((rec) => recordKey(rec.c, rec.id))));
  const bytes = replica.outbox.bytes - rows.reduce((sum, row) => sum + row.bytes, 0);
  return {
    type: 'take-back',
    outboxPuts: freed,
    outboxDeletes: rows.map(keyOf),
    writers: [],
    rejected: [],
    records: [...touched].map((key) => replaced(records.get(key)!, rows.map(keyOf))),
    replica: { ...replica, outbox: { changes: replica.outbox.changes - dropped.length, bytes } },
    told: [],
  };
}

/** The first change, and of the others those that name it, or one that names it, as seen. */
function dependantsOf(changes: readonly PendingChange[]): PendingChange[] {
  const taken = new Map<Dot, PendingChange>();
  for (const change of changes) {
    const seen = change.rows.flatMap((row) => dotsNamed(row.recs));
    if (taken.size === 0 || seen.some((dot) => taken.has(dot))) taken.set(change.dot, change);
  }
  return [...taken.values()];
}

/** Nothing but what admission needs: what the change was for went with it. */
function emptyRow(change: PendingChange): OutboxRow {
  const [{ head, ...row }] = withRecords(change, () => null) as [OutboxRow];
  const { hlc, deps, ex, writer, was } = head!;
  const bare: ChangeHead = { hlc, deps, ...(ex ? { ex } : {}), ...(writer ? { writer } : {}), was: was! };
  return { ...row, head: bare };
}

function without(replica: ReplicaRow, rows: readonly OutboxRow[], dropped: PendingChange | null): ReplicaRow {
  const bytes = replica.outbox.bytes - rows.reduce((sum, row) => sum + row.bytes, 0);
  if (!dropped) return { ...replica, outbox: { ...replica.outbox, bytes } };
  return endWriters({ ...replica, outbox: { changes: replica.outbox.changes - 1, bytes } }, [dropped.dot]);
}

/** One for each record, whatever the number of changes. */
function rejectedRows(taken: readonly PendingChange[], error: Refused): RejectedRow[] {
  const root = taken[0]!;
  const { hlc } = changeOf(root.rows);
  const byRecord = new Map<string, RejectedRow>();
  for (const { dot, rows } of taken) {
    const change = changeOf(rows);
    for (const rec of change.recs) {
      const row = byRecord.get(recordKey(rec.c, rec.id)) ?? rejectedRow(root.dot, hlc, rec, error);
      const parts = [...row.parts, { dot, hlc: change.hlc, rec }];
      byRecord.set(recordKey(rec.c, rec.id), { ...row, parts });
    }
  }
  return [...byRecord.values()];
}
