/** What people do at their devices: transactions, forms and decisions, each checked at once by reading what was written. */
import {
  canonicalJson,
  openConflicts,
  resolveLife,
  resolveRegister,
  SkerryError,
  viewRecord,
  WAIVERS,
  waiverRow,
  type CollectionSchema,
  type Json,
  type OpenConflict,
  type OpenConstraintConflict,
  type RecordChange,
  type RecordState,
  type Row,
} from '@skerry/sdk/kernel';
import { recordKey, type LocalIntent, type RejectedRow } from '@skerry/sdk/testing';

import { checkConstraints } from './constraints.ts';
import type { Counters } from './counters.ts';
import { Dice } from './dice.ts';
import type { DotSet } from './dot-set.ts';
import type { SimDevice } from './sim-device.ts';
import { MARKS, markPath, type Truth } from './truth.ts';
import { Violation } from './violation.ts';
import { COLLECTION, disputedValue, EDITS, newRow, pickId } from './workload.ts';

const ALL = { changes: 1_000_000, bytes: Infinity };

interface Transaction {
  readonly device: SimDevice;
  readonly tab: number;
  readonly dice: Dice;
  readonly mark: string;
  /** What the rows that it writes should be after it. */
  readonly wanted: Map<string, Row | null>;
  /** What was known when the form was opened that it saves. */
  form: DotSet | null;
  /** In words. */
  readonly told: string[];
  isDone: boolean;
}

export class Transactions {
  readonly #truth: Truth;
  readonly #counters: Counters;
  #count = 0;

  constructor(truth: Truth, counters: Counters) {
    this.#truth = truth;
    this.#counters = counters;
  }

  /** Rows, or a form. Returns what was done, in words. */
  write(device: SimDevice, tab: number, seed: number): string {
    const transaction = this.#begin(device, tab, seed);
    const { dice } = transaction;
    const count = dice.chance(0.25) ? 1 + dice.below(4) : 1;
    const steps = Array.from({ length: count }, () => this.#step(transaction, count === 1));
    return this.#run(transaction, steps);
  }

  /** An edit that the device's server takes and others refuse. */
  writeDisputed(device: SimDevice, tab: number, seed: number): string {
    const transaction = this.#begin(device, tab, seed);
    const rows = [...device.disk.rows.values()].map((row) => row['id'] as string);
    const id = pickId(transaction.dice, rows, device.test.nowMs);
    const title = disputedValue(device.home.place);
    return this.#run(transaction, [[this.#edit(transaction, id, (row) => ({ ...row, title }))]]);
  }

  /** Settles a conflict, sometimes with ordinary edits in the same transaction. */
  decide(device: SimDevice, tab: number, seed: number): string {
    const transaction = this.#begin(device, tab, seed);
    const { dice } = transaction;
    const rejected = [...device.disk.rejected.values()];
    if (rejected.length > 0 && dice.chance(0.3)) return this.#settleRejected(transaction, dice.pick(rejected));
    const broken = [...device.disk.constraints.conflicts.values()];
    if (broken.length > 0 && dice.chance(0.3)) return this.#allow(transaction, dice.pick(broken));
    const conflicts = [...device.disk.conflicts.values()];
    if (conflicts.length === 0) return 'finds nothing to decide';
    const steps = dice.chance(0.3) ? [this.#step(transaction, false)] : [];
    steps.splice(dice.below(steps.length + 1), 0, [this.#resolution(transaction, dice.pick(conflicts))]);
    transaction.wanted.clear();
    return this.#run(transaction, steps, 'resolve');
  }

  /** What a server did not take is written again, or something else instead, or forgotten. */
  #settleRejected(transaction: Transaction, rejected: RejectedRow): string {
    const { device, tab, dice, mark } = transaction;
    const { id, c, rowId } = rejected;
    const isOurs = c === WAIVERS || !device.schemas.has(c);
    const choice = isOurs ? 'discard' : dice.pick(['discard', 'retry', { value: { title: mark } }] as const);
    const visible = device.informed();
    device.markTail();
    try {
      const dots = device.test.store.settleRejected(id, choice, { tab });
      this.#truth.settled.push(...rejected.parts);
      this.#witness(transaction, dots, visible);
      if (dots.length > 0) checkShown(device, c, rowId);
      this.#counters.count(`rejected: ${typeof choice === 'string' ? choice : 'other value'}`);
      return `settles what was refused of ${rowId} (${JSON.stringify(choice)}), as ${dots.join(' ') || 'nothing'}`;
    } catch (error) {
      if (!(error instanceof SkerryError) || !['QUOTA', 'NOT_FOUND'].includes(error.code)) throw error;
      if (!device.disk.rejected.has(id))
        throw new Violation('I1', `${device.name} has forgotten ${id} and written nothing`);
      return `cannot settle what was refused of ${rowId}: ${error.code}`;
    }
  }

  /** What breaks a constraint is how it should be. */
  #allow(transaction: Transaction, conflict: OpenConstraintConflict): string {
    const { device, told } = transaction;
    told.push(`allows ${conflict.rowIds.join(', ')} to break ${conflict.constraint}`);
    const step: LocalIntent = { collection: WAIVERS, id: conflict.id, row: waiverRow(conflict) };
    const words = this.#run(transaction, [[step]], 'resolve');
    if (transaction.isDone && device.disk.constraints.conflicts.has(conflict.id))
      throw new Violation('I10', `${device.name} has allowed ${conflict.constraint}, and it is open`);
    this.#counters.count('constraint: allowed');
    return words;
  }

  #begin(device: SimDevice, tab: number, seed: number): Transaction {
    const mark = `t${++this.#count}`;
    return { device, tab, dice: new Dice(seed), mark, wanted: new Map(), form: null, told: [], isDone: false };
  }

  #run(transaction: Transaction, steps: LocalIntent[][], kind?: 'resolve'): string {
    const { device, tab, told } = transaction;
    const visible = device.informed();
    const before = device.disk.replica;
    device.markTail();
    try {
      const dots = device.test.store.write(steps, { tab, ...(kind ? { kind } : {}) });
      transaction.isDone = true;
      this.#witness(transaction, dots, visible);
      this.#counters.count(kind ? 'conflict resolved' : 'write');
      if (steps.length > 1) this.#counters.count('several steps in one transaction');
      told.push(`as ${dots.join(' ') || 'nothing'}`);
    } catch (error) {
      if (!(error instanceof SkerryError) || error.code !== 'QUOTA') throw error;
      if (device.disk.replica !== before) throw new Violation('I5', `${device.name} wrote half of it on a full disk`);
      this.#counters.count('write refused by a full disk');
      return `cannot write: the disk is full`;
    }
    if (!kind) this.#checkReadYourWrites(transaction, steps);
    const isLookedAt = transaction.dice.chance(0.2);
    if (isLookedAt && device.corrupted === null) checkConstraints(device.test, device.constraints);
    return told.join(', ');
  }

