/** Opens the database of a device: Dexie with tracked tables, and the writes that are not plain row writes. */
import { Dexie, type Table, type Transaction } from 'dexie';
import { wrap, type IDBPDatabase } from 'idb';

import { WAIVERS } from '../constraints/claim.ts';
import { WAIVER_SCHEMA } from '../constraints/waiver.ts';
import type { Writer } from '../core/change.ts';
import { registerRow, registerValue, resolveLife, resolveRegister } from '../core/commit.ts';
import { openConflicts, type OpenConflict } from '../core/conflict.ts';
import type { Dot } from '../core/dot.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { undoRecord } from '../core/undo.ts';
import { readRow, type Row } from '../core/view.ts';
import { assert } from '../lib/assert.ts';
import { SkerryError } from '../lib/errors.ts';
import { compileCollection } from '../policies/registry.ts';
import { announceEverything, announceRemoteChanges } from './announce.ts';
import { retryIntent } from './attempt.ts';
import { checkRow } from './check-row.ts';
import { readEarly, type EarlyStates } from './early-states.ts';
import { createConnection, type Connection } from './connection.ts';
import type { Validators } from './given-row.ts';
import { guardUpgrades, type UpgradeGuard } from './foreign-stores.ts';
import { readIdentity, restoreUnsent } from './identity.ts';
import { createHistorySweep } from './history-sweep.ts';
import { createIncarnation } from './incarnation.ts';
import {
  CLAIMS,
  COMPONENTS,
  CONFLICTS,
  currentState,
  INTERNAL_SCHEMA,
  META,
  OUTBOX,
  RECORDS,
  REJECTED,
  WRITERS,
  type ConflictRow,
  type OutboxRow,
  type RecordRow,
  type ReplicaRow,
  type WriterRow,
} from './layout.ts';
import { recordRow, type StoredRecordRow } from './packed-record.ts';
import type { LocalDatabase, LocalDatabaseOptions, UndoPlan, Written } from './local-database.ts';
import { withLocal } from './local-fields.ts';
import { mergeCalls } from './merge-calls.ts';
import { platformRandom } from './platform-random.ts';
import type { AccessRow } from './lost-access.ts';
import type * as Rebuilding from './rebuild-views.ts';
import { HISTORY_STORES, readHistory, readMeta } from './read-history.ts';
import { readOutbox, type KnownOutbox, type OutboxReading } from './read-outbox.ts';
import { decisionsOf, readDecisions, readPending, readStates } from './read-states.ts';
import { readFates } from './receipts.ts';
import { heldOpen } from './held-open.ts';
import { constraintResolution } from './resolve-constraint.ts';
import { placesSeen, seenRecord } from './seen.ts';
import type { RecordIntent } from './step.ts';
import { createSettledWrites } from './settled-write.ts';
import { declareLayouts } from './upgrade.ts';
import { createTracking, type Tracking } from './track.ts';
import { findUnadopted } from './unadopted.ts';
import { loadConstraining, type Constraining } from './unconstrained.ts';
import { createUnsentMemory, type UnsentMemory } from './unsent-memory.ts';
import { areViewsFresh, hasStaleViews } from './views.ts';
import { createWatchedOpen, unavailable, type WatchedOpen } from './watched-open.ts';

