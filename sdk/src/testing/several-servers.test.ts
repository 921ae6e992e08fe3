import { describe, expect, test } from 'vitest';

import { copyDisk } from '../store/memory-device.ts';
import { countOf } from '../core/version-vector.ts';
import { randomName } from '../lib/ids.ts';
import { FATES, randomHistory } from './servers-history.fixture.ts';
import { MINUTE_MS, recordOf, Servers } from './servers.fixture.ts';

const FIRST = Number(process.env['FUZZ_FIRST'] ?? 1);
const SEEDS = Number(process.env['FUZZ_SEEDS'] ?? 12);
const CUT = { tombstoneMs: 1e12, logMs: MINUTE_MS };

describe('random histories of several servers and roaming devices', () => {
  const histories = FATES.flatMap((fate) => Array.from({ length: SEEDS }, (_, i) => [fate, FIRST + i] as const));
  test.for(histories)('[DSV1] [DSV2] [DSV3] %s, seed %i', { timeout: 60_000 }, ([fate, seed]) => {
    const world = randomHistory(seed, fate);
    world.expectEqual();
    for (const { store } of world.devices) {
      expect(store.disk.space.isDiverged, 'no digest differs').toBe(false);
      if (world.servers.length === 1) continue;
      expect(store.disk.space.seen, '[DSV5] no writer is remembered').toEqual({});
      expect(store.disk.tail.size, '[DSV5] nothing is kept to be offered again').toBe(0);
    }
  });
});

describe('identity and retries', () => {
  test('[DSV1] pitfall 1: a restored profile uses no dot twice, and loses and doubles nothing', () => {
    const world = new Servers({ servers: 2, devices: 2 });
    const [a, b] = world.devices as [Device, Device];
    for (let i = 0; i < 4; i++) world.write(a, 'r0', i % 2);
    world.pass(5_000);
    a.isUnreachable = true;
    a.cutLink();
    world.write(a, 'r0');
    const backup = copyDisk(a.store.disk);
    a.isUnreachable = false;
    world.pass(30_000);
    world.write(a, 'r0');
    world.pass(30_000);
    a.restart(backup);
    world.forgetShown(a);
    world.write(a, 'r0');
    world.settle();
    world.expectEqual();
    expect(world.words(b, 'r0')).toHaveLength(7);
  });

  test('[DSV1] pitfall 2: two copies of a profile with the same outbox count once, at different servers', () => {
    const world = new Servers({ servers: 2, devices: 1 });
    const [a] = world.devices as [Device];
    a.isUnreachable = true;
    a.cutLink();
    for (let i = 0; i < 5; i++) world.write(a, 'r0', i % 2);
    world.addDevice('copy', world.servers[1]!, copyDisk(a.store.disk));
    a.isUnreachable = false;
    world.settle();
    world.expectEqual();
  });

  test('[DSV1] pitfalls 3, 4: after a lost commit and after a new connection a dot is not used again', () => {
    const world = new Servers({ servers: 2, devices: 1 });
    const [a] = world.devices as [Device];
    world.write(a, 'r0');
    const before = copyDisk(a.store.disk);
    world.write(a, 'r0');
    world.pass(5_000);
    a.restart(before);
    world.forgetShown(a);
    a.store.reopen();
    world.write(a, 'r0');
    world.settle();
    world.expectEqual();
  });

  test('[DSV1] pitfall 5: an answer lost at one server, the same push at another: one effect, an alias', () => {
    const world = new Servers({ servers: 3, devices: 1 });
    const [a] = world.devices as [Device];
    world.pass(5_000);
    for (const peering of world.peerings) peering.isUnreachable = true;
    for (const peering of world.peerings) peering.cutLink();
    a.weather.isDownSilent = true;
    for (let i = 0; i < 3; i++) world.write(a, 'r0');
    world.pass(2_000);
    expect(world.servers[0]!.log).toHaveLength(3);
    a.server = world.servers[1]!;
    a.weather.isDownSilent = false;
    a.cutLink();
    world.pass(5_000);
    expect(world.servers[1]!.log).toHaveLength(3);
    world.settle();
    world.publish();
    world.expectEqual();
    const aliases = world.servers[2]!.space.log.filter((entry) => entry.kind === 'alias');
    expect(aliases).toHaveLength(3);
    expect(a.store.disk.space.seen).toEqual({});
  });
});

