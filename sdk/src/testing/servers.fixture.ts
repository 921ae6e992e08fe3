/**
 * Some servers that pull from one another, and devices that roam between them, in virtual time. Every write adds a word of
 * its own to a set and counts it in the same change: so whatever is lost, doubled or torn shows at once, on every
 * replica, in every state, and a device never shows less than before.
 */
import { expect } from 'vitest';

import type { OpenConflict } from '../core/conflict.ts';
import { contentOfRecord } from '../core/record-json.ts';
import { lifeStatus, type RecordState } from '../core/record.ts';
import { seededRandom, type Random } from '../lib/random.ts';
import { randomName, uuidV7 } from '../lib/ids.ts';
import type { SyncNews } from '../session/sync-state.ts';
import { compileCollection } from '../policies/registry.ts';
import { emptyDisk, type MemoryDisk } from '../store/memory-device.ts';
import { recordKey } from '../store/record-key.ts';
import type { Retention } from '../space/retention.ts';
import { TestDevice } from './test-device.ts';
import { TestPeering } from './test-peering.ts';
import { TestServer } from './test-server.ts';
import { Timeline } from './timeline.ts';

const SCHEMAS = new Map([
  [
    'notes',
    compileCollection({
      name: 'notes',
      fields: { title: { kind: 'ask' }, words: { kind: 'set' }, count: { kind: 'counter' } },
      groups: [],
      onDeleteVsEdit: 'ask',
    }),
  ],
]);

export const MINUTE_MS = 60_000;
const START_MS = 1_800_000_000_000;

/** Nothing is cut or forgotten while a test does not ask for it. */
const KEEP: Retention = { tombstoneMs: 1e12, logMs: 1e12 };

export interface ServersOptions {
  readonly seed?: number;
  readonly servers?: number;
  readonly devices?: number;
  readonly retention?: Retention;
  readonly entriesPerPage?: number;
  readonly recordsPerPiece?: number;
  /** Who pulls from whom; by default everybody from everybody. */
  readonly links?: 'ring';
}

export class Servers {
  readonly timeline = new Timeline(START_MS);
  readonly random: Random;
  readonly servers: TestServer[] = [];
  readonly peerings: TestPeering[] = [];
  readonly devices: TestDevice[] = [];
  readonly news = new Map<TestDevice, SyncNews[]>();
  readonly #shown = new Map<TestDevice, Map<string, ReadonlySet<string>>>();
  #words = 0;
  /** Every word that was written and not excused. */
  readonly written = new Map<string, string>();

  constructor(options: ServersOptions = {}) {
    this.random = seededRandom(options.seed ?? 1);
    const sids = Array.from({ length: options.servers ?? 1 }, () => randomName(64, this.random));
    for (const sid of sids) {
      this.servers.push(
        new TestServer({
          sid,
          founders: sids,
          timeline: this.timeline,
          commitMs: () => this.random.fraction() * 20,
          retention: options.retention ?? KEEP,
          limits: { entriesPerPage: options.entriesPerPage ?? 5, recordsPerPiece: options.recordsPerPiece ?? 2 },
        }),
      );
    }
    for (const to of this.servers) {
      for (const from of this.servers) {
        const isNext = (sids.indexOf(from.sid) + 1) % sids.length === sids.indexOf(to.sid);
        if (from !== to && (isNext || options.links !== 'ring'))
          this.peerings.push(new TestPeering({ timeline: this.timeline, random: this.random, to, from }));
      }
    }
    for (let i = 0; i < (options.devices ?? 2); i++) this.addDevice(`d${i}`, this.servers[i % sids.length]!);
  }

  addDevice(name: string, server: TestServer, disk: MemoryDisk = emptyDisk(randomName(128, this.random))): TestDevice {
    const news: SyncNews[] = [];
    const device = new TestDevice({
      name,
      schemas: SCHEMAS,
      timeline: this.timeline,
      random: this.random,
      server,
      disk,
      skewMs: 0,
      onNews: (one) => void news.push(one),
    });
    this.devices.push(device);
    this.news.set(device, news);
    return device;
  }

  /** Lets time pass, looking at every device again and again. */
  pass(ms: number): void {
    const end = this.timeline.nowMs + ms;
    while (this.timeline.nowMs < end) {
      this.timeline.runUntil(Math.min(end, this.timeline.nowMs + Math.max(250, ms / 40)));
      this.look();
    }
  }

  /** A word more in a note, and counted. */
  write(device: TestDevice, id: string, tab = 0): string {
    const word = `w${++this.#words}`;
    device.store.write(
      [
        [
          {
            collection: 'notes',
            id,
            edit: (shown) => {
              const words = (shown?.['words'] as readonly string[] | undefined) ?? [];
              return { ...(shown ?? { id, title: 'a note' }), words: [...words, word], count: words.length + 1 };
            },
          },
        ],
      ],
      { tab },
    );
    this.written.set(word, id);
    this.look([device]);
    device.dispatch({ type: 'local-write' });
    return word;
  }

