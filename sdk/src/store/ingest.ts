/**
 * The device's storage as the sync engine sees it, over `idb`: it reads what a page needs, lets `page-plan` decide,
 * and writes rows, state, conflicts, outbox and cursor in one IndexedDB transaction. Nothing but IndexedDB is
 * awaited inside one.
 */
import { openDB, unwrap, type IDBPDatabase } from 'idb';

import { compileConstraints } from '../constraints/registry.ts';
import { incOf, type Dot, type Inc } from '../core/dot.ts';
import { problemKey } from '../core/policy-problem.ts';
import type { Sid } from '../core/version-vector.ts';
import { SkerryError } from '../lib/errors.ts';
import type { MergeFunctions } from '../policies/merge.ts';
import { compileCollection, type CollectionPlan } from '../policies/registry.ts';
import type { ChangeEntry, Page } from '../protocol/messages.ts';
import { isResumable } from './bootstrap-plan.ts';
import type { DeviceStore, IngestResult } from './device-store.ts';
import { fenceConnection, type Fence } from './fence.ts';
import { followPage } from './follow.ts';
import { heardRows } from './heard.ts';
import { changesIn, keepHistory } from './history-idb.ts';
import { createHistorySweep } from './history-sweep.ts';
import { createIncarnation } from './incarnation.ts';
import { goOver, RefusedSnapshot, stage, type Begun, type Write } from './ingest-snapshot.ts';
import {
  INTERNAL_STORES,
  META,
  OUTBOX,
  RECORDS,
  REJECTED,
  SNAPSHOT,
  TAIL,
  WRITERS,
  type OutboxKey,
  type OutboxRow,
  type RecordRow,
  type RejectedRow,
  type ReplicaRow,
  type TailRow,
  type ViewsRow,
} from './layout.ts';
import { mergeCalls } from './merge-calls.ts';
import { recordRow, type StoredRecordRow } from './packed-record.ts';
import { loadPending, loadRecords, storePlan, type Plans } from './page-io.ts';
import { platformRandom } from './platform-random.ts';
import { recordKey } from './record-key.ts';
import { viewFingerprint } from './views.ts';
import { planRestamp, withServerTime, type RestampMoment } from './restamp.ts';
import { applicable, outboxKey, planPage, withContent, type FreshEntry } from './page-plan.ts';
import { readForPage, type PageReads } from './page-reads.ts';
import { answerOf, commit, plainStore } from './requests.ts';
import { createOutboxReader } from './outbox-reader.ts';
import { inspectSlice } from './inspection-idb.ts';
import { reconnecting } from './reconnecting.ts';
import { readSpace, voidsOf } from './space-row.ts';
import { hasShare, tailToRead, type TailShare } from './tail-plan.ts';
import { withTakenBack } from './take-back.ts';
import { recoverIn, rejectIn, withdrawIn } from './take-back-io.ts';

/** Plain data: it travels to the worker. */
export interface DeviceStoreOptions {
  readonly name: string;
  readonly collections: readonly CollectionPlan[];
  /** Milliseconds since 1970; default Date.now. */
  readonly nowMs?: () => number;
}

