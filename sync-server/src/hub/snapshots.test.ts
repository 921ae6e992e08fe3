import { DEFAULT_LIMITS, type Hello } from '@skerry/sdk/kernel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { creation, push } from '../storage/contract.ts';
import { memory } from '../storage/memory.ts';
import { StorageError, type PinnedSpace, type Storage } from '../storage/port.ts';
import { watched } from '../storage/watched.fixture.ts';
import {
  MAX_SNAPSHOTS,
  SNAPSHOT_IDLE_MS,
  SNAPSHOT_MAX_MS,
  SNAPSHOT_SHARE_MS,
  SNAPSHOT_YIELD_MS,
  Snapshots,
  type Opened,
} from './snapshots.ts';

const INC = 'AAAAAAAAAAAAAAAA';

let storage: Storage;
let snapshots: Snapshots;
let held: Set<PinnedSpace>;

beforeEach(async () => {
  const inner = await watched(memory()).source.open();
  held = new Set();
  storage = {
    ...inner,
    async pin(space: string): Promise<PinnedSpace> {
      const pinned = await inner.pin(space, DEFAULT_LIMITS);
      const counted = { ...pinned, release: () => void held.delete(counted) };
      held.add(counted);
      return counted;
    },
  };
  snapshots = new Snapshots(storage, DEFAULT_LIMITS);
  await push(storage, 'a', [creation(INC, 1)]);
});

afterEach(() => snapshots.close());

async function open(atMs: number, rest: Partial<Hello> = {}, user: string | null = null): Promise<Opened | null> {
  const hello: Hello = { type: 'hello', protocol: 1, space: 'a', device: 'd', cursor: {}, writers: [], ...rest };
  const { meta } = await storage.look(hello.space, hello);
  return snapshots.open(hello, { why: 'asked', user }, meta, atMs);
}

