/**
 * The tracking middleware: every write through Dexie, ours or the app's own, becomes a change in the same IndexedDB
 * transaction. Rows, replicated state, outbox, numbering and clock move together or not at all.
 *
 * It sits above Dexie's observability (so that live queries see the internal stores too) and below Dexie's hooks (so
 * that what a hook alters is tracked). Inside, only Dexie's own promises are chained: a native await would leave
 * Dexie's zone.
 */
import {
  Dexie,
  type DBCore,
  type DBCoreMutateRequest,
  type DBCoreMutateResponse,
  type DBCoreTable,
  type Middleware,
} from 'dexie';

import type { RecordChange, Writer } from '../core/change.ts';
import { writeRecord, type SeenDots } from '../core/commit.ts';
import type { RecordState } from '../core/record.ts';
import type { CollectionSchema } from '../core/schema.ts';
import type { Row } from '../core/view.ts';
import { assert } from '../lib/assert.ts';
import { checkId, checkRow } from './check-row.ts';
import { TransactionDraft, type WrittenRecord } from './draft.ts';
import {
  CONFLICTS,
  INTERNAL_STORES,
  META,
  OUTBOX,
  RECORDS,
  WRITERS,
  type RecordRow,
  type ReplicaRow,
} from './layout.ts';
import type { LocalWrite } from './local-database.ts';
import type { WriterIncarnation } from './incarnation.ts';

export interface TrackingOptions {
  readonly schemas: ReadonlyMap<string, CollectionSchema>;
  readonly writer: () => Writer;
  readonly incarnation: WriterIncarnation;
  readonly nowMs: () => number;
  readonly onLocalWrite: (write: LocalWrite) => void;
}

/** What a record becomes: a row of the app, or a change made by other means (resolutions). */
export interface RecordIntent {
  readonly schema: CollectionSchema;
  readonly id: string;
  /** Called with the record before the transaction, as shown and as confirmed; null: nothing to write. */
  change(shown: RecordState | undefined, confirmed: RecordState | undefined): RecordChange | null;
}

export interface Tracking {
  readonly middleware: Middleware<DBCore>;
  /** What the changes of this transaction are for. Before its first write. */
  describe(
    trans: IDBTransaction,
    about: { readonly label?: string; readonly kind?: 'resolve'; readonly isSplittable?: boolean },
  ): void;
  /** The next write of the row in this transaction replaces what was seen then. */
  writeAsSeen(trans: IDBTransaction, collection: string, id: string, seen: SeenDots): void;
  /** Writes changes that are not row writes. */
  write(trans: IDBTransaction, intents: readonly RecordIntent[]): PromiseLike<readonly WrittenRecord[]>;
  /** Dots of the changes that this transaction made so far. */
  dots(trans: IDBTransaction): readonly string[];
}

interface OpenTransaction {
  draft: TransactionDraft | null;
  label?: string;
  kind?: 'resolve';
  isSplittable?: boolean;
  readonly seen: Map<string, SeenDots>;
  /** Steps run one after another, however the app interleaves its writes. */
  queue: PromiseLike<unknown>;
}

type Transaction = DBCoreMutateRequest['trans'];

