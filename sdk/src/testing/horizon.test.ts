/** A server whose clock runs away, and with it what may be forgotten. */
import { describe, expect, it } from 'vitest';

import { conflictsOf, MINUTE_MS, recordOf, Servers } from './servers.fixture.ts';

type Server = Servers['servers'][0];
type Device = Servers['devices'][0];

const YEAR_MS = 365 * 24 * 60 * MINUTE_MS;

describe('a server whose clock jumps a year ahead', () => {
  const RETENTION = { tombstoneMs: 24 * 60 * MINUTE_MS, logMs: 1e12 };

  /** A row that was deleted yesterday is already forgotten; nobody had meant that. */
  function jump(servers: number): { world: Servers; id: string; away: Device; word: string } {
    const world = new Servers({ servers, devices: 3, retention: RETENTION });
    const [a, away] = world.devices as [Device, Device];
    const id = world.newId();
    world.write(a, id);
    world.write(a, 'r0');
    world.pass(10_000);
    away.isUnreachable = true;
    away.cutLink();
    const word = world.write(away, 'r0');
    world.write(away, id);
    world.delete(a, id);
    world.pass(10_000);
    world.publish();
    for (const server of world.servers) server.skewMs = YEAR_MS;
    for (let i = 0; i < 4; i++) {
      world.publish();
      world.pass(MINUTE_MS);
    }
    return { world, id, away, word };
  }

  it.each([1, 2])(
    '[DSV13] %d of them forget too early: an edit becomes a recovered copy, nothing is lost, all agree',
    (servers) => {
      const { world, id, away, word } = jump(servers);
      for (const server of world.servers) expect(server.verdicts.get('tombstone expired')).toBeGreaterThan(0);
      const [a] = world.devices as [Device];
      expect(recordOf(a, id), 'forgotten a day too early').toBeUndefined();
      for (const server of world.servers) server.skewMs = 0;
      for (const device of world.devices) device.cutLink();
      away.isUnreachable = false;
      world.settle();
      for (const device of world.devices) {
        expect(world.words(device, 'r0')).toContain(word);
        expect(conflictsOf(device)).toMatchObject([{ kind: 'recovered', recoveredFrom: id }]);
        expect(device.store.row('notes', id)).toBeUndefined();
      }
      world.expectEqual();
    },
  );

  it('[DSV13] one of two that forgets too early waits for the other, and the row is there for who edits it', () => {
    const world = new Servers({ servers: 2, devices: 2, retention: RETENTION });
    const [a, away] = world.devices as [Device, Device];
    const [fast, right] = world.servers as [Server, Server];
    away.server = right;
    const id = world.newId();
    world.write(a, id);
    world.pass(10_000);
    away.isUnreachable = true;
    away.cutLink();
    world.delete(a, id);
    world.pass(10_000);
    fast.skewMs = YEAR_MS;
    for (let i = 0; i < 4; i++) {
      world.publish();
      world.pass(MINUTE_MS);
    }
    expect(fast.verdicts.get('tombstone expired')).toBeUndefined();
    away.isUnreachable = false;
    fast.skewMs = 0;
    world.write(away, id);
    world.settle();
    for (const device of world.devices) expect(conflictsOf(device)).toMatchObject([{ kind: 'delete', rowId: id }]);
    world.expectEqual();
  });
});
