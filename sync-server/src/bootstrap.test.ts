import {
  createRecord,
  digestOfRecord,
  digestText,
  EMPTY_DIGEST,
  exchange,
  applyRecordChange,
} from '@skerry/sdk/kernel';
import { CLOSE, recordFromJson, type Change, type Digest, type RecordState } from '@skerry/sdk/kernel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { changeIn, changeOf, dotsOf, TestDevice, TestWriter } from './device.fixture.ts';
import { startServer, type TestServer } from './server.fixture.ts';
import { memory } from './storage/memory.ts';
import { sqlite } from './storage/sqlite/sqlite.ts';
import type { SyncServerOptions } from './sync-server.ts';
import { createSyncServer } from './sync-server.ts';

const DAY_MS = 86_400_000;
let nowMs: number;
let server: TestServer;

beforeEach(() => {
  nowMs = Date.now();
});

afterEach(() => server[Symbol.asyncDispose]());

async function start(options: Partial<SyncServerOptions> = {}): Promise<void> {
  server = await startServer({ now: () => nowMs, maintenanceMs: 10, ...options });
}

/** One change for each of so many records. */
function inRecords(writer: TestWriter, count: number): readonly Change[] {
  return writer.many(count).map((change, i) => ({ ...change, recs: [{ ...change.recs[0]!, id: `r${i}` }] }));
}

function digestOf(records: readonly (readonly [id: string, state: RecordState])[]): string {
  return digestText(
    records.reduce<Digest>(
      (sum, [id, state]) => exchange(sum, EMPTY_DIGEST, digestOfRecord('notes', id, state)),
      EMPTY_DIGEST,
    ),
  );
}

