/** Devices for tests: real Dexie and idb over an in-memory IndexedDB, and a log that admits in order, as a server does. */
import 'fake-indexeddb/auto';

import { covers, countOf } from '../core/version-vector.ts';
import { withoutDependencies, type Change } from '../core/change.ts';
import { incOf, seqOf, type Inc } from '../core/dot.ts';
import type { ChangeEntry, LogEntry, Page } from '../protocol/messages.ts';
import type { PolicyProblem } from '../core/policy-problem.ts';
import type { MergeFunctions } from '../policies/merge.ts';
import type { CollectionPlan } from '../policies/registry.ts';
import { openLocalDatabase } from './database.ts';
import type { DeviceStore, IngestResult } from './device-store.ts';
import { openDeviceStore } from './ingest.ts';
import type { LocalDatabase } from './local-database.ts';

export const SID = 'AAAAAAAAAAA';

type LocalPlan = CollectionPlan & { readonly indexes: readonly string[] };

export const NOTES: LocalPlan = {
  name: 'notes',
  fields: { title: { kind: 'ask' }, tags: { kind: 'set' }, pinned: { kind: 'lww' }, likes: { kind: 'counter' } },
  groups: [['room', 'start', 'end']],
  onDeleteVsEdit: 'ask',
  indexes: ['title', '*tags'],
};

export class LogServer {
  readonly log: Change[] = [];
  readonly #known = new Map<Inc, number>();

  admit(change: Change): void {
    const known = this.#known.get(incOf(change.dot)) ?? 0;
    if (seqOf(change.dot) <= known) return;
    if (seqOf(change.dot) !== known + 1) throw new Error(`gap before ${change.dot}`);
    if (!covers({ [SID]: this.log.length }, change.deps ?? {})) throw new Error(`${change.dot} depends on the future`);
    for (const dot of change.ex ?? [])
      if ((this.#known.get(incOf(dot)) ?? 0) < seqOf(dot)) throw new Error(`${dot} must come before ${change.dot}`);
    this.#known.set(incOf(change.dot), seqOf(change.dot));
    this.log.push(JSON.parse(JSON.stringify(withoutDependencies(change))) as Change);
  }

  page(after: number, limit = 1000): Page {
    const entries = this.log
      .slice(after, after + limit)
      .map((change, i): LogEntry => ({ stamp: [SID, after + i + 1], dot: change.dot, change }));
    return { type: 'page', entries, cursor: { [SID]: after + entries.length }, head: { [SID]: this.log.length } };
  }
}

/** The first change of another device, made by hand: what no device of ours would write, but a peer may send. */
export function peerChange(inc: Inc, id: string, ops: readonly object[]): Change {
  return { dot: `${inc}.1`, hlc: 1, recs: [{ c: 'notes', id, rv: [], ops }] } as never;
}

export interface TestDevice {
  readonly db: LocalDatabase;
  readonly store: DeviceStore;
  push(server: LogServer): Promise<number>;
  pull(server: LogServer, limit?: number): Promise<IngestResult>;
  sync(server: LogServer): Promise<void>;
  close(): void;
}

let count = 0;

export async function testDevice(
  user: string,
  options?: {
    name?: string;
    plan?: LocalPlan;
    others?: readonly LocalPlan[];
    nowMs?: () => number;
    merges?: MergeFunctions;
    onProblem?: (problem: PolicyProblem) => void;
  },
): Promise<TestDevice> {
  const name = options?.name ?? `device-${++count}`;
  const collections = [options?.plan ?? NOTES, ...(options?.others ?? [])];
  const clock = options?.nowMs ? { nowMs: options.nowMs } : {};
  const db = await openLocalDatabase({
    name,
    collections,
    user: { id: user },
    deviceName: `${user}'s device`,
    durability: 'relaxed',
    onLocalWrite: () => undefined,
    ...(options?.merges ? { merges: options.merges } : {}),
    ...(options?.onProblem ? { onProblem: options.onProblem } : {}),
    ...clock,
  });
  const store = await openDeviceStore({ name, collections, ...clock }, options?.merges);
  const device: TestDevice = {
    db,
    store,
    async push(server) {
      const items = await store.readOutbox(null, { changes: 1000, bytes: 1e9 });
      for (const item of items) server.admit(item.change);
      return items.length;
    },
    async pull(server, limit) {
      const { cursor } = await store.readIdentity();
      const result = await store.ingest(server.page(countOf(cursor, SID), limit), [SID]);
      if (result.type === 'ingested') db.announceRemoteChanges(result.touched);
      return result;
    },
    async sync(server) {
      await device.push(server);
      await device.pull(server);
    },
    close() {
      store.close();
      db.close();
    },
  };
  return device;
}

/** Both devices have everything that either wrote. */
export async function exchange(server: LogServer, ...devices: readonly TestDevice[]): Promise<void> {
  for (const device of devices) await device.push(server);
  for (const device of devices) await device.pull(server);
}

/** The changes on a page; there is nothing else on those of a LogServer. */
export function changesOf(page: Page): readonly ChangeEntry[] {
  return page.entries.flatMap((entry) => ('control' in entry || 'alias' in entry ? [] : [entry]));
}
