/** What a step of a local transaction reads and writes, through Dexie's core below the tracking. */
import { Dexie, type DBCore, type DBCoreMutateRequest, type DBCoreMutateResponse } from 'dexie';

import { WAIVERS } from '../constraints/claim.ts';
import { incOf } from '../core/dot.ts';
import type { StepRows } from './draft.ts';
import { CONFLICTS, META, OUTBOX, RECORDS, WRITERS, type OutboxRow, type RecordRow, type WriterRow } from './layout.ts';
import { recordRow, storedRow, type StoredRecordRow } from './packed-record.ts';
import type { IntendedRecord, RecordIntent } from './step.ts';

/** Dexie's name for the IndexedDB transaction. */
export type CoreTransaction = DBCoreMutateRequest['trans'];

/** A record as it is stored; undefined when there is none. */
export interface LoadedRecord {
  readonly c: string;
  readonly id: string;
  readonly row: RecordRow | undefined;
}

/** From so many records on, their range is read instead of each. */
const RANGE_READ = 20;
/** DBCoreRangeType.Range, which Dexie exports as a type only. */
const WITHIN = 2;

/** The records of the intents, each once asked for. */
export function loadRecords(
  core: DBCore,
  trans: CoreTransaction,
  missing: readonly Pick<RecordIntent, 'schema' | 'id'>[],
): PromiseLike<readonly LoadedRecord[]> {
  if (missing.length === 0) return Dexie.Promise.resolve([]);
  const table = core.table(RECORDS);
  const keys = missing.map((intent) => [intent.schema.name, intent.id]);
  const found = (rows: readonly (StoredRecordRow | undefined)[]): readonly LoadedRecord[] =>
    missing.map((intent, i) => ({ c: intent.schema.name, id: intent.id, row: rows[i] && recordRow(rows[i]) }));
  const readEach = (): PromiseLike<readonly LoadedRecord[]> => table.getMany({ trans, keys }).then(found);
  const { schema } = missing[0]!;
  if (missing.length < RANGE_READ || missing.some((intent) => intent.schema !== schema)) return readEach();
  // New ids sort behind all others, so one look at their range tells that none of them is there.
  const ids = missing.map((intent) => intent.id).sort();
  const range = { type: WITHIN, lower: [schema.name, ids[0]], upper: [schema.name, ids.at(-1)] };
  const limit = missing.length * 2;
  return table
    .query({ trans, values: false, limit, query: { index: table.schema.primaryKey, range } })
    .then(({ result }: { result: (readonly [string, string])[] }) => {
      if (result.length === limit) return readEach();
      const there = new Set(result.map(([, id]) => id));
      const known = missing.filter(({ id }) => there.has(id));
      if (known.length === 0) return found([]);
      return table
        .getMany({ trans, keys: known.map(({ id }) => [schema.name, id]) })
        .then((list: readonly (StoredRecordRow | undefined)[]) => {
          const rows = new Map(list.map((row, i) => [known[i]!.id, row]));
          return found(missing.map((intent) => rows.get(intent.id)));
        });
    });
}

/** Asks for something small: the answer comes when the database has done what it was asked before. */
export function ping(core: DBCore, trans: CoreTransaction): PromiseLike<unknown> {
  return core.table(META).get({ trans, key: 'replica' });
}

/** Issues every write of a step; resolves when all of them succeeded. */
export function storeStep(
  core: DBCore,
  trans: CoreTransaction,
  step: Omit<StepRows, 'replica'> & Partial<StepRows>,
  written: readonly IntendedRecord[],
): PromiseLike<unknown> {
  const writes: PromiseLike<unknown>[] = [];
  const put = (store: string, values: readonly unknown[]): void => {
    if (values.length > 0) writes.push(all(core.table(store).mutate({ type: 'put', trans, values: [...values] })));
  };
  const remove = (store: string, keys: readonly unknown[]): void => {
    if (keys.length > 0) writes.push(all(core.table(store).mutate({ type: 'delete', trans, keys: [...keys] })));
  };
  for (const schema of new Set(written.map((record) => record.schema))) {
    // Records of ours: no table shows them.
    if (schema.name === WAIVERS) continue;
    const mine = written.filter((record) => record.schema === schema);
    const shown = mine.flatMap(({ view }) => (view.row ? [view.row] : []));
    const hidden = mine.flatMap(({ id, view }) => (view.row ? [] : [id]));
    put(schema.name, shown);
    remove(schema.name, hidden);
  }
  const kept = written.flatMap(({ row }) => (row ? [row] : []));
  const dropped = written.flatMap(({ schema, id, row }) => (row ? [] : [[schema.name, id]]));
  put(RECORDS, kept.map(storedRow));
  remove(RECORDS, dropped);
  const open = written.flatMap(({ view }) => view.conflicts);
  const closed = written.flatMap((record) => record.closed);
  put(CONFLICTS, open);
  remove(CONFLICTS, closed);
  put(OUTBOX, step.outboxPuts);
  remove(OUTBOX, step.outboxDeletes);
  put(WRITERS, step.outboxPuts.flatMap(writerOf));
  if (step.replica) put(META, [step.replica]);
  return Dexie.Promise.all(writes);
}

/** The writer that a change introduces, if it is the first of its incarnation. */
function writerOf({ dot, head }: OutboxRow): readonly WriterRow[] {
  return dot && head?.writer ? [{ inc: incOf(dot), ...head.writer }] : [];
}

/** A bulk request that failed in part fails as a whole: the transaction must not keep half of a change. */
export function all(response: PromiseLike<DBCoreMutateResponse>): PromiseLike<unknown> {
  return response.then(({ numFailures, failures }) => {
    if (numFailures > 0) throw Object.values(failures)[0]!;
  });
}