  /** A server is gone for good, with its links. */
  lose(server: TestServer): void {
    this.servers.splice(this.servers.indexOf(server), 1);
    for (const peering of this.peerings.splice(0)) {
      if (peering.of(server)) peering.stop();
      else this.peerings.push(peering);
    }
    server.kill();
  }

  newId(): string {
    return uuidV7(this.timeline.nowMs, this.random);
  }

  delete(device: TestDevice, id: string): void {
    device.store.write([[{ collection: 'notes', id, row: null }]]);
    this.excuse(id);
    device.dispatch({ type: 'local-write' });
  }

  /** What was written to this row need not be shown any more. */
  excuse(id: string): void {
    for (const [word, of] of this.written) if (of === id) this.written.delete(word);
    for (const shown of this.#shown.values()) shown.delete(id);
  }

  words(device: TestDevice, id: string): readonly string[] {
    return (device.store.row('notes', id)?.['words'] as readonly string[] | undefined) ?? [];
  }

  /** A device never shows less than before, nor half of a change, nor a change twice. */
  look(devices: readonly TestDevice[] = this.devices): void {
    for (const device of devices) {
      const before = this.#shown.get(device) ?? new Map<string, ReadonlySet<string>>();
      this.#shown.set(device, before);
      for (const row of device.store.disk.rows.values()) {
        const id = row['id'] as string;
        const words = new Set(row['words'] as readonly string[]);
        expect(row['count'], `${device.name}: every change of ${id} has its effect once`).toBe(words.size);
        const gone = [...(before.get(id) ?? [])].filter((word) => !words.has(word));
        expect(gone, `${device.name} shows less of ${id} than before`).toEqual([]);
        before.set(id, words);
      }
    }
  }

  /** A profile that is put back has another past: what it showed before is not what it shows now. */
  forgetShown(device: TestDevice): void {
    this.#shown.delete(device);
  }

  /** The network is well, everybody runs, and it is quiet for a while. */
  settle(ms = 3 * MINUTE_MS): void {
    for (const peering of this.peerings) {
      peering.isUnreachable = false;
      Object.assign(peering.weather, { maxDelayMs: 50, isUpSilent: false, isDownSilent: false });
    }
    for (const device of this.devices) {
      device.isUnreachable = false;
      Object.assign(device.weather, { maxDelayMs: 50, isUpSilent: false, isDownSilent: false });
      if (device.session === null) device.start();
      device.dispatch({ type: 'wake' });
    }
    this.pass(ms);
  }

  /** Servers publish twice, as they do every few seconds, and everybody hears of it. */
  publish(): void {
    for (let i = 0; i < 2; i++) {
      for (const server of this.servers) server.maintain();
      this.pass(5_000);
    }
  }

  /** All replicas hold the same, and nothing that anybody wrote is missing. */
  expectEqual(): void {
    const contents = [...this.servers.map(contentOfServer), ...this.devices.map(contentOfDevice)];
    for (const content of contents) expect(content).toEqual(contents[0]);
    for (const device of this.devices) {
      expect(device.store.disk.outbox.size, `${device.name} has sent everything`).toBe(0);
      for (const [word, id] of this.written)
        expect(this.words(device, id), `${device.name} shows ${word} in ${id}`).toContain(word);
      for (const record of device.store.disk.records.values())
        expect(record, 'nothing is left of what was unsent').not.toHaveProperty('grave');
    }
    const digests = new Set(this.servers.map(({ space }) => space.meta.digest.join()));
    for (const device of this.devices) digests.add((device.store.disk.space.digest ?? []).join());
    expect(digests.size, 'the same digest everywhere').toBe(1);
  }
}

function contentOfServer({ space }: TestServer): Readonly<Record<string, string>> {
  return contentOf(space.records);
}

function contentOfDevice({ store }: TestDevice): Readonly<Record<string, string>> {
  const bases = [...store.disk.records].flatMap(([key, { base }]) => (base ? [[key, base] as const] : []));
  return contentOf(bases);
}

/** Tombstones go when each replica gets to it. */
function contentOf(records: Iterable<readonly [string, RecordState]>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...records]
      .filter(([, record]) => lifeStatus(record) !== 'dead')
      .map(([key, record]) => [key, contentOfRecord(record)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

export function recordOf(
  device: TestDevice,
  id: string,
): MemoryDisk['records'] extends Map<string, infer R> ? R | undefined : never {
  return device.store.disk.records.get(recordKey('notes', id));
}

export function conflictsOf({ store }: TestDevice): readonly OpenConflict[] {
  return [...store.disk.conflicts.values()];
}
