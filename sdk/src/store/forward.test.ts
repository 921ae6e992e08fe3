import { afterEach, describe, expect, it, vi } from 'vitest';

import { withoutDependencies, type Change } from '../core/change.ts';
import type * as OpKinds from '../core/op-kinds.ts';
import type { RecordState } from '../core/record.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import { seededRandom } from '../lib/random.ts';
import { compileCollection } from '../policies/registry.ts';
import { checkChange } from '../protocol/check-change.ts';
import {
  decodeDeviceMessage,
  decodeServerMessage,
  encodeMessage,
  encodePage,
  type StoredEntry,
} from '../protocol/codec.ts';
import { NEWER_CHANGE, PAINT_CHANGE } from '../protocol/frames.fixture.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import type { Page } from '../protocol/messages.ts';
import type { IngestResult, OutboxItem } from './device-store.ts';
import { NOTES, SID, testDevice } from './devices.fixture.ts';
import { RECORDS, currentState } from './layout.ts';
import { recordRow, type StoredRecordRow } from './packed-record.ts';
import { emptyDisk, MemoryDevice, type MemoryDisk } from './memory-device.ts';
import { recordKey } from './record-key.ts';

const SCHEMAS = new Map([[NOTES.name, compileCollection(NOTES)]]);
const EVERYTHING = { changes: 100, bytes: 1e9 };

/** A device of today, whatever it is stored in. */
interface Device {
  write(title: string): Promise<unknown>;
  ingest(page: Page): Promise<IngestResult>;
  outbox(): Promise<readonly OutboxItem[]>;
  state(collection: string, id: string): Promise<RecordState>;
}

const STORES: readonly (readonly [string, () => Promise<Device>])[] = [
  ['memory', () => Promise.resolve(inMemory(emptyDisk('d')))],
  ['IndexedDB', inIndexedDb],
];

function memoryDevice(disk: MemoryDisk): MemoryDevice {
  const options = { schemas: SCHEMAS, user: { id: 'u' }, nowMs: () => 1_800_000_000_000, random: seededRandom(1) };
  return new MemoryDevice({ ...options, disk });
}

function inMemory(disk: MemoryDisk): Device {
  const device = memoryDevice(disk);
  const edit = (title: string) => [
    [{ collection: 'notes', id: 'n-1', edit: (shown: object | undefined) => ({ ...shown, id: 'n-1', title }) }],
  ];
  return {
    write: async (title) => device.write(edit(title)),
    ingest: async (page) => device.ingest(page, [SID]),
    outbox: async () => device.readOutbox(null, EVERYTHING),
    state: async (collection, id) => currentState(disk.records.get(recordKey(collection, id)))!,
  };
}

async function inIndexedDb(): Promise<Device> {
  const device = await testDevice('ben');
  return {
    write: (title) => device.db.dexie.table('notes').update('n-1', { title }),
    ingest: (page) => device.store.ingest(page, [SID]),
    outbox: () => device.store.readOutbox(null, EVERYTHING),
    state: async (collection, id) =>
      currentState(recordRow((await device.db.dexie.table<StoredRecordRow>(RECORDS).get([collection, id]))!))!,
  };
}

/** What a server stores and sends on of a change that came in a push. */
function throughServer(change: Change): string {
  const decoded = decodeDeviceMessage(encodeMessage({ type: 'push', changes: [change] }), DEFAULT_LIMITS);
  if (decoded.type === 'bad' || decoded.message.type !== 'push') throw new Error('no push');
  const checked = checkChange(decoded.message.changes[0], DEFAULT_LIMITS);
  if (checked.type === 'bad') throw new Error(checked.reason);
  return canonicalJson(withoutDependencies(checked.change) as unknown as Json);
}

/** The page of a log, as a device decodes it. */
function pageOf(texts: readonly string[], after = 0): Page {
  const entries = texts.map((text, i): StoredEntry => {
    const n = after + i + 1;
    return { lsn: n, stamp: [SID, n], kind: 'change', dot: (JSON.parse(text) as Change).dot, text };
  });
  const cursor = { [SID]: after + texts.length };
  const decoded = decodeServerMessage(encodePage(entries, { cursor, head: cursor }), DEFAULT_LIMITS);
  if (decoded.type === 'bad' || decoded.message.type !== 'page') throw new Error('no page');
  return decoded.message;
}

/** Everything that a record's state says, as text. */
function textOf(state: RecordState): Readonly<Record<string, string>> {
  const text = (value: unknown): string => canonicalJson(value as Json);
  return {
    life: text(state.life),
    ...Object.fromEntries([...state.cells].map(([path, entries]) => [path, text(entries)])),
    ...Object.fromEntries(state.counters),
  };
}

afterEach(() => {
  vi.doUnmock('../core/op-kinds.ts');
  vi.resetModules();
});

