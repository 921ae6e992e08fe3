/** Random outboxes, random refusals: what is taken back, what stays, and what copies of a profile make of it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { canonicalState } from '../core/history.fixture.ts';
import { hashOfChange, withoutDependencies } from '../core/change.ts';
import { applyRecordChange } from '../core/apply.ts';
import { incOf, type Dot } from '../core/dot.ts';
import { copyRecord, createRecord, lifeStatus } from '../core/record.ts';
import { viewRecord, type Row } from '../core/view.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import { seededRandom } from '../lib/random.ts';
import { compileCollection } from '../policies/registry.ts';
import type { LogEntry } from '../protocol/messages.ts';
import { decidePush, type PushDecision } from '../space/decide-push.ts';
import { asLogEntry, NOW_MS, sidOf } from '../space/space.fixture.ts';
import { emptySpace, transact, type SpaceDisk } from '../testing/memory-space.ts';
import type { OutboxRow } from './layout.ts';
import { copyDisk, emptyDisk, MemoryDevice, type LocalIntent, type MemoryDisk } from './memory-device.ts';
import { recordKey } from './record-key.ts';

const SCHEMA = compileCollection({
  name: 'notes',
  fields: { title: { kind: 'ask' }, tags: { kind: 'set' }, likes: { kind: 'counter' } },
  groups: [],
  onDeleteVsEdit: 'ask',
});
const SID = sidOf('S');
const IDS = [0, 1, 2, 3].map((n) => `0198f0c1-6b7a-7c3e-9a51-3f2b8f6d2e1${n}`);
/** Of these the server has a row at the start. */
const SHARED = IDS.slice(0, 3);

interface Write {
  readonly id: number;
  readonly what: 'edit' | 'count' | 'tag' | 'remove';
}
interface Transaction {
  readonly tab: number;
  readonly steps: readonly (readonly Write[])[];
}

const write: fc.Arbitrary<Write> = fc.record({
  id: fc.nat(IDS.length - 1),
  what: fc.constantFrom('edit', 'edit', 'count', 'count', 'tag', 'remove'),
});
const step = fc.uniqueArray(write, { minLength: 1, maxLength: 3, selector: ({ id }) => id });
const transaction: fc.Arbitrary<Transaction> = fc
  .record({ tab: fc.nat(1), steps: fc.array(step, { minLength: 1, maxLength: 2 }) })
  // A row is not counted and removed in one transaction: whether that counted nobody can see.
  .map(({ tab, steps }) => ({ tab, steps: steps.length === 1 ? steps : steps.map(withoutRemovals) }));
const withoutRemovals = (writes: readonly Write[]): readonly Write[] =>
  writes.map((one) => (one.what === 'remove' ? { ...one, what: 'edit' } : one));
const transactions = (max: number): fc.Arbitrary<readonly Transaction[]> =>
  fc.array(transaction, { minLength: 1, maxLength: max });

class World {
  readonly disk: SpaceDisk = emptySpace([SID]);
  /** Changes that nobody may write. */
  readonly forbidden = new Set<Dot>();
  /** No value is written twice. */
  #count = 0;
  #seed = 0;

