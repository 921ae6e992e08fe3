/** Devices that are not let in for a while, and one that has lost what it had. */
import { describe, expect, it } from 'vitest';

import { incOf } from '../core/dot.ts';
import { CLOSE, type Hello } from '../protocol/messages.ts';
import type { ServerEvent } from '../session/server-events.ts';
import { emptyDisk } from '../store/memory-device.ts';
import { OTHER, ROW, TakeBackWorld, type Device } from './take-back.fixture.ts';
import { TestServer } from './test-server.ts';

const MINUTE_MS = 60_000;
const REFUSALS = {
  FORBIDDEN: { type: 'failed', code: 'FORBIDDEN', message: 'not a member', close: CLOSE.forbidden },
  AUTH_REQUIRED: { type: 'failed', code: 'AUTH_REQUIRED', message: 'expired', close: CLOSE.unauthenticated },
} as const;

class GuardedServer extends TestServer {
  refusal: ServerEvent | null = null;

  override greet(hello: Hello, atMs: number): ServerEvent {
    return this.refusal ?? super.greet(hello, atMs);
  }
}

/** The log is kept for a minute: who comes back later needs a snapshot. */
class GuardedWorld extends TakeBackWorld {
  override newServer(sid: string): GuardedServer {
    const retention = { tombstoneMs: 1e12, logMs: MINUTE_MS };
    return new GuardedServer({ sid, timeline: this.timeline, commitMs: () => 5, retention });
  }

  set refusal(refusal: ServerEvent | null) {
    (this.server as GuardedServer).refusal = refusal;
  }
}

const unsentDots = (device: Device): readonly string[] => [...device.store.disk.outbox.values()].map(({ dot }) => dot!);

const loggedDots = (world: TakeBackWorld): readonly string[] => world.server.log.map(({ change }) => change.dot);

describe('a device that is not let in', () => {
  it.each([
    ['FORBIDDEN', 'stalled'],
    ['AUTH_REQUIRED', 'auth-required'],
  ] as const)(
    '[OUT1] with %s it keeps what it has and what it writes, and sends it when it is let in',
    (code, connection) => {
      for (const isLong of [false, true]) {
        const world = new GuardedWorld();
        const [a, b] = [world.device('a'), world.device('b')];
        a.put({ title: 'first', likes: 1 });
        a.put({ title: 'other' }, OTHER);
        world.settle();
        b.offline();
        b.put({ likes: 3 });
        world.refusal = REFUSALS[code];
        b.online();
        b.put({ title: 'by b', tags: ['b'] });
        world.settle(5 * MINUTE_MS);
        expect(b.session?.reported).toMatchObject({ connection, reason: { code } });
        const dots = unsentDots(b);
        expect(dots).toHaveLength(2);
        expect(b.rows()).toHaveLength(2);
        expect(b.row()).toMatchObject({ title: 'by b', likes: 3, tags: ['b'] });
        a.put({ title: 'by a', likes: 2 });
        a.put({ title: 'changed' }, OTHER);
        for (let i = 0; i < (isLong ? 3 : 0); i++) {
          world.settle(2 * MINUTE_MS);
          world.server.maintain();
        }
        world.refusal = null;
        world.settle(2 * MINUTE_MS);
        if (isLong) expect(world.server.verdicts.get('hello: truncated')).toBe(1);
        expect(loggedDots(world).filter((dot) => dots.includes(dot))).toEqual(dots);
        for (const device of [a, b]) {
          expect(device.row()).toMatchObject({ likes: 4, tags: ['b'] });
          expect(device.row(OTHER)).toMatchObject({ title: 'changed' });
          expect(device.conflicts()).toMatchObject([{ kind: 'field', rowId: ROW }]);
        }
        world.expectEqual(a, b);
      }
    },
  );
});

describe('a device that has lost its database', () => {
  it('[DSV14] takes the space anew, sends no delete and nothing that it was not told to, and goes on as another writer', () => {
    for (const isLong of [false, true]) {
      const world = new GuardedWorld();
      const [a, b] = [world.device('a'), world.device('b')];
      b.put({ title: 'first', likes: 1 });
      a.put({ title: 'other' }, OTHER);
      world.settle();
      const before = loggedDots(world);
      for (let i = 0; i < (isLong ? 3 : 0); i++) {
        world.settle(2 * MINUTE_MS);
        world.server.maintain();
        if (i === 0) a.put({ likes: 1 });
      }
      const count = world.server.space.meta.lsn;
      b.restart(emptyDisk('b'));
      world.settle(MINUTE_MS);
      expect(world.server.space.meta.lsn, 'nothing was sent').toBe(count);
      if (isLong) expect(world.server.verdicts.get('hello: truncated')).toBe(1);
      expect(b.rows()).toHaveLength(2);
      b.put({ title: 'again' });
      world.settle(MINUTE_MS);
      expect(before.map(incOf)).not.toContain(incOf(loggedDots(world).at(-1)!));
      for (const device of [a, b]) {
        expect(device.row()).toMatchObject({ title: 'again', likes: 1 });
        expect(device.row(OTHER)).toMatchObject({ title: 'other' });
        expect(device.conflicts()).toEqual([]);
      }
      world.expectEqual(a, b);
    }
  });
});
