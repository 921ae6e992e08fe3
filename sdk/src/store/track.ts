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

import type { ConstraintMove } from '../constraints/maintain.ts';
import type { Writer } from '../core/change.ts';
import { incOf } from '../core/dot.ts';
import type { PolicyProblem } from '../core/policy-problem.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { assert } from '../lib/assert.ts';
import { changedByStep, netMoves } from './changed-records.ts';
import { checkId } from './check-row.ts';
import { withTables } from './core-tables.ts';
import { TransactionDraft } from './draft.ts';
import { givenRow, type GivenRow, type Validators } from './given-row.ts';
import { LOCAL_STORES, META, type ReplicaRow } from './layout.ts';
import type { LocalWrite, UndoPlan } from './local-database.ts';
import type { SeenRecord } from './seen.ts';
import { keepHistoryOfStep } from './history-core.ts';
import type { Kept } from './history-row.ts';
import type { WriterIncarnation } from './incarnation.ts';
import { recordKey } from './record-key.ts';
import type { Constraining } from './unconstrained.ts';
import type { UnsentMemory } from './unsent-memory.ts';
import { inSlices } from './slices.ts';
import { loadRecords, ping, storeStep, type CoreTransaction } from './step-io.ts';
import { checkIntent, createStepWriter, rowIntent, type IntendedRecord, type RecordIntent } from './step.ts';

export interface TrackingOptions {
  readonly schemas: ReadonlyMap<string, CollectionSchema>;
  readonly constraining: Constraining;
  readonly writer: () => Writer;
  readonly incarnation: WriterIncarnation;
  readonly nowMs: () => number;
  readonly unsent: UnsentMemory;
  readonly onLocalWrite: (write: LocalWrite) => void;
  readonly onProblem: (problem: PolicyProblem) => void;
  readonly onFailure: (error: unknown) => void;
  readonly onHistory: (kept: Kept) => void;
  readonly validators?: Validators;
}

export interface Tracking {
  readonly middleware: Middleware<DBCore>;
  /** What the changes of this transaction are for. Before its first write. */
  describe(
    trans: IDBTransaction,
    about: { readonly label?: string; readonly kind?: 'resolve'; readonly isSplittable?: boolean },
  ): void;
  /** The next write of the row in this transaction replaces what was seen then. */
  writeAsSeen(trans: IDBTransaction, collection: string, id: string, seen: SeenRecord): void;
  /** Rows of a bulk write that nobody else has: they need not be copied before the call returns. */
  handOver(rows: readonly unknown[]): void;
  /** The row will be written: what that takes is read meanwhile. */
  expectWrite(trans: IDBTransaction, schema: CollectionSchema, id: string): void;
  /** Writes changes that are not row writes. */
  write(trans: IDBTransaction, intents: readonly RecordIntent[]): PromiseLike<unknown>;
  /** Dots of the changes that this transaction made so far. */
  dots(trans: IDBTransaction): readonly string[];
  /** When a step of it last ended, by performance.now(); null: none did. */
  lastMoved(trans: IDBTransaction): number | null;
  /** It was committed, and its end was not heard. */
  noteSaved(trans: IDBTransaction): void;
  /** Whether its changes are in a database whose numbering is this. */
  isIn(trans: IDBTransaction, seqs: ReplicaRow['seqs']): boolean;
  /** Place in the outbox of the first of them. */
  order(trans: IDBTransaction): number;
  /** What they did, for undoing it. */
  undoable(trans: IDBTransaction): UndoPlan;
}

interface OpenTransaction {
  draft: TransactionDraft | null;
  label?: string;
  kind?: 'resolve';
  isSplittable?: boolean;
  /** What the next write of a row replaces instead of what is there. */
  readonly seen: Map<string, SeenRecord>;
  /** Steps run one after another, however the app interleaves its writes. */
  queue: PromiseLike<unknown>;
  /** Rows of the history that it wrote, by recordKey(). */
  readonly history: Map<string, number>;
  /** What its steps mean for constraints, taken together. */
  moves: readonly ConstraintMove[];
  movedMs: number | null;
  /** Everybody who is to know that it was committed was told. */
  isTold: boolean;
}

