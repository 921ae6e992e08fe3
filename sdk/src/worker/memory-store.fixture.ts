/**
 * A device's storage for the tests of the engine: it keeps the log as it was received, the cursor and the outbox, and
 * the promises of DeviceStore about them, so that whole logs can be compared. Rows and conflicts are not derived here.
 */
import { hashOfChange, withoutDependencies, type Change, type RecordChange } from '../core/change.ts';
import { hlcAt, msOf, tick, type Hlc } from '../core/clock.ts';
import { dotOf, incOf, type Dot, type Inc } from '../core/dot.ts';
import { countOf, type VersionVector } from '../core/version-vector.ts';
import type { ChangeEntry, Page } from '../protocol/messages.ts';
import type { DeviceStore, IngestResult, OutboxItem, TakeBackResult } from '../store/device-store.ts';

export interface MemoryStore extends DeviceStore {
  /** A local write: in the outbox when this returns. */
  write(recs: readonly RecordChange[]): Change;
  readonly outbox: readonly OutboxItem[];
  /** Applied changes in log order, each dot once. */
  readonly log: readonly Change[];
  readonly cursor: VersionVector;
}

export interface MemoryStoreOptions {
  readonly deviceId: string;
  readonly inc: Inc;
  readonly nowMs: () => number;
}

export function createMemoryStore({ deviceId, inc, nowMs }: MemoryStoreOptions): MemoryStore {
  let outbox: readonly OutboxItem[] = [];
  let log: readonly Change[] = [];
  let cursor: VersionVector = {};
  let clock: Hlc = 0;
  let offsetMs = 0;
  let lastSeq = 0;

  /** All of a page or nothing of it. */
  function ingest(page: Page): IngestResult {
    const applied: Change[] = [];
    const arrived = new Set<Dot>();
    const known = new Set(log.map((change) => change.dot));
    let next = cursor;
    for (const entry of page.entries) {
      if ('control' in entry || 'alias' in entry) continue;
      const [sid, n] = entry.stamp;
      if (n <= countOf(next, sid)) continue;
      if (n !== countOf(next, sid) + 1)
        return { type: 'out-of-step', reason: `expected entry ${countOf(next, sid) + 1}, got ${n}` };
      const change = contentOf(entry);
      if (change === undefined)
        return { type: 'out-of-step', reason: 'an own change is not in the outbox', dot: entry.dot };
      next = { ...next, [sid]: n };
      arrived.add(entry.dot);
      if (!known.has(entry.dot)) applied.push(change);
      known.add(entry.dot);
    }
    const confirmed = outbox.filter((item) => arrived.has(item.change.dot)).length;
    outbox = outbox.filter((item) => !arrived.has(item.change.dot));
    log = [...log, ...applied];
    cursor = next;
    clock = Math.max(clock, ...applied.map((change) => change.hlc));
    return {
      type: 'ingested',
      cursor,
      applied: applied.length - confirmed,
      confirmed,
      touched: rowsOf(applied),
      conflictsChanged: [],
      merged: [],
      isDiverged: false,
      discarded: 0,
    };
  }

  function contentOf(entry: ChangeEntry): Change | undefined {
    if (entry.change !== undefined) return entry.change;
    const own = outbox.find((item) => item.change.dot === entry.dot);
    return own === undefined ? undefined : withoutDependencies(own.change);
  }

  function restamp(after: number | null, serverNowMs: number): { restamped: number; offsetMs: number } {
    const measuredMs = serverNowMs - nowMs();
    const shiftMs = measuredMs - offsetMs;
    offsetMs = measuredMs;
    const behind = outbox.filter((item) => item.position > (after ?? 0));
    clock = Math.max(0, ...log.map((change) => change.hlc));
    const moved = behind.map((item) => {
      clock = tick(clock, Math.min(msOf(item.change.hlc) + shiftMs, serverNowMs));
      return { ...item, change: { ...item.change, hlc: clock } };
    });
    outbox = [...outbox.filter((item) => item.position <= (after ?? 0)), ...moved];
    return { restamped: moved.length, offsetMs };
  }

  /** What was written is not kept here: only that the dot stays, with nothing under it. */
  function takeBack(dot: Dot): TakeBackResult {
    const item = outbox.find(({ change }) => change.dot === dot);
    if (!item || item.change.recs.length === 0) return { type: 'nothing', isPending: item !== undefined };
    const change = { ...item.change, recs: [], was: hashOfChange(item.change) };
    outbox = outbox.map((other) => (other === item ? { ...item, change } : other));
    const records = item.change.recs.map(({ c, id }) => ({ collection: c, rowId: id, copy: null }));
    return { type: 'taken-back', touched: rowsOf([item.change]), conflictsChanged: [], records };
  }

  return {
    write(recs) {
      lastSeq += 1;
      clock = tick(Math.max(clock, hlcAt(0)), nowMs() + offsetMs);
      const change: Change = { dot: dotOf(inc, lastSeq), hlc: clock, deps: cursor, recs };
      outbox = [...outbox, { position: lastSeq, change, bytes: JSON.stringify(change).length }];
      return change;
    },
    get outbox() {
      return outbox;
    },
    get log() {
      return log;
    },
    get cursor() {
      return cursor;
    },
    async readIdentity() {
      return {
        deviceId,
        cursor,
        chain: {},
        writers: [...new Set(outbox.map((item) => incOf(item.change.dot)))],
        heard: [],
        isDiverged: false,
      };
    },
    async readOutbox(after, max) {
      const behind = outbox.filter((item) => item.position > (after ?? 0)).slice(0, max.changes);
      let bytes = 0;
      // At least one, however large: the session decides what to do with it.
      return behind.filter((item, n) => (bytes += item.bytes) <= max.bytes || n === 0);
    },
    ingest: async (page) => ingest(page),
    ingestSnapshot: async () => {
      throw new Error('the server of these tests keeps its whole log');
    },
    noteServerTime: async () => undefined,
    inspect: async () => ({ type: 'done', isDiverged: false, nextInMs: 86_400_000 }),
    recover: async (dot) => takeBack(dot),
    reject: async (dot) => takeBack(dot),
    correctClock: async (after, serverNowMs) => restamp(after, serverNowMs),
    close: () => undefined,
  };
}

function rowsOf(changes: readonly Change[]): Record<string, readonly string[]> {
  const touched: Record<string, string[]> = {};
  for (const { c, id } of changes.flatMap((change) => change.recs)) (touched[c] ??= []).push(id);
  return touched;
}