/** Opens what openLocalDatabase() made; rejects with STORAGE_FAILED when it is not there. `fence`: ends its right to write. */
export async function openDeviceStore(
  options: DeviceStoreOptions,
  merges: MergeFunctions = {},
  fence?: Fence,
): Promise<DeviceStore> {
  const { collections } = options;
  const call = mergeCalls(merges, () => performance.now());
  const schemas = new Map(collections.map((plan) => [plan.name, compileCollection(plan, call)]));
  const constraints = compileConstraints(collections, schemas);
  const fingerprints = new Map(collections.map((plan) => [plan.name, viewFingerprint(plan, collections, merges)]));
  const told = new Set<string>();
  const nowMs = options.nowMs ?? Date.now;
  /** This context writes only to recover. */
  const incarnation = createIncarnation(nowMs, platformRandom);
  const connection = openConnection(
    options.name,
    () => {
      incarnation.end();
      outbox.forget();
    },
    fence,
  );
  await connection.get();
  const { note: onHistory } = createHistorySweep({ open: connection.get, nowMs });
  /** Collections that have a table here; others come from a newer app and are kept as state. */
  const scope = async (): Promise<{ db: IDBPDatabase; stores: string[] }> => {
    const db = await connection.get();
    return {
      db,
      stores: [...INTERNAL_STORES, ...[...schemas.keys()].filter((name) => db.objectStoreNames.contains(name))],
    };
  };

  const outbox = createOutboxReader(async (after, count) => {
    const { db } = await scope();
    return (await db.transaction(OUTBOX, 'readonly').store.getAll(behind(after), count)) as OutboxRow[];
  });

  const store: DeviceStore = {
    async readIdentity() {
      const { db } = await scope();
      const tx = db.transaction([META, OUTBOX, TAIL, SNAPSHOT], 'readonly');
      const replica = (await tx.objectStore(META).get('replica')) as ReplicaRow;
      const space = await readSpace(tx.objectStore(META));
      const begun = (await tx.objectStore(SNAPSHOT).get('begun')) as Begun | undefined;
      const { deviceId, cursor } = replica;
      const own = replica.outbox.changes === 0 ? [] : await readOutboxWriters(tx.objectStore(OUTBOX).index('dot'));
      const writers = [...new Set([...own, ...voidsOf(space).map(incOf)])];
      const heard = space.tail.entries === 0 ? [] : await readTailWriters(tx.objectStore(TAIL).index('incs'));
      const isResuming = begun !== undefined && isResumable(begun, cursor);
      return {
        deviceId,
        cursor,
        chain: space.chain,
        writers,
        heard,
        isDiverged: space.isDiverged,
        ...(isResuming ? { resume: { id: begun.bootstrap.id, next: begun.next } } : {}),
      };
    },

    readOutbox: outbox.read,

    peekOutbox: outbox.peek,

    async ingest(page, founders) {
      const { db, stores } = await scope();
      // Power loss may take a page back: it is then pulled again, together with its cursor.
      const tx = db.transaction(stores, 'readwrite', { durability: 'relaxed' }) as Write;
      const moment = { founders, nowMs: (options.nowMs ?? Date.now)() };
      const result = await abortOnError(tx, () =>
        ingestPage(tx, { schemas, constraints, fingerprints, onHistory }, page, moment),
      );
      commit(tx);
      await tx.done;
      if (result.type === 'ingested' && result.takesBack) outbox.forget();
      return withNewProblems(result, told);
    },

    async ingestSnapshot(bootstrap, piece) {
      const { db, stores } = await scope();
      const staged = await stage(db, bootstrap, piece);
      if (staged !== 'complete') return staged;
      outbox.forget();
      const tx = db.transaction(stores, 'readwrite', { durability: 'relaxed' }) as Write;
      const about = { bootstrap, schemas, constraints, onHistory, nowMs: nowMs() };
      try {
        const result = await abortOnError(tx, () =>
          goOver(tx, { ...about, noteViews: async (names) => noteViews(tx, await readViews(tx), fingerprints, names) }),
        );
        await tx.done;
        return withNewProblems(result, told);
      } catch (error) {
        if (!(error instanceof RefusedSnapshot)) throw error;
        if (!error.isResumable) await db.clear(SNAPSHOT);
        return error.result;
      }
    },

    async noteServerTime(serverNowMs) {
      const { db } = await scope();
      const tx = db.transaction(META, 'readwrite', { durability: 'relaxed' });
      const replica = (await tx.store.get('replica')) as ReplicaRow;
      const noted = withServerTime(replica, { serverNowMs, nowMs: nowMs() });
      if (noted !== replica) await tx.store.put(noted);
      await tx.done;
    },

    async correctClock(after, serverNowMs) {
      outbox.forget();
      const { db, stores } = await scope();
      const tx = db.transaction(stores, 'readwrite', { durability: 'relaxed' }) as Write;
      const result = await abortOnError(tx, () =>
        restamp(tx, { schemas, constraints }, { after, serverNowMs, nowMs: nowMs() }),
      );
      await tx.done;
      return result;
    },

    async recover(dot, record) {
      outbox.forget();
      const { db, stores } = await scope();
      const tx = db.transaction(stores, 'readwrite', { durability: 'relaxed' }) as Write;
      const recovered = await abortOnError(tx, () =>
        recoverIn(
          tx,
          { schemas, constraints, onHistory },
          { dot, record, inc: incarnation.continueFrom, nowMs: nowMs() },
        ),
      );
      await tx.done;
      if (recovered.written) incarnation.committed(recovered.written.inc, recovered.written.seq);
      return recovered.result;
    },

    async reject(dot, error) {
      outbox.forget();
      const { db, stores } = await scope();
      const tx = db.transaction(stores, 'readwrite', { durability: 'relaxed' }) as Write;
      const result = await abortOnError(tx, () =>
        rejectIn(tx, { schemas, constraints, onHistory }, { dot, error, nowMs: nowMs() }),
      );
      await tx.done;
      return result;
    },

    async inspect(inspection) {
      const { db } = await scope();
      return inspectSlice(db, inspection, nowMs());
    },

    close: () => connection.close(),
  };
  return reconnecting(store, connection.drop);
}

