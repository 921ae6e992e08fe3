/** Opens the database of a device: Dexie with tracked tables, and the writes that are not plain row writes. */
import { Dexie, type Transaction } from 'dexie';
import { wrap, type IDBPDatabase } from 'idb';

import { WAIVERS } from '../constraints/claim.ts';
import { claimStates } from '../constraints/claim-states.ts';
import { compileConstraints, type Constraints } from '../constraints/registry.ts';
import { WAIVER_SCHEMA } from '../constraints/waiver.ts';
import type { Writer } from '../core/change.ts';
import { registerRow, registerValue, resolveLife, resolveRegister } from '../core/commit.ts';
import { openConflicts, type OpenConflict } from '../core/conflict.ts';
import { msOf } from '../core/clock.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { undoRecord } from '../core/undo.ts';
import { readRow, type Row } from '../core/view.ts';
import { SkerryError } from '../lib/errors.ts';
import { randomName } from '../lib/ids.ts';
import { compileCollection } from '../policies/registry.ts';
import { adoptRows } from './adopt.ts';
import { announceRemoteChanges } from './announce.ts';
import { retryIntent } from './attempt.ts';
import { checkRow } from './check-row.ts';
import { runOnCore } from './constraint-core.ts';
import { guardUpgrades, type UpgradeGuard } from './foreign-stores.ts';
import { createHistorySweep } from './history-sweep.ts';
import { createIncarnation } from './incarnation.ts';
import {
  CLAIMS,
  COMPONENTS,
  CONFLICTS,
  currentState,
  fieldsOfOps,
  INTERNAL_SCHEMA,
  META,
  newReplica,
  OUTBOX,
  RECORDS,
  seenRecord,
  REJECTED,
  WRITERS,
  type ConflictRow,
  type OutboxRow,
  type RecordRow,
  type RejectedRow,
  type ReplicaRow,
  type WriterRow,
} from './layout.ts';
import { recordRow, type StoredRecordRow } from './packed-record.ts';
import type { LocalDatabase, LocalDatabaseOptions, OutboxSummary, UndoPlan, Written } from './local-database.ts';
import { withLocal } from './local-fields.ts';
import { mergeCalls } from './merge-calls.ts';
import { platformRandom } from './platform-random.ts';
import { rebuildViews } from './rebuild-views.ts';
import { HISTORY_STORES, readHistory, readMeta } from './read-history.ts';
import { readFates } from './receipts.ts';
import { heldOpen } from './held-open.ts';
import { constraintResolution } from './resolve-constraint.ts';
import type { RecordIntent } from './step.ts';
import { declareLayouts } from './upgrade.ts';
import { createTracking, type Tracking } from './track.ts';

export async function openLocalDatabase(options: LocalDatabaseOptions): Promise<LocalDatabase> {
  const { merges = {}, onProblem = () => undefined } = options;
  const call = mergeCalls(merges, () => performance.now());
  const schemas = new Map(options.collections.map((plan) => [plan.name, compileCollection(plan, call)]));
  const constraints = compileConstraints(options.collections, schemas);
  const tables = Object.fromEntries(
    options.collections.map(({ name, indexes }) => [name, ['id', ...indexes].join(',')]),
  );
  const isDeclared = (store: string): boolean => Object.hasOwn(tables, store) || Object.hasOwn(INTERNAL_SCHEMA, store);
  const guard = guardUpgrades(indexedDB, Object.keys(tables), isDeclared);
  // Dexie's cache would show what the app wrote instead of what tracking stored.
  const dexie = new Dexie(options.name, {
    cache: 'disabled',
    chromeTransactionDurability: options.durability,
    indexedDB: guard.indexedDB,
  });
  declareLayouts(dexie, tables);

  const nowMs = options.nowMs ?? Date.now;
  const incarnation = createIncarnation(nowMs, platformRandom);
  let device: Writer['device'] = { id: '' };
  const writer = (): Writer => ({ ...(options.user ? { user: options.user } : {}), device });
  const sweep = createHistorySweep({ open: async () => wrap(dexie.backendDB()) as IDBPDatabase, nowMs });
  const tracking = createTracking({
    schemas,
    constraints,
    writer,
    incarnation,
    nowMs,
    onLocalWrite: options.onLocalWrite,
    onProblem,
    onHistory: sweep.note,
    ...(options.validators ? { validators: options.validators } : {}),
  });
  dexie.use(tracking.middleware);
  dexie.on('close', () => incarnation.end());

  await openGuarded(dexie, guard, tables);
  const deviceId = await readDeviceId(dexie);
  device = { id: deviceId, ...(options.deviceName === undefined ? {} : { name: options.deviceName }) };
  await adoptRows({ dexie, schemas, tracking, converters: options.converters ?? new Map() });
  const plans = options.collections.map((plan) => ({ plan, schema: schemas.get(plan.name)! }));
  const problems = await rebuildViews(wrap(dexie.backendDB()) as IDBPDatabase, plans, { merges, constraints });
  problems.forEach(onProblem);
  sweep.start();
  return {
    ...localDatabase(dexie, schemas, constraints, deviceId, tracking),
    validators: options.validators ?? new Map(),
  };
}