export async function openLocalDatabase(options: LocalDatabaseOptions): Promise<LocalDatabase> {
  const { merges = {}, onProblem = () => undefined } = options;
  const call = mergeCalls(merges, () => performance.now());
  const schemas = new Map(options.collections.map((plan) => [plan.name, compileCollection(plan, call)]));
  const constraining = await loadConstraining(options.collections, schemas);
  const { constraints } = constraining;
  const tables = Object.fromEntries(
    options.collections.map(({ name, indexes }) => [name, ['id', ...indexes].join(',')]),
  );
  const isDeclared = (store: string): boolean => Object.hasOwn(tables, store) || Object.hasOwn(INTERNAL_SCHEMA, store);
  const watched = createWatchedOpen(
    (globalThis as { readonly indexedDB?: IDBFactory }).indexedDB,
    () => guard.hasFound,
  );
  if (!watched) throw unavailable();
  const guard = guardUpgrades(watched.factory, Object.keys(tables), isDeclared);
  const dexie = new Dexie(options.name, {
    indexedDB: guard.indexedDB,
    // Dexie's cache would show what the app wrote instead of what tracking stored.
    cache: 'disabled',
    chromeTransactionDurability: options.durability,
  });
  declareLayouts(dexie, tables);

  const nowMs = options.nowMs ?? Date.now;
  const incarnation = createIncarnation(nowMs, platformRandom);
  const unsent = createUnsentMemory();
  const onFailure = options.onFailure ?? (() => undefined);
  let device: Writer['device'] = { id: '' };
  const writer = (): Writer => ({ ...(options.user ? { user: options.user } : {}), device });
  const sweep = createHistorySweep({ open: async () => wrap(dexie.backendDB()) as IDBPDatabase, nowMs });
  const tracking = createTracking({
    schemas,
    constraining,
    writer,
    incarnation,
    nowMs,
    unsent,
    onLocalWrite: options.onLocalWrite,
    onProblem,
    onFailure,
    onHistory: sweep.note,
    ...(options.validators ? { validators: options.validators } : {}),
  });
  dexie.use(tracking.middleware);
  dexie.on('close', () => incarnation.end());
  const onStorage = options.onStorage ?? (() => undefined);
  const connection = createConnection({
    dexie,
    watched,
    onNews: (news) => {
      // Another tab may have written meanwhile, or all of it be gone.
      if (news.type === 'storage-back') announceEverything();
      onStorage(news);
    },
  });

  const plans = options.collections.map((plan) => ({ plan, schema: schemas.get(plan.name)! }));
  let isMadeNow = false;
  /** Of the database that was ready last: one whose preparing was cut short is to be prepared again. */
  let preparedId = '';
  let isAdopted = false;
  let areFresh = false;
  const early = readEarly(options.name);
  const rebuild = async (): Promise<void> => {
    if (!(await hasStaleViews(wrap(dexie.backendDB()) as IDBPDatabase, options.collections, merges))) return;
    const { rebuildViews } = await loadRebuilding();
    const problems = await rebuildViews(wrap(dexie.backendDB()) as IDBPDatabase, plans, { merges, constraints });
    problems.forEach(onProblem);
  };
  /** Every time it is opened, before anybody reads. */
  const prepare = async (): Promise<void> => {
    const db = wrap(dexie.backendDB()) as IDBPDatabase;
    const reading = readIdentity(db);
    if (!isAdopted) early.begin(() => readStates(db, (collection) => schemas.has(collection)));
    const identity = await reading;
    areFresh = areViewsFresh(identity.views, options.collections, merges);
    isMadeNow ||= identity.isNew;
    const isAnother = preparedId !== '' && preparedId !== identity.deviceId;
    device = { id: identity.deviceId, ...(options.deviceName === undefined ? {} : { name: options.deviceName }) };
    const kept = isAnother ? await restoreUnsent(db, unsent) : new Set();
    if (isAdopted && !areFresh) await rebuild();
    preparedId = identity.deviceId;
    if (!isAnother) return;
    const lostDots = [...unsent.known()].filter((dot) => !kept.has(dot));
    // What another tab wrote, or this one before it was loaded anew, is not for this tab to count.
    const lost = unsent.hasOthers ? null : lostDots.length;
    onStorage({ type: 'storage-reset', kept: kept.size, lost, lostDots });
  };
  // Dexie lets nobody else in until it is done.
  dexie.on('ready', () => Dexie.Promise.resolve(prepare()) as never, true);
  const { validators = new Map(), converters = new Map() } = options;
  await openGuarded(connection, { dexie, watched, guard, tables });
  if (!areFresh) {
    early.drop();
    // A collection counts as adopted when its views are known: those come last.
    await connection.persevere(async () => {
      const found = await findUnadopted(dexie, schemas);
      if (found.length === 0) return;
      const { adoptRows } = await import('./adopt.ts');
      await adoptRows({ dexie, tracking, converters }, found);
    });
    await connection.persevere(rebuild);
  }
  isAdopted = true;
  // A browser that clears the database under the page clears its files as well: then it must be here.
  loadRebuilding().catch(() => undefined);
  const stop = whenIdle(sweep.start);
  return localDatabase(
    { dexie, schemas, constraining, tracking, connection, unsent, isMadeNow, onFailure, validators, early, stop },
    () => device.id,
  );
}

/** What nobody waits for leaves the page to the app at first. */
const IDLE_MS = 300;

function whenIdle(work: () => void): () => void {
  const timer = setTimeout(work, IDLE_MS);
  return () => clearTimeout(timer);
}

/** What an opening needs when the schema is another one, or the database. */
function loadRebuilding(): Promise<typeof Rebuilding> {
  return import('./rebuild-views.ts');
}

