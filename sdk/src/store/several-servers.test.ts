import { describe, expect, test } from 'vitest';

import { compileConstraints } from '../constraints/registry.ts';
import { digestText } from '../core/digest.ts';
import { dotOf, incOf, seqOf, type Dot } from '../core/dot.ts';
import { SCHEMA } from '../core/history.fixture.ts';
import { TAIL_LIMITS } from '../core/tail-limits.ts';
import type { VersionVector } from '../core/version-vector.ts';
import { seededRandom } from '../lib/random.ts';
import { compileCollection, type CollectionPlan } from '../policies/registry.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import type { Bootstrap, LogEntry, Page, Snapshot } from '../protocol/messages.ts';
import { publish } from '../space/retention.ts';
import { asLogEntry, changeOn, creation, incNamed, NOW_MS, ROW, sidOf, SpaceServer } from '../space/space.fixture.ts';
import { bootstrapOf, pieceOf, prepareSnapshot } from '../space/snapshot.ts';
import { copySpace, snapshotSource, transact } from '../testing/memory-space.ts';
import { switchContext, switchRecord } from './bootstrap-plan.ts';
import { copyDisk, emptyDisk, MemoryDevice, type MemoryDisk } from './memory-device.ts';
import { recordKey } from './record-key.ts';

const A = sidOf('a');
const B = sidOf('b');
const KEY = recordKey('notes', ROW);
const ALL = { changes: 1000, bytes: 1e9 };

function open(disk: MemoryDisk = emptyDisk('d'), seed = 1): MemoryDevice {
  const random = seededRandom(seed);
  return new MemoryDevice({
    schemas: new Map([['notes', SCHEMA]]),
    user: { id: 'u' },
    nowMs: () => NOW_MS,
    random,
    disk,
  });
}

/** The rest of a server's log, as one page. */
function pageOf(server: SpaceServer, cursor: VersionVector = {}): Page {
  const entries = server.disk.log.filter(({ stamp: [sid, n] }) => n > (cursor[sid] ?? 0)).map(asLogEntry);
  return pageWith(entries, server.cursor);
}

function pageWith(entries: readonly LogEntry[], cursor: VersionVector, head = cursor): Page {
  return { type: 'page', entries, cursor, head };
}

function pull(device: MemoryDevice, server: SpaceServer): ReturnType<MemoryDevice['ingest']> {
  return device.ingest(pageOf(server, device.disk.replica.cursor), Object.keys(server.disk.meta.topology.members));
}

function snapshotOf(
  server: SpaceServer,
  device: MemoryDevice,
  why: Bootstrap['why'] = 'asked',
): readonly [Bootstrap, Snapshot[]] {
  const snapshot = prepareSnapshot(snapshotSource(server.disk, 's1'), { ...DEFAULT_LIMITS, recordsPerPiece: 1 });
  const { writers, heard } = device.readIdentity();
  const bootstrap = bootstrapOf(snapshot, { why, from: 0, writers: [...writers, ...heard] });
  return [bootstrap, Array.from({ length: bootstrap.pieces }, (_, n) => pieceOf(snapshot, n)!)];
}

function goOver(device: MemoryDevice, server: SpaceServer, why?: Bootstrap['why']): ReturnType<MemoryDevice['ingest']> {
  const [bootstrap, pieces] = snapshotOf(server, device, why);
  const results = pieces.map((piece) => device.ingestSnapshot(bootstrap, piece));
  return results.at(-1) as ReturnType<MemoryDevice['ingest']>;
}

const like = (name: string, seq: number, id = ROW) =>
  changeOn(id, dotOf(incNamed(name), seq), [{ t: 'inc', p: 'likes#c', n: 1 }]);
const tailOf = (device: MemoryDevice): Dot[] =>
  [...device.disk.tail.values()].flatMap((row) => row.entries.map((entry) => entry.dot));
const likes = (device: MemoryDevice, id = ROW): unknown => device.row('notes', id)?.['likes'];
const write = (device: MemoryDevice, id: string, title: string, tab = 0): Dot =>
  device.write([[{ collection: 'notes', id, edit: (shown) => ({ ...(shown ?? { id }), title }) }]], { tab })[0]!;