describe('snapshots on their way', () => {
  it('[SNP1] one that nobody reads is let go, one that is read stays, but not for ever', async () => {
    const { id } = (await open(0))!.bootstrap;
    for (let atMs = 0; atMs < SNAPSHOT_MAX_MS; atMs += SNAPSHOT_IDLE_MS - 1) {
      snapshots.tick(atMs);
      expect(await snapshots.piece(id, 0, atMs)).toMatchObject({ id, piece: 0, records: [{ c: 'notes' }] });
    }
    snapshots.tick(SNAPSHOT_MAX_MS);
    expect(await snapshots.piece(id, 0, SNAPSHOT_MAX_MS)).toBeNull();
    expect(held.size).toBe(0);
    await open(0);
    snapshots.tick(SNAPSHOT_IDLE_MS - 1);
    expect(held.size).toBe(1);
    snapshots.tick(SNAPSHOT_IDLE_MS);
    expect(held.size).toBe(0);
  });

  it('[SNP2] there are only so many at a time; those who want the same share one', async () => {
    for (let i = 0; i < MAX_SNAPSHOTS; i++) {
      await push(storage, `s${i}`, [creation(INC, 1)]);
      expect(await open(0, { space: `s${i}` })).not.toBeNull();
    }
    expect(await open(0)).toBeNull();
    expect((await open(0, { space: 's3' }))!.bootstrap.id).toBe((await open(0, { space: 's3' }))!.bootstrap.id);
    expect(held.size).toBe(MAX_SNAPSHOTS);
    snapshots.close();
    expect(held.size).toBe(0);
  });

  it('[SNP2] a storage that can hold fewer is not asked for more', async () => {
    snapshots = new Snapshots({ ...storage, maxPinned: 2 }, DEFAULT_LIMITS);
    const opened = [await open(0, { space: 'x' }), await open(0, { space: 'y' }), await open(0, { space: 'z' })];
    expect(opened.map((one) => one !== null)).toEqual([true, true, false]);
    expect(held.size).toBe(2);
  });

  it('[SNP5] when there are too many, one that nobody reads any more gives way; those that are read stay', async () => {
    const ids: string[] = [];
    for (let i = 0; i < MAX_SNAPSHOTS; i++) {
      await push(storage, `s${i}`, [creation(INC, 1)]);
      ids.push((await open(0, { space: `s${i}` }))!.bootstrap.id);
    }
    for (const id of ids) if (id !== ids[5]) await snapshots.piece(id, 0, SNAPSHOT_YIELD_MS - 1);
    expect(await open(SNAPSHOT_YIELD_MS - 1)).toBeNull();
    expect(await open(SNAPSHOT_YIELD_MS)).not.toBeNull();
    expect(held.size).toBe(MAX_SNAPSHOTS);
    expect(await snapshots.piece(ids[5]!, 0, SNAPSHOT_YIELD_MS)).toBeNull();
    expect(await snapshots.piece(ids[6]!, 0, SNAPSHOT_YIELD_MS)).not.toBeNull();
    await push(storage, 'z', [creation(INC, 1)]);
    expect(await open(SNAPSHOT_YIELD_MS, { space: 'z' })).toBeNull();
  });

  it('[SNP6] who comes a little later, when others have written, shares one too, if the log leads on from it for them', async () => {
    const { id } = (await open(0))!.bootstrap;
    await push(storage, 'a', [creation(INC, 2)]);
    expect((await open(SNAPSHOT_SHARE_MS - 1))!.bootstrap).toMatchObject({ id, from: 0, cursor: { [storage.sid]: 1 } });
    const seen = await open(0, { cursor: { [storage.sid]: 2 } });
    expect(seen!.bootstrap).toMatchObject({ cursor: { [storage.sid]: 2 } });
    expect(seen!.bootstrap.id).not.toBe(id);
    await push(storage, 'a', [creation(INC, 3)]);
    const late = (await open(SNAPSHOT_SHARE_MS))!.bootstrap;
    expect(late).toMatchObject({ cursor: { [storage.sid]: 3 } });
  });

  it('[SNP7] one user has so many of them, also of those that are just being made', async () => {
    for (const space of ['b', 'c', 'd']) await push(storage, space, [creation(INC, 1)]);
    snapshots = new Snapshots(storage, { ...DEFAULT_LIMITS, snapshotsPerUser: 2 });
    const spaces = ['a', 'b', 'c'].map((space) => ({ space }));
    const opened = await Promise.all(spaces.map((hello) => open(0, hello, 'eve')));
    expect(opened.map((one) => one !== null)).toEqual([true, true, false]);
    expect(await open(0, { space: 'd' }, 'ada')).not.toBeNull();
    snapshots.tick(SNAPSHOT_IDLE_MS);
    expect(await open(SNAPSHOT_IDLE_MS, { space: 'c' }, 'eve')).not.toBeNull();
  });

  it('[SNP3] one is gone on with only where it leads on: not behind what was cut, nor when the device has seen more', async () => {
    const { sid } = storage;
    const { id } = (await open(0))!.bootstrap;
    const resume = { id, next: 1 };
    await push(storage, 'a', [creation(INC, 2)]);
    expect((await open(0, { resume }))!.bootstrap).toMatchObject({ id, from: 1 });
    expect((await open(0, { resume, cursor: { [sid]: 2 } }))!.bootstrap).toMatchObject({ from: 0 });
    // More than anybody has: a fork, which the snapshot mends.
    expect((await open(0, { resume, cursor: { [sid]: 3 } }))!.bootstrap).toMatchObject({ id, from: 1 });
    expect((await open(0, { resume: { id, next: 3 } }))!.bootstrap).toMatchObject({ from: 0 });
    await storage.transact(['a'], async (transaction) => {
      const [view] = await transaction.views([{ space: 'a', incs: [], dots: [], records: [] }]);
      view!.meta = { ...view!.meta, truncated: { [sid]: 2 } };
      await transaction.save('a', view!);
    });
    expect((await open(0, { resume }))!.bootstrap).toMatchObject({ from: 0 });
  });

  it('[SNP4] one that can be read no more, its connection being gone say, is let go, and who comes back gets another', async () => {
    const breakDown = async (): Promise<never> => {
      throw new StorageError('busy', 'the database cannot be reached');
    };
    const { pin } = storage;
    for (const broken of ['piece', 'known'] as const) {
      storage.pin = async (...args) => ({ ...(await pin(...args)), [broken]: breakDown });
      const opening = open(0, { space: 'b' });
      if (broken === 'known') await expect(opening).rejects.toThrow('reached');
      else {
        const { id } = (await opening)!.bootstrap;
        await expect(snapshots.piece(id, 0, 0)).rejects.toThrow('reached');
        expect(await snapshots.piece(id, 0, 0)).toBeNull();
      }
      storage.pin = pin;
      const again = (await open(0, { space: 'b' }))!.bootstrap;
      expect(await snapshots.piece(again.id, 0, 0)).toMatchObject({ piece: 0 });
      snapshots.close();
    }
  });
});
