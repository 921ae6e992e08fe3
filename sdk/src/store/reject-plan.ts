/**
 * A server does not take a change of this device: permission, shape, size, or another content under its dot. The change
 * is emptied under its dot, with every later one that depends on it; the rest keeps its place and goes on. What was
 * written is kept beside the collections until somebody retries or discards it.
 */
import { dotsNamed } from '../core/change.ts';
import { incOf, type Dot } from '../core/dot.ts';
import type { Refused } from './device-store.ts';
import type { ChangeHead, OutboxRow, RecordRow, RejectedRow, ReplicaRow } from './layout.ts';
import { keyOf, replaced, withRecords } from './outbox-changes.ts';
import { pendingChanges, type PendingChange } from './pending-changes.ts';
import { changeOf } from './page-plan.ts';
import { recordKey } from './record-key.ts';
import { endWriters, rejectedRow, WITHDRAWN } from './rejected.ts';
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

  const taken = dependantsOf(changes, new Set([refused.dot]));
  return takeBack({ replica, taken, records, error, dropped: isTaken ? refused : null });
}

/**
 * What is left in the outbox after changes of this device came back from the log without their content, because a copy of
 * the profile took them back: what names them as seen would be refused, and shows until then what its writer had replaced.
 */
export function planWithdrawn(
  dots: readonly Dot[],
  { replica, outbox, records }: Omit<RejectInput, 'error'>,
): TakeBack {
  const taken = dependantsOf(pendingChanges(outbox), new Set(dots));
  if (taken.length === 0) return { type: 'nothing', isPending: false };
  return takeBack({ replica, taken, records, error: WITHDRAWN, dropped: null });
}

function takeBack({
  replica,
  taken,
  records,
  error,
  dropped,
}: Omit<RejectInput, 'outbox'> & {
  readonly taken: readonly PendingChange[];
  /** Leaves the outbox with its dot. */
  readonly dropped: PendingChange | null;
}): TakeBack {
  const emptied = taken.filter((change) => change !== dropped);
  const rows = taken.flatMap((change) => change.rows);
  const keys = rows.map(keyOf);
  const touched = new Set(rows.flatMap((row) => row.recs.map((rec) => recordKey(rec.c, rec.id))));
  const rejected = rejectedRows(taken, error);
  return {
    type: 'take-back',
    outboxPuts: emptied.map(emptyRow),
    outboxDeletes: [
      ...emptied.flatMap(({ rows: [, ...others] }) => others.map(keyOf)),
      ...(dropped ? dropped.rows.map(keyOf) : []),
    ],
    writers: [],
    rejected,
    records: [...touched].map((key) => replaced(records.get(key)!, keys)),
    replica: without(replica, rows, dropped),
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

/** The changes with these dots, and those that name one of them, or one that names it, as seen. Of this device: others are not ours. */
export function dependantsOf(changes: readonly PendingChange[], dots: ReadonlySet<Dot>): PendingChange[] {
  const taken = new Set(dots);
  return changes.filter(({ dot, rows }) => {
    if (rows[0]!.relay) return false;
    const isTaken = taken.has(dot) || rows.some((row) => dotsNamed(row.recs).some((seen) => taken.has(seen)));
    if (isTaken) taken.add(dot);
    return isTaken;
  });
}

/** Nothing but what admission needs: what the change was for went with it. */
export function emptyRow(change: PendingChange): OutboxRow {
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