describe('one change under several numbers', () => {
  const servers = (): [SpaceServer, SpaceServer] => [
    new SpaceServer('a', ['a', 'b']),
    new SpaceServer('b', ['a', 'b']),
  ];

  test('[DSV1] has its effect once, with its content, as an alias, and when the page comes twice', () => {
    const [a, b] = servers();
    for (const server of [a, b]) server.push(creation('x'), like('x', 2));
    const device = open();
    expect(pull(device, a)).toMatchObject({ applied: 2 });
    expect(pull(device, b)).toMatchObject({ applied: 0, cursor: { [B]: 2 } });
    expect(likes(device)).toBe(2);
    expect(device.disk.space.seen).toEqual({ [incNamed('x')]: { seq: 2, stamp: [A, 2] } });
    a.pull(b);
    b.pull(a);
    const [first, later] = [open(), open()];
    first.ingest(pageOf(a), [A, B]);
    first.ingest(pageOf(a), [A, B]);
    for (const entry of pageOf(b).entries) later.ingest(pageWith([entry], {}), [A, B]);
    expect([likes(first), likes(later)]).toEqual([2, 2]);
  });

  test('[CST24] [DSV1] a claim gets all its numbers, in whatever order they come, and what is open says them', () => {
    const [a, b] = servers();
    const claim = (name: string) =>
      changeOn(ROW, dotOf(incNamed(name), 1), [{ t: 'set', p: 'title', v: name, pred: [], claim: 'home' }]);
    for (const server of [a, b]) server.push(creation('x'), claim('y'));
    b.push(claim('z'));
    const [one, other] = [open(), open()];
    pull(one, a);
    pull(one, b);
    pull(other, b);
    a.pull(b);
    b.pull(a);
    for (const device of [one, other]) for (const server of [a, b]) pull(device, server);
    const fresh = open();
    goOver(fresh, a);
    const wanted = { y: [[A, 2], [B, 2]], z: [[B, 3]] }; // prettier-ignore
    for (const { disk } of [one, other, fresh]) {
      const entries = disk.records.get(KEY)!.base!.cells.get('title')!;
      expect(Object.fromEntries(entries.map(({ v, stamps }) => [v, stamps]))).toEqual(wanted);
      expect([...disk.conflicts.values()]).toEqual([...one.disk.conflicts.values()]);
    }
    expect(one.disk.conflicts.size).toBe(1);
  });

  test('[CST24] a snapshot that only says another number of a claim is told to those who rank claims by it', () => {
    const [a, b] = servers();
    const unique = { kind: 'unique', name: 'titles', fields: ['title'], confirm: 'home', home: A } as const;
    const plan: CollectionPlan = {
      name: 'notes',
      fields: { title: { kind: 'ask' } },
      groups: [],
      onDeleteVsEdit: 'ask',
      constraints: [unique],
    };
    const schemas = new Map([['notes', compileCollection(plan)]]);
    const device = new MemoryDevice({
      schemas,
      constraints: compileConstraints([plan], schemas),
      user: { id: 'u' },
      nowMs: () => NOW_MS,
      random: seededRandom(1),
      disk: emptyDisk('d'),
    });
    const title = { t: 'set', p: 'title', v: 'A', pred: [], claim: 'home' } as const;
    for (const server of [a, b]) server.push(creation('x'), changeOn(ROW, dotOf(incNamed('x'), 2), [title]));
    pull(device, b);
    const stamps = (): unknown => [...device.disk.constraints.claims.values()].map(({ stamp }) => stamp);
    expect(stamps()).toEqual([undefined]);
    a.pull(b);
    goOver(device, a);
    expect(stamps()).toEqual([[A, 2]]);
  });

  test('[DSV5] writers and tail are forgotten when every server has said that it knows, not before', () => {
    const [a, b] = servers();
    a.push(creation('x'));
    const device = open();
    pull(device, a);
    const forget = (server: SpaceServer): unknown =>
      transact(server.disk, server.sid, (view) => publish(view, NOW_MS, { tombstoneMs: 1e12, logMs: 1e12 }));
    forget(a);
    pull(device, a);
    expect([Object.keys(device.disk.space.seen), device.disk.tail.size]).toEqual([[incNamed('x')], 1]);
    b.pull(a);
    forget(b);
    pull(device, b);
    expect([device.disk.space.seen, device.disk.tail.size]).toEqual([{}, 0]);
  });

  test('[DSV5] with one server no writer is remembered at all', () => {
    const a = new SpaceServer('a');
    a.push(creation('x'));
    const device = open();
    pull(device, a);
    expect(device.disk.space.seen).toEqual({});
  });

  test('[DSV8] a device that holds more of a written-off stream than its end applies nothing behind that', () => {
    const [a, b] = servers();
    b.push(creation('x'), like('x', 2));
    const device = open();
    pull(device, b);
    const before = copyDisk(device.disk);
    const evict: LogEntry = { stamp: [A, 1], control: { t: 'evict', sid: B, final: 1 } };
    expect(device.ingest(pageWith([evict], { [A]: 1, [B]: 2 }), [A, B])).toMatchObject({ type: 'out-of-step' });
    expect(device.disk).toEqual(before);
    expect(a.cursor).toEqual({});
  });
});

