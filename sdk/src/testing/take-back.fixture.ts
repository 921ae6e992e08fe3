/** Whole devices and servers in virtual time, for scenarios about disagreement and about what a server does not take. */
import { expect } from 'vitest';

import type { Change } from '../core/change.ts';
import { resolveLife, resolveRegister } from '../core/commit.ts';
import type { OpenConflict, OpenFieldConflict } from '../core/conflict.ts';
import { lifeStatus, type RecordState } from '../core/record.ts';
import { contentOfRecord } from '../core/record-json.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { readRow, type Row } from '../core/view.ts';
import type { Json } from '../lib/json.ts';
import { seededRandom } from '../lib/random.ts';
import { compileCollection } from '../policies/registry.ts';
import { currentState, type RejectedRow } from '../store/layout.ts';
import { emptyDisk, type MemoryDisk, type TransactionAbout } from '../store/memory-device.ts';
import { recordKey } from '../store/record-key.ts';
import { TestDevice } from './test-device.ts';
import { TestPeering } from './test-peering.ts';
import { TestServer } from './test-server.ts';
import { Timeline } from './timeline.ts';

/** Generated ids: tombstones of them may be forgotten. */
export const ROW = '0198f0c1-6b7a-7c3e-9a51-3f2b8f6d2e10';
export const OTHER = '0198f0c1-6b7a-7c3e-9a51-3f2b8f6d2e11';

type DeleteRule = CollectionSchema['onDeleteVsEdit'];

export function notes(onDeleteVsEdit: DeleteRule = 'ask'): CollectionSchema {
  return compileCollection({
    name: 'notes',
    fields: { title: { kind: 'ask' }, body: { kind: 'text' }, tags: { kind: 'set' }, likes: { kind: 'counter' } },
    groups: [],
    onDeleteVsEdit,
  });
}
const NOTES = notes();
const NOW = 1_800_000_000_000;
const FORGET_MS = 10_000;

type Fields = Readonly<Record<string, Json>>;

export class TakeBackWorld {
  readonly timeline = new Timeline(NOW);
  readonly server: TestServer;
  /** Whether a change may be written. */
  mayWrite: (change: Change) => boolean = () => true;
  readonly #random = seededRandom(7);
  readonly #schemas: ReadonlyMap<string, CollectionSchema>;

  constructor(sid = 'SSSSSSSSSSS', schema = NOTES, founders = [sid]) {
    this.#schemas = new Map([['notes', schema]]);
    this.server = this.newServer(sid, founders);
  }

  /** From now on both take in what the other one has. */
  peer(one: TestServer, other: TestServer): readonly TestPeering[] {
    const { timeline } = this;
    const random = this.#random;
    const pairs = [[one, other] as const, [other, one] as const];
    return pairs.map(([to, from]) => new TestPeering({ timeline, random, to, from }));
  }

  newServer(sid: string, founders: readonly string[] = [sid]): TestServer {
    return new TestServer({
      sid,
      founders,
      timeline: this.timeline,
      commitMs: () => 5,
      retention: { tombstoneMs: FORGET_MS, logMs: 1e9 },
      authorize: (change) => this.mayWrite(change),
    });
  }

  device(name: string, disk: MemoryDisk = emptyDisk(name), server = this.server): Device {
    const { timeline } = this;
    const random = this.#random;
    return new Device({ name, schemas: this.#schemas, timeline, random, server, disk, skewMs: 0 });
  }

  settle(ms = 20_000): void {
    this.timeline.runUntil(this.timeline.nowMs + ms);
  }

  /** Every server forgets what is deleted now. */
  forget(...servers: readonly TestServer[]): void {
    for (let i = 0; i < 4; i++) {
      for (const server of [this.server, ...servers]) server.maintain();
      this.settle(FORGET_MS + 1_000);
    }
  }

  recordsOn(server: TestServer): readonly string[] {
    return [...server.space.records].filter(([, record]) => lifeStatus(record) !== 'dead').map(([key]) => key);
  }

  /** Devices and server hold the same. */
  expectEqual(...devices: readonly Device[]): void {
    const wanted = contentsOf(this.server.space.records);
    for (const device of devices) {
      expect(device.store.disk.outbox.size, `outbox of ${device.name}`).toBe(0);
      const held = [...device.store.disk.records].flatMap(([key, { base }]) => (base ? [[key, base] as const] : []));
      expect(contentsOf(new Map(held)), device.name).toEqual(wanted);
    }
  }
}

function contentsOf(records: ReadonlyMap<string, Parameters<typeof contentOfRecord>[0]>): Record<string, string> {
  const living = [...records].filter(([, record]) => lifeStatus(record) !== 'dead');
  return Object.fromEntries(living.map(([key, record]) => [key, contentOfRecord(record)]));
}

export class Device extends TestDevice {
  offline(): void {
    this.isUnreachable = true;
    this.cutLink();
  }

  online(): void {
    this.isUnreachable = false;
    this.dispatch({ type: 'wake' });
  }

  /** Lays the fields over what the row shows. */
  put(fields: Fields, id = ROW, about: TransactionAbout = {}): void {
    const edit = (shown: Row | undefined): Row => ({ ...shown, ...fields, id });
    this.store.write([[{ collection: 'notes', id, edit }]], about);
    this.dispatch({ type: 'local-write' });
  }

  /** Several rows in one change. */
  putAll(rows: readonly (Fields & { readonly id: string })[]): void {
    const intents = rows.map(({ id, ...fields }) => ({
      collection: 'notes',
      id,
      edit: (shown: Row | undefined): Row => ({ ...shown, ...fields, id }),
    }));
    this.store.write([intents]);
    this.dispatch({ type: 'local-write' });
  }

  remove(id = ROW): void {
    this.store.write([[{ collection: 'notes', id, row: null }]]);
    this.dispatch({ type: 'local-write' });
  }

  /** Settles who lives of a conflict about a whole row. */
  decide({ rowId }: OpenConflict, v: 'live' | 'dead'): void {
    const change = (current: RecordState | undefined) => resolveLife(NOTES, rowId, current!, v);
    this.store.write([[{ collection: 'notes', id: rowId, change }]], { kind: 'resolve' });
    this.dispatch({ type: 'local-write' });
  }

  /** Settles what a field holds. */
  settleOn(conflict: OpenConflict, value: Json): void {
    const { path, rowId } = conflict as OpenFieldConflict;
    const change = (current: RecordState | undefined, confirmed: RecordState | undefined) =>
      resolveRegister({ schema: NOTES, id: rowId, current, confirmed }, path, value);
    this.store.write([[{ collection: 'notes', id: rowId, change }]], { kind: 'resolve' });
    this.dispatch({ type: 'local-write' });
  }

  row(id = ROW): Row | undefined {
    return this.store.row('notes', id);
  }

  rows(): readonly Row[] {
    return [...this.store.disk.rows.values()];
  }

  /** What a record holds, shown or not. */
  hidden(id: string): Row | null {
    const state = currentState(this.store.disk.records.get(recordKey('notes', id)));
    return state ? readRow(NOTES, id, state) : null;
  }

  conflicts(): readonly OpenConflict[] {
    return [...this.store.disk.conflicts.values()];
  }

  rejected(): readonly RejectedRow[] {
    return [...this.store.disk.rejected.values()];
  }
}