/** Each problem is told once, not with every page. */
function withNewProblems(result: IngestResult, told: Set<string>): IngestResult {
  if (result.type !== 'ingested' || !result.problems) return result;
  const problems = result.problems.filter((problem) => told.size < told.add(problemKey(problem)).size);
  return { ...result, problems };
}

interface Connection {
  get(): Promise<IDBPDatabase>;
  /** It is of no use any more: the next call opens another. */
  drop(): void;
  close(): void;
}

/** A connection that gives way to an upgrade and comes back when it is next needed. */
function openConnection(name: string, onLost: () => void, fence: Fence | undefined): Connection {
  let opened: Promise<IDBPDatabase> | null = null;
  const forget = (): void => {
    opened = null;
    onLost();
  };
  let current: IDBPDatabase | null = null;
  const open = async (): Promise<IDBPDatabase> => {
    const db = await openDB(name, undefined, {
      // Whoever makes a database gives it its stores and its identity: a page.
      upgrade: (_db, _from, _to, tx) => {
        tx.done.catch(() => undefined);
        tx.abort();
      },
      blocking: (_from, _to, event) => {
        (event.target as IDBDatabase).close();
        forget();
      },
      terminated: forget,
    });
    if (db.objectStoreNames.contains(META)) {
      if (fence) await fenceConnection(unwrap(db), fence);
      return (current = db);
    }
    db.close();
    throw new SkerryError('STORAGE_FAILED', `The database ${name} does not have the stores of this SDK.`);
  };
  return {
    get: () =>
      (opened ??= open().catch((error: unknown) => {
        forget();
        throw error;
      })),
    drop: () => {
      current?.close();
      current = null;
      forget();
    },
    close: () =>
      void opened
        ?.then(
          (db) => db.close(),
          () => undefined,
        )
        .finally(forget),
  };
}

/** idb commits what was written before an exception; half a page is worse than none. */
async function abortOnError<T>(tx: Write, fn: () => Promise<T>): Promise<T> {
  try {
    return await fn();
  } catch (error) {
    tx.done.catch(() => undefined);
    try {
      // Requests run in order: behind this one none is under way that the abort would reject with nobody listening.
      await tx.objectStore(META).count();
      tx.abort();
    } catch {
      // It was aborted by the error itself.
    }
    // What is asked of an aborted transaction hears only that it was.
    throw unwrap(tx).error ?? error;
  }
}

