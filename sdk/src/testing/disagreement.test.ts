/** People who disagree: conflicts, resolutions and deletes, on whole devices and servers. */
import { describe, expect, it } from 'vitest';

import { msOf } from '../core/clock.ts';
import type { OpenDeleteConflict, OpenFieldConflict } from '../core/conflict.ts';
import { incOf } from '../core/dot.ts';
import { seededRandom } from '../lib/random.ts';
import { asLogEntry } from '../space/space.fixture.ts';
import { notes, ROW, TakeBackWorld, type Device } from './take-back.fixture.ts';

interface Cast {
  readonly world: TakeBackWorld;
  readonly a: Device;
  readonly b: Device;
  readonly c: Device;
  /** Each is written while everybody is away; then all come back. */
  apart(...writes: readonly (() => void)[]): void;
}

/** Three devices with one row. */
function cast(world = new TakeBackWorld()): Cast {
  const [a, b, c] = [world.device('a'), world.device('b'), world.device('c')];
  a.put({ title: 'first', body: 'text', tags: ['x'], likes: 1 });
  world.settle();
  const all = [a, b, c];
  const apart = (...writes: readonly (() => void)[]): void => {
    for (const device of all) device.offline();
    for (const write of writes) {
      world.settle(1_000);
      write();
    }
    for (const device of all) device.online();
    world.settle();
  };
  return { world, a, b, c, apart };
}

const openOn = (device: Device): readonly string[] => device.conflicts().map(({ id }) => id);

function oneConflict(...devices: readonly Device[]): OpenFieldConflict {
  const [conflict, ...others] = devices[0]!.conflicts();
  expect(others).toEqual([]);
  expect(conflict).toBeDefined();
  for (const device of devices) expect(openOn(device)).toEqual([conflict!.id]);
  return conflict as OpenFieldConflict;
}

describe('one field, several people', () => {
  it('[CFR1] pitfall 10: every version is there under one id on all, with its base, its author and its time', () => {
    const { world, a, b, c, apart } = cast();
    apart(
      () => a.put({ title: 'universe' }),
      () => b.put({ title: 'unicorn' }),
    );
    const conflict = oneConflict(a, b, c);
    expect(conflict.versions.map(({ v }) => v)).toEqual(['universe', 'unicorn']);
    expect(conflict.base?.v).toBe('first');
    const authors = conflict.versions.map(({ dot }) => c.store.disk.writers.get(incOf(dot)));
    expect(authors).toMatchObject([
      { user: { id: 'a' }, device: { id: 'a' } },
      { user: { id: 'b' }, device: { id: 'b' } },
    ]);
    const [one, other] = conflict.versions.map(({ hlc }) => msOf(hlc));
    expect(other! - one!).toBeGreaterThanOrEqual(1_000);
    world.expectEqual(a, b, c);
  });

  it('[CFR2] pitfall 12: who read a value and writes over it wins, also with a clock an hour back', () => {
    const { world, a, b, c } = cast();
    b.skewMs = -3_600_000;
    a.put({ title: 'read' });
    world.settle();
    b.put({ title: 'over it' });
    world.settle();
    for (const device of [a, b, c]) {
      expect(device.row()).toMatchObject({ title: 'over it' });
      expect(device.conflicts()).toEqual([]);
    }
  });

  it('[CFR3] pitfall 13: two equal resolutions at once converge in silence, two different ones are one new conflict of the two', () => {
    for (const other of ['both', 'neither']) {
      const { world, a, b, c, apart } = cast();
      apart(
        () => a.put({ title: 'universe' }),
        () => b.put({ title: 'unicorn' }),
      );
      const conflict = oneConflict(a, b, c);
      apart(
        () => a.settleOn(conflict, 'both'),
        () => c.settleOn(conflict, other),
      );
      if (other === 'both') expect([a, b, c].flatMap(openOn)).toEqual([]);
      else {
        const next = oneConflict(a, b, c);
        expect(next.id).not.toBe(conflict.id);
        expect(next.versions.map(({ v }) => v)).toEqual(['both', 'neither']);
      }
      world.expectEqual(a, b, c);
    }
  });

  it('[CFR4] pitfall 14: a resolution and an edit that had not seen each other are a new conflict; the old values are gone', () => {
    const { world, a, b, c, apart } = cast();
    apart(
      () => a.put({ title: 'universe' }),
      () => b.put({ title: 'unicorn' }),
    );
    const conflict = oneConflict(a, b, c);
    c.offline();
    const stale = world.device('d', c.copyDisk());
    stale.offline();
    a.settleOn(conflict, 'both');
    stale.put({ title: 'third' });
    world.settle();
    c.online();
    stale.online();
    world.settle();
    expect(oneConflict(a, b, c, stale).versions.map(({ v }) => v)).toEqual(['both', 'third']);
    world.expectEqual(a, b, c, stale);
  });

  it('[CFR5] pitfall 16: seen in pieces through another server, a conflict that is closed never opens again', () => {
    const world = new TakeBackWorld('SSSSSSSSSSS');
    const { a, b, c, apart } = cast(world);
    apart(
      () => a.put({ title: 'one' }),
      () => b.put({ title: 'two' }),
      () => c.put({ title: 'three' }),
    );
    a.settleOn(oneConflict(a, b, c), 'all');
    world.settle();
    const second = world.newServer('TTTTTTTTTTT', ['SSSSSSSSSSS', 'TTTTTTTTTTT']);
    const far = world.device('far', undefined, second);
    const closed = new Set<string>();
    let before: readonly string[] = [];
    let sizes: readonly number[] = [];
    for (const entry of world.server.space.log.map(asLogEntry)) {
      const cursor = { [entry.stamp[0]]: entry.stamp[1] };
      second.take({ type: 'page', entries: [entry], cursor, head: cursor }, () => undefined);
      world.settle(5_000);
      const open = openOn(far);
      for (const id of before) if (!open.includes(id)) closed.add(id);
      expect(open.filter((id) => closed.has(id))).toEqual([]);
      sizes = [...sizes, far.conflicts().map((conflict) => (conflict as OpenFieldConflict).versions.length)[0] ?? 0];
      before = open;
    }
    expect(sizes).toEqual([0, 0, 2, 3, 0]);
    expect(far.row()).toMatchObject({ title: 'all' });
  });

  it('[CFR6] a device never disagrees with itself, whichever of its tabs writes and whatever the network does', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed);
      const { world, a, b } = cast();
      for (let i = 0; i < 30; i++) {
        const tab = random.fraction() < 0.5 ? 0 : 1;
        if (random.fraction() < 0.1) a.remove();
        else a.put({ title: `${i}`, body: `text ${i}` }, ROW, { tab });
        if (random.fraction() < 0.2) a.cutLink();
        if (random.fraction() < 0.1) a.restart();
        a.weather.isDownSilent = random.fraction() < 0.3;
        world.settle(Math.floor(random.fraction() * 3_000));
        expect(a.conflicts(), `seed ${seed}, step ${i}`).toEqual([]);
      }
      a.weather.isDownSilent = false;
      world.settle(60_000);
      expect([a, b].flatMap(openOn), `seed ${seed}`).toEqual([]);
      world.expectEqual(a, b);
    }
  });
});