/** Where Dexie's upgrade would take away what this app does not name, another one makes it, to which all is declared. */
async function openGuarded(dexie: Dexie, guard: UpgradeGuard, tables: Readonly<Record<string, string>>): Promise<void> {
  try {
    await dexie.open();
  } catch (error) {
    const finding = guard.takeFinding();
    if (finding?.type === 'unusable') throw finding.error;
    if (!finding) throw error;
    const upgrading = new Dexie(dexie.name);
    declareLayouts(upgrading, { ...tables, ...finding.stores });
    await upgrading.open();
    upgrading.close();
    await openGuarded(dexie, guard, tables);
  }
}

/** Made with the database, in the same store as everything else: what empties the one empties the other. */
async function readDeviceId(dexie: Dexie): Promise<string> {
  return dexie.transaction('rw', META, async () => {
    const stored = (await dexie.table(META).get('replica')) as ReplicaRow | undefined;
    if (stored) return stored.deviceId;
    const deviceId = randomName(128, platformRandom);
    await dexie.table(META).add(newReplica(deviceId));
    return deviceId;
  });
}

function localDatabase(
  dexie: Dexie,
  schemas: ReadonlyMap<string, CollectionSchema>,
  constraints: Constraints,
  deviceId: string,
  tracking: Tracking,
): Omit<LocalDatabase, 'validators'> {
  const record = (collection: string, id: string): PromiseLike<RecordRow | undefined> =>
    dexie
      .table<StoredRecordRow>(RECORDS)
      .get([collection, id])
      .then((row) => row && recordRow(row));
  const schemaOf = (collection: string): CollectionSchema => {
    const schema = schemas.get(collection);
    if (!schema) throw new SkerryError('UNKNOWN_COLLECTION', `No collection ${collection} was passed to open().`);
    return schema;
  };

  return {
    dexie,
    schemas,
    deviceId,
    async transact(about, fn) {
      const scope = about.collections ?? [...schemas.keys()];
      let trans: IDBTransaction | undefined;
      const result = await dexie.transaction('rw', [...scope, CONFLICTS, ...HISTORY_STORES], async (transaction) => {
        trans = nativeTransaction(transaction);
        const { label, isSplittable } = about;
        tracking.describe(trans, {
          ...(label === undefined ? {} : { label }),
          ...(isSplittable ? { isSplittable } : {}),
        });
        return about.isOurs ? fn() : heldOpen(trans, fn);
      });
      return { result, ...written(tracking, trans!) };
    },
    async undo(plan) {
      if (plan.length === 0) return;
      const intents = plan.map((record) =>
        undoing(record.collection === WAIVERS ? WAIVER_SCHEMA : schemaOf(record.collection), record),
      );
      // What was allowed has no table of its own; the change of any row is tracked.
      const tables = [...schemas.keys()].filter((name) => plan.some((record) => record.collection === name));
      await dexie.transaction('rw', [...(tables.length > 0 ? tables : schemas.keys()), RECORDS], (transaction) =>
        tracking.write(nativeTransaction(transaction), intents),
      );
    },
    writeAsSeen(collection, id, seen) {
      const transaction = Dexie.currentTransaction;
      if (!transaction) throw new SkerryError('TRANSACTION_ENDED', 'A read token is used inside a transaction.');
      tracking.writeAsSeen(nativeTransaction(transaction), collection, id, seen);
      const schema = schemaOf(collection);
      return withLocal(schema, readRow(schema, id, seen), seen.local);
    },
    async readSeen(collection, id) {
      return seenRecord(await record(collection, id));
    },
    async resolve(conflict, choice) {
      const schema = schemaOf(conflict.collection);
      let trans: IDBTransaction | undefined;
      await dexie.transaction('rw', [conflict.collection, RECORDS], (transaction) => {
        trans = nativeTransaction(transaction);
        tracking.describe(trans, { kind: 'resolve' });
        return tracking.write(trans, [resolution(schema, conflict, choice)]);
      });
      return written(tracking, trans!);
    },
    async resolveConstraint(conflict, choice) {
      let trans: IDBTransaction | undefined;
      const tables = [conflict.collection, RECORDS, CONFLICTS];
      await dexie.transaction('rw', tables, async (transaction) => {
        trans = nativeTransaction(transaction);
        tracking.describe(trans, { kind: 'resolve' });
        const stored = (await dexie.table(CONFLICTS).get(conflict.id)) as ConflictRow | undefined;
        const row = choice === 'allow' ? undefined : ((await dexie.table(conflict.collection).get(choice.id)) as Row);
        await tracking.write(trans, [
          constraintResolution(schemaOf(conflict.collection), { conflict, stored }, choice, row),
        ]);
      });
      return written(tracking, trans!);
    },
    async readClaims(collection, id) {
      return dexie.transaction('r', [CLAIMS, COMPONENTS], async (transaction) =>
        runOnCore(dexie.core, nativeTransaction(transaction) as never, claimStates(constraints, collection, id)),
      );
    },
    constrained: [...new Set(constraints.all.map((one) => one.collection))],
    async readConflicts() {
      const conflicts = (await dexie.table(CONFLICTS).toArray()) as ConflictRow[];
      return conflicts
        .filter((conflict) => conflict.kind !== 'constraint')
        .sort((a, b) => a.hlc - b.hlc || (a.id < b.id ? -1 : 1));
    },
    async readConstraintConflicts() {
      const conflicts = (await dexie.table(CONFLICTS).toArray()) as ConflictRow[];
      // Not those of a collection that this version of the app does not have.
      return conflicts
        .filter((conflict) => conflict.kind === 'constraint')
        .filter(({ collection }) => schemas.has(collection));
    },
    async readRejected() {
      const rows = (await dexie.table(REJECTED).toArray()) as RejectedRow[];
      return rows.sort((a, b) => a.hlc - b.hlc || (a.id < b.id ? -1 : 1));
    },
    async settleRejected(rejected, choice) {
      const schema = schemas.get(rejected.c);
      let trans: IDBTransaction | undefined;
      const stores = [...(schema ? [schema.name, RECORDS] : []), REJECTED];
      await dexie.transaction('rw', stores, async (transaction) => {
        trans = nativeTransaction(transaction);
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
      return written(tracking, trans!);
    },
    async keepRejected(rejected) {
      await dexie.table(REJECTED).put(rejected);
    },
    readHistory: async (collection, id, limit) => readHistory(dexie, schemaOf(collection), id, limit),
    readMeta: (collection, id) => readMeta(dexie, constraints, collection, id),
    readFates: (asked) => readFates(dexie, asked),
    async readWriters(incs) {
      const rows = (await dexie.table(WRITERS).bulkGet([...incs])) as (WriterRow | undefined)[];
      return new Map(rows.flatMap((row) => (row ? [[row.inc, row] as const] : [])));
    },
    async readOutbox() {
      const rows = (await dexie.table(OUTBOX).toArray()) as OutboxRow[];
      return summariesOf(rows);
    },
    async readPending() {
      return dexie.transaction('r', META, OUTBOX, async () => {
        const replica = (await dexie.table(META).get('replica')) as ReplicaRow;
        const first =
          replica.outbox.changes === 0
            ? undefined
            : ((await dexie.table(OUTBOX).toCollection().first()) as OutboxRow | undefined);
        return { ...replica.outbox, oldestMs: first?.head ? msOf(first.head.hlc) : null, position: replica.order };
      });
    },
    async readRecord(collection, id) {
      const stored = await record(collection, id);
      const state = currentState(stored);
      const schema = schemaOf(collection);
      return state ? withLocal(schema, readRow(schema, id, state), stored?.local) : null;
    },
    announceRemoteChanges: (touched) => announceRemoteChanges(dexie, touched),
    close: () => dexie.close(),
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

function written(tracking: Tracking, trans: IDBTransaction): Written {
  return { dot: tracking.dots(trans)[0] ?? '', order: tracking.order(trans), undo: tracking.undoable(trans) };
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

function nativeTransaction(transaction: Transaction | null): IDBTransaction {
  return (transaction as unknown as { readonly idbtrans: IDBTransaction }).idbtrans;
}

function summariesOf(rows: readonly OutboxRow[]): OutboxSummary[] {
  const summaries: OutboxSummary[] = [];
  for (const row of rows) {
    const touched = row.recs.map((rec) => ({
      collection: rec.c,
      rowId: rec.id,
      fields: fieldsOfOps(rec.ops),
      kind: rec.ops.some((op) => op.t === 'life' && op.v === 'dead') ? ('delete' as const) : ('write' as const),
    }));
    const last = summaries.at(-1);
    if (!row.head) {
      if (last)
        summaries[summaries.length - 1] = { ...last, bytes: last.bytes + row.bytes, rows: [...last.rows, ...touched] };
      continue;
    }
    const { hlc, label } = row.head;
    summaries.push({
      dot: row.dot!,
      hlc,
      ...(label === undefined ? {} : { label }),
      bytes: row.bytes,
      rows: touched,
      ...(row.relay ? { relayed: true } : {}),
    });
  }
  return summaries;
}