/** Waits until so many entries of logs were cut, with days passing meanwhile. */
async function untilCut(count: number): Promise<void> {
  const cut = (): number =>
    server.logs.reduce((sum, { event, entries }) => sum + (event === 'compacted' ? (entries as number) : 0), 0);
  for (let i = 0; i < 500 && cut() < count; i++) {
    nowMs += DAY_MS;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(cut()).toBe(count);
}

async function readSnapshot(device: TestDevice): Promise<ReturnType<typeof piecesOf>> {
  const { id, pieces } = device.welcome.bootstrap!;
  for (let piece = device.welcome.bootstrap!.from; piece < pieces; piece++) {
    expect(await device.next('snapshot')).toMatchObject({ id, piece });
    device.send({ type: 'staged', id, piece });
  }
  return piecesOf(device);
}

function piecesOf(device: TestDevice): Extract<TestDevice['messages'][number], { type: 'snapshot' }>[] {
  return device.messages.filter((message) => message.type === 'snapshot');
}

describe('a log that was cut', { timeout: 60_000 }, () => {
  it('[BOO1] a device that was away for longer gets the records as they are, and then the log from there on', async () => {
    await start({ limits: { recordsPerPiece: 10 } });
    const writer = await TestDevice.connect(server.url);
    const source = new TestWriter('w');
    const changes = inRecords(source, 25);
    await writer.push(...changes);
    await untilCut(25);
    const late = await TestDevice.connect(server.url, { writers: [source.inc] });
    const { bootstrap, sid } = late.welcome;
    expect(bootstrap).toMatchObject({ why: 'truncated', pieces: 3, records: 25, from: 0, known: { [source.inc]: 25 } });
    // Credit: two pieces are on the way until the first is durable.
    await late.until(() => piecesOf(late).length === 2);
    late.send({ type: 'ping' });
    await late.next('pong');
    expect(piecesOf(late)).toHaveLength(2);
    const next = { ...source.next(), recs: [{ ...changes[0]!.recs[0]!, id: 'r-new' }] };
    await writer.push(next);
    const pieces = await readSnapshot(late);
    const records = pieces.flatMap((piece) => piece.records);
    expect(records.map(({ id }) => id).sort()).toEqual(changes.map(({ recs }) => recs[0]!.id).sort());
    expect(digestOf(records.map(({ id, state }) => [id, recordFromJson(state)]))).toBe(bootstrap!.digest);
    const page = await late.next('page');
    expect(page.entries.map(changeIn)).toEqual([next]);
    expect(page.cursor[sid]).toBe(bootstrap!.cursor[sid]! + 1);
    const state = createRecord();
    applyRecordChange(state, next, next.recs[0]!);
    const all = [
      ...records.map((record) => [record.id, recordFromJson(record.state)] as const),
      ['r-new', state] as const,
    ];
    expect(page.digest).toBe(digestOf(all));
  });

  it('[BOO2] a connection that breaks meanwhile goes on with the piece that comes next, from the same moment', async () => {
    await start({ limits: { recordsPerPiece: 10 } });
    const writer = await TestDevice.connect(server.url);
    await writer.push(...inRecords(new TestWriter('w'), 45));
    await untilCut(45);
    const first = await TestDevice.connect(server.url);
    const { id } = first.welcome.bootstrap!;
    await first.next('snapshot');
    first.send({ type: 'staged', id, piece: 0 });
    await first.next('snapshot');
    await first.close();
    await writer.push(new TestWriter('other').next());
    const again = await TestDevice.connect(server.url, { resume: { id, next: 1 } });
    expect(again.welcome.bootstrap).toMatchObject({ id, from: 1, pieces: 5, cursor: first.welcome.bootstrap!.cursor });
    const pieces = await readSnapshot(again);
    expect(pieces.map(({ piece }) => piece)).toEqual([1, 2, 3, 4]);
    const ids = [piecesOf(first)[0]!, ...pieces].flatMap(({ records }) => records.map((record) => record.id));
    expect(new Set(ids).size).toBe(45);
    expect(dotsOf((await again.next('page')).entries)).toEqual(['other-----------.1']);
    // One that is not there any more begins anew, with the one that others are given just now.
    const unknown = await TestDevice.connect(server.url, { resume: { id: 'gone', next: 3 } });
    expect(unknown.welcome.bootstrap).toMatchObject({ id, from: 0, records: 45 });
    // And one of another space is none.
    const elsewhere = await TestDevice.connect(server.url, { space: 'elsewhere', resume: { id, next: 1 } });
    expect(elsewhere.welcome).not.toHaveProperty('bootstrap');
  });

  it('[BOO3] who asks for a snapshot gets one; devices that come at the same time share it', async () => {
    await start({ maintenanceMs: 60_000 });
    const writer = await TestDevice.connect(server.url);
    await writer.push(...inRecords(new TestWriter('w'), 3));
    const asking = { wantsSnapshot: true, cursor: { [writer.welcome.sid]: 2 } } as const;
    const [one, two] = [await TestDevice.connect(server.url, asking), await TestDevice.connect(server.url, asking)];
    expect(one.welcome.bootstrap).toMatchObject({ why: 'asked', records: 3 });
    expect(two.welcome.bootstrap).toEqual(one.welcome.bootstrap);
    for (const device of [one, two]) expect((await readSnapshot(device))[0]!.records).toHaveLength(3);
  });

  it('[BOO8] a connected device so slow that what comes next is cut is sent away, and given a snapshot when it is back', async () => {
    await start();
    const writer = await TestDevice.connect(server.url);
    // More than a server has in memory of a log.
    const changes = inRecords(new TestWriter('w'), 9).map(({ recs: [rec], ...change }) => ({
      ...change,
      recs: [{ ...rec!, ops: [...rec!.ops, { t: 'set', p: 'body', v: 'x'.repeat(300_000), pred: [] } as const] }],
    }));
    for (const change of changes) expect(await writer.push(change)).not.toHaveProperty('refused');
    const slow = await TestDevice.connect(server.url);
    await slow.until(() => slow.pages.length === 2);
    const beat = setInterval(() => [slow, writer].forEach((device) => device.send({ type: 'ping' })), 1_000);
    await untilCut(9);
    clearInterval(beat);
    slow.applied(slow.pages[0]!.cursor);
    expect(await slow.closed).toMatchObject({ code: CLOSE.tryLater });
    const again = await TestDevice.connect(server.url, { cursor: slow.pages[1]!.cursor });
    expect(again.welcome.bootstrap).toMatchObject({ why: 'truncated', records: 9 });
  });

  it('[BOO4] what is written while nobody needs the log goes on being known: a push from before is a duplicate', async () => {
    await start();
    const device = await TestDevice.connect(server.url);
    const writer = new TestWriter('w');
    const changes = writer.many(3);
    await device.push(...changes);
    await untilCut(3);
    expect(await device.push(...changes)).toEqual({ type: 'pushed', known: { [writer.inc]: 3 } });
    expect(await device.push(writer.next())).toEqual({ type: 'pushed', known: { [writer.inc]: 4 } });
  });
});

describe('histories that do not fit', { timeout: 60_000 }, () => {
  it('[BOO5] a cursor behind the end of the log, or with another chain, is a fork: a snapshot of what there is follows', async () => {
    await start();
    const writer = await TestDevice.connect(server.url);
    await writer.push(...new TestWriter('w').many(3));
    const { sid } = writer.welcome;
    const { chain } = await writer.next('page');
    const same = await TestDevice.connect(server.url, { cursor: { [sid]: 3 }, chain: chain! });
    expect(same.welcome).not.toHaveProperty('bootstrap');
    for (const hello of [{ cursor: { [sid]: 4 } }, { cursor: { [sid]: 3 }, chain: { [sid]: 'A'.repeat(22) } }]) {
      const forked = await TestDevice.connect(server.url, hello);
      expect(forked.welcome.bootstrap).toMatchObject({ why: 'forked', cursor: { [sid]: 3 } });
    }
    const stranger = await TestDevice.open(server.url);
    stranger.hello({ cursor: { SSSSSSSSSSS: 1 } });
    expect(await stranger.closed).toEqual({ code: CLOSE.serverReplaced, reason: 'SERVER_REPLACED' });
  });

  it('[BOO6] a server that would take something back gives no snapshot: the device is to come again', async () => {
    await start();
    const writer = await TestDevice.connect(server.url);
    await writer.push(...new TestWriter('w').many(3));
    const { sid } = writer.welcome;
    const ahead = await TestDevice.open(server.url);
    ahead.hello({ cursor: { [sid]: 9, OTHERSERVER: 1 } });
    expect(await ahead.closed).toEqual({ code: CLOSE.tryLater, reason: 'BEHIND' });
  });

  it('[BOO7] after a takeover devices go on: what the copy lacks is a fork, and nothing of it is numbered again', async () => {
    await start();
    const writer = await TestDevice.connect(server.url);
    await writer.push(...new TestWriter('w').many(3));
    const old = writer.welcome.sid;
    await server.server.close();
    const storage = await sqlite(server.file).open();
    await storage.takeOver();
    await storage.close();
    const again = await createSyncServer({
      storage: sqlite(server.file),
      logger: { error() {}, info() {}, debug() {} },
    });
    const { url } = await again.listen(0);
    const device = await TestDevice.connect(url, { cursor: { [old]: 3 } });
    expect(device.welcome.sid).not.toBe(old);
    expect(device.welcome).not.toHaveProperty('bootstrap');
    const page = await device.next('page');
    expect(page.entries).toMatchObject([
      { stamp: [device.welcome.sid, 1], control: { t: 'member', sid: device.welcome.sid } },
      { stamp: [device.welcome.sid, 2], control: { t: 'evict', sid: old, final: 3 } },
    ]);
    const lost = await TestDevice.connect(url, { cursor: { [old]: 4 } });
    expect(lost.welcome.bootstrap).toMatchObject({ why: 'forked', cursor: { [old]: 3, [device.welcome.sid]: 2 } });
    await again.close();
  });
});

describe('upkeep', { timeout: 60_000 }, () => {
  it('[MNT1] every space is visited, a few at a time; a device that is connected hears of what the server publishes', async () => {
    await start({ retention: { tombstoneMs: DAY_MS, logMs: 0 }, storage: memory() });
    const listener = await TestDevice.connect(server.url, { space: 's7' });
    for (let i = 0; i < 45; i++) {
      const device = await TestDevice.connect(server.url, { space: `s${i}` });
      await device.push(changeOf(`${`w${i}`.padEnd(16, '-')}.1`));
      await device.close();
    }
    await listener.readTo(1);
    const visited = (): number => server.logs.filter(({ event }) => event === 'compacted').length;
    const hasHeard = (): boolean => listener.entries.some((entry) => 'control' in entry);
    for (let i = 0; i < 500 && (visited() < 45 || !hasHeard()); i++) {
      nowMs += DAY_MS / 4;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(visited()).toBeGreaterThanOrEqual(45);
    expect(listener.entries.find((entry) => 'control' in entry)).toMatchObject({
      stamp: [listener.welcome.sid, 2],
      control: { t: 'pub', horizon: { [listener.welcome.sid]: 1 } },
    });
  });
});
