/**
 * Random histories of real stores between several servers: two devices with two tabs each write, push to any server, pull
 * pages of any, and go over to snapshots in pieces; servers pull from one another, publish, and one is put back to an
 * earlier time. After every step the stores are checked, at the end all replicas are compared.
 */
import { expect } from 'vitest';

import { contentOfRecord } from '../core/record-json.ts';
import { digestText } from '../core/digest.ts';
import { lifeStatus, type RecordState } from '../core/record.ts';
import { reaches } from '../core/topology.ts';
import { covers, join, type Sid } from '../core/version-vector.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import type { Page } from '../protocol/messages.ts';
import { greet } from '../space/handshake.ts';
import { publish } from '../space/retention.ts';
import { asLogEntry, NOW_MS, sidOf, SpaceServer } from '../space/space.fixture.ts';
import { bootstrapOf, pieceOf, prepareSnapshot, type PreparedSnapshot } from '../space/snapshot.ts';
import { chainAt, copySpace, snapshotSource, transact } from '../testing/memory-space.ts';
import { expectConsistent } from './consistency.fixture.ts';
import { testDevice, type TestDevice } from './devices.fixture.ts';
import { diceOf, type Dice } from './fuzz-writes.fixture.ts';
import { RECORDS } from './layout.ts';
import { recordRow, type StoredRecordRow } from './packed-record.ts';

const STEPS = 50;
const EVERYTHING = { changes: 1000, bytes: 1e9 };
const RETENTION = { tombstoneMs: 1e12, logMs: 1e12 };

interface World {
  readonly seed: number;
  readonly dice: Dice;
  readonly servers: readonly SpaceServer[];
  readonly founders: readonly Sid[];
  readonly devices: readonly (readonly TestDevice[])[];
  readonly snapshots: Map<string, PreparedSnapshot>;
  readonly shown: Map<readonly TestDevice[], Map<string, ReadonlySet<string>>>;
  readonly trace: string[];
  words: number;
}

/** Throws what is wrong, with the seed and the last steps. */
export async function runServersHistory(seed: number): Promise<void> {
  const world = await openWorld(seed);
  const backup = { at: 20 + (seed % 10), disk: copySpace(world.servers[0]!.disk) };
  try {
    for (let step = 0; step < STEPS; step++) {
      if (step === backup.at - 8) backup.disk = copySpace(world.servers[0]!.disk);
      if (world.servers.length === 1 && seed % 2 === 0 && step === backup.at) {
        world.trace.push('-- the server is put back');
        world.servers[0]!.disk = copySpace(backup.disk);
      }
      await runStep(world);
    }
    await expectEqualReplicas(world);
  } catch (error) {
    const lines = [`seed ${seed}`, ...world.trace.slice(-14), error instanceof Error ? error.message : ''];
    throw new Error(lines.join('\n'), { cause: error });
  } finally {
    for (const tabs of world.devices) for (const tab of tabs) tab.close();
  }
}

async function openWorld(seed: number): Promise<World> {
  const names = ['a', 'b', 'c'].slice(0, 1 + (seed % 3));
  const devices: TestDevice[][] = [];
  for (const user of ['anna', 'ben']) {
    const options = { name: `servers-${seed}-${user}`, nowMs: () => NOW_MS };
    devices.push([await testDevice(user, options), await testDevice(user, options)]);
  }
  return {
    seed,
    dice: diceOf(seed),
    servers: names.map((name) => new SpaceServer(name, names)),
    founders: names.map(sidOf),
    devices,
    snapshots: new Map(),
    shown: new Map(devices.map((tabs) => [tabs, new Map<string, ReadonlySet<string>>()])),
    trace: [],
    words: 0,
  };
}