export function createTracking(options: TrackingOptions): Tracking {
  const { schemas } = options;
  const open = new WeakMap<object, OpenTransaction>();
  let core: DBCore | undefined;

  const opened = (trans: object): OpenTransaction => {
    let transaction = open.get(trans);
    if (!transaction) open.set(trans, (transaction = { draft: null, seen: new Map(), queue: Dexie.Promise.resolve() }));
    return transaction;
  };

  const write = (trans: Transaction, intents: readonly RecordIntent[]): PromiseLike<readonly WrittenRecord[]> => {
    const transaction = opened(trans);
    const step = transaction.queue.then(() => runStep(core!, options, trans, transaction, intents));
    transaction.queue = step.then(undefined, () => undefined);
    return step.then(undefined, (error: unknown) => {
      // Dexie would commit what a failing step wrote before it failed, and the draft knows more than was stored.
      abort(trans);
      throw error;
    });
  };

  const rowIntent = (trans: Transaction, schema: CollectionSchema, id: string, next: Row | null): RecordIntent => ({
    schema,
    id,
    change: (current, confirmed) => {
      const seen = opened(trans).seen.get(`${schema.name}/${id}`);
      return writeRecord({ schema, id, current, confirmed, next, ...(seen ? { seen } : {}) });
    },
  });

  const mutate = (
    table: DBCoreTable,
    schema: CollectionSchema,
    req: DBCoreMutateRequest,
  ): PromiseLike<DBCoreMutateResponse> => {
    switch (req.type) {
      case 'add':
      case 'put': {
        const rows = req.values.map((value: unknown) => checkRow(schema, value));
        if (req.type === 'put') return writeRows(req.trans, schema, rows, new Map());
        return existing(core!, req.trans, schema, rows).then((taken) => writeRows(req.trans, schema, rows, taken));
      }
      case 'delete':
        return deleteRows(req.trans, schema, req.keys);
      case 'deleteRange':
        return table
          .query({
            trans: req.trans,
            values: false,
            limit: Infinity,
            query: { index: table.schema.primaryKey, range: req.range },
          })
          .then(({ result }) => deleteRows(req.trans, schema, result));
    }
  };

  const writeRows = (
    trans: Transaction,
    schema: CollectionSchema,
    rows: readonly Row[],
    failures: ReadonlyMap<number, Error>,
  ): PromiseLike<DBCoreMutateResponse> => {
    const intents = rows.flatMap((row, i) =>
      failures.has(i) ? [] : [rowIntent(trans, schema, row['id'] as string, row)],
    );
    const results = rows.map((row) => row['id']);
    return write(trans, intents).then(() => ({
      numFailures: failures.size,
      failures: Object.fromEntries(failures),
      results,
      lastResult: results.at(-1),
    }));
  };

  const deleteRows = (
    trans: Transaction,
    schema: CollectionSchema,
    keys: readonly unknown[],
  ): PromiseLike<DBCoreMutateResponse> => {
    const intents = keys.map((key) => rowIntent(trans, schema, checkId(schema.name, key), null));
    return write(trans, intents).then(() => ({ numFailures: 0, failures: {}, lastResult: undefined }));
  };

  const middleware: Middleware<DBCore> = {
    stack: 'dbcore',
    name: 'SkerryTracking',
    level: 1.5,
    create: (down) => {
      core = down;
      return {
        transaction: (stores, mode, transactionOptions) => {
          const isTracked = mode === 'readwrite' && stores.some((store) => schemas.has(store));
          const scope = isTracked ? [...new Set([...stores, ...INTERNAL_STORES])] : stores;
          return down.transaction(scope, mode, transactionOptions);
        },
        table: (name) => {
          const table = down.table(name);
          const schema = schemas.get(name);
          return schema ? { ...table, mutate: (req) => guarded(() => mutate(table, schema, req)) } : table;
        },
      };
    },
  };

  return {
    middleware,
    describe: (trans, about) => void Object.assign(opened(trans), about),
    writeAsSeen: (trans, collection, id, seen) => void opened(trans).seen.set(`${collection}/${id}`, seen),
    write,
    dots: (trans) => open.get(trans)?.draft?.dots ?? [],
  };
}

/** A throw before the first request becomes a rejection, as Dexie expects of mutate(). */
function guarded(fn: () => PromiseLike<DBCoreMutateResponse>): Promise<DBCoreMutateResponse> {
  return Dexie.Promise.resolve().then(fn) as unknown as Promise<DBCoreMutateResponse>;
}

function existing(
  core: DBCore,
  trans: Transaction,
  schema: CollectionSchema,
  rows: readonly Row[],
): PromiseLike<Map<number, Error>> {
  const keys = rows.map((row) => row['id']);
  return core
    .table(schema.name)
    .getMany({ trans, keys })
    .then((found) => {
      const taken = new Map<number, Error>();
      const mine = new Set<unknown>();
      keys.forEach((key, i) => {
        if (found[i] !== undefined || mine.has(key))
          taken.set(i, new Dexie.ConstraintError(`A row ${String(key)} exists in ${schema.name}`));
        mine.add(key);
      });
      return taken;
    });
}

/** Reads what the step needs, decides, and issues every write of it; resolves when all of them succeeded. */
function runStep(
  core: DBCore,
  options: TrackingOptions,
  trans: Transaction,
  transaction: OpenTransaction,
  intents: readonly RecordIntent[],
): PromiseLike<readonly WrittenRecord[]> {
  return Dexie.Promise.all([
    beginDraft(core, options, trans, transaction),
    loadRecords(core, trans, transaction, intents),
  ]).then(([draft, loaded]) => {
    for (const { c, id, row } of loaded) if (!draft.knows(c, id)) draft.load(c, id, row);
    draft.beginStep();
    const written = intents.map((intent) => {
      const stored = draft.stored(intent.schema.name, intent.id);
      return draft.write(intent.schema, intent.id, intent.change(stored?.overlay ?? stored?.base, stored?.base));
    });
    return storeStep(core, trans, transaction, intents, written).then(() => written);
  });
}