describe.each(STORES)('what a newer version wrote, on a device of today (%s)', (_, open) => {
  it('[FWD2] stays in the log, in the state and through an edit of the same record, to the letter', async () => {
    const device = await open();
    const text = throughServer(NEWER_CHANGE);
    expect(JSON.parse(text)).toEqual(NEWER_CHANGE);
    expect(await device.ingest(pageOf([text]))).toMatchObject({ type: 'ingested', applied: 1 });
    const before = textOf(await device.state('notes', 'n-1'));
    const { dot, hlc } = NEWER_CHANGE;
    const { base, v } = { base: { hlc: 1, from: 'x' }, v: { z: 1, a: ['\u2028', 1e21, -0.5] } };
    expect(before).toEqual({
      life: canonicalJson([{ dot, hlc, v: 'live', more: { why: 'import' } }]),
      title: canonicalJson([{ dot, hlc, v, base, more: { lang: 'de' } }]),
      'body#y': canonicalJson([{ dot, hlc, v: 'a path of another form', more: { clock: [1, 2] } }]),
      'tags/"red"': canonicalJson([{ dot, hlc, more: { colour: { r: 255 } } }]),
      'likes#c': 2,
    });
    await device.write('by today');
    const [own] = await device.outbox();
    expect(own!.change.recs.flatMap((rec) => rec.ops.map((op) => ('p' in op ? op.p : op.t)))).toEqual(['title']);
    const edited = throughServer(own!.change);
    // Back on this device, and on one that is as new as the writer: nothing but the title is another.
    const other = inMemory(emptyDisk('newer'));
    await device.ingest(pageOf([edited], 1));
    await other.ingest(pageOf([text, edited]));
    const { title: _title, ...untouched } = before;
    for (const one of [device, other]) {
      const { title, ...rest } = textOf(await one.state('notes', 'n-1'));
      expect(rest).toEqual(untouched);
      expect(JSON.parse(title!)).toMatchObject([{ v: 'by today' }]);
      expect(textOf(await one.state('drawings', 'd-1'))).toMatchObject({
        shape: canonicalJson([{ dot, hlc, v: [1, 2] }]),
      });
    }
  });

  it('[FWD3] a kind of write that it cannot apply stops it there; what it wrote itself is sent all the same', async () => {
    const device = await open();
    const log = [NEWER_CHANGE, PAINT_CHANGE].map(throughServer);
    expect(await device.ingest(pageOf(log))).toMatchObject({
      type: 'ingested',
      applied: 1,
      cursor: { [SID]: 1 },
      upgrade: expect.stringContaining('"paint"'),
    });
    await device.write('by today');
    const [own] = await device.outbox();
    expect(own!.change.deps).toEqual({ [SID]: 1 });
    log.push(throughServer(own!.change));
    expect(await device.ingest(pageOf(log.slice(1), 1))).toMatchObject({
      applied: 0,
      confirmed: 0,
      cursor: { [SID]: 1 },
    });
    expect(await device.outbox()).toHaveLength(1);
  });
});

describe.each(STORES)('an entry of a kind that comes later (%s)', (_, open) => {
  it('[FWD6] stops a device of today behind what stands before it', async () => {
    const device = await open();
    const [text] = [throughServer(NEWER_CHANGE)];
    const page = JSON.parse(encodeMessage(pageOf([text]))) as { entries: unknown[] };
    const cut = decodeServerMessage(
      JSON.stringify({ ...page, entries: [...page.entries, { stamp: [SID, 2], kind: 'fence' }] }),
      DEFAULT_LIMITS,
    );
    if (cut.type === 'bad' || cut.message.type !== 'page') throw new Error('no page');
    expect(await device.ingest(cut.message)).toMatchObject({
      applied: 1,
      cursor: { [SID]: 1 },
      upgrade: expect.stringContaining('"fence"'),
    });
  });
});

describe('an update of the app', () => {
  it('[FWD4] goes on where the older version had to stop, and nothing is lost or twice', async () => {
    const disk = emptyDisk('d');
    const device = inMemory(disk);
    const log = [NEWER_CHANGE, PAINT_CHANGE].map(throughServer);
    await device.ingest(pageOf(log));
    await device.write('by the older app');
    const [own] = await device.outbox();
    log.push(throughServer(own!.change));
    const updated = await appThatKnows('paint');
    const store = updated({
      schemas: SCHEMAS,
      user: { id: 'u' },
      nowMs: () => 1_800_000_000_000,
      random: seededRandom(2),
      disk,
    });
    expect(store.ingest(pageOf(log.slice(1), 1), [SID])).toMatchObject({
      applied: 1,
      confirmed: 1,
      cursor: { [SID]: 3 },
    });
    expect(store.readOutbox(null, EVERYTHING)).toEqual([]);
    expect(store.row('notes', 'n-1')).toMatchObject({ title: 'by the older app', likes: 2 });
    expect(disk.replica.outbox).toEqual({ changes: 0, bytes: 0 });
  });
});

/** The code of a device that knows one more kind of write; what it does with it does not matter here. */
async function appThatKnows(
  kind: string,
): Promise<(...options: ConstructorParameters<typeof MemoryDevice>) => MemoryDevice> {
  vi.resetModules();
  vi.doMock('../core/op-kinds.ts', async (importOriginal) => {
    const today = await importOriginal<typeof OpKinds>();
    return { ...today, isKnownKind: (name: string) => name === kind || today.isKnownKind(name) };
  });
  const { MemoryDevice: Updated } = await import('./memory-device.ts');
  return (...options) => new Updated(...options);
}