async function runStep(world: World): Promise<void> {
  const { dice, devices, servers } = world;
  const tabs = dice.pick(devices);
  const tab = dice.pick(tabs);
  const server = dice.pick(servers);
  const percent = dice.below(100);
  if (percent < 40) await write(world, tab);
  else if (percent < 55) await push(world, tab, server, 1 + dice.below(4));
  else if (percent < 82) await connect(world, tab, server, 1 + dice.below(3), dice.below(5) === 0);
  else if (percent < 95) pullServers(world, server, dice.pick(servers), 1 + dice.below(6));
  else transact(server.disk, server.sid, (view) => publish(view, NOW_MS, RETENTION));
  await expectConsistent(dice.pick(tabs), '[SVF1]');
  await look(world, tabs);
}

/** A word more, counted in the same change. */
async function write(world: World, { db }: TestDevice): Promise<void> {
  const id = `r${world.dice.below(3)}`;
  const word = `w${++world.words}`;
  world.trace.push(`-- ${db.deviceId} writes ${word} in ${id}`);
  const notes = db.dexie.table('notes');
  await db.transact({ isOurs: true }, async () => {
    const row = (await notes.get(id)) as { tags?: string[] } | undefined;
    const tags = [...(row?.tags ?? []), word];
    await notes.put({ ...(row ?? { id, title: 'a note' }), tags, likes: tags.length });
  });
}

async function push(world: World, { store, db }: TestDevice, server: SpaceServer, changes: number): Promise<void> {
  const { cursor } = await store.readIdentity();
  if (!covers(server.cursor, cursor)) return;
  const items = await store.readOutbox(null, { changes, bytes: 1e9 });
  world.trace.push(`-- ${db.deviceId} pushes ${items.map((item) => item.change.dot).join()} to ${server.sid}`);
  if (items.length > 0) server.push(...items.map((item) => item.change));
}

function pullServers(world: World, to: SpaceServer, from: SpaceServer, max: number): void {
  world.trace.push(`-- ${to.sid} pulls from ${from.sid}`);
  if (to !== from) expect(to.pull(from, max).type).toBe('taken');
}

/** What a hello brings: pages, or a snapshot that may stop before its end. */
async function connect(
  world: World,
  { store, db }: TestDevice,
  server: SpaceServer,
  most: number,
  wantsSnapshot: boolean,
): Promise<void> {
  const identity = await store.readIdentity();
  const { cursor, chain } = identity;
  const facts = {
    sid: server.sid,
    meta: server.disk.meta,
    chainAt: (sid: Sid, n: number) => chainAt(server.disk, sid, n),
  };
  const answer = greet({ cursor, chain, ...(wantsSnapshot ? { wantsSnapshot } : {}) }, facts);
  world.trace.push(`-- ${db.deviceId} at ${JSON.stringify(cursor)} hears ${answer.type} from ${server.sid}`);
  if (answer.type === 'log') {
    for (let n = 0; n < most; n++) await pullPage(world, store, server, 1 + world.dice.below(4));
  } else if (answer.type === 'snapshot') {
    await goOver(world, { store, db } as TestDevice, server, answer.why, most === 1 ? 1 : Infinity);
  }
}

async function pullPage(world: World, store: TestDevice['store'], server: SpaceServer, most: number): Promise<void> {
  const { cursor } = await store.readIdentity();
  const missing = server.disk.log.filter(({ stamp }) => !reaches(cursor, stamp));
  const sent = missing.slice(0, most);
  if (sent.length === 0) return;
  const after = sent.reduce((vector, { stamp: [sid, n] }) => join(vector, { [sid]: n }), cursor);
  const isEnd = sent.length === missing.length && covers(server.cursor, after);
  const page: Page = {
    type: 'page',
    entries: sent.map(asLogEntry),
    cursor: after,
    head: join(server.cursor, after),
    chain: Object.fromEntries(sent.map(({ stamp: [sid], chain }) => [sid, chain])),
    ...(isEnd ? { digest: digestText(server.disk.meta.digest) } : {}),
  };
  const result = await store.ingest(page, world.founders);
  expect(result, '[SVF1] the page continues the log').toMatchObject({ type: 'ingested', isDiverged: false });
}