describe('deletes', () => {
  it('[CFR7] pitfall 29: a delete against an edit is asked about, or decided by onDeleteVsEdit, alike everywhere', () => {
    for (const [rule, isVisible, isAsked] of [
      ['ask', true, true],
      ['edit-wins', true, false],
      ['delete-wins', false, false],
    ] as const) {
      const { world, a, b, c, apart } = cast(new TakeBackWorld('SSSSSSSSSSS', notes(rule)));
      apart(
        () => a.remove(),
        () => b.put({ title: 'edited' }),
      );
      for (const device of [a, b, c]) {
        expect(device.row() !== undefined, rule).toBe(isVisible);
        expect(device.conflicts().map(({ kind }) => kind)).toEqual(isAsked ? ['delete'] : []);
        // The losing side is not gone: another rule shows it.
        expect(device.hidden(ROW)).toMatchObject({ title: 'edited', body: 'text' });
      }
      world.expectEqual(a, b, c);
    }
  });

  it('[CFR8] a delete that has seen an edit deletes it: a tombstone names what it saw', () => {
    const { world, a, b, c } = cast();
    b.put({ title: 'edited' });
    world.settle();
    a.remove();
    world.settle();
    for (const device of [a, b, c]) {
      expect(device.row()).toBeUndefined();
      expect(device.conflicts()).toEqual([]);
    }
  });

  it('[CFR9] pitfall 30: two deletes are one', () => {
    const { world, a, b, c, apart } = cast();
    apart(
      () => a.remove(),
      () => b.remove(),
    );
    expect([a, b, c].flatMap((device) => [...device.rows(), ...device.conflicts()])).toEqual([]);
    world.expectEqual(a, b, c);
  });

  it('[CFR10] pitfall 31: a row made again against a second delete is asked about, alike everywhere', () => {
    const { world, a, b, c, apart } = cast();
    apart(
      () => a.remove(),
      () => b.remove(),
      () => a.put({ title: 'again' }),
    );
    const [conflict, ...others] = c.conflicts();
    expect(others).toEqual([]);
    expect(conflict?.kind).toBe('delete');
    for (const device of [a, b, c]) expect(openOn(device)).toEqual([conflict!.id]);
    b.decide(conflict!, 'live');
    world.settle();
    for (const device of [a, b, c]) {
      expect(device.row()).toMatchObject({ title: 'again' });
      expect(device.conflicts()).toEqual([]);
    }
    world.expectEqual(a, b, c);
  });

  it('[CFR11] keep restores the whole record, with every field as the edit left it; both sides have a name', () => {
    const { world, a, b, c, apart } = cast();
    apart(
      () => a.remove(),
      () => b.put({ title: 'edited', tags: ['x', 'y'], likes: 4 }),
    );
    const conflict = c.conflicts()[0] as OpenDeleteConflict;
    const authors = [conflict.deleted, conflict.edited].map(
      ({ dot }) => c.store.disk.writers.get(incOf(dot))?.user?.id,
    );
    expect(authors).toEqual(['a', 'b']);
    c.decide(conflict, 'live');
    world.settle();
    for (const device of [a, b, c]) {
      expect(device.row()).toEqual({ id: ROW, title: 'edited', body: 'text', tags: ['x', 'y'], likes: 4 });
      expect(device.conflicts()).toEqual([]);
    }
    world.expectEqual(a, b, c);
  });

  it('[CFR12] pitfall 36: a row with a chosen id is made again after any time, and is the same everywhere', () => {
    const { world, a, b } = cast();
    a.put({ title: 'dark', likes: 2 }, 'theme');
    world.settle();
    b.offline();
    b.put({ title: 'unseen' }, 'theme');
    a.remove('theme');
    world.settle();
    world.forget();
    a.put({ title: 'light', likes: 1 }, 'theme');
    world.settle();
    b.online();
    world.settle();
    const [conflict] = a.conflicts() as readonly OpenFieldConflict[];
    expect(conflict?.versions.map(({ v }) => v)).toEqual(['unseen', 'light']);
    expect([a, b].map((device) => device.row('theme')?.['likes'])).toEqual([1, 1]);
    world.expectEqual(a, b);
  });
});