interface Guarded {
  readonly dexie: Dexie;
  readonly watched: WatchedOpen;
  readonly guard: UpgradeGuard;
  readonly tables: Readonly<Record<string, string>>;
}

/** Where Dexie's upgrade would take away what this app does not name, another one makes it, to which all is declared. */
async function openGuarded(connection: Connection, guarded: Guarded): Promise<void> {
  const { dexie, watched, guard, tables } = guarded;
  try {
    await connection.open();
  } catch (error) {
    const finding = guard.takeFinding();
    if (finding?.type === 'unusable') throw finding.error;
    if (!finding) throw error;
    const upgrading = new Dexie(dexie.name, { indexedDB: watched.factory });
    declareLayouts(upgrading, { ...tables, ...finding.stores });
    await watched.open(upgrading);
    upgrading.close();
    await openGuarded(connection, guarded);
  }
}

interface LocalParts {
  readonly dexie: Dexie;
  readonly schemas: ReadonlyMap<string, CollectionSchema>;
  readonly constraining: Constraining;
  readonly tracking: Tracking;
  readonly connection: Connection;
  readonly unsent: UnsentMemory;
  readonly isMadeNow: boolean;
  readonly onFailure: (error: unknown) => void;
  readonly validators: Validators;
  readonly early: EarlyStates;
  /** Ends what waits for an idle moment. */
  readonly stop: () => void;
}