async function goOver(
  world: World,
  device: TestDevice,
  server: SpaceServer,
  why: 'truncated' | 'forked' | 'asked',
  mostPieces: number,
): Promise<void> {
  const { store } = device;
  const { writers, heard, resume } = await store.readIdentity();
  const limits = { ...DEFAULT_LIMITS, recordsPerPiece: 1, entriesPerPage: 2 };
  const resumed = resume && world.snapshots.get(`${server.sid} ${resume.id}`);
  const snapshot = resumed ?? prepareSnapshot(snapshotSource(server.disk, `s${world.dice.fresh()}`), limits);
  world.snapshots.set(`${server.sid} ${snapshot.id}`, snapshot);
  const from = resumed ? resume.next : 0;
  const bootstrap = bootstrapOf(snapshot, { why, from, writers: [...writers, ...heard] });
  const end = Math.min(bootstrap.pieces, from + mostPieces);
  world.trace.push(`   ${why}, pieces ${from} to ${end} of ${bootstrap.pieces}`);
  for (let n = from; n < end; n++) {
    const result = await store.ingestSnapshot(bootstrap, pieceOf(snapshot, n)!);
    if (n + 1 < bootstrap.pieces) expect(result).toEqual({ type: 'staged' });
    // A resumed snapshot may be older than what the device has got from elsewhere since.
    else if (result.type === 'out-of-step') world.trace.push(`   ${result.reason}`);
    else expect(result).toMatchObject({ type: 'ingested', cursor: bootstrap.cursor });
    // A write while it arrives.
    if (world.dice.chance(0.3)) await write(world, device);
  }
}

/** What was seen stays, and is whole. */
async function look({ shown }: World, tabs: readonly TestDevice[]): Promise<void> {
  const rows = (await tabs[0]!.db.dexie.table('notes').toArray()) as { id: string; tags: string[]; likes: number }[];
  const before = shown.get(tabs)!;
  for (const { id, tags, likes } of rows) {
    expect(likes, `[SVF2] every change of ${id} has its effect once`).toBe(tags.length);
    const gone = [...(before.get(id) ?? [])].filter((word) => !tags.includes(word));
    expect(gone, `[SVF2] what was seen of ${id} stays`).toEqual([]);
    before.set(id, new Set(tags));
  }
}

async function expectEqualReplicas(world: World): Promise<void> {
  const { servers, devices, dice } = world;
  for (let round = 0; round < 6; round++) {
    for (const to of servers) for (const from of servers) pullServers(world, to, from, Infinity);
    for (const [tab] of devices) {
      const server = dice.pick(servers);
      for (let n = 0; n < 40; n++) await connect(world, tab!, server, 3, false);
      await push(world, tab!, server, 1000);
    }
  }
  const wanted = contentOf(servers[0]!.disk.records);
  for (const server of servers) expect(contentOf(server.disk.records), '[SVF3] servers').toEqual(wanted);
  for (const [tab] of devices) {
    await expectConsistent(tab!, '[SVF1]');
    expect(await tab!.store.readOutbox(null, EVERYTHING), '[SVF3] nothing is left to send').toEqual([]);
    const records = (await tab!.db.dexie.table(RECORDS).toArray()) as StoredRecordRow[];
    const bases = records.map(recordRow).map(({ c, id, base }) => [`${c}\u0000${id}`, base!] as const);
    expect(contentOf(bases), '[SVF3] devices').toEqual(wanted);
  }
  const words = Array.from({ length: world.words }, (_, i) => `w${i + 1}`);
  const rows = (await devices[0]![0]!.db.dexie.table('notes').toArray()) as { tags: string[] }[];
  expect(rows.flatMap((row) => row.tags).sort(), '[SVF3] nothing is lost').toEqual(words.sort());
}

function contentOf(records: Iterable<readonly [string, RecordState]>): Record<string, string> {
  const live = [...records].filter(([, record]) => lifeStatus(record) !== 'dead');
  return Object.fromEntries(live.map(([key, record]) => [key, contentOfRecord(record)]));
}
