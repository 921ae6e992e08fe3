/** What merges without a person, on whole devices and a server. */
import { describe, expect, it } from 'vitest';

import { lifeStatus } from '../core/record.ts';
import { NO_MERGES, type CallMerge } from '../policies/merge.ts';
import { compileCollection, type CollectionPlan } from '../policies/registry.ts';
import { recordKey } from '../store/record-key.ts';
import { OTHER, ROW, TakeBackWorld, type Device } from './take-back.fixture.ts';

/** Each is written while everybody is away; then all come back, one after the other: so their changes are in the log. */
function apart(world: TakeBackWorld, devices: readonly Device[], writes: readonly (() => void)[], gapMs = 1_000): void {
  for (const device of devices) device.offline();
  for (const write of writes) {
    world.settle(gapMs);
    write();
  }
  for (const device of devices) {
    device.online();
    world.settle(5_000);
  }
  world.settle();
}

function worldWith(fields: CollectionPlan['fields'], call: CallMerge = NO_MERGES): TakeBackWorld {
  const plan: CollectionPlan = { name: 'notes', fields, groups: [], onDeleteVsEdit: 'ask' };
  return new TakeBackWorld('SSSSSSSSSSS', compileCollection(plan, call));
}

describe('a merge function', () => {
  it('[MIX1] fifty devices that merge the same versions write nothing, and their digests are equal', () => {
    let merged = 0;
    const joined: CallMerge = (_name, { versions }) => {
      merged++;
      return { answer: versions.map(String).sort().join(' and ') };
    };
    const world = worldWith({ title: { kind: 'merge', name: 'joined' } }, joined);
    const devices = Array.from({ length: 50 }, (_, i) => world.device(`d${i}`));
    devices[0]!.put({ title: 'first' });
    world.settle();
    apart(
      world,
      devices,
      ['one', 'two', 'three'].map((title, i) => () => devices[i]!.put({ title })),
    );
    expect(merged).toBeGreaterThanOrEqual(50);
    expect(world.server.log).toHaveLength(4);
    world.settle(10 * 60_000);
    expect(world.server.log).toHaveLength(4);
    for (const device of devices) {
      expect(device.row()).toMatchObject({ title: 'one and three and two' });
      expect(device.conflicts()).toEqual([]);
    }
    world.expectEqual(...devices);
    const digest = String(world.server.space.meta.digest);
    for (const { store } of devices) expect(String(store.disk.space.digest)).toBe(digest);
    // The next write has seen all three, and leaves one value.
    devices[49]!.put({ title: 'decided' });
    world.settle();
    for (const device of devices) expect(entriesOf(device, 'title')).toBe(1);
  });
});

describe('a set', () => {
  const start = (): { world: TakeBackWorld; devices: readonly [Device, Device, Device] } => {
    const world = worldWith({ title: { kind: 'ask' }, tags: { kind: 'set' } });
    const devices = [world.device('a'), world.device('b'), world.device('c')] as const;
    devices[0].put({ title: 'first', tags: ['kept', 'x'] });
    world.settle();
    return { world, devices };
  };
  const expectTags = (world: TakeBackWorld, devices: readonly Device[], tags: readonly string[]): void => {
    for (const device of devices) {
      expect(device.row()).toMatchObject({ tags });
      expect(device.conflicts()).toEqual([]);
    }
    world.expectEqual(...devices);
  };

  it('[MIX2] an element that one takes out while another puts it in again stays', () => {
    for (const isAgainFirst of [false, true]) {
      const { world, devices } = start();
      const [a, b] = devices;
      const again = (): void => {
        b.put({ tags: ['kept'] });
        b.put({ tags: ['kept', 'x'] });
      };
      const writes = [() => a.put({ tags: ['kept'] }), again];
      apart(world, isAgainFirst ? devices.toReversed() : devices, writes);
      expectTags(world, devices, ['kept', 'x']);
    }
  });

  it('[MIX2] one that both take out is gone, and nothing is left of it', () => {
    const { world, devices } = start();
    const [a, b] = devices;
    apart(world, devices, [() => a.put({ tags: ['kept'] }), () => b.put({ tags: ['kept'] })]);
    expectTags(world, devices, ['kept']);
    for (const device of devices) expect(pathsOf(device)).not.toContainEqual(expect.stringContaining('x'));
  });

  it('[MIX2] one that comes, goes and comes again on one device is there once', () => {
    const { world, devices } = start();
    const [a] = devices;
    const there = ['kept', 'x', 'z'];
    for (const tags of [there, ['kept', 'x'], there]) a.put({ tags });
    world.settle();
    expectTags(world, devices, there);
    for (const device of devices) {
      const [path, ...others] = pathsOf(device).filter((name) => name.includes('z'));
      expect(others).toEqual([]);
      expect(entriesOf(device, path!)).toBe(1);
    }
  });
});

describe('a text', () => {
  it('[MIX3] edited by two while a third deletes the row: one question about the row, and after *keep* the text has both edits', () => {
    const world = new TakeBackWorld();
    const devices = [world.device('a'), world.device('b'), world.device('c')] as const;
    const [a, b, c] = devices;
    a.put({ title: 'poem', body: 'a red rose\nin the rain\n' });
    world.settle();
    apart(world, devices, [
      () => a.put({ body: 'a white rose\nin the rain\n' }),
      () => c.remove(),
      () => b.put({ body: 'a red rose\nin the snow\n' }),
    ]);
    for (const device of devices) expect(device.conflicts().map(({ kind }) => kind)).toEqual(['delete']);
    const [conflict] = c.conflicts();
    c.decide(conflict!, 'live');
    world.settle();
    for (const device of devices) {
      expect(device.row()).toMatchObject({ title: 'poem', body: 'a white rose\nin the snow\n' });
      expect(device.conflicts()).toEqual([]);
    }
    world.expectEqual(...devices);
  });
});

describe('transactions over the same fields', () => {
  it('[MIX4] the last write wins in all of them for the same transaction, with whatever clocks', () => {
    const rows = (balance: string) => [ROW, OTHER].map((id) => ({ id, balance }));
    const gaps = [0, 1, 1_000];
    const skews = [0, 50_000, -3_600_000];
    for (const [gapMs, skewMs] of gaps.flatMap((gap) => skews.map((skew) => [gap, skew] as const))) {
      const world = worldWith({ balance: { kind: 'lww' } });
      const devices = [world.device('a'), world.device('b'), world.device('c')] as const;
      devices[0].putAll(rows('first'));
      world.settle();
      devices[1].skewMs = skewMs;
      const writes = devices.map((device) => () => device.putAll(rows(`by ${device.name}`)));
      apart(world, devices, writes, gapMs);
      const shown = devices.flatMap((device) => [device.row(ROW)!['balance'], device.row(OTHER)!['balance']]);
      expect(new Set(shown).size, `${gapMs} ms apart, clock off by ${skewMs} ms: ${shown.join()}`).toBe(1);
      expect(shown[0]).not.toBe('first');
      if (gapMs > 0 && skewMs === 0) expect(shown[0], 'the last one').toBe('by c');
      world.expectEqual(...devices);
    }
  });
});

function stateOf(device: Device) {
  const state = device.store.disk.records.get(recordKey('notes', ROW))!.base!;
  expect(lifeStatus(state)).toBe('live');
  return state;
}

const pathsOf = (device: Device): readonly string[] => [...stateOf(device).cells.keys()];

function entriesOf(device: Device, path: string): number {
  return stateOf(device).cells.get(path)!.length;
}