  #witness({ device, mark, form }: Transaction, dots: readonly string[], visible: DotSet): void {
    const items = device.test.store.readOutbox(null, ALL);
    const past = visible.copy();
    for (const dot of dots) {
      const { change } = items.find((item) => item.change.dot === dot)!;
      const witnessed = this.#truth.witness(change, { device: device.name, past: past.copy(), form });
      past.add(witnessed.index);
      const marked = change.recs.filter(({ ops }) => ops.some((op) => op.t === 'add' && op.p === markPath(mark)));
      if (marked.length > 1) {
        this.#truth.marks.set(mark, { by: witnessed, records: marked.map((rec) => recordKey(rec.c, rec.id)) });
        this.#counters.count('transaction over several records');
      }
    }
  }

  /** What one call of the app writes: usually one row, sometimes several. */
  #step(transaction: Transaction, isAlone: boolean): LocalIntent[] {
    const { device, dice } = transaction;
    const rows = [...device.disk.rows.values()].map((row) => row['id'] as string);
    const nowMs = device.test.nowMs;
    const ids = new Set(Array.from({ length: dice.chance(0.25) ? 3 : 1 }, () => pickId(dice, rows, nowMs)));
    return [...ids].map((id) => this.#intent(transaction, id, isAlone && ids.size === 1));
  }

  #intent(transaction: Transaction, id: string, isAlone: boolean): LocalIntent {
    const { dice } = transaction;
    if (isAlone && dice.chance(0.12)) {
      const form = this.#formOf(transaction, id);
      if (form) return form;
    }
    const isDelete = dice.chance(0.12);
    const edit = dice.pick(EDITS);
    return this.#edit(transaction, id, (row, value) => (isDelete ? null : edit(row, value, dice)));
  }

  #edit(transaction: Transaction, id: string, edit: (row: Row, value: string) => Row | null): LocalIntent {
    const { mark, wanted, told } = transaction;
    const value = `${mark}.${id.slice(-3)}`;
    return {
      collection: COLLECTION,
      id,
      edit: (shown) => {
        const row = shown ? edit(shown, value) : newRow(id, value);
        const next = row && { ...row, [MARKS]: [...new Set([...marksOf(row), mark])].toSorted() };
        told.push(`${next ? (shown ? 'edits' : 'creates') : 'deletes'} ${id}${next ? changed(shown, next) : ''}`);
        if (!next) this.#counters.count('delete');
        wanted.set(id, next);
        return next;
      },
    };
  }

  /** A form shows a row, and is saved a while later as it was shown then. */
  #formOf(transaction: Transaction, id: string): LocalIntent | null {
    const { device, dice, mark, told } = transaction;
    const row = device.test.store.row(COLLECTION, id);
    const [form] = device.forms;
    if (!form || dice.chance(0.3)) {
      if (!row) return null;
      device.forms.set(id, { seen: device.test.store.seen(COLLECTION, id), row, past: device.informed() });
      told.push(`opens a form on ${id}`);
      return { collection: COLLECTION, id, edit: (shown) => shown ?? null };
    }
    const [of, { seen, row: shown, past }] = form;
    device.forms.delete(of);
    // A row that is gone is not saved by a form: the app says so. A generated id is never used again.
    if (!device.test.store.row(COLLECTION, of)) return null;
    transaction.form = past;
    this.#counters.count('form saved');
    told.push(`saves a form on ${of}`);
    const edit = dice.pick(EDITS);
    return { collection: COLLECTION, id: of, seen, row: edit(shown, mark, dice) };
  }

  #resolution({ device, dice, told }: Transaction, shown: OpenConflict): LocalIntent {
    const keeps = dice.chance(0.5);
    const pick = dice.below(2);
    const { collection, rowId } = shown;
    const schema = device.schemas.get(collection)!;
    told.push(`decides ${shown.kind} of ${rowId}`);
    return {
      collection,
      id: rowId,
      change: (current, confirmed) => {
        const open = current && openConflicts(schema, rowId, current).find((one) => one.id === shown.id);
        // An edit earlier in the same transaction may have settled it.
        if (!open || !current) return null;
        return this.#settle(schema, open, { current, confirmed, keeps, pick });
      },
    };
  }

  #settle(
    schema: CollectionSchema,
    open: OpenConflict,
    { current, confirmed, keeps, pick }: Decision,
  ): RecordChange | null {
    this.#counters.count(`decided: ${open.kind}`);
    switch (open.kind) {
      case 'delete':
      case 'recovered':
        return resolveLife(schema, open.rowId, current, keeps ? 'live' : 'dead');
      case 'field':
        return resolveRegister(
          { schema, id: open.rowId, current, confirmed },
          open.path,
          open.versions[pick % open.versions.length]!.v,
        );
    }
  }

  /** [I4] What the last step wanted of a row is what the device reads, and what it lists as open is open. */
  #checkReadYourWrites({ device, wanted }: Transaction, steps: readonly (readonly LocalIntent[])[]): void {
    for (const { collection, id } of steps.flat()) checkShown(device, collection, id);
    for (const [id, next] of wanted) {
      const row = device.test.store.row(COLLECTION, id) ?? null;
      const filled = next && { ...device.schemas.get(COLLECTION)!.empty, ...next };
      if (canonicalJson(filled as Json) !== canonicalJson(row as Json))
        throw new Violation('I4', `${device.name} wrote ${JSON.stringify(filled)} and reads ${JSON.stringify(row)}`);
    }
  }
}