async function ingestPage(
  tx: Write,
  plans: Plans,
  page: Page,
  { founders, nowMs }: { readonly founders: readonly Sid[]; readonly nowMs: number },
): Promise<IngestResult> {
  const { schemas, fingerprints } = plans;
  const reads = await readForPage(tx, page);
  const { replica, space } = reads;
  const stored = { cursor: replica.cursor, space };
  const all = followPage(stored, page, founders);
  if ('reason' in all) return all;
  const own = await ownRows(tx, reads, all.changes);
  const content = withContent(all.changes, (dot) => own.get(dot) ?? []);
  if ('reason' in content) return content;
  const { followed, entries } = applicable(stored, all, content);
  const tombstones = followed.hasMoved ? await readTombstones(tx) : [];
  const records = await withOwnRecords(tx, reads, entries);
  for (const record of tombstones) records.set(recordKey(record.c, record.id), record);
  const gone = new Set(entries.flatMap((entry) => entry.own.map((row) => outboxKey([row.order, row.part]))));
  const pending = await loadPending(tx, [...records.values()], gone);
  const tail = await readTail(tx, tailToRead(followed, replica.cursor, entries));
  const refused = entries.some((entry) => entry.isFilled) ? await readRejected(tx) : [];
  const plan = planPage({ replica, nowMs, entries, schemas, records, pending, followed, tombstones, tail, refused });
  const moves = await storePlan(tx, plans, plan, reads.head.rows);
  const writers = new Map([...reads.writers, ...plan.writers.map((writer) => [writer.inc, writer] as const)]);
  const marks = entries.map(({ dot, change }) => ({ dot, hlc: change.hlc }));
  for (const row of heardRows(writers, marks)) plainStore(tx, WRITERS).put(row);
  plans.onHistory(await keepHistory(tx, records, plan, { nowMs, withdrawn: changesIn(plan.rejected) }));
  noteViews(tx, reads.views, fingerprints, new Set(plan.records.map((record) => record.c)));
  const result = { ...plan.result, conflictsChanged: [...plan.result.conflictsChanged, ...moves] };
  if (plan.withdrawn.length === 0) return result;
  return withTakenBack(result, await withdrawIn(tx, plans, { dots: plan.withdrawn, nowMs }));
}

async function readTombstones(tx: Write): Promise<RecordRow[]> {
  return ((await tx.objectStore(RECORDS).index('dead').getAll()) as StoredRecordRow[]).map(recordRow);
}

function readRejected(tx: Write): Promise<RejectedRow[]> {
  return tx.objectStore(REJECTED).getAll() as Promise<RejectedRow[]>;
}

function readViews(tx: Write): Promise<ViewsRow | undefined> {
  return answerOf(plainStore(tx, META).get('views'));
}

async function readTail(tx: Write, share: TailShare): Promise<readonly TailRow[]> {
  const tail = plainStore(tx, TAIL);
  if (share.entries === Infinity) return answerOf(tail.getAll());
  const rows: TailRow[] = [];
  for (let count = 1; !hasShare(rows, share); count *= 2) {
    const last = rows.at(-1);
    const range = last ? IDBKeyRange.lowerBound(last.position, true) : null;
    const more = await answerOf<TailRow[]>(tail.getAll(range, count));
    rows.push(...more);
    if (more.length < count) break;
  }
  return rows;
}

/**
 * Another context of this device may have the app in another version. The views of what this one touched are now of
 * its own plan, or missing: whoever opens the database with another plan next computes them anew.
 */
function noteViews(
  tx: Write,
  views: ViewsRow | undefined,
  fingerprints: ReadonlyMap<string, string>,
  touched: ReadonlySet<string>,
): void {
  const isStale = (name: string): boolean => fingerprints.get(name) !== views?.fingerprints[name];
  if (![...touched].some(isStale)) return;
  const kept = Object.entries(views?.fingerprints ?? {}).filter(([name]) => !touched.has(name) || !isStale(name));
  plainStore(tx, META).put({ key: 'views', fingerprints: Object.fromEntries(kept) } satisfies ViewsRow);
}

