/**
 * What is stored when changes of the outbox are taken back, in part or whole: the outbox's own rows, then everything
 * that is a view of them. Dots, order and numbers stay, so that all that is behind them can still be sent.
 */
import type { CollectionSchema } from '../core/schema.ts';
import { conflictMoves } from './conflict-moves.ts';
import type { OutboxKey, OutboxRow, RecordRow, RejectedRow, ReplicaRow, WriterRow } from './layout.ts';
import type { ConflictMove, IngestResult, TakeBackResult, TakenBackRecord } from './device-store.ts';
import { outboxKey, planPage, type PagePlan } from './page-plan.ts';
import { recordKey } from './record-key.ts';

export interface TakeBackPlan {
  readonly type: 'take-back';
  readonly outboxPuts: readonly OutboxRow[];
  readonly outboxDeletes: readonly OutboxKey[];
  readonly writers: readonly WriterRow[];
  readonly rejected: readonly RejectedRow[];
  /** With their new places in the outbox, everything else as stored. */
  readonly records: readonly RecordRow[];
  readonly replica: ReplicaRow;
  readonly told: readonly TakenBackRecord[];
}

type Ingested = Extract<IngestResult, { type: 'ingested' }>;

export type TakeBack = TakeBackPlan | Exclude<TakeBackResult, { type: 'taken-back' }>;

/** Rows, overlays and conflicts after the plan; `pending` has the rows of the outbox that these records go on to name. */
export function planViews(
  { records, replica, outboxPuts }: TakeBackPlan,
  about: {
    readonly schemas: ReadonlyMap<string, CollectionSchema>;
    readonly pending: ReadonlyMap<string, OutboxRow>;
    readonly nowMs: number;
  },
): PagePlan {
  const { schemas, nowMs } = about;
  const rows = new Map(about.pending);
  for (const row of outboxPuts) rows.set(outboxKey([row.order, row.part]), row);
  const stored = new Map(records.map((record) => [recordKey(record.c, record.id), record]));
  return planPage({ replica, nowMs, entries: [], schemas, records: stored, pending: rows, recompute: records });
}

/** `moves`: what constraints have to say about it. */
export function resultOf(
  { told, rejected }: TakeBackPlan,
  views: PagePlan,
  moves: readonly ConflictMove[] = [],
): TakeBackResult {
  const { touched, conflictsChanged } = views.result;
  const opened = rejected.flatMap(({ id, c, rowId }) => conflictMoves(c, rowId, [], [id]));
  return { type: 'taken-back', touched, conflictsChanged: [...conflictsChanged, ...opened, ...moves], records: told };
}

/** What a page brought, and what was taken back because of it. */
export function withTakenBack(page: Ingested, taken: TakeBackResult): Ingested {
  if (taken.type !== 'taken-back') return page;
  const touched = { ...page.touched };
  for (const [collection, ids] of Object.entries(taken.touched))
    touched[collection] = [...new Set([...(Object.hasOwn(touched, collection) ? touched[collection]! : []), ...ids])];
  const conflictsChanged = [...page.conflictsChanged, ...taken.conflictsChanged];
  return { ...page, touched, conflictsChanged, takesBack: true };
}
