/** What this device knows of a row's past and of its latest write, read in one go. */
import type { Dexie } from 'dexie';

import { memberKey, type Component } from '../constraints/ask.ts';
import type { Constraints } from '../constraints/registry.ts';
import type { Writer } from '../core/change.ts';
import { incOf, type Dot } from '../core/dot.ts';
import { marksOf } from '../core/former.ts';
import { compareMarks, type Mark } from '../core/record.ts';
import type { CollectionSchema } from '../core/schema.ts';
import type { HistoryRow } from './history-row.ts';
import {
  COMPONENTS,
  currentState,
  HISTORY,
  OUTBOX,
  RECORDS,
  REJECTED,
  WRITERS,
  type OutboxRow,
  type RecordRow,
  type RejectedRow,
  type WriterRow,
} from './layout.ts';
import { recordRow, type StoredRecordRow } from './packed-record.ts';
import { revisionsOf, type StoredRevision } from './revisions.ts';

export interface AuthoredRevision extends StoredRevision {
  readonly writer: Writer | undefined;
  readonly isPending: boolean;
}

export interface StoredMeta {
  /** null: nothing is known of the row. */
  readonly latest: Mark | null;
  readonly writer: Writer | undefined;
  readonly isPending: boolean;
  /** Ids of the open ones, in order. */
  readonly conflicts: readonly string[];
}

/** Stores that a transaction must name for readHistory(). */
export const HISTORY_STORES = [RECORDS, HISTORY, WRITERS, OUTBOX] as const;

export function readHistory(
  dexie: Dexie,
  schema: CollectionSchema,
  id: string,
  limit: number,
): Promise<readonly AuthoredRevision[]> {
  return dexie.transaction('r', [...HISTORY_STORES], async () => {
    const record = await readRecord(dexie, schema.name, id);
    const current = currentState(record);
    if (!record || !current) return [];
    const steps = await dexie.table<HistoryRow>(HISTORY).where('[c+id]').equals([schema.name, id]).toArray();
    const revisions = revisionsOf(schema, id, current, steps, limit);
    const writers = await readWriters(
      dexie,
      revisions.map(({ mark }) => mark.dot),
    );
    const unsent = await readUnsent(dexie, record);
    return revisions.map((revision) => ({
      ...revision,
      writer: writers.get(incOf(revision.mark.dot)),
      isPending: unsent.has(revision.mark.dot),
    }));
  });
}

export function readMeta(dexie: Dexie, constraints: Constraints, collection: string, id: string): Promise<StoredMeta> {
  return dexie.transaction('r', [RECORDS, WRITERS, COMPONENTS, REJECTED], async () => {
    const record = await readRecord(dexie, collection, id);
    const state = currentState(record);
    const marks = state ? [...marksOf(state), ...(state.hot?.values() ?? [])] : [];
    const latest = marks.toSorted(compareMarks).at(-1) ?? null;
    const writers = await readWriters(dexie, latest ? [latest.dot] : []);
    const rejected = ((await dexie.table(REJECTED).toArray()) as RejectedRow[]).filter(
      (row) => row.c === collection && row.rowId === id,
    );
    const members = constraints.all
      .filter((one) => one.collection === collection)
      .map(({ name }) => memberKey(name, id));
    const components = (await dexie.table(COMPONENTS).where('members').anyOf(members).toArray()) as Component[];
    const broken = components.filter(({ isOpen }) => isOpen);
    return {
      latest,
      writer: latest ? writers.get(incOf(latest.dot)) : undefined,
      isPending: (record?.pending.length ?? 0) > 0,
      conflicts: [...(record?.conflicts ?? []), ...[...broken, ...rejected].map((row) => row.id)].sort(),
    };
  });
}

async function readRecord(dexie: Dexie, collection: string, id: string): Promise<RecordRow | undefined> {
  const stored = await dexie.table<StoredRecordRow>(RECORDS).get([collection, id]);
  return stored && recordRow(stored);
}

async function readWriters(dexie: Dexie, dots: readonly Dot[]): Promise<ReadonlyMap<string, Writer>> {
  const incs = [...new Set(dots.map(incOf))];
  const rows = (await dexie.table(WRITERS).bulkGet(incs)) as (WriterRow | undefined)[];
  return new Map(rows.flatMap((row) => (row ? [[row.inc, row] as const] : [])));
}

async function readUnsent(dexie: Dexie, { pending }: RecordRow): Promise<ReadonlySet<Dot>> {
  const heads = pending.map(([order]) => [order, 0]);
  const rows = (await dexie.table(OUTBOX).bulkGet(heads)) as (OutboxRow | undefined)[];
  return new Set(rows.flatMap((row) => row?.dot ?? []));
}