interface Decision {
  readonly current: RecordState;
  readonly confirmed: RecordState | undefined;
  readonly keeps: boolean;
  readonly pick: number;
}

/** [I4] [I10] Row and open conflicts are those of the record's state. */
export function checkShown(device: SimDevice, collection: string, id: string): void {
  const record = device.disk.records.get(recordKey(collection, id));
  const state = record?.overlay ?? record?.base;
  const view = state ? viewRecord(device.schemas.get(collection)!, id, state) : { row: null, conflicts: [] };
  const read = device.test.store.row(collection, id) ?? null;
  if (canonicalJson(view.row as Json) !== canonicalJson(read as Json))
    throw new Violation(
      'I4',
      `${device.name} reads ${JSON.stringify(read)} where the state says ${JSON.stringify(view.row)}`,
    );
  const listed = [...device.disk.conflicts.values()].filter((one) => one.collection === collection && one.rowId === id);
  if (idsOf(listed) !== idsOf(view.conflicts))
    throw new Violation('I10', `${device.name} does not list what is open about ${id}`);
}

function idsOf(conflicts: readonly OpenConflict[]): string {
  return conflicts
    .map((conflict) => conflict.id)
    .sort()
    .join();
}

function marksOf(row: Row): readonly string[] {
  return (row[MARKS] as readonly string[] | undefined) ?? [];
}

/** The fields that an edit changes, in words. */
function changed(before: Row | undefined, after: Row): string {
  const fields = Object.keys(after).filter(
    (field) => field !== MARKS && field !== 'id' && JSON.stringify(before?.[field]) !== JSON.stringify(after[field]),
  );
  return fields.length === 0
    ? ''
    : ` (${fields.map((field) => `${field} = ${JSON.stringify(after[field])}`).join(', ')})`;
}