function localDatabase(
  {
    dexie,
    schemas,
    constraining,
    tracking,
    connection,
    unsent,
    isMadeNow,
    onFailure,
    validators,
    early,
    stop,
  }: LocalParts,
  deviceId: () => string,
): LocalDatabase {
  const { persevere } = connection;
  const { constraints } = constraining;
  const writes = createSettledWrites({
    dexie,
    connection,
    lastMoved: tracking.lastMoved,
    onFailure,
    isSaved: async (trans) => {
      const { seqs } = (await dexie.table(META).get('replica')) as ReplicaRow;
      return tracking.isIn(trans, seqs);
    },
    onSaved: tracking.noteSaved,
  });
  const record = (collection: string, id: string): PromiseLike<RecordRow | undefined> =>
    persevere(() => table<StoredRecordRow>(RECORDS).get([collection, id])).then((row) => row && recordRow(row));
  const schemaOf = (collection: string): CollectionSchema => {
    const schema = schemas.get(collection);
    if (!schema) throw new SkerryError('UNKNOWN_COLLECTION', `No collection ${collection} was passed to open().`);
    return schema;
  };

  /** Throws what makes a call wait for the connection. */
  const handle = (): IDBPDatabase => {
    const db = dexie.backendDB() as IDBDatabase | null;
    if (!db) throw new Dexie.DatabaseClosedError();
    return wrap(db) as IDBPDatabase;
  };
  const opened = (): PromiseLike<IDBPDatabase> => persevere(async () => handle());
  const placeOf = (trans: IDBTransaction): Omit<Written, 'undo'> => ({
    dot: tracking.dots(trans)[0] ?? '',
    order: tracking.order(trans),
    deviceId: deviceId(),
  });
  const written = (trans: IDBTransaction): Written => ({ ...placeOf(trans), undo: tracking.undoable(trans) });
  const table = <T>(name: string): Table<T> => dexie.table<T>(name);
  const isShown = (collection: string): boolean => schemas.has(collection);
  const readConflictRows = (): Promise<ConflictRow[]> => persevere(() => table<ConflictRow>(CONFLICTS).toArray());
  /** Of what is in doubt what is left; nothing is forgotten before all of the outbox was seen. */
  const noteUnsent = (forgettable: ReadonlySet<Dot>, known: KnownOutbox | null, reading: OutboxReading): void => {
    const { left, isEnd, summaries } = reading;
    const before = known ? known.dots.filter((_dot, i) => left?.orders.has(known.orders[i]!) ?? true) : [];
    unsent.keep(isEnd ? forgettable : new Set(), new Set([...before, ...summaries.map(({ dot }) => dot)]));
  };
  const transact: LocalDatabase['transact'] = async (about, fn) => {
    const scope = about.collections ?? [...schemas.keys()];
    const isJoined = Dexie.currentTransaction !== null;
    const { result, trans } = await writes.run([...scope, CONFLICTS, ...HISTORY_STORES], async (trans) => {
      const { label, isSplittable } = about;
      tracking.describe(trans, {
        ...(label === undefined ? {} : { label }),
        ...(isSplittable ? { isSplittable } : {}),
      });
      if (!about.isOurs) return heldOpen(trans, fn);
      const answer = await fn();
      // Nothing comes after: the browser need not wait to see that.
      if (!isJoined) trans.commit();
      return answer;
    });
    return { result, ...(about.isOurs ? { ...placeOf(trans), undo: [] } : written(trans)) };
  };

  return {
    dexie,
    schemas,
    isMadeNow,
    get deviceId() {
      return deviceId();
    },
    persevere,
    rest: connection.rest,
    wake: connection.wake,
    validators,
    transact,
    async undo(plan) {
      if (plan.length === 0) return;
      const intents = plan.map((record) =>
        undoing(record.collection === WAIVERS ? WAIVER_SCHEMA : schemaOf(record.collection), record),
      );
      // What was allowed has no table of its own; the change of any row is tracked.
      const tables = [...schemas.keys()].filter((name) => plan.some((record) => record.collection === name));
      await writes.run([...(tables.length > 0 ? tables : schemas.keys()), RECORDS], (trans) =>
        tracking.write(trans, intents),
      );
    },
    handOver: tracking.handOver,
    expectWrite(collection, id) {
      const transaction = Dexie.currentTransaction;
      if (transaction) tracking.expectWrite(nativeTransaction(transaction), schemaOf(collection), id);
    },
    writeAsSeen(collection, id, seen) {
      const transaction = Dexie.currentTransaction;
      if (!transaction) throw new SkerryError('TRANSACTION_ENDED', 'A read token is used inside a transaction.');
      tracking.writeAsSeen(nativeTransaction(transaction), collection, id, seen);
      const schema = schemaOf(collection);
      return withLocal(schema, readRow(schema, id, seen), seen.local);
    },
    async readSeen(collection, id) {
      return persevere(() =>
        dexie.transaction('r', RECORDS, OUTBOX, async () => {
          const stored = await table<StoredRecordRow>(RECORDS).get([collection, id]);
          const row = stored && recordRow(stored);
          const rows = row ? await table<OutboxRow>(OUTBOX).bulkGet(placesSeen(row)) : [];
          return seenRecord(
            row,
            rows.filter((part) => part !== undefined),
          );
        }),
      );
    },
    async resolve(conflict, choice) {
      const schema = schemaOf(conflict.collection);
      const { trans } = await writes.run([conflict.collection, RECORDS], (trans) => {
        tracking.describe(trans, { kind: 'resolve' });
        return tracking.write(trans, [resolution(schema, conflict, choice)]);
      });
      return written(trans);
    },
    async resolveConstraint(conflict, choice) {
      const { trans } = await writes.run([conflict.collection, RECORDS, CONFLICTS], async (trans) => {
        tracking.describe(trans, { kind: 'resolve' });
        const stored = (await dexie.table(CONFLICTS).get(conflict.id)) as ConflictRow | undefined;
        const row = choice === 'allow' ? undefined : ((await dexie.table(conflict.collection).get(choice.id)) as Row);
        await tracking.write(trans, [
          constraintResolution(schemaOf(conflict.collection), { conflict, stored }, choice, row),
        ]);
      });
      return written(trans);
    },
    async readClaims(collection, id) {
      return persevere(() =>
        dexie.transaction('r', [CLAIMS, COMPONENTS], async (transaction) =>
          constraining.readClaims(dexie.core, nativeTransaction(transaction) as never, collection, id),
        ),
      );
    },
    constrained: [...new Set(constraints.all.map((one) => one.collection))],
    readConflicts: async () => decisionsOf(await readConflictRows(), [], isShown).conflicts,
    readConstraintConflicts: async () => decisionsOf(await readConflictRows(), [], isShown).constraintConflicts,
    readDecisions: () => persevere(() => readDecisions(dexie, isShown)),
    async settleRejected(rejected, choice) {
      const schema = schemas.get(rejected.c);
      const stores = [...(schema ? [schema.name, RECORDS] : []), REJECTED];
      const { trans } = await writes.run(stores, async (trans) => {
        if (!(await dexie.table(REJECTED).get(rejected.id)))
          throw new SkerryError(
            'CONFLICT_CHANGED',
            `What was to be done about ${rejected.c}/${rejected.rowId} is decided.`,
          );
        await dexie.table(REJECTED).delete(rejected.id);
        if (choice === 'discard') return;
        const intent = retryIntent(schemaOf(rejected.c), rejected, choice === 'retry' ? null : choice.value);
        await tracking.write(trans, [intent]);
      });
      return written(trans);
    },
    async keepRejected(rejected) {
      await persevere(() => table(REJECTED).put(rejected));
    },
    readHistory: async (collection, id, limit) => persevere(() => readHistory(dexie, schemaOf(collection), id, limit)),
    readMeta: (collection, id) => persevere(() => readMeta(dexie, constraints, collection, id)),
    readFates: (asked) => persevere(() => readFates(dexie, asked)),
    async readWriters(incs) {
      const rows = await persevere(() => table<WriterRow>(WRITERS).bulkGet([...incs]));
      return new Map(rows.flatMap((row) => (row ? [[row.inc, writerOf(row)] as const] : [])));
    },
    readAllWriters: () => persevere(() => table<WriterRow>(WRITERS).toArray()),
    async readOutbox(known) {
      const forgettable = unsent.known();
      const reading = await persevere(() => readOutbox(handle(), known));
      noteUnsent(forgettable, known, reading);
      return reading;
    },
    async readStates() {
      const forgettable = unsent.known();
      const states = (await early.take()) ?? (await persevere(() => readStates(handle(), isShown)));
      assert(states, 'the replica row was made when the database was opened');
      noteUnsent(forgettable, null, states.outbox);
      return states;
    },
    readPending: () => persevere(() => readPending(handle())),
    async readRecord(collection, id) {
      const stored = await record(collection, id);
      const state = currentState(stored);
      const schema = schemaOf(collection);
      return state ? withLocal(schema, readRow(schema, id, state), stored?.local) : null;
    },
    // Loaded when somebody looks for a fault, which is seldom.
    async verify(about) {
      const { verifyDatabase } = await import('./verify.ts');
      return persevere(() => verifyDatabase(handle(), { schemas, constraints }, about));
    },
    async dump(shorten) {
      const { dumpDatabase } = await import('./dump.ts');
      return persevere(() => dumpDatabase(handle(), shorten));
    },
    // Nearly nobody ever needs the rest of it.
    lostAccess: {
      read: () =>
        persevere(async () => ((await table<AccessRow>(META).get('access')) as AccessRow | undefined) ?? null),
      note: async (atMs) => (await import('./lost-access.ts')).noteLoss(await opened(), atMs),
      purge: async (atMs) => (await import('./lost-access.ts')).purge(await opened(), atMs, { schemas, constraints }),
      forget: async () => (await import('./lost-access.ts')).forgetLoss(await opened()),
    },
    announceRemoteChanges: (touched) => announceRemoteChanges(dexie, touched),
    close() {
      stop();
      early.drop();
      connection.close();
    },
  };
}