describe('snapshots', () => {
  test('[DSV4] pitfall 35: away for long with many unsent changes: a snapshot, and every change under its dot', () => {
    const world = new Servers({ servers: 1, devices: 2, retention: CUT });
    const [a, b] = world.devices as [Device, Device];
    world.write(a, 'r0');
    world.pass(5_000);
    b.isUnreachable = true;
    b.cutLink();
    const mine: string[] = [];
    for (let i = 0; i < 50; i++) mine.push(world.write(b, `r${i % 4}`, i % 2));
    const dots = [...b.store.disk.outbox.values()].map((row) => row.dot);
    for (let i = 0; i < 10; i++) {
      world.write(a, `r${i % 5}`);
      world.pass(MINUTE_MS);
      world.servers[0]!.maintain();
    }
    b.isUnreachable = false;
    world.settle();
    world.expectEqual();
    expect(world.servers[0]!.verdicts.get('hello: truncated')).toBeGreaterThan(0);
    const sent = new Set(world.servers[0]!.log.map(({ change }) => change.dot));
    for (const dot of dots) expect(sent, 'under its own dot').toContain(dot);
    expect(mine.every((word) => world.written.has(word))).toBe(true);
    // It equals one that never left.
    expect(recordOf(b, 'r0')!.base).toEqual(recordOf(a, 'r0')!.base);
  });

  test('[GOV2] interrupted at every piece, it goes on where it stopped, and ends in the same state', () => {
    for (let cutAt = 0; cutAt < 6; cutAt++) {
      const world = new Servers({ servers: 1, devices: 2, retention: CUT, recordsPerPiece: 1 });
      const [a, b] = world.devices as [Device, Device];
      b.isUnreachable = true;
      b.cutLink();
      for (let i = 0; i < 12; i++) world.write(a, `r${i % 6}`);
      world.write(b, 'r1');
      world.pass(2 * MINUTE_MS);
      world.servers[0]!.maintain();
      world.pass(2 * MINUTE_MS);
      world.servers[0]!.maintain();
      b.isUnreachable = false;
      const staged = (): number => b.store.disk.staging?.begun.next ?? -1;
      b.dispatch({ type: 'wake' });
      for (let n = 0; n < 4_000 && staged() < cutAt; n++) world.pass(5);
      world.write(b, 'r2');
      if (cutAt % 2 === 0) b.cutLink();
      else b.restart();
      world.settle();
      world.expectEqual();
      if (cutAt > 1) expect(world.servers[0]!.verdicts.get('snapshot resumed'), `cut at ${cutAt}`).toBeGreaterThan(0);
    }
  });

  test('[DSV3] pitfall 42: changes that race with a snapshot are in it or behind it, never both, never neither', () => {
    for (let seed = 1; seed <= 8; seed++) {
      const world = new Servers({ servers: 2, devices: 3, retention: CUT, recordsPerPiece: 1, seed });
      const [a, b, c] = world.devices as [Device, Device, Device];
      b.isUnreachable = true;
      b.cutLink();
      for (let i = 0; i < 10; i++) world.write(a, `r${i % 5}`);
      for (let i = 0; i < 4; i++) {
        world.pass(MINUTE_MS);
        for (const server of world.servers) server.maintain();
      }
      b.isUnreachable = false;
      b.dispatch({ type: 'wake' });
      for (let i = 0; i < 30; i++) {
        world.write([a, b, c][i % 3]!, `r${i % 6}`);
        world.pass(40);
      }
      world.settle();
      world.expectEqual();
    }
  });
});

