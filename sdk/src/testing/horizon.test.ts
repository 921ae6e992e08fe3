/** A server whose clock runs away, and with it what may be forgotten. */
import { describe, expect, it } from 'vitest';

import { reaches } from '../core/topology.ts';
import type { OutboxRow } from '../store/layout.ts';
import { conflictsOf, MINUTE_MS, recordOf, Servers } from './servers.fixture.ts';

type Server = Servers['servers'][0];
type Device = Servers['devices'][0];

const YEAR_MS = 365 * 24 * 60 * MINUTE_MS;

describe('a server whose clock jumps a year ahead', () => {
  const RETENTION = { tombstoneMs: 60 * MINUTE_MS, logMs: 1e12 };

  /** A row that was deleted a moment ago is forgotten; nobody had meant that. */
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
      expect(recordOf(a, id), 'forgotten too early').toBeUndefined();
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

  /** One of two servers has promised to forget a deleted row, the other has not; a device was away. */
  function halfPromised(): { world: Servers; fast: Server; right: Server; away: Device; id: string } {
    const world = new Servers({ servers: 2, devices: 2, retention: RETENTION });
    const [a, away] = world.devices as [Device, Device];
    const [fast, right] = world.servers as [Server, Server];
    const id = world.newId();
    world.write(a, id);
    world.pass(10_000);
    away.isUnreachable = true;
    away.cutLink();
    world.delete(a, id);
    world.pass(10_000);
    world.publish();
    fast.skewMs = YEAR_MS;
    for (let i = 0; i < 4; i++) {
      world.publish();
      world.pass(MINUTE_MS);
    }
    expect(reaches(fast.space.meta.topology.members[fast.sid]!.horizon, [fast.sid, 2]), 'promised').toBe(true);
    expect(fast.verdicts.get('tombstone expired')).toBeUndefined();
    fast.skewMs = 0;
    return { world, fast, right, away, id };
  }

  it('[DSV13] one of two that promises too early waits for the other, and the row is there for who edits it', () => {
    const { world, right, away, id } = halfPromised();
    away.server = right;
    world.write(away, id);
    world.settle();
    for (const device of world.devices) expect(conflictsOf(device)).toMatchObject([{ kind: 'delete', rowId: id }]);
    world.expectEqual();
  });

  it('[REC9] an edit that waits at a server for the promises of the others becomes a copy when all have promised', () => {
    const { world, fast, right, away, id } = halfPromised();
    away.server = fast;
    away.isUnreachable = false;
    world.write(away, id);
    const [{ dot }] = [...away.store.disk.outbox.values()] as [OutboxRow];
    world.excuse(id);
    world.pass(5 * MINUTE_MS);
    expect(fast.verdicts.get('LIMBO')).toBeGreaterThan(1);
    expect(away.session?.link?.held?.code).toBe('LIMBO');
    expect(away.store.row('notes', id), 'it is shown as long as nobody has forgotten it').toBeDefined();
    world.pass(RETENTION.tombstoneMs);
    for (let i = 0; i < 3; i++) world.publish();
    expect(right.verdicts.get('tombstone expired')).toBeGreaterThan(0);
    world.settle();
    const log = fast.log.map(({ change }) => change.dot);
    expect(log, 'moved to the copy under its own dot').toContain(dot);
    for (const device of world.devices) {
      expect(conflictsOf(device)).toMatchObject([{ kind: 'recovered', recoveredFrom: id }]);
      expect(device.store.row('notes', id)).toBeUndefined();
    }
    world.expectEqual();
  });
});