export function createTracking(options: TrackingOptions): Tracking {
  const { schemas } = options;
  const open = new WeakMap<object, OpenTransaction>();
  const handed = new WeakSet<readonly unknown[]>();
  let core: DBCore | undefined;

  const opened = (trans: object): OpenTransaction => {
    let transaction = open.get(trans);
    if (!transaction)
      open.set(
        trans,
        (transaction = {
          draft: null,
          seen: new Map(),
          history: new Map(),
          queue: Dexie.Promise.resolve(),
          moves: [],
          movedMs: null,
          isTold: false,
        }),
      );
    return transaction;
  };

  /** Resolves to the places of the intents that were not written because there is a row already. */
  const write = (
    trans: CoreTransaction,
    intents: readonly RecordIntent[] | (() => PromiseLike<readonly RecordIntent[]>),
  ): PromiseLike<readonly number[]> => {
    const transaction = opened(trans);
    const moved = (): void => void (transaction.movedMs = performance.now());
    const step = transaction.queue
      .then(() => (typeof intents === 'function' ? intents() : intents))
      .then((made) => runStep(core!, options, trans, transaction, made, moved));
    transaction.queue = step.then(moved, moved);
    return step;
  };

  /** In the queue: what is read while a step writes would not be as it was before the transaction. */
  const expectWrite = (trans: CoreTransaction, schema: CollectionSchema, id: string): void => {
    const transaction = opened(trans);
    const loading = transaction.queue.then(() => loadInto(core!, options, trans, transaction, [{ schema, id }]));
    // The write itself meets whatever is wrong.
    transaction.queue = loading.then(ignore, ignore);
  };

  const committed = (trans: object): void => {
    const transaction = open.get(trans);
    const { draft, moves = [], isTold } = transaction ?? {};
    if (!transaction || !draft || draft.dots.length === 0 || isTold) return;
    transaction.isTold = true;
    const { dots, position, outbox, outboxRows, recordCount: records } = draft;
    const conflictsChanged = [...draft.conflictsChanged, ...moves];
    options.incarnation.committed(incOf(dots[0]!), draft.lastSeq);
    options.unsent.add(outboxRows, options.writer());
    options.onLocalWrite({ dots, position, outboxRows, outbox, records, conflictsChanged, saw: draft.saw });
    draft.problems.forEach((problem) => options.onProblem(problem));
  };

  /** Somebody may have seen a dot that was never saved, in a read token: the next change must not have it. */
  const aborted = (trans: object): void => {
    if (open.get(trans)?.draft?.dots.length) options.incarnation.end();
    const { error } = trans as IDBTransaction;
    if (error) options.onFailure(error);
  };

  const intentOf = (
    trans: CoreTransaction,
    schema: CollectionSchema,
    id: string,
    next: GivenRow['fit'] | null,
  ): RecordIntent => rowIntent(schema, id, next, takeSeen(opened(trans), schema, id));

  const mutate = (
    table: DBCoreTable,
    schema: CollectionSchema,
    req: DBCoreMutateRequest,
    values: readonly GivenRow[],
  ): PromiseLike<DBCoreMutateResponse> => {
    switch (req.type) {
      case 'add':
      case 'put':
        return writeRows(req.trans, schema, values, req.type === 'add');
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
    trans: CoreTransaction,
    schema: CollectionSchema,
    rows: readonly GivenRow[],
    mustBeNew: boolean,
  ): PromiseLike<DBCoreMutateResponse> => {
    // Of several puts of one row in one call only the last counts: what it replaces was never there for anybody.
    const last = new Map(rows.map((row, i) => [row.id, i]));
    const counted = mustBeNew ? rows : rows.filter((row, i) => last.get(row.id) === i);
    const intents = counted.map((row) => ({ ...intentOf(trans, schema, row.id, row.fit), mustBeNew }));
    return write(trans, intents).then((taken) => addedResponse(schema, rows, taken));
  };

  /** New rows, each with an id of its own, a little at a time. */
  const addHanded = (
    trans: CoreTransaction,
    schema: CollectionSchema,
    values: readonly unknown[],
  ): PromiseLike<DBCoreMutateResponse> => {
    const validate = options.validators?.get(schema.name);
    const intents: RecordIntent[] = [];
    const make = (): PromiseLike<readonly RecordIntent[]> =>
      inSlices({
        count: values.length,
        each: (i) => {
          const { id, fit } = givenRow(schema, values[i], validate);
          intents.push({ ...rowIntent(schema, id, fit), mustBeNew: true });
        },
        between: () => ping(core!, trans),
      }).then(() => intents);
    return write(trans, make).then((taken) => addedResponse(schema, intents, taken));
  };

  const deleteRows = (
    trans: CoreTransaction,
    schema: CollectionSchema,
    keys: readonly unknown[],
  ): PromiseLike<DBCoreMutateResponse> => {
    const intents = keys.map((key) => intentOf(trans, schema, checkId(schema.name, key), null));
    return write(trans, intents).then(() => ({ numFailures: 0, failures: {}, lastResult: undefined }));
  };

  const middleware: Middleware<DBCore> = {
    stack: 'dbcore',
    name: 'SkerryTracking',
    level: 1.5,
    create: (down) => {
      core = withTables(down);
      return {
        transaction: (stores, mode, transactionOptions) => {
          const isTracked = mode === 'readwrite' && stores.some((store) => schemas.has(store));
          const scope = isTracked ? [...new Set([...stores, ...LOCAL_STORES])] : stores;
          const trans = down.transaction(scope, mode, transactionOptions);
          // Before Dexie listens: whoever awaits the write finds everything told when it goes on.
          if (isTracked) {
            const native = trans as unknown as IDBTransaction;
            native.addEventListener('complete', () => committed(trans));
            native.addEventListener('abort', () => aborted(trans));
          }
          return trans;
        },
        table: (name) => {
          const table = down.table(name);
          const schema = schemas.get(name);
          if (!schema) return table;
          return {
            ...table,
            mutate: (req) =>
              rejecting(() => {
                if (req.type === 'add' && handed.has(req.values)) return addHanded(req.trans, schema, req.values);
                // Copied at once: the app may alter its objects as soon as the call returns.
                const validate = options.validators?.get(name);
                const values =
                  'values' in req ? req.values.map((value: unknown) => givenRow(schema, value, validate)) : [];
                return mutate(table, schema, req, values);
              }),
          };
        },
      };
    },
  };

  return {
    middleware,
    describe: (trans, about) => void Object.assign(opened(trans), about),
    writeAsSeen: (trans, collection, id, seen) => void opened(trans).seen.set(recordKey(collection, id), seen),
    handOver: (rows) => void handed.add(rows),
    expectWrite,
    write,
    dots: (trans) => open.get(trans)?.draft?.dots ?? [],
    lastMoved: (trans) => open.get(trans)?.movedMs ?? null,
    noteSaved: committed,
    isIn: (trans, seqs) => {
      const { draft } = open.get(trans) ?? {};
      if (!draft || draft.dots.length === 0) return true;
      return (seqs[incOf(draft.dots[0]!)] ?? 0) >= draft.lastSeq;
    },
    order: (trans) => open.get(trans)?.draft?.order ?? 0,
    undoable: (trans) => open.get(trans)?.draft?.undoable ?? [],
  };
}

/** A throw becomes a rejection, as Dexie expects of mutate(). */
function rejecting(fn: () => PromiseLike<DBCoreMutateResponse>): Promise<DBCoreMutateResponse> {
  return new Dexie.Promise((resolve) => resolve(fn())) as unknown as Promise<DBCoreMutateResponse>;
}

function addedResponse(
  schema: CollectionSchema,
  rows: readonly { readonly id: string }[],
  taken: readonly number[],
): DBCoreMutateResponse {
  const results = rows.map(({ id }) => id);
  return {
    numFailures: taken.length,
    failures: Object.fromEntries(taken.map((i) => [i, existsError(schema, results[i]!)])),
    results,
    lastResult: results.at(-1),
  };
}

function takeSeen(transaction: OpenTransaction, schema: CollectionSchema, id: string): SeenRecord | undefined {
  const key = recordKey(schema.name, id);
  const seen = transaction.seen.get(key);
  transaction.seen.delete(key);
  return seen;
}

function existsError(schema: CollectionSchema, id: string): Error {
  return new Dexie.ConstraintError(`A row ${id} exists in ${schema.name}`);
}

/** Reads what the step needs, decides, and issues every write of it; resolves when all of them succeeded. */
function runStep(
  core: DBCore,
  options: TrackingOptions,
  trans: CoreTransaction,
  transaction: OpenTransaction,
  intents: readonly RecordIntent[],
  moved: () => void,
): PromiseLike<readonly number[]> {
  return loadInto(core, options, trans, transaction, intents).then((draft) => {
    const answered = (): PromiseLike<unknown> => ping(core, trans).then(moved);
    const checking = inSlices({
      count: intents.length,
      each: (i) => checkIntent(draft, intents[i]!),
      between: answered,
    });
    return checking.then(() =>
      orAbort(trans, () => {
        const stored = new StoredSlices();
        const written: IntendedRecord[] = [];
        const writer = createStepWriter(draft);
        const store = (rows: Parameters<typeof storeStep>[2], records: readonly IntendedRecord[]): void => {
          const { history } = transaction;
          stored.add(storeStep(core, trans, rows, records));
          stored.add(keepHistoryOfStep(core, trans, { draft, written: records, history }, options.onHistory));
          if (options.constraining.constraints.all.length > 0) written.push(...records);
        };
        let isWritten = false;
        const writing = inSlices({
          count: intents.length,
          each: (i) => writer.write(intents[i]!),
          between: () => {
            // Asked for before the rows of this slice: while they are stored, the next slice is made.
            const next = answered();
            const records = writer.takeWritten();
            isWritten ||= records.length > 0;
            store(draft.finishedChanges(), records);
            return next.then(() => stored.assertGood());
          },
        });
        return writing
          .then(() => {
            const records = writer.takeWritten();
            if (isWritten || records.length > 0) store(draft.finishStep(), records);
            return stored.all();
          })
          .then(() => keepConstraints(core, options, trans, transaction, written))
          .then(() => writer.taken);
      }),
    );
  });
}

/** Requests of earlier slices, which nobody awaits before the last. */
class StoredSlices {
  readonly #requests: PromiseLike<unknown>[] = [];
  #failure: { readonly error: unknown } | null = null;

  add(request: PromiseLike<unknown>): void {
    this.#requests.push(request);
    request.then(undefined, (error: unknown) => (this.#failure ??= { error }));
  }

  /** Throws what one of them failed with: nothing need come behind it. */
  assertGood(): void {
    if (this.#failure) throw this.#failure.error;
  }

  all(): PromiseLike<unknown> {
    return Dexie.Promise.all(this.#requests);
  }
}

/** The draft, with these records as they were before the transaction. */
function loadInto(
  core: DBCore,
  options: TrackingOptions,
  trans: CoreTransaction,
  transaction: OpenTransaction,
  wanted: readonly Pick<RecordIntent, 'schema' | 'id'>[],
): PromiseLike<TransactionDraft> {
  const unknown = wanted.filter(({ schema, id }) => !transaction.draft?.knows(schema.name, id));
  return Dexie.Promise.all([beginDraft(core, options, trans, transaction), loadRecords(core, trans, unknown)]).then(
    ([draft, loaded]) => {
      for (const { c, id, row } of loaded) if (!draft.knows(c, id)) draft.load(c, id, row);
      return draft;
    },
  );
}

/** After the rows: what is asked then finds them. */
function keepConstraints(
  core: DBCore,
  { constraining }: TrackingOptions,
  trans: CoreTransaction,
  transaction: OpenTransaction,
  written: readonly IntendedRecord[],
): PromiseLike<void> {
  const changed = changedByStep(constraining.constraints, written);
  if (changed.length === 0) return Dexie.Promise.resolve();
  return constraining.maintain(core, trans, changed).then((moves) => {
    transaction.moves = netMoves(transaction.moves, moves);
  });
}

function beginDraft(
  core: DBCore,
  options: TrackingOptions,
  trans: CoreTransaction,
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
      return draft;
    });
}

/** Dexie would commit what a failing step wrote before it failed, and the draft knows more than was stored. */
function orAbort<T>(trans: CoreTransaction, fn: () => PromiseLike<T>): PromiseLike<T> {
  const failed = (error: unknown): never => {
    abort(trans);
    throw error;
  };
  try {
    return fn().then(undefined, failed);
  } catch (error) {
    return failed(error);
  }
}

function abort(trans: CoreTransaction): void {
  try {
    trans.abort();
  } catch {
    // It was aborted by the error itself.
  }
}

/** Whether the app opened the transaction itself; Dexie marks those. */
function isExplicit(trans: CoreTransaction): boolean {
  return (trans as { readonly _explicit?: boolean })._explicit === true;
}

function ignore(): void {}