describe('servers and topology', () => {
  test('[DSV1] pitfall 38: in a ring that is cut and healed each entry is once in each log, and then it is quiet', () => {
    const world = new Servers({ servers: 3, devices: 3, links: 'ring' });
    for (let i = 0; i < 20; i++) {
      world.write(world.devices[i % 3]!, `r${i % 3}`);
      if (i % 6 === 0) world.peerings[i % 3]!.cutLink();
      world.pass(300);
    }
    world.settle();
    world.publish();
    world.expectEqual();
    for (const { space } of world.servers) {
      const stamps = space.log.map((entry) => entry.stamp.join());
      expect(new Set(stamps).size).toBe(stamps.length);
    }
    const sent = world.peerings.map((peering) => peering.entries);
    const lengths = world.servers.map(({ space }) => space.meta.lsn);
    world.pass(60 * MINUTE_MS);
    for (const server of world.servers) server.maintain();
    world.pass(MINUTE_MS);
    expect(
      world.peerings.map((peering) => peering.entries),
      'pitfall 39: idle',
    ).toEqual(sent);
    expect(world.servers.map(({ space }) => space.meta.lsn)).toEqual(lengths);
  });

  test('[DSV2] pitfall 40: moved to a server that lags, a device still sees what it saw, and others never half of it', () => {
    const world = new Servers({ servers: 2, devices: 2 });
    const [a, b] = world.devices as [Device, Device];
    world.pass(5_000);
    for (const peering of world.peerings) peering.isUnreachable = true;
    for (const peering of world.peerings) peering.cutLink();
    const author = world.addDevice('author', world.servers[0]!);
    const x = world.write(author, 'x');
    world.pass(5_000);
    expect(world.words(a, 'x')).toEqual([x]);
    a.server = world.servers[1]!;
    a.cutLink();
    const y = world.write(a, 'y');
    world.pass(30_000);
    expect(world.words(a, 'x')).toEqual([x]);
    expect(world.words(b, 'y'), 'not without what it comes after').toEqual([]);
    expect(a.session?.link?.held?.code).toBe('BEHIND');
    world.settle();
    expect(world.words(b, 'y')).toEqual([y]);
    world.expectEqual();
  });

  test('[DSV2] pitfall 41: a snapshot of a server that lags is not taken: the device waits', () => {
    const world = new Servers({ servers: 2, devices: 2, retention: CUT });
    const [a] = world.devices as [Device, Device];
    world.pass(5_000);
    const toLagging = world.peerings.find(
      (peering) => peering.of(world.servers[1]!) && peering.to === world.servers[1],
    )!;
    for (let i = 0; i < 4; i++) world.write(a, 'r0');
    world.pass(5_000);
    toLagging.isUnreachable = true;
    toLagging.cutLink();
    const last = world.write(a, 'r0');
    world.pass(5_000);
    a.store.disk.space = { ...a.store.disk.space, isDiverged: true };
    a.server = world.servers[1]!;
    a.cutLink();
    world.pass(MINUTE_MS);
    expect(world.words(a, 'r0')).toContain(last);
    expect(countOf(a.store.disk.replica.cursor, world.servers[0]!.sid)).toBeGreaterThan(
      countOf(world.servers[1]!.cursor, world.servers[0]!.sid),
    );
    world.settle();
    world.expectEqual();
  });

  test('[DSV2] pitfall 43: a server lost with what only it had: author and reader bring it back under its dots', () => {
    const world = new Servers({ servers: 2, devices: 2 });
    const [a, b] = world.devices as [Device, Device];
    const [kept, lost] = world.servers as [World1, World1];
    a.server = lost;
    b.server = lost;
    a.cutLink();
    b.cutLink();
    world.pass(5_000);
    for (const peering of world.peerings) peering.isUnreachable = true;
    for (const peering of world.peerings) peering.cutLink();
    const words = [world.write(a, 'r0'), world.write(a, 'r0')];
    world.pass(5_000);
    const dots = lost.log.map(({ change }) => change.dot);
    expect(world.words(b, 'r0')).toEqual(words);
    expect(a.store.disk.outbox.size).toBe(0);
    const pending = world.write(b, 'r0');
    world.lose(lost);
    kept.evict(lost.sid);
    a.isUnreachable = true;
    b.server = kept;
    world.pass(MINUTE_MS);
    expect(world.words(b, 'r0')).toEqual([...words, pending]);
    expect(kept.log.slice(0, 2).map(({ change }) => change.dot)).toEqual(dots);
    a.server = kept;
    world.settle();
    world.expectEqual();
  });

  test.each([true, false])(
    '[DSV2] pitfall 44: a server put back to an old backup, with a new name: %s; its clients bring back what it lost',
    (hasNewName) => {
      const world = new Servers({ servers: 1, devices: 3 });
      const [a, b, c] = world.devices as [Device, Device, Device];
      const [server] = world.servers as [World1];
      for (let i = 0; i < 4; i++) world.write(world.devices[i % 3]!, 'r0');
      world.pass(10_000);
      const backup = server.copyDisk();
      for (let i = 0; i < 9; i++) world.write(world.devices[i % 3]!, `r${i % 2}`, i % 2);
      world.pass(10_000);
      b.isUnreachable = true;
      b.cutLink();
      world.write(b, 'r0');
      server.restore(backup, hasNewName ? randomName(64, world.random) : undefined);
      c.isUnreachable = true;
      world.write(a, 'r1');
      world.pass(MINUTE_MS);
      expect(server.verdicts.get('hello: forked')).toBeGreaterThan(0);
      world.settle();
      world.expectEqual();
      for (const device of world.devices) expect(device.store.disk.quarantine.size).toBe(0);
    },
  );

  test('[DIG2] [DIG3] a flipped value that nobody touches is found when the device has nothing else to do, and repaired', () => {
    const world = new Servers({ servers: 2, devices: 2 });
    const [a, b] = world.devices as [Device, Device];
    for (let i = 0; i < 6; i++) world.write(a, `r${i % 2}`);
    world.pass(10_000);
    const key = [...b.store.disk.records.keys()][0]!;
    const record = b.store.disk.records.get(key)!;
    const cells = new Map([...record.base!.cells].map(([path, all]) => [path, all.map((one) => ({ ...one, v: 'x' }))]));
    b.store.disk.records.set(key, { ...record, base: { ...record.base!, cells } });
    world.pass(120_000);
    const news = world.news.get(b)!.map(({ type }) => type);
    expect(news.filter((type) => type === 'diverged' || type === 'repaired')).toEqual(['diverged', 'repaired']);
    expect(world.news.get(a)!.map(({ type }) => type)).not.toContain('diverged');
    world.settle();
    world.expectEqual();
    expect(b.store.disk.space.isDiverged).toBe(false);
  });

  test('[DIG1] [DIG2] pitfall 46: a flipped value is found at the next digest, repaired, and kept aside', () => {
    const world = new Servers({ servers: 2, devices: 2 });
    const [a, b] = world.devices as [Device, Device];
    for (let i = 0; i < 6; i++) world.write(a, `r${i % 2}`);
    world.pass(10_000);
    const key = [...b.store.disk.records.keys()][0]!;
    const record = b.store.disk.records.get(key)!;
    const cells = new Map(record.base!.cells);
    cells.set(
      'title',
      cells.get('title')!.map((entry) => ({ ...entry, v: 'flipped' })),
    );
    b.store.disk.records.set(key, { ...record, base: { ...record.base!, cells } });
    b.isUnreachable = true;
    b.cutLink();
    const unsent = world.write(b, 'r1');
    b.isUnreachable = false;
    world.write(a, 'r0');
    world.settle();
    world.expectEqual();
    expect(world.words(a, 'r1')).toContain(unsent);
    const news = world.news.get(b)!.map(({ type }) => type);
    expect(news).toContain('diverged');
    expect(news).toContain('repaired');
    expect(news.filter((type) => type === 'diverged')).toHaveLength(1);
    const [kept] = b.store.disk.quarantine.values();
    expect(kept).toMatchObject({ c: 'notes', id: 'r0' });
    expect(kept!.state.cells.get('title')![0]!.v).toBe('flipped');
  });
});

describe('deleted records', () => {
  test('[DSV7] what every server has promised to forget is forgotten on every device', () => {
    const world = new Servers({ servers: 2, devices: 3, retention: { tombstoneMs: 5 * MINUTE_MS, logMs: 1e12 } });
    const [a] = world.devices as [Device];
    const id = world.newId();
    world.write(a, id);
    world.write(a, 'chosen');
    world.pass(10_000);
    world.delete(a, id);
    world.delete(a, 'chosen');
    for (let i = 0; i < 8; i++) {
      world.pass(2 * MINUTE_MS);
      for (const server of world.servers) server.maintain();
    }
    world.settle();
    for (const device of world.devices) {
      expect(recordOf(device, id), 'nothing is left').toBeUndefined();
      expect(
        recordOf(device, 'chosen')?.base,
        'pitfall 36: an id that somebody chose keeps its tombstone',
      ).toBeDefined();
    }
    world.write(a, 'chosen');
    world.settle();
    world.expectEqual();
  });
});

type Device = Servers['devices'][0];
type World1 = Servers['servers'][0];