describe('the tail of one server', () => {
  const entriesFrom = (first: number, count: number): LogEntry[] =>
    Array.from({ length: count }, (_, i) => {
      const change = first + i === 1 ? creation('x') : like('x', first + i);
      return { stamp: [A, first + i], dot: change.dot, change };
    });

  test('[DSV6] keeps the last 2,000 changes, and nothing while it is further behind than that', () => {
    const device = open();
    device.ingest(pageWith(entriesFrom(1, 500), { [A]: 500 }, { [A]: 5_000 }), [A]);
    expect(device.disk.tail.size).toBe(0);
    for (let n = 501; n <= 4_001; n += 500)
      device.ingest(pageWith(entriesFrom(n, 500), { [A]: n + 499 }, { [A]: 4_500 }), [A]);
    const kept = [...device.disk.tail.values()].flatMap((row) => row.entries.map((entry) => entry.stamp[1]));
    expect(Math.max(...kept)).toBe(4_500);
    expect(kept.length).toBeLessThanOrEqual(TAIL_LIMITS.entries);
    expect(kept.length).toBeGreaterThan(TAIL_LIMITS.entries - 200);
    expect(device.disk.space.tail.entries).toBe(kept.length);
    device.ingest(pageWith(entriesFrom(4_501, 1), { [A]: 4_501 }, { [A]: 9_999 }), [A]);
    expect([device.disk.tail.size, device.disk.space.tail]).toMatchObject([0, { entries: 0, bytes: 0 }]);
  });

  test('[DSV6] lets go of what a backup holds', () => {
    const a = new SpaceServer('a');
    a.push(creation('x'), like('x', 2));
    const device = open();
    pull(device, a);
    transact(a.disk, A, (view) => publish(view, NOW_MS, { tombstoneMs: 1e12, logMs: 1e12 }, { [A]: 2 }));
    a.push(like('x', 3));
    pull(device, a);
    const kept = [...device.disk.tail.values()].flatMap((row) => row.entries.map((entry) => entry.stamp[1]));
    // The publication itself is number 3.
    expect(kept).toEqual([4]);
  });
});