/** The outbox rows that hold the same changes as entries: most are in its head, the index finds the rest. */
async function ownRows(
  tx: Write,
  { replica, head: { rows, isWhole } }: PageReads,
  entries: readonly ChangeEntry[],
): Promise<Map<Dot, readonly OutboxRow[]>> {
  if (rows.length === 0) return new Map();
  const outbox = plainStore(tx, OUTBOX);
  const parts = new Map<number, OutboxRow[]>();
  for (const row of rows) {
    const others = parts.get(row.order);
    if (others) others.push(row);
    else parts.set(row.order, [row]);
  }
  const orders = new Map<Dot, number>(rows.flatMap((row) => (row.dot ? [[row.dot, row.order] as const] : [])));
  // Changes of others stand in front of the outbox; while one does, there may be more.
  const hasRelays = rows[0]?.relay === true;
  const found = new Map<Dot, readonly OutboxRow[]>();
  const lastOrder = rows.at(-1)?.order;
  const missing: Dot[] = [];
  for (const { dot, change } of entries) {
    const order = orders.get(dot);
    // The last change of the head may go on behind it.
    if (order !== undefined && (isWhole || order !== lastOrder)) found.set(dot, parts.get(order)!);
    // Without content it was pushed from here, whoever wrote it first.
    else if (order !== undefined || (!isWhole && (!change || isOurs(replica, dot, hasRelays)))) missing.push(dot);
  }
  await Promise.all(
    missing.map(async (dot) => {
      const first = await answerOf<OutboxRow | undefined>(outbox.index('dot').get(dot));
      if (!first) return;
      const range = IDBKeyRange.bound([first.order], [first.order, []]);
      found.set(dot, await answerOf<OutboxRow[]>(outbox.getAll(range)));
    }),
  );
  return found;
}

/** With those that only the outbox names: own changes come without their content. */
async function withOwnRecords(
  tx: Write,
  { records }: PageReads,
  entries: readonly FreshEntry[],
): Promise<Map<string, RecordRow>> {
  const named = entries.flatMap(({ own, change }) => (own.length > 0 ? [change, ...own] : []));
  if (named.length === 0) return records;
  return new Map([...records, ...(await loadRecords(tx, named))]);
}

function isOurs(replica: ReplicaRow, dot: Dot, hasRelays: boolean): boolean {
  return hasRelays || Object.hasOwn(replica.seqs, incOf(dot)) || Object.keys(replica.seqs).length >= 64;
}

async function restamp(
  tx: Write,
  plans: Pick<Plans, 'schemas' | 'constraints'>,
  moment: RestampMoment & { readonly after: number | null },
): Promise<{ restamped: number; offsetMs: number }> {
  const outbox = tx.objectStore(OUTBOX);
  const stored = (await tx.objectStore(META).get('replica')) as ReplicaRow;
  const rows = (await outbox.getAll(behind(moment.after))) as OutboxRow[];
  const last = moment.after === null ? undefined : ((await outbox.get([moment.after, 0])) as OutboxRow | undefined);
  const { replica, heads } = planRestamp(stored, rows, last, moment);
  await Promise.all(heads.map((row) => outbox.put(row)));
  const records = await loadRecords(tx, rows);
  const recompute = [...records.values()];
  const pending = await loadPending(tx, recompute, new Set());
  const { schemas } = plans;
  const plan = planPage({ replica, nowMs: moment.nowMs, entries: [], schemas, records, pending, recompute });
  await storePlan(tx, plans, plan);
  return { restamped: heads.length, offsetMs: replica.offsetMs };
}

async function readTailWriters(index: {
  openKeyCursor(range: null, direction: 'nextunique'): Promise<unknown>;
}): Promise<Inc[]> {
  const incs: Inc[] = [];
  for (
    let cursor = (await index.openKeyCursor(null, 'nextunique')) as TailCursor;
    cursor;
    cursor = await cursor.continue()
  ) {
    incs.push(cursor.key);
  }
  return incs;
}

type TailCursor = { readonly key: Inc; continue(): Promise<TailCursor> } | null;

async function readOutboxWriters(index: { openKeyCursor(): Promise<unknown> }): Promise<Inc[]> {
  const incs = new Set<Inc>();
  for (
    let cursor = (await index.openKeyCursor()) as KeyCursor;
    cursor;
    cursor = await cursor.continue(`${incOf(cursor.key)}/`)
  ) {
    incs.add(incOf(cursor.key));
  }
  return [...incs];
}

/** Keys of the index are dots; '/' is the character after '.', so continuing there skips the rest of a writer. */
type KeyCursor = { readonly key: Dot; continue(key: string): Promise<KeyCursor> } | null;

/** Keys of the outbox after a change, or a part of one; all of them when it is null. */
function behind(place: OutboxKey | number | null): IDBKeyRange | null {
  if (place === null) return null;
  return IDBKeyRange.lowerBound(typeof place === 'number' ? [place, []] : place, true);
}