/** Settles a conflict only if it is still the one that was read: a third edit makes it another one. */
function resolution(
  schema: CollectionSchema,
  conflict: OpenConflict,
  choice: { readonly row: Row } | { readonly life: 'live' | 'dead' },
): RecordIntent {
  const id = conflict.rowId;
  return {
    schema,
    id,
    change: (current, confirmed) => {
      const open = current
        ? openConflicts(schema, id, current).find((candidate) => candidate.id === conflict.id)
        : undefined;
      if (!open || !current)
        throw new SkerryError('CONFLICT_CHANGED', `The conflict about ${schema.name}/${id} is not as it was read.`);
      if ('life' in choice) return resolveLife(schema, id, current, choice.life);
      if (open.kind !== 'field')
        throw new SkerryError('INVALID_VALUE', `A delete conflict is settled by 'keep' or 'delete'.`);
      const row = checkRow(schema, {
        id,
        ...registerRow(open.path, open.fields, registerValue(open.path, open.fields, choice.row)),
      });
      return resolveRegister({ schema, id, current, confirmed }, open.path, registerValue(open.path, open.fields, row));
    },
  };
}

function undoing(schema: CollectionSchema, record: UndoPlan[number]): RecordIntent {
  const { id } = record;
  return {
    schema,
    id,
    change: (current, confirmed) => {
      const change = undoRecord(schema, record, current, confirmed);
      if (change !== 'changed') return change;
      throw new SkerryError(
        'CONFLICT_CHANGED',
        `${schema.name}/${id} was changed since; nothing was undone. Change it as it should be.`,
      );
    },
  };
}

/** What a writer says of itself, what a newer version adds included. */
function writerOf({ heard: _heard, ...writer }: WriterRow): Writer {
  return writer;
}

function nativeTransaction(transaction: Transaction | null): IDBTransaction {
  return (transaction as unknown as { readonly idbtrans: IDBTransaction }).idbtrans;
}