describe('going over to a snapshot', () => {
  test('[DSV3] unsent changes stay under their dots, come after all of it, and one after the other', () => {
    const a = new SpaceServer('a');
    a.push(creation('x'));
    const device = open();
    pull(device, a);
    const dots = [write(device, ROW, 'one'), write(device, ROW, 'two', 1), write(device, ROW, 'three', 1)];
    const [first] = device.readOutbox(null, ALL);
    a.push(first!.change, creation('y', 1, 'other'));
    goOver(device, a);
    const left = device.readOutbox(null, ALL).map((item) => item.change);
    expect(left.map((change) => [change.dot, change.deps, change.ex])).toEqual([
      [dots[1], a.cursor, undefined],
      [dots[2], a.cursor, undefined],
    ]);
    expect(device.row('notes', ROW)).toMatchObject({ title: 'three' });
    const next = write(device, ROW, 'four');
    expect(device.readOutbox(null, ALL).at(-1)!.change.ex).toEqual([dots[2]]);
    expect(incOf(next)).not.toBe(incOf(dots[2]!));
    const pushed = a.push(...device.readOutbox(null, ALL).map((item) => item.change));
    expect(pushed).not.toHaveProperty('refused');
  });

  test('[DSV2] what a server has lost stands in front of the outbox, under its dots, linked in its order', () => {
    const a = new SpaceServer('a');
    const device = open();
    const [mine, backup] = [write(device, 'm', 'mine'), copySpace(a.disk)];
    a.push(...device.readOutbox(null, ALL).map((item) => item.change));
    a.push(creation('x'), like('x', 2));
    pull(device, a);
    const unsent = write(device, ROW, 'unsent', 1);
    a.disk = backup;
    expect(goOver(device, a, 'forked')).toMatchObject({ type: 'ingested', touched: {}, discarded: 0 });
    const items = device.readOutbox(null, ALL).map((item) => item.change);
    expect(items.map(({ dot, ex }) => [dot, ex])).toEqual([
      [mine, undefined],
      [dotOf(incNamed('x'), 1), [mine]],
      [dotOf(incNamed('x'), 2), undefined],
      [unsent, [dotOf(incNamed('x'), 2)]],
    ]);
    expect([...device.disk.outbox.values()].map((row) => row.relay)).toEqual([true, true, true, undefined]);
    expect(device.disk.replica.outbox.changes).toBe(4);
    expect(a.push(...items)).not.toHaveProperty('refused');
    pull(device, a);
    expect([device.disk.outbox.size, likes(device), device.row('notes', 'm')]).toMatchObject([0, 2, { title: 'mine' }]);
  });

  test('[DSV11] what a server does not take of somebody else is given up; what is behind it goes on', () => {
    const a = new SpaceServer('a');
    const device = open();
    a.push(creation('x'), like('x', 2), creation('y', 1, 'other'));
    pull(device, a);
    const mine = write(device, ROW, 'mine');
    a.disk = new SpaceServer('a').disk;
    goOver(device, a, 'forked');
    expect(likes(device)).toBe(2);
    const result = device.reject(dotOf(incNamed('x'), 1), { code: 'FORBIDDEN', message: 'not yours' });
    expect(result).toMatchObject({ type: 'taken-back', records: [] });
    expect(device.disk.rejected.size).toBe(0);
    const left = device.readOutbox(null, ALL).map((item) => item.change);
    expect(left.map(({ dot, ex }) => [dot, ex])).toEqual([
      [dotOf(incNamed('y'), 1), undefined],
      [mine, [dotOf(incNamed('y'), 1)]],
    ]);
    expect(device.disk.replica.outbox.changes).toBe(2);
    expect([...device.disk.outbox.values()].reduce((sum, row) => sum + row.bytes, 0)).toBe(
      device.disk.replica.outbox.bytes,
    );
    expect(device.row('notes', ROW)).toMatchObject({ title: 'mine' });
    expect(a.push(...left).refused?.code).not.toBe('BEHIND');
  });

  test('[DSV9] a writer of whom a part is on no server and not here goes on under a name that two copies choose alike', () => {
    const a = new SpaceServer('a');
    const device = open();
    const backup = copySpace(a.disk);
    write(device, 'm', 'lost');
    a.push(...device.readOutbox(null, ALL).map((item) => item.change));
    pull(device, a);
    const old = [write(device, 'm', 'two'), write(device, 'm', 'three')];
    // The tail has forgotten the first one.
    device.disk.tail.clear();
    device.disk.space = { ...device.disk.space, tail: { next: 2, entries: 0, bytes: 0 } };
    a.disk = backup;
    const copy = open(copyDisk(device.disk));
    const renamed = [device, copy].map((one) => {
      goOver(one, a, 'forked');
      return one.readOutbox(null, ALL).map((item) => item.change);
    });
    expect(renamed[0]!.map(({ dot }) => seqOf(dot))).toEqual([1, 2]);
    expect(renamed[0]!.map(({ dot }) => dot)).not.toEqual(old);
    expect(renamed[0]).toEqual(renamed[1]);
    expect(renamed[0]![0]!.writer).toMatchObject({ user: { id: 'u' } });
    expect(renamed[0]![1]!.recs[0]!.rv).toEqual([renamed[0]![0]!.dot]);
    expect(a.push(...renamed[0]!)).not.toHaveProperty('refused');
    expect(write(device, 'm', 'four')).not.toBe(dotOf(incOf(old[1]!), 4));
    expect(a.push(...device.readOutbox(null, ALL).map((item) => item.change))).not.toHaveProperty('refused');
  });

  test('[DSV1] [DSV2] it brings what not every server has yet: told again it counts once, lost it is offered', () => {
    const [a, b] = [new SpaceServer('a', ['a', 'b']), new SpaceServer('b', ['a', 'b'])];
    for (const server of [a, b]) server.push(creation('x'), like('x', 2));
    const device = open();
    goOver(device, a, 'truncated');
    expect(device.disk.space.seen).toEqual({ [incNamed('x')]: { seq: 2, stamp: [A, 2] } });
    const other = open(copyDisk(device.disk));
    pull(device, b);
    expect(likes(device)).toBe(2);
    expect(device.disk.space.seen).toEqual({ [incNamed('x')]: { seq: 2, stamp: [A, 2] } });
    // Server a is lost, and with it what only the snapshot had told.
    b.disk = new SpaceServer('b', ['a', 'b']).disk;
    goOver(other, b, 'forked');
    expect(other.readOutbox(null, ALL).map((item) => item.change.dot)).toEqual(
      [1, 2].map((n) => dotOf(incNamed('x'), n)),
    );
    expect(likes(other)).toBe(2);
  });

  test('[DSV12] a single server gets back what only a snapshot had told, causes first', () => {
    const a = new SpaceServer('a');
    const backup = copySpace(a.disk);
    a.push(creation('x'), like('x', 2));
    const device = open();
    goOver(device, a, 'truncated');
    expect(device.disk.space.seen).toEqual({});
    expect(tailOf(device)).toEqual([1, 2].map((n) => dotOf(incNamed('x'), n)));
    a.push(like('x', 3));
    pull(device, a);
    goOver(device, a);
    expect(tailOf(device)).toEqual([1, 2, 3].map((n) => dotOf(incNamed('x'), n)));
    a.disk = backup;
    expect(goOver(device, a, 'forked')).toMatchObject({ touched: {}, discarded: 0 });
    expect([likes(device), tailOf(device)]).toEqual([3, []]);
    expect(a.push(...device.readOutbox(null, ALL).map((item) => item.change))).not.toHaveProperty('refused');
    expect(a.disk.records.get(KEY)!.counters.get('likes#c')).toBe(3);
  });

  test('[DSV12] an own change that a snapshot told to be taken is offered again, also when it came from a cut log', () => {
    for (const isCut of [false, true]) {
      const a = new SpaceServer('a');
      const backup = copySpace(a.disk);
      const device = open();
      const dots = [write(device, 'm', 'one'), write(device, 'm', 'two')];
      a.push(...device.readOutbox(null, ALL).map((item) => item.change));
      a.push(creation('x'));
      if (isCut) a.disk.log = [];
      goOver(device, a, 'truncated');
      expect([device.disk.outbox.size, tailOf(device)]).toEqual([0, isCut ? dots : [...dots, dotOf(incNamed('x'), 1)]]);
      // Held for as long as nobody can tell that it is safe, also by the next snapshot.
      goOver(device, a);
      a.disk = copySpace(backup);
      goOver(device, a, 'forked');
      expect(device.row('notes', 'm'), `log cut: ${isCut}`).toMatchObject({ title: 'two' });
      const offered = device.readOutbox(null, ALL).map((item) => item.change);
      expect(offered.slice(0, 2).map(({ dot }) => dot)).toEqual(dots);
      expect(a.push(...offered)).not.toHaveProperty('refused');
    }
  });

  test('[DSV12] a change that the server told under another number than this device knows is held once, in its order', () => {
    const a = new SpaceServer('a');
    a.push(creation('x'), like('x', 2));
    const device = open();
    pull(device, a);
    a.disk = new SpaceServer('a').disk;
    // Another device has offered them, behind something of its own: the stream goes on under the old name.
    a.push(creation('y', 1, 'other'), creation('x'), like('x', 2));
    goOver(device, a, 'forked');
    expect(device.disk.outbox.size).toBe(0);
    expect(
      [...device.disk.tail.values()].flatMap((row) => row.entries.map(({ stamp, dot }) => [stamp[1], dot])),
    ).toEqual(
      [dotOf(incNamed('y'), 1), dotOf(incNamed('x'), 1), dotOf(incNamed('x'), 2)].map((dot, i) => [i + 1, dot]),
    );
  });

  test('[DSV12] what a backup of the single server holds leaves the tail, whatever it was heard by', () => {
    const a = new SpaceServer('a');
    const device = open();
    write(device, 'm', 'one');
    a.push(...device.readOutbox(null, ALL).map((item) => item.change), creation('x'));
    transact(a.disk, A, (view) => publish(view, NOW_MS, { tombstoneMs: 1e12, logMs: 1e12 }, { [A]: 2 }));
    a.push(like('x', 2));
    a.disk.log = a.disk.log.slice(-1);
    goOver(device, a, 'truncated');
    // Its own was taken under a number that nobody tells any more: at the latest under the last one.
    expect(tailOf(device)).toHaveLength(2);
    transact(a.disk, A, (view) => publish(view, NOW_MS, { tombstoneMs: 1e12, logMs: 1e12 }, { [A]: 4 }));
    pull(device, a);
    expect(tailOf(device)).toEqual([]);
  });

  test('[DSV16] what a server numbers anew after it was put back has its new number here, and only that', () => {
    const a = new SpaceServer('a');
    const device = open();
    const claim = changeOn(ROW, dotOf(incNamed('x'), 2), [{ t: 'set', p: 'title', v: 'x', pred: [], claim: 'home' }]);
    a.push(creation('x'), claim);
    pull(device, a);
    a.disk = new SpaceServer('a').disk;
    // Another device has been here first.
    a.push(creation('y', 1, 'other'), creation('x'), claim);
    const [bootstrap, pieces] = snapshotOf(a, device, 'forked');
    const context = switchContext(
      { bootstrap, schemas: new Map([['notes', SCHEMA]]), cursor: device.disk.replica.cursor, nowMs: NOW_MS },
      { rows: [], contained: [] },
    );
    const given = pieces.flatMap((one) => one.records).find((one) => one.id === ROW);
    const made = switchRecord(context, { c: 'notes', id: ROW }, device.disk.records.get(KEY), given);
    expect(made).toMatchObject({ isWritten: true, isChanged: false, discarded: null });
    goOver(device, a, 'forked');
    const stamps = [...device.disk.records.get(KEY)!.base!.cells.values()].map(([entry]) => entry!.stamps);
    expect(stamps).toEqual([[[A, 3]]]);
  });

  test('[DSV6] what a snapshot brings to the tail is within its limits, the newest', () => {
    const a = new SpaceServer('a');
    const lots = Array.from({ length: 2_100 }, (_, i) => (i === 0 ? creation('x') : like('x', i + 1)));
    a.push(...lots);
    const device = open();
    goOver(device, a, 'truncated');
    const { entries, bytes } = device.disk.space.tail;
    expect(entries).toBeLessThanOrEqual(TAIL_LIMITS.entries);
    expect(bytes).toBeLessThanOrEqual(TAIL_LIMITS.bytes);
    expect(tailOf(device)).toEqual(lots.slice(-entries).map(({ dot }) => dot));
    expect(entries).toBe(TAIL_LIMITS.entries);
  });

  test('[DSV9] nothing that is written later comes after what no server has any more', () => {
    const a = new SpaceServer('a');
    const device = open();
    const backup = copySpace(a.disk);
    write(device, 'm', 'lost');
    a.push(...device.readOutbox(null, ALL).map((item) => item.change));
    pull(device, a);
    device.disk.tail.clear();
    device.disk.space = { ...device.disk.space, tail: { next: 2, entries: 0, bytes: 0 } };
    a.disk = backup;
    goOver(device, a, 'forked');
    write(device, 'm', 'the other tab', 1);
    write(device, 'm', 'the same tab');
    expect(a.push(...device.readOutbox(null, ALL).map((item) => item.change))).not.toHaveProperty('refused');
  });

  test('[DSV7] the last content of a forgotten record stays while the outbox edits it', () => {
    const a = new SpaceServer('a');
    a.push(creation('x'), like('x', 2));
    const device = open();
    pull(device, a);
    write(device, ROW, 'edited');
    a.disk.records.delete(KEY);
    a.disk.meta = { ...a.disk.meta, digest: [0, 0, 0, 0] };
    goOver(device, a, 'truncated');
    expect(device.row('notes', ROW)).toMatchObject({ title: 'edited', likes: 2 });
    expect(device.disk.records.get(KEY)).toMatchObject({ grave: { counters: new Map([['likes#c', 2]]) } });
    write(device, ROW, 'edited again');
    expect(device.row('notes', ROW)).toMatchObject({ title: 'edited again', likes: 2 });
    expect(goOver(device, a, 'truncated')).toMatchObject({ type: 'ingested' });
    expect(device.row('notes', ROW)).toMatchObject({ title: 'edited again', likes: 2 });
  });

  test('[DSV7] the same of a record whose creation had not come back when everybody forgot it', () => {
    const a = new SpaceServer('a');
    const device = open();
    write(device, ROW, 'made here');
    a.push(...device.readOutbox(null, ALL).map((item) => item.change));
    device.write([[{ collection: 'notes', id: ROW, edit: (shown) => ({ ...shown!, likes: 3 }) }]]);
    a.disk.records.delete(KEY);
    a.disk.meta = { ...a.disk.meta, digest: [0, 0, 0, 0] };
    goOver(device, a, 'truncated');
    expect(device.row('notes', ROW)).toMatchObject({ title: 'made here', likes: 3 });
  });

  test('[DSV7] a tombstone that every server has promised to forget goes with the page that says so', () => {
    const a = new SpaceServer('a');
    const death = changeOn(
      ROW,
      dotOf(incNamed('x'), 2),
      [{ t: 'life', v: 'dead', pred: [dotOf(incNamed('x'), 1)] }],
      {},
    );
    a.push(creation('x'), { ...death, recs: [{ ...death.recs[0]!, rv: [dotOf(incNamed('x'), 1)] }] });
    const device = open();
    pull(device, a);
    expect(device.disk.records.get(KEY)).toMatchObject({ dead: 1 });
    const promise = (horizon: VersionVector): LogEntry => ({
      stamp: [A, a.cursor[A]! + 1],
      control: { t: 'pub', knows: a.cursor, horizon },
    });
    const early = open(copyDisk(device.disk));
    early.ingest(pageWith([promise({ [A]: 1 })], { [A]: 3 }), [A]);
    expect(early.disk.records.has(KEY)).toBe(true);
    device.ingest(pageWith([promise({ [A]: 2 })], { [A]: 3 }), [A]);
    expect(device.disk.records.has(KEY)).toBe(false);
    expect(digestText(device.disk.space.digest!)).toBe('0'.repeat(32));
  });

  test('[GOV1] pieces change nothing before the last, come twice, and belong to the place where they were asked for', () => {
    const a = new SpaceServer('a');
    for (const id of ['p', 'q', 'r']) a.push(creation(id, 1, id));
    const device = open();
    const [bootstrap, pieces] = snapshotOf(a, device, 'truncated');
    const rows = (): number => device.disk.rows.size;
    expect(device.ingestSnapshot(bootstrap, pieces[1]!)).toMatchObject({ type: 'out-of-step' });
    for (const n of [0, 0, 1, 0, 2]) expect(device.ingestSnapshot(bootstrap, pieces[n]!)).toEqual({ type: 'staged' });
    expect([rows(), device.disk.replica.cursor]).toEqual([0, {}]);
    expect(device.readIdentity().resume).toEqual({ id: 's1', next: 3 });
    const other = open(copyDisk(device.disk));
    expect(device.ingestSnapshot(bootstrap, pieces[3]!)).toMatchObject({ type: 'ingested', cursor: a.cursor });
    expect([rows(), device.readIdentity().resume]).toEqual([3, undefined]);
    // Another tab has applied a page meanwhile.
    other.ingest(pageWith(pageOf(a).entries.slice(0, 1), { [A]: 1 }), [A]);
    expect(other.readIdentity().resume).toBeUndefined();
    expect(other.ingestSnapshot(bootstrap, pieces[3]!)).toMatchObject({ type: 'out-of-step' });
  });

  test('[GOV3] a snapshot that is older than what the device has, or not what its server says of it, is refused', () => {
    const a = new SpaceServer('a');
    a.push(creation('p', 1, 'p'));
    const device = open();
    const [bootstrap, pieces] = snapshotOf(a, device, 'asked');
    const wrong = { ...bootstrap, digest: 'f'.repeat(32) };
    expect(pieces.map((piece) => device.ingestSnapshot(wrong, piece).type)).toEqual(['staged', 'out-of-step']);
    expect([device.disk.rows.size, device.disk.staging]).toEqual([0, null]);
    a.push(creation('q', 1, 'q'));
    pull(device, a);
    expect(device.ingestSnapshot(bootstrap, pieces[0]!)).toMatchObject({ type: 'out-of-step' });
    expect(device.disk.rows.size).toBe(2);
  });
});