  device(disk: MemoryDisk): MemoryDevice {
    const random = seededRandom(++this.#seed);
    const options = { schemas: new Map([['notes', SCHEMA]]), user: { id: 'u' }, nowMs: () => NOW_MS - 1e6, random };
    return new MemoryDevice({ ...options, disk });
  }

  write(device: MemoryDevice, { tab, steps }: Transaction): void {
    const intents = steps.map((step) => step.map((one) => this.#intent(one)));
    device.write(intents, { tab });
  }

  #intent({ id: place, what }: Write): LocalIntent {
    const id = IDS[place]!;
    const about = { collection: 'notes', id };
    const value = `v${++this.#count}`;
    if (what === 'remove') return { ...about, row: null };
    return {
      ...about,
      edit: (shown: Row | undefined) => {
        if (what === 'edit') return { ...shown, id, title: value };
        if (what === 'tag') return { ...shown, id, tags: [...((shown?.['tags'] as Json[]) ?? []), value] };
        return { ...shown, id, likes: ((shown?.['likes'] as number) ?? 0) + 1 };
      },
    };
  }

  push(device: MemoryDevice): PushDecision {
    const items = device.readOutbox(null, { changes: 1_000, bytes: 1e9 });
    const incs = [...new Set(items.map(({ change }) => incOf(change.dot)))];
    const changes = items.map(({ change }) => ({
      change,
      hash: hashOfChange(change),
      text: canonicalJson(withoutDependencies(change) as unknown as Json),
      isPermitted: !this.forbidden.has(change.dot),
    }));
    const rules = { nowMs: NOW_MS, driftMs: 60_000 };
    return transact(this.disk, SID, (view) => decidePush({ owner: null, changes, bad: null, incs }, view, rules));
  }

  /** As a session does, until nothing is refused. */
  drain(device: MemoryDevice): void {
    for (let i = 0; i < 1_000; i++) {
      const { refused } = this.push(device);
      if (!refused) return;
      const { dot, code, record, message } = refused;
      const result = record && code === 'GONE' ? device.recover(dot, record) : device.reject(dot, { code, message });
      expect(result.type, `${code} ${dot}: ${message}`).toBe('taken-back');
    }
    throw new Error('it is refused for ever');
  }

  /** Own changes of this session come without content. */
  pull(device: MemoryDevice, pushed: ReadonlySet<Dot> = new Set()): void {
    const entries = this.disk.log.map(asLogEntry).map((entry): LogEntry => {
      if ('control' in entry || 'alias' in entry || !pushed.has(entry.dot)) return entry;
      return { stamp: entry.stamp, dot: entry.dot };
    });
    const { cursor } = this.disk.meta;
    const result = device.ingest(
      { type: 'page', entries, cursor, head: cursor },
      Object.keys(this.disk.meta.topology.members),
    );
    expect(result.type).toBe('ingested');
  }

  /** Deleted by somebody else, and forgotten. */
  forget(id: string): void {
    this.disk.records.delete(recordKey('notes', id));
  }
}

/** A device that has what the server has, after `outbox` was written to it. */
function prepared(outbox: readonly Transaction[]): { world: World; device: MemoryDevice } {
  const world = new World();
  const seeder = world.device(emptyDisk('seeder'));
  const rows = SHARED.map((id) => ({
    collection: 'notes',
    id,
    row: { id, title: `base ${id}`, tags: ['x'], likes: 7 },
  }));
  seeder.write([rows]);
  world.drain(seeder);
  const device = world.device(emptyDisk('device'));
  world.pull(device);
  for (const one of outbox) world.write(device, one);
  return { world, device };
}

const rowsOf = ({ disk }: MemoryDevice): readonly OutboxRow[] =>
  [...disk.outbox.values()].sort((a, b) => a.order - b.order || a.part - b.part);

const headsOf = (rows: readonly OutboxRow[]): readonly string[] =>
  rows.flatMap(({ order, dot }) => (dot ? [`${order} ${dot}`] : []));

/** Overlays, rows, conflicts and counts are those of the base with the outbox on top. */
function expectConsistent({ disk }: MemoryDevice): void {
  const rows = rowsOf({ disk } as MemoryDevice);
  const heads = new Map(rows.flatMap((row) => (row.head ? [[row.order, row] as const] : [])));
  for (const [key, record] of disk.records) {
    const state = record.base ? copyRecord(record.base) : createRecord();
    const places: string[] = [];
    for (const row of rows) {
      const rec = row.recs.find(({ c, id }) => recordKey(c, id) === key);
      if (!rec) continue;
      places.push(`${row.order}.${row.part}`);
      const { dot, head } = heads.get(row.order)!;
      applyRecordChange(state, { dot: dot!, hlc: head!.hlc }, rec);
    }
    expect(record.pending.map(([order, part]) => `${order}.${part}`)).toEqual(places);
    if (places.length > 0) expect(canonicalState(record.overlay!)).toBe(canonicalState(state));
    const view = viewRecord(SCHEMA, record.id, state);
    expect(disk.rows.get(key)).toEqual(view.row ?? undefined);
    expect([...record.conflicts].sort()).toEqual(view.conflicts.map(({ id }) => id).sort());
    expect(record.conflicts.every((id) => disk.conflicts.has(id))).toBe(true);
  }
  for (const rec of rows.flatMap((row) => row.recs)) expect(disk.records.has(recordKey(rec.c, rec.id))).toBe(true);
  expect([...disk.rows.keys()].filter((key) => !disk.records.has(key))).toEqual([]);
  const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
  expect(disk.replica.outbox).toEqual({ changes: heads.size, bytes });
}

describe('what is taken back of an outbox', () => {
  it('[TKB1] a refused change and what depends on it are emptied; the rest is the same to the letter, and is admitted', () => {
    fc.assert(
      fc.property(transactions(10), fc.nat(), (outbox, pick) => {
        const { world, device } = prepared(outbox);
        const before = rowsOf(device);
        const dots = before.flatMap(({ dot }) => dot ?? []);
        fc.pre(dots.length > 0);
        world.forbidden.add(dots[pick % dots.length]!);
        world.drain(device);
        const after = rowsOf(device);
        expect(headsOf(after)).toEqual(headsOf(before));
        const emptied = new Set(after.flatMap(({ order, head }) => (head?.was === undefined ? [] : [order])));
        for (const row of after) {
          if (emptied.has(row.order)) expect(row.recs).toEqual([]);
          else expect(before).toContainEqual(row);
        }
        expect(before.filter(({ order }) => !emptied.has(order))).toHaveLength(after.length - emptied.size);
        const lost = before.filter(({ order }) => emptied.has(order)).flatMap(({ recs }) => recs.length);
        const kept = [...device.disk.rejected.values()].map(({ parts }) => parts.length);
        expect(sum(kept)).toBe(sum(lost));
        expectConsistent(device);
      }),
      { numRuns: 100 },
    );
  });

  it('[TKB2] edits of a forgotten record move to its copy; the rest is the same to the letter, and is admitted', () => {
    fc.assert(
      fc.property(transactions(10), fc.nat(SHARED.length - 1), (outbox, gone) => {
        const { world, device } = prepared(outbox);
        const before = rowsOf(device);
        const id = SHARED[gone]!;
        world.forget(id);
        world.drain(device);
        const after = rowsOf(device);
        expect(headsOf(after).slice(0, headsOf(before).length)).toEqual(headsOf(before));
        expect(after.flatMap(({ recs }) => recs).filter((rec) => rec.id === id)).toEqual([]);
        for (const [i, row] of before.entries()) {
          const others = (one: OutboxRow): unknown => one.recs.filter((rec) => IDS.includes(rec.id) && rec.id !== id);
          expect(others(after[i]!)).toEqual(others(row));
          const { was, ...head } = after[i]!.head ?? {};
          const isEmptied =
            was !== undefined && after.every(({ order, recs }) => order !== row.order || recs.length === 0);
          expect(head).toEqual({ ...row.head, ...(isEmptied ? { kind: 'recover' } : {}) });
        }
        expect(device.disk.rejected.size).toBe(0);
        expectConsistent(device);
      }),
      { numRuns: 100 },
    );
  });

  it('[TKB3] copies of a profile that meet the same refusals at different times end equal: each content once, counters exact', () => {
    fc.assert(
      fc.property(
        transactions(6),
        transactions(4),
        transactions(4),
        fc.record({ gone: fc.nat(SHARED.length - 1), pick: fc.nat(), isAway: fc.boolean(), isForgotten: fc.boolean() }),
        (shared, one, other, { gone, pick, isAway, isForgotten }) => {
          const { world, device: first } = prepared(shared);
          const dots = rowsOf(first).flatMap(({ dot }) => dot ?? []);
          if (isForgotten) world.forget(SHARED[gone]!);
          else if (dots.length > 0) world.forbidden.add(dots[pick % dots.length]!);
          const second = world.device(copyDisk(first.disk));
          for (const write of one) world.write(first, write);
          for (const write of other) world.write(second, write);
          // Places of the two outboxes are not the same ones.
          const far = rowsOf(second).map((row) => ({ ...row, order: row.order + 1e6 }));
          const writes = [...rowsOf(first), ...far];
          world.drain(first);
          if (isAway) world.pull(second);
          world.drain(second);
          for (const device of [first, second, first]) world.pull(device);
          const reader = world.device(emptyDisk('reader'));
          world.pull(reader);
          for (const device of [first, second]) {
            expect(device.disk.outbox.size).toBe(0);
            expectConsistent(device);
            expect(contentOf(device)).toEqual(contentOf(reader));
          }
          expect(counted(reader)).toBe(7 * SHARED.length + incrementsOf(writes, world));
          for (const value of valuesOf(reader)) expect(value.times, value.value).toBe(1);
        },
      ),
      { numRuns: 100 },
    );
  });
});

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);

function contentOf({ disk }: MemoryDevice): Record<string, string> {
  const living = [...disk.records].filter(([, { base }]) => base && lifeStatus(base) !== 'dead');
  return Object.fromEntries(living.map(([key, { base }]) => [key, canonicalState(base!)]));
}

/** How often each value that a device wrote is live. */
function valuesOf({ disk }: MemoryDevice): readonly { readonly value: string; readonly times: number }[] {
  const times = new Map<string, number>();
  for (const { base } of disk.records.values()) {
    for (const [path, entries] of base?.cells ?? []) {
      for (const { v } of path.startsWith('tags/') ? [{ v: path.slice(5) }] : entries) {
        if (typeof v === 'string' && /^"?v\d+"?$/.test(v))
          times.set(`${path}=${v}`, (times.get(`${path}=${v}`) ?? 0) + 1);
      }
    }
  }
  return [...times].map(([value, count]) => ({ value, times: count }));
}

/** What all records have counted, deleted ones included. */
function counted({ disk }: MemoryDevice): number {
  return sum([...disk.records.values()].map(({ base }) => base?.counters.get('likes#c') ?? 0));
}

/** What the devices counted, under each dot once, but for what was emptied. */
function incrementsOf(outbox: readonly OutboxRow[], { disk }: World): number {
  const emptied = new Set(
    disk.log
      .map(asLogEntry)
      .flatMap((entry) => ('change' in entry && entry.change?.recs.length === 0 ? [entry.dot] : [])),
  );
  const heads = new Map(outbox.flatMap((row) => (row.dot ? [[row.order, row.dot] as const] : [])));
  const byPlace = new Map<string, number>();
  for (const row of outbox) {
    const dot = row.dot ?? heads.get(row.order)!;
    if (emptied.has(dot)) continue;
    for (const { id, ops } of row.recs) {
      byPlace.set(`${dot} ${id}`, sum(ops.map((op) => (op.t === 'inc' ? op.n : 0))));
    }
  }
  return sum([...byPlace.values()]);
}
