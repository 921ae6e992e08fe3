/**
 * What holds between the stores of a device after every transaction, computed from nothing but the replicated state
 * and the outbox: overlays, rows, conflicts, pending places, counts, and that a server takes what is in the outbox.
 */
import { expect } from 'vitest';

import { applyRecordChange } from '../core/apply.ts';
import { canonicalState } from '../core/history.fixture.ts';
import { incOf, type Inc } from '../core/dot.ts';
import { copyRecord, createRecord, type RecordState } from '../core/record.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { viewRecord, type Row } from '../core/view.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import { checkChange } from '../protocol/check-change.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import type { TestDevice } from './devices.fixture.ts';
import { CONFLICTS, META, OUTBOX, RECORDS, WRITERS } from './layout.ts';
import { recordRow, type StoredRecordRow } from './packed-record.ts';
import type { ConflictRow, OutboxRow, RecordRow, ReplicaRow } from './layout.ts';

interface Stores {
  readonly schema: CollectionSchema;
  readonly records: readonly RecordRow[];
  readonly rows: readonly Row[];
  readonly conflicts: readonly ConflictRow[];
  readonly outbox: readonly OutboxRow[];
  readonly replica: ReplicaRow;
  /** The incarnations of which it is known who writes under them. */
  readonly writers: readonly Inc[];
}

/** The device has the one collection `notes`. */
export async function expectConsistent(device: TestDevice, rule: string): Promise<void> {
  const stores = await readStores(device);
  const states = new Map(stores.records.map((record) => [record, shownState(stores, record)] as const));
  for (const [record, state] of states) expectOverlay(record, state, rule);
  expectViews(stores, states, rule);
  expectPlaces(stores, rule);
  expectNumbering(stores, rule);
  expectWriters(stores, states, rule);
  await expectOutbox(device, stores, rule);
}

/** Equal values have equal texts; what JSON does not have is left out, as on the wire. */
export function textOf(value: unknown): string {
  return canonicalJson(JSON.parse(JSON.stringify(value ?? null)) as Json);
}

async function readStores({ db: { dexie, schemas } }: TestDevice): Promise<Stores> {
  return dexie.transaction('r', [RECORDS, 'notes', CONFLICTS, OUTBOX, META, WRITERS], async () => ({
    schema: schemas.get('notes')!,
    records: ((await dexie.table(RECORDS).toArray()) as StoredRecordRow[]).map(recordRow),
    rows: (await dexie.table('notes').toArray()) as Row[],
    conflicts: (await dexie.table(CONFLICTS).toArray()) as ConflictRow[],
    outbox: (await dexie.table(OUTBOX).toArray()) as OutboxRow[],
    replica: (await dexie.table(META).get('replica')) as ReplicaRow,
    writers: (await dexie.table(WRITERS).toCollection().primaryKeys()) as Inc[],
  }));
}

/** The base with this record's changes in the outbox on top. */
function shownState({ outbox }: Stores, { c, id, base, pending }: RecordRow): RecordState {
  const state = base ? copyRecord(base) : createRecord();
  for (const [order, part] of pending) {
    const first = outbox.find((row) => row.order === order && row.part === 0);
    const rec = outbox
      .find((row) => row.order === order && row.part === part)
      ?.recs.find((candidate) => candidate.c === c && candidate.id === id);
    if (!rec || !first?.head || !first.dot) throw new Error(`${c}/${id} names ${order}.${part}, which is not there`);
    applyRecordChange(state, { dot: first.dot, hlc: first.head.hlc }, rec);
  }
  return state;
}

function expectOverlay({ id, overlay, pending }: RecordRow, state: RecordState, rule: string): void {
  const wanted = pending.length > 0 ? canonicalState(state) : undefined;
  expect(overlay && canonicalState(overlay), `${rule} overlay of ${id}`).toBe(wanted);
}

function expectViews(stores: Stores, states: ReadonlyMap<RecordRow, RecordState>, rule: string): void {
  const views = [...states].map(([record, state]) => ({ record, ...viewRecord(stores.schema, record.id, state) }));
  const rows = views.flatMap(({ row, record }) => (row ? [{ ...row, ...record.local }] : []));
  expect(textsById(stores.rows), `${rule} rows`).toEqual(textsById(rows));
  const conflicts = views.flatMap((view) => view.conflicts);
  expect(textsById(stores.conflicts), `${rule} conflicts`).toEqual(textsById(conflicts));
  for (const { record, conflicts: open } of views) {
    const ids = open.map((conflict) => conflict.id);
    expect(record.conflicts.toSorted(), `${rule} conflict ids of ${record.id}`).toEqual(ids.toSorted());
  }
}

function textsById(rows: readonly object[]): Record<string, string> {
  return Object.fromEntries(rows.map((row) => [(row as { readonly id: string }).id, textOf(row)]));
}

/** Records know exactly the places of their changes in the outbox. */
function expectPlaces({ records, outbox }: Stores, rule: string): void {
  const known = records.flatMap(({ id, pending }) => pending.map(([order, part]) => `${order}.${part} ${id}`));
  const there = outbox.flatMap(({ order, part, recs }) => recs.map((rec) => `${order}.${part} ${rec.id}`));
  expect(known.toSorted(), `${rule} pending`).toEqual(there.toSorted());
}

/** Stamps grow with the place in the outbox; clock, next place and last change are those of its end, or beyond. */
function expectNumbering({ outbox, replica }: Stores, rule: string): void {
  const stamps = outbox.flatMap(({ head }) => (head ? [head.hlc] : []));
  const wanted = [...new Set(stamps)].sort((a, b) => a - b);
  expect(stamps, `${rule} stamps`).toEqual(wanted);
  expect(replica.hlc, `${rule} clock`).toBeGreaterThanOrEqual(Math.max(replica.received, ...stamps));
  const last = outbox.findLast((row) => row.dot);
  if (last) expect(replica.lastDot, `${rule} last change`).toBe(last.dot);
  expect(replica.order, `${rule} next place`).toBeGreaterThan(Math.max(0, ...outbox.map(({ order }) => order)));
}

/** Whose change is shown, or in doubt, is known. */
function expectWriters({ writers }: Stores, states: ReadonlyMap<RecordRow, RecordState>, rule: string): void {
  const incs = [...states.values()].flatMap((state) => state.rv.map((mark) => incOf(mark.dot)));
  expect(writers, `${rule} writers`).toEqual(expect.arrayContaining([...new Set(incs)]));
}

async function expectOutbox({ store }: TestDevice, { outbox, replica }: Stores, rule: string): Promise<void> {
  const items = await store.readOutbox(null, { changes: 1000, bytes: 1e9 });
  const bytes = outbox.reduce((sum, row) => sum + row.bytes, 0);
  expect(replica.outbox, `${rule} counts`).toEqual({ changes: items.length, bytes });
  for (const { change } of items) {
    const checked = checkChange(JSON.parse(JSON.stringify(change)) as unknown, DEFAULT_LIMITS);
    expect(checked.type === 'bad' ? checked.reason : 'taken', `${rule} ${change.dot} on the server`).toBe('taken');
  }
}
