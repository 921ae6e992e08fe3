import { serialize } from 'node:v8';
import { describe, expect, it } from 'vitest';

import { withoutDependencies } from '../core/change.ts';
import type { VersionVector } from '../core/version-vector.ts';
import { seededRandom } from '../lib/random.ts';
import { compileCollection } from '../policies/registry.ts';
import { encodeMessage } from '../protocol/codec.ts';
import type { LogEntry } from '../protocol/messages.ts';
import { emptyDisk, MemoryDevice, type MemoryDisk } from './memory-device.ts';

const NOW = 1_800_000_000_000;
const SIDS = ['AAAAAAAAAAA', 'BBBBBBBBBBB', 'CCCCCCCCCCC', 'DDDDDDDDDDD'];
const RECORDS = 5;
/** Bytes by which places in the log and counts may grow. One writer that is named needlessly is more than all of them. */
const NUMBERS = { record: 8, push: 16, page: 4 * RECORDS + 16, cursor: 16 };
const NOTES = compileCollection({
  name: 'notes',
  fields: { title: { kind: 'ask' }, body: { kind: 'text' }, tags: { kind: 'set' }, likes: { kind: 'counter' } },
  groups: [['room', 'start']],
  onDeleteVsEdit: 'ask',
});
const schemas = new Map([['notes', NOTES]]);
const random = seededRandom(1);

interface Sizes {
  /** Of the largest record as it is stored. */
  readonly record: number;
  /** Of each of the last changes, as a device sends it and in a page. */
  readonly push: number;
  readonly page: number;
  readonly cursor: number;
}

/** A space to which devices write in turn, each of them new, each after it has read everything. */
class Space {
  readonly #servers: readonly string[];
  readonly #reader = device(emptyDisk('reader'), 0);
  readonly #log: LogEntry[] = [];
  readonly #pushed: number[] = [];
  #heads: VersionVector = {};

  readonly #edit: Edit;

  constructor(servers: number, edit: Edit) {
    this.#servers = SIDS.slice(0, servers);
    this.#edit = edit;
  }

  /** Until so many devices have written. */
  grow(devices: number): Sizes {
    while (this.#log.length < devices) this.#write(this.#log.length);
    const { records, replica } = this.#reader.disk;
    const last = this.#log.slice(-RECORDS);
    const page = encodeMessage({ type: 'page', entries: last, cursor: replica.cursor, head: replica.cursor });
    return {
      record: Math.max(...[...records.values()].map((row) => serialize(row).length)),
      push: Math.max(...this.#pushed.slice(-RECORDS)),
      page: page.length,
      cursor: JSON.stringify(replica.cursor).length,
    };
  }

  #write(index: number): void {
    const { cursor, hlc } = this.#reader.disk.replica;
    const { replica } = emptyDisk('writer');
    const writer = device({ ...copyOf(this.#reader.disk), replica: { ...replica, cursor, hlc } }, index);
    writer.write([[{ collection: 'notes', id: idOf(index), edit: (shown) => this.#edit(index, shown) }]]);
    const [item] = writer.readOutbox(null, { changes: 1, bytes: 1e9 });
    const { change } = item!;
    this.#pushed.push(encodeMessage({ type: 'push', changes: [change] }).length);
    const sid = this.#servers[index % this.#servers.length]!;
    const n = (this.#heads[sid] ?? 0) + 1;
    this.#heads = { ...this.#heads, [sid]: n };
    const entry: LogEntry = { stamp: [sid, n], dot: change.dot, change: withoutDependencies(change) };
    this.#log.push(entry);
    expect(
      this.#reader.ingest({ type: 'page', entries: [entry], cursor: this.#heads, head: this.#heads }, this.#servers)
        .type,
    ).toBe('ingested');
  }
}

function device(disk: MemoryDisk, index: number): MemoryDevice {
  return new MemoryDevice({ schemas, random, disk, user: { id: 'u' }, nowMs: () => NOW + index * 60_000 });
}

function copyOf({ records, rows }: MemoryDisk): MemoryDisk {
  return { ...emptyDisk('writer'), records: new Map(records), rows: new Map(rows) };
}

/** What a device makes of a row. */
type Edit = (index: number, shown: object | undefined) => { readonly id: string } | null;

const NEW = { title: 't', body: 'b', tags: ['a'], likes: 1, room: 'A', start: '9' };

const editTitle: Edit = (index, shown) => ({ ...NEW, ...shown, id: idOf(index), title: `value ${index % 7}` });

/** Every kind of cell in turn, deletes and rows that are made again included: the same again after so many devices. */
const TURNS = 7;
const editAll: Edit = (index, shown) => {
  const value = `value ${index % 9}`;
  const row = { ...NEW, ...shown, id: idOf(index) };
  const turns: readonly (object | null)[] = [
    { title: value },
    { body: `${value}\n` },
    { tags: ['a', value] },
    { likes: row.likes + 1 },
    { room: value },
    null,
    { tags: ['a', 'b', 'c'] },
  ];
  const turn = turns[Math.floor(index / RECORDS) % TURNS]!;
  return turn && { ...row, ...turn };
};

describe('metadata', () => {
  it('[MET1] a record and a change cost the same after 5, 100 and 10,000 devices have written to a space', () => {
    const space = new Space(1, editTitle);
    space.grow(RECORDS);
    const sizes = [5, 100, 10_000].map((devices) => space.grow(RECORDS + devices));
    expect(sizes.map((size) => farthest(size, sizes[0]!))).toEqual(sizes.map(() => null));
  }, 60_000);

  it('[MET1] also with every kind of cell, deletes and rows made again', () => {
    const space = new Space(1, editAll);
    const sizes = [2, 3, 50].map((times) => space.grow(times * TURNS * RECORDS));
    expect(sizes.map((size) => farthest(size, sizes[0]!))).toEqual(sizes.map(() => null));
  }, 60_000);

  it('[MET2] the cursor grows with the servers and not with the devices', () => {
    const sizes = [1, 2, 4].map((servers) => {
      const space = new Space(servers, editTitle);
      const [few, many] = [space.grow(RECORDS + 5), space.grow(RECORDS + 1_000)];
      expect(farthest(many, few)).toBeNull();
      return many.cursor;
    });
    const [one, two, four] = sizes as [number, number, number];
    const perServer = `"${SIDS[0]}":1000,`.length;
    expect([two - one, four - two].map((grown) => Math.round(grown / perServer))).toEqual([1, 2]);
  }, 60_000);
});

/** What has grown by more than the digits of numbers. */
function farthest(size: Sizes, from: Sizes): string | null {
  const parts = ['record', 'push', 'page', 'cursor'] as const;
  const far = parts.find((part) => size[part] - from[part] > NUMBERS[part]);
  return far === undefined ? null : `${far} ${from[far]} -> ${size[far]}`;
}

function idOf(index: number): string {
  return `r${index % RECORDS}`;
}
