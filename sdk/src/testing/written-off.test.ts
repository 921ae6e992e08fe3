/** A server that was written off and does not know it. */
import { describe, expect, it } from 'vitest';

import { Servers } from './servers.fixture.ts';

type Server = Servers['servers'][0];

describe('a server that was written off', () => {
  it('[DSV15] goes on taking what devices send that still find it: when they find another, all of it is offered there', () => {
    const world = new Servers({ servers: 2, devices: 0 });
    const [kept, old] = world.servers as [Server, Server];
    const author = world.addDevice('author', old);
    const reader = world.addDevice('reader', old);
    const moved = world.addDevice('moved', kept);
    const before = world.write(author, 'r0');
    world.pass(10_000);
    expect(world.words(moved, 'r0')).toEqual([before]);
    for (const peering of world.peerings) peering.isUnreachable = true;
    for (const peering of world.peerings) peering.cutLink();
    kept.evict(old.sid);
    const words = [world.write(author, 'r0'), world.write(reader, 'r1'), world.write(author, 'r0', 1)];
    world.pass(10_000);
    expect(author.store.disk.outbox.size + reader.store.disk.outbox.size, 'the old server took it').toBe(0);
    expect(world.words(reader, 'r0')).toEqual([before, words[0], words[2]]);
    const dots = old.log.map(({ change }) => change.dot);
    const elsewhere = world.write(moved, 'r0');
    world.pass(10_000);
    expect(world.words(moved, 'r1'), 'nobody else has it').toEqual([]);
    world.lose(old);
    for (const device of [author, reader]) device.server = kept;
    world.settle();
    world.expectEqual();
    const log = kept.log.map(({ change }) => change.dot);
    for (const dot of dots)
      expect(
        log.filter((one) => one === dot),
        'once, under its own dot',
      ).toHaveLength(1);
    expect(new Set(world.words(moved, 'r0'))).toEqual(new Set([before, words[0], words[2], elsewhere]));
    expect(world.words(moved, 'r1')).toEqual([words[1]]);
  });
});