function beginDraft(
  core: DBCore,
  options: TrackingOptions,
  trans: Transaction,
  transaction: OpenTransaction,
): PromiseLike<TransactionDraft> {
  if (transaction.draft) return Dexie.Promise.resolve(transaction.draft);
  return core
    .table(META)
    .get({ trans, key: 'replica' })
    .then((replica: ReplicaRow | undefined) => {
      assert(replica, 'the replica row was made when the database was opened');
      const inc = options.incarnation.continueFrom(replica.seqs);
      const draft = new TransactionDraft({
        replica,
        inc,
        writer: options.writer(),
        nowMs: options.nowMs(),
        isSplittable: transaction.isSplittable ?? !isExplicit(trans),
        ...(transaction.kind ? { kind: transaction.kind } : {}),
        ...(transaction.label === undefined ? {} : { label: transaction.label }),
      });
      transaction.draft = draft;
      (trans as unknown as IDBTransaction).addEventListener('complete', () => {
        if (draft.dots.length === 0) return;
        options.incarnation.committed(inc, draft.lastSeq);
        options.onLocalWrite({
          dots: draft.dots,
          records: draft.recordCount,
          conflictsChanged: draft.conflictsChanged,
        });
      });
      return draft;
    });
}

function abort(trans: Transaction): void {
  try {
    trans.abort();
  } catch {
    // It was aborted by the error itself.
  }
}

/** Whether the app opened the transaction itself; Dexie marks those. */
function isExplicit(trans: Transaction): boolean {
  return (trans as { readonly _explicit?: boolean })._explicit === true;
}

interface LoadedRecord {
  readonly c: string;
  readonly id: string;
  readonly row: RecordRow | undefined;
}

function loadRecords(
  core: DBCore,
  trans: Transaction,
  transaction: OpenTransaction,
  intents: readonly RecordIntent[],
): PromiseLike<readonly LoadedRecord[]> {
  const missing = intents.filter((intent) => !transaction.draft?.knows(intent.schema.name, intent.id));
  if (missing.length === 0) return Dexie.Promise.resolve([]);
  const keys = missing.map((intent) => [intent.schema.name, intent.id]);
  return core
    .table(RECORDS)
    .getMany({ trans, keys })
    .then((rows: (RecordRow | undefined)[]) =>
      missing.map((intent, i) => ({ c: intent.schema.name, id: intent.id, row: rows[i] })),
    );
}

function storeStep(
  core: DBCore,
  trans: Transaction,
  transaction: OpenTransaction,
  intents: readonly RecordIntent[],
  written: readonly WrittenRecord[],
): PromiseLike<unknown> {
  const step = transaction.draft!.finishStep();
  const put = (store: string, values: readonly unknown[]): PromiseLike<unknown>[] =>
    values.length === 0 ? [] : [all(core.table(store).mutate({ type: 'put', trans, values: [...values] }))];
  const remove = (store: string, keys: readonly unknown[]): PromiseLike<unknown>[] =>
    keys.length === 0 ? [] : [all(core.table(store).mutate({ type: 'delete', trans, keys: [...keys] }))];

  const writes: PromiseLike<unknown>[] = [];
  for (const schema of new Set(intents.map((intent) => intent.schema))) {
    const mine = written.filter((_, i) => intents[i]!.schema === schema);
    const ids = intents.filter((intent) => intent.schema === schema).map((intent) => intent.id);
    writes.push(
      ...put(
        schema.name,
        mine.flatMap((record) => (record.view.row ? [record.view.row] : [])),
      ),
    );
    writes.push(
      ...remove(
        schema.name,
        ids.filter((_, i) => mine[i]!.view.row === null),
      ),
    );
  }
  writes.push(
    ...put(
      RECORDS,
      written.flatMap((record) => (record.row ? [record.row] : [])),
    ),
  );
  writes.push(
    ...remove(
      RECORDS,
      intents.filter((_, i) => written[i]!.row === null).map((intent) => [intent.schema.name, intent.id]),
    ),
  );
  writes.push(
    ...put(
      CONFLICTS,
      written.flatMap((record) => record.view.conflicts),
    ),
  );
  writes.push(
    ...remove(
      CONFLICTS,
      written.flatMap((record) => record.closed),
    ),
  );
  writes.push(...put(OUTBOX, step.outboxPuts), ...remove(OUTBOX, step.outboxDeletes));
  const introduced = step.outboxPuts.flatMap((row) =>
    row.head?.writer ? [{ inc: row.dot!.slice(0, 16), ...row.head.writer }] : [],
  );
  writes.push(...put(WRITERS, introduced));
  writes.push(...put(META, [step.replica]));
  return Dexie.Promise.all(writes);
}

/** A bulk request that failed in part fails as a whole: the transaction must not keep half of a change. */
function all(response: PromiseLike<DBCoreMutateResponse>): PromiseLike<unknown> {
  return response.then(({ numFailures, failures }) => {
    if (numFailures > 0) throw Object.values(failures)[0]!;
  });
}