describe('a writer that begins while a snapshot arrives', () => {
  test('[GOV4] is asked about before the device goes over: a copy of the profile may have sent what both have', () => {
    const a = new SpaceServer('a');
    a.push(creation('p', 1, 'p'));
    const device = open();
    const early = snapshotOf(a, device, 'asked')[0];
    write(device, ROW, 'both have it');
    const { change } = device.readOutbox(null, ALL)[0]!;
    a.push(change);
    const [bootstrap, pieces] = snapshotOf(a, device, 'asked');
    const inc = incOf(change.dot);
    expect(bootstrap.known).toEqual({ [inc]: 1 });
    const unasked = { ...bootstrap, known: early.known };
    const last = pieces.length - 1;
    const answers = pieces.map((piece) => device.ingestSnapshot(unasked, piece).type);
    expect(answers).toEqual([...Array.from({ length: last }, () => 'staged'), 'out-of-step']);
    expect(device.disk.replica.cursor).toEqual({});
    expect(device.readIdentity()).toMatchObject({ resume: { id: bootstrap.id, next: last }, writers: [inc] });
    expect(device.ingestSnapshot(bootstrap, pieces[last]!)).toMatchObject({ type: 'ingested', confirmed: 1 });
    expect(device.disk.outbox.size).toBe(0);
    expect(device.row('notes', ROW)).toMatchObject({ title: 'both have it' });
  });
});

