/** Taking changes of the outbox back in IndexedDB: reads what the plans need and stores what they say, in one transaction. */
import { incOf, type Dot, type Inc } from '../core/dot.ts';
import type { RecordName, Refused, TakeBackResult } from './device-store.ts';
import { keepHistory, takenFrom } from './history-idb.ts';
import type { Write } from './ingest-snapshot.ts';
import { loadPending, loadRecords, storePlan, type Plans } from './page-io.ts';
import {
  META,
  OUTBOX,
  REJECTED,
  WRITERS,
  type OutboxRow,
  type RecordRow,
  type ReplicaRow,
  type WriterRow,
} from './layout.ts';
import { outboxKey } from './page-plan.ts';
import { recordKey } from './record-key.ts';
import { copyIdOf, planRecover } from './recover-plan.ts';
import { planReject, planWithdrawn } from './reject-plan.ts';
import { planViews, resultOf, type TakeBack, type TakeBackPlan } from './take-back.ts';

type StoredPlans = Pick<Plans, 'schemas' | 'constraints' | 'onHistory'>;

/** `written`: the number that the change with the rest of the record took. */
export async function recoverIn(
  tx: Write,
  plans: StoredPlans,
  about: {
    readonly dot: Dot;
    readonly record: RecordName;
    inc(seqs: Readonly<Record<Inc, number>>): Inc;
    readonly nowMs: number;
  },
): Promise<{
  readonly result: TakeBackResult;
  readonly written: { readonly inc: Inc; readonly seq: number } | null;
}> {
  const { dot, record: name, nowMs } = about;
  const { replica, outbox } = await readFrom(tx, dot);
  const copyName = { c: name.c, id: copyIdOf(name, dot) };
  const [records, author] = await Promise.all([
    loadRecords(tx, [{ recs: [name, copyName] }]),
    tx.objectStore(WRITERS).get(incOf(dot)) as Promise<WriterRow | undefined>,
  ]);
  const { inc: _inc, heard: _heard, ...writer }: WriterRow = author ?? { inc: '', device: { id: replica.deviceId } };
  const inc = about.inc(replica.seqs);
  const plan = planRecover({
    replica,
    outbox,
    record: records.get(recordKey(name.c, name.id)) ?? { ...name, pending: [], conflicts: [] },
    copy: records.get(recordKey(copyName.c, copyName.id)),
    schema: plans.schemas.get(name.c),
    inc,
    writer,
    nowMs,
  });
  const result = await keep(tx, plans, plan, { nowMs, stored: records, outbox });
  const seq = plan.type === 'take-back' ? plan.replica.seqs[inc] : undefined;
  return { result, written: seq === undefined ? null : { inc, seq } };
}

export async function rejectIn(
  tx: Write,
  plans: StoredPlans,
  { dot, error, nowMs }: { readonly dot: Dot; readonly error: Refused; readonly nowMs: number },
): Promise<TakeBackResult> {
  const { replica, outbox } = await readFrom(tx, dot);
  const records = await loadRecords(tx, outbox);
  return keep(tx, plans, planReject({ replica, outbox, records, error }), { nowMs, stored: records, outbox });
}

/** After a page that withdrew these changes. */
export async function withdrawIn(
  tx: Write,
  plans: StoredPlans,
  { dots, nowMs }: { readonly dots: readonly Dot[]; readonly nowMs: number },
): Promise<TakeBackResult> {
  const replica = (await tx.objectStore(META).get('replica')) as ReplicaRow;
  const outbox = (await tx.objectStore(OUTBOX).getAll()) as OutboxRow[];
  const records = await loadRecords(tx, outbox);
  return keep(tx, plans, planWithdrawn(dots, { replica, outbox, records }), { nowMs, stored: records, outbox });
}

/** The outbox from this change on. */
async function readFrom(
  tx: Write,
  dot: Dot,
): Promise<{ readonly replica: ReplicaRow; readonly outbox: readonly OutboxRow[] }> {
  const outbox = tx.objectStore(OUTBOX);
  const [replica, first] = await Promise.all([
    tx.objectStore(META).get('replica') as Promise<ReplicaRow>,
    outbox.index('dot').get(dot) as Promise<OutboxRow | undefined>,
  ]);
  if (!first) return { replica, outbox: [] };
  return { replica, outbox: (await outbox.getAll(IDBKeyRange.lowerBound([first.order]))) as OutboxRow[] };
}

async function keep(
  tx: Write,
  plans: StoredPlans,
  plan: TakeBack,
  {
    nowMs,
    stored,
    outbox,
  }: {
    readonly nowMs: number;
    readonly stored: ReadonlyMap<string, RecordRow>;
    readonly outbox: readonly OutboxRow[];
  },
): Promise<TakeBackResult> {
  if (plan.type !== 'take-back') return plan;
  await storeRows(tx, plan);
  const pending = await loadPending(tx, plan.records, new Set());
  const views = planViews(plan, { schemas: plans.schemas, pending, nowMs });
  const moves = await storePlan(tx, plans, views);
  plans.onHistory(await keepHistory(tx, stored, views, { nowMs, withdrawn: takenFrom(outbox, plan) }));
  return resultOf(plan, views, moves);
}

async function storeRows(tx: Write, plan: TakeBackPlan): Promise<void> {
  const outbox = tx.objectStore(OUTBOX);
  const kept = new Set(plan.outboxPuts.map((row) => outboxKey([row.order, row.part])));
  await Promise.all([
    ...plan.outboxDeletes.filter((key) => !kept.has(outboxKey(key))).map((key) => outbox.delete([...key])),
    ...plan.outboxPuts.map((row) => outbox.put(row)),
    ...plan.writers.map((writer) => tx.objectStore(WRITERS).put(writer)),
    ...plan.rejected.map((row) => tx.objectStore(REJECTED).put(row)),
  ]);
}