describe('the chain', () => {
  test('[DSV10] is told for exactly where the device stands, stream by stream', () => {
    const device = open();
    const [x, y] = [creation('x', 1, 'x'), creation('y', 1, 'y')];
    const first: LogEntry = { stamp: [A, 1], dot: x.dot, change: x };
    const second: LogEntry = { stamp: [B, 1], dot: y.dot, change: y };
    device.ingest({ ...pageWith([first], { [A]: 1 }), chain: { [A]: 'at 1' } }, [A, B]);
    device.ingest({ ...pageWith([second], { [A]: 1, [B]: 1 }), chain: { [B]: 'b' } }, [A, B]);
    expect(device.readIdentity().chain).toEqual({ [A]: 'at 1', [B]: 'b' });
    // A page of before, which says less than this device has.
    device.ingest({ ...pageWith([first], { [A]: 0 }), chain: { [A]: 'at 0' } }, [A, B]);
    expect(device.readIdentity().chain).toEqual({ [A]: 'at 1', [B]: 'b' });
    const third: LogEntry = { stamp: [A, 2], control: { t: 'member', sid: sidOf('c') } };
    device.ingest(pageWith([third], { [A]: 2, [B]: 1 }), [A, B]);
    expect(device.readIdentity().chain).toEqual({ [B]: 'b' });
  });
});

describe('the digest', () => {
  test('[DIG1] is compared where the page stands, and found wrong after a value was flipped', () => {
    const a = new SpaceServer('a');
    a.push(creation('x'));
    const device = open();
    const told = (): Page => ({ ...pageOf(a, device.disk.replica.cursor), digest: digestText(a.disk.meta.digest) });
    expect(device.ingest(told(), [A])).toMatchObject({ isDiverged: false });
    const record = device.disk.records.get(KEY)!;
    device.disk.records.set(KEY, { ...record, base: { ...record.base!, counters: new Map([['likes#c', 7]]) } });
    a.push(like('x', 2));
    // One that is said of another place says nothing.
    const elsewhere = { ...told(), cursor: { [A]: 9 } };
    expect(open(copyDisk(device.disk)).ingest(elsewhere, [A])).toMatchObject({ isDiverged: false });
    expect(device.ingest(told(), [A])).toMatchObject({ isDiverged: true });
    expect(device.readIdentity().isDiverged).toBe(true);
    expect(goOver(device, a)).toMatchObject({ type: 'ingested', discarded: 1, touched: { notes: [ROW] } });
    expect(likes(device)).toBe(2);
    expect([...device.disk.quarantine.values()]).toMatchObject([
      { id: ROW, state: { counters: new Map([['likes#c', 8]]) } },
    ]);
    expect(device.readIdentity().isDiverged).toBe(false);
  });
});
