/** What a server does not take: whole devices against whole servers. */
import { describe, expect, it } from 'vitest';

import { incOf, type Dot } from '../core/dot.ts';
import type { OutboxRow } from '../store/layout.ts';
import { outboxKey } from '../store/page-plan.ts';
import { OTHER, ROW, TakeBackWorld, type Device } from './take-back.fixture.ts';

function outboxOf({ store }: Device): readonly OutboxRow[] {
  return [...store.disk.outbox.values()].sort((a, b) => a.order - b.order || a.part - b.part);
}

const dotsOf = (device: Device): readonly Dot[] => outboxOf(device).flatMap((row) => row.dot ?? []);

/** A row that `a` has deleted and every server forgotten, while `b` was away; what `b` does meanwhile is `edit`. */
function forgotten(edit: (b: Device) => void): { world: TakeBackWorld; a: Device; b: Device } {
  const world = new TakeBackWorld();
  const [a, b] = [world.device('a'), world.device('b')];
  a.put({ title: 'one', body: 'text', likes: 3, tags: ['x', 'y'] });
  world.settle();
  b.offline();
  a.remove();
  edit(b);
  world.settle();
  world.forget();
  expect(world.recordsOn(world.server)).not.toContain(`notes\u0000${ROW}`);
  return { world, a, b };
}

describe('an edit of a row that was deleted and forgotten', () => {
  it('[REC1] pitfall 32: it becomes a recovered copy on every device, with all that the row had', () => {
    const { world, a, b } = forgotten((device) =>
      device.put({ title: 'two', body: 'text', likes: 5, tags: ['x', 'z'] }),
    );
    b.online();
    world.settle();
    for (const device of [a, b]) {
      expect(device.rows()).toEqual([]);
      const [copy, ...others] = device.conflicts();
      expect(others).toEqual([]);
      expect(copy).toMatchObject({ kind: 'recovered', recoveredFrom: ROW });
      const whole = { title: 'two', body: 'text', likes: 5, tags: ['x', 'z'] };
      expect(device.hidden(copy!.rowId)).toMatchObject(whole);
    }
    world.expectEqual(a, b);
  });

  it('[REC1] a counter that the edit left alone stands in the copy where it stood', () => {
    const { world, a, b } = forgotten((device) => device.put({ title: 'two' }));
    b.online();
    world.settle();
    const [copy] = a.conflicts();
    for (const device of [a, b]) expect(device.hidden(copy!.rowId)).toMatchObject({ title: 'two', likes: 3 });
    world.expectEqual(a, b);
  });

  it('[REC2] what is edited again in the copy keeps its order: the later value replaces the earlier one', () => {
    const { world, a, b } = forgotten((device) => {
      device.put({ title: 'two' });
      device.put({ title: 'three', likes: 4 });
      device.put({ likes: 6 }, ROW, { tab: 1 });
    });
    b.online();
    world.settle();
    const [copy, ...others] = a.conflicts();
    expect(others).toEqual([]);
    expect(a.hidden(copy!.rowId)).toMatchObject({ title: 'three', likes: 6, body: 'text', tags: ['x', 'y'] });
    world.expectEqual(a, b);
  });

  it('[REC3] two copies of a profile, each with edits of its own: each happens once, and counters are exact', () => {
    const { world, a, b } = forgotten((device) => device.put({ title: 'two', likes: 4 }));
    const disk = b.copyDisk();
    b.put({ likes: 14 });
    const c = world.device('c', disk);
    c.offline();
    c.put({ title: 'by the other copy', likes: 104 });
    b.online();
    world.settle();
    c.online();
    world.settle();
    const copies = a.conflicts();
    expect(copies.every(({ kind }) => kind === 'recovered')).toBe(true);
    const rows = copies.map(({ rowId }) => a.hidden(rowId)!);
    expect(rows.map(({ title }) => title)).toContain('by the other copy');
    // What the row had counted is in each copy; 1 of the shared change, 10 and 100 of one profile each are in one.
    const increments = [...a.store.disk.records.values()].map(({ base }) => base?.counters.get('likes#c') ?? 0);
    expect(increments.filter((n) => n !== 3).reduce((sum, n) => sum + n, 0)).toBe(111);
    world.expectEqual(a, b, c);
  });

  it('[REC4] a second delete of it needs no copy', () => {
    const { world, a, b } = forgotten((device) => device.remove());
    b.online();
    world.settle();
    expect([a, b].flatMap((device) => device.conflicts())).toEqual([]);
    expect(b.rows()).toEqual([]);
    world.expectEqual(a, b);
  });

  it('[REC4] who deleted it after all is not asked about what they edited before', () => {
    const { world, a, b } = forgotten((device) => {
      device.put({ title: 'two' });
      device.remove();
    });
    b.online();
    world.settle();
    expect([a, b].flatMap((device) => device.conflicts())).toEqual([]);
    world.expectEqual(a, b);
  });

  it('[REC5] the rest of the transaction, and what was written behind it, goes on under the same dots', () => {
    const { world, a, b } = forgotten((device) => {
      device.putAll([
        { id: ROW, title: 'two' },
        { id: OTHER, title: 'new' },
      ]);
      device.put({ body: 'more' }, OTHER);
    });
    const dots = dotsOf(b);
    b.online();
    world.settle();
    expect(a.row(OTHER)).toMatchObject({ title: 'new', body: 'more' });
    expect(dots.every((dot) => world.server.has(dot))).toBe(true);
    expect(a.conflicts()).toHaveLength(1);
    world.expectEqual(a, b);
  });

  it('[REC6] a row made again under its old id counts in the copy from where it stood', () => {
    const { world, a, b } = forgotten((device) => {
      device.remove();
      device.put({ title: 'again', likes: 1 });
    });
    b.online();
    world.settle();
    const [copy] = a.conflicts();
    expect(a.hidden(copy!.rowId)).toMatchObject({ title: 'again', likes: 1 });
    world.expectEqual(a, b);
  });

  it('[REC7] a restored copy is a row of its own everywhere, a discarded one is gone', () => {
    for (const fate of ['live', 'dead'] as const) {
      const { world, a, b } = forgotten((device) => device.put({ title: 'two' }));
      b.online();
      world.settle();
      const [copy] = a.conflicts();
      a.decide(copy!, fate);
      world.settle();
      expect([a, b].flatMap((device) => device.conflicts())).toEqual([]);
      expect([a, b].map((device) => device.row(copy!.rowId)?.['title'])).toEqual(
        fate === 'live' ? ['two', 'two'] : [undefined, undefined],
      );
      world.expectEqual(a, b);
    }
  });

  it('[REC8] pitfall 35: what was written to rows that live is sent with its own dots, without a copy', () => {
    const { world, a, b } = forgotten((device) => {
      for (let i = 0; i < 50; i++) device.put({ likes: i }, OTHER);
    });
    a.put({ title: 'by a' }, OTHER);
    const dots = dotsOf(b);
    b.online();
    world.settle();
    expect(a.conflicts()).toEqual([]);
    expect(dots.every((dot) => world.server.has(dot))).toBe(true);
    expect(a.row(OTHER)).toMatchObject({ title: 'by a', likes: 49 });
    world.expectEqual(a, b);
  });
});

describe('a change that a server does not take', () => {
  function refusing(title: string): { world: TakeBackWorld; a: Device; b: Device } {
    const world = new TakeBackWorld();
    world.mayWrite = ({ recs }) => !JSON.stringify(recs).includes(`"${title}"`);
    const [a, b] = [world.device('a'), world.device('b')];
    a.put({ title: 'one', likes: 1 });
    world.settle();
    return { world, a, b };
  }

  it('[REJ1] pitfall 55: it is taken back in the middle of the outbox, the rest goes on under the same dots', () => {
    const { world, a, b } = refusing('no');
    b.offline();
    b.put({ title: 'before' }, OTHER);
    b.put({ title: 'no' });
    b.put({ body: 'behind' }, OTHER);
    const dots = dotsOf(b);
    b.online();
    world.settle();
    expect(b.row()).toMatchObject({ title: 'one' });
    expect(b.row(OTHER)).toMatchObject({ title: 'before', body: 'behind' });
    expect(b.rejected()).toMatchObject([{ c: 'notes', rowId: ROW, error: { code: 'FORBIDDEN' } }]);
    expect(dots.every((dot) => world.server.has(dot))).toBe(true);
    expect(a.rejected()).toEqual([]);
    world.expectEqual(a, b);
  });

  it('[REJ2] what depends on it comes with it, as one entry for each row', () => {
    const { world, a, b } = refusing('no');
    b.offline();
    b.putAll([
      { id: ROW, title: 'no' },
      { id: OTHER, title: 'made with it' },
    ]);
    b.put({ likes: 5 });
    b.put({ body: 'more' }, OTHER);
    b.online();
    world.settle();
    expect(b.row()).toMatchObject({ title: 'one', likes: 1 });
    expect(b.row(OTHER)).toBeUndefined();
    expect(b.rejected().map(({ rowId, parts }) => [rowId, parts.length])).toEqual([
      [ROW, 2],
      [OTHER, 2],
    ]);
    world.expectEqual(a, b);
  });

  it('[REJ3] what was refused survives a restart, and a device that is empty of it leaves no record behind', () => {
    const { world, b } = refusing('no');
    b.put({ title: 'no' }, OTHER);
    world.settle();
    b.restart();
    world.settle();
    expect(b.rejected()).toMatchObject([{ rowId: OTHER }]);
    expect([...b.store.disk.records.values()].map(({ id }) => id)).toEqual([ROW]);
  });

  /** `b` writes a row that one server takes without being able to say so, and the other one refuses. */
  function takenAndRefused(): { world: TakeBackWorld; first: Device; moved: Device; peer: () => unknown } {
    const sids = ['SSSSSSSSSSS', 'TTTTTTTTTTT'];
    const world = new TakeBackWorld(sids[0], undefined, sids);
    const second = world.newServer(sids[1]!, sids);
    const first = world.device('a');
    const b = world.device('b');
    world.settle();
    b.weather.isDownSilent = true;
    b.put({ title: 'kept', likes: 3 });
    const [dot] = dotsOf(b);
    world.settle(2_000);
    expect(world.server.has(dot!)).toBe(true);
    const disk = b.copyDisk();
    b.crashSync();
    world.mayWrite = () => false;
    const moved = world.device('b', disk, second);
    world.settle();
    expect(moved.rejected()).toMatchObject([{ rowId: ROW, error: { code: 'FORBIDDEN' } }]);
    expect(outboxOf(moved)).toEqual([]);
    expect(moved.row()).toBeUndefined();
    return { world, first, moved, peer: () => world.peer(world.server, second) };
  }

  it('[REJ4] what another server has taken stands: its content comes after all, once, and the entry in the list closes', () => {
    const { world, first, moved, peer } = takenAndRefused();
    peer();
    world.settle();
    for (const device of [first, moved]) expect(device.row()).toMatchObject({ title: 'kept', likes: 3 });
    expect(moved.rejected()).toEqual([]);
    world.expectEqual(first, moved);
    const late = world.device('late');
    world.settle();
    expect(late.row()).toMatchObject({ title: 'kept', likes: 3 });
  });

  it('[REJ4] also for who goes back to the server that has taken it', () => {
    const { world, first, moved, peer } = takenAndRefused();
    const back = world.device('b', moved.copyDisk());
    moved.crashSync();
    world.settle();
    expect(back.row()).toMatchObject({ title: 'kept', likes: 3 });
    expect(back.rejected()).toEqual([]);
    peer();
    world.settle();
    expect(back.row()).toMatchObject({ title: 'kept', likes: 3 });
    world.expectEqual(first, back);
  });

  it('[REJ4] also by a snapshot', () => {
    const { world, first, moved, peer } = takenAndRefused();
    moved.offline();
    peer();
    world.settle();
    moved.store.disk.space = { ...moved.store.disk.space, isDiverged: true };
    moved.online();
    world.settle();
    expect(moved.row()).toMatchObject({ title: 'kept', likes: 3 });
    expect(moved.rejected()).toEqual([]);
    world.expectEqual(first, moved);
  });

  it('[REJ4] also while the empty change is still in the outbox', () => {
    const world = new TakeBackWorld();
    const [a, b] = [world.device('a'), world.device('b')];
    world.settle();
    b.weather.isDownSilent = true;
    b.put({ title: 'kept', likes: 3 });
    const [dot] = dotsOf(b);
    world.settle(2_000);
    const back = world.device('b', b.copyDisk());
    b.crashSync();
    back.offline();
    back.store.reject(dot!, { code: 'FORBIDDEN', message: 'said by another server' });
    expect(back.rejected()).toHaveLength(1);
    expect(back.row()).toBeUndefined();
    back.online();
    world.settle();
    expect(back.row()).toMatchObject({ title: 'kept', likes: 3 });
    expect(back.rejected()).toEqual([]);
    world.expectEqual(a, back);
  });

  it("[REJ9] somebody else's change, offered again, is not taken back in their name: it leaves, and nobody waits for it", () => {
    const world = new TakeBackWorld();
    const b = world.device('b');
    b.offline();
    b.put({ title: 'theirs' });
    b.put({ title: 'mine' }, OTHER, { tab: 1 });
    const [relayed, own] = outboxOf(b);
    b.store.disk.outbox.set(outboxKey([relayed!.order, relayed!.part]), { ...relayed!, relay: true });
    expect(own!.head!.ex).toEqual([relayed!.dot]);
    world.mayWrite = ({ dot }) => dot !== relayed!.dot;
    b.online();
    world.settle();
    expect(b.rejected()).toEqual([]);
    expect(world.server.has(relayed!.dot!)).toBe(false);
    expect(world.server.has(own!.dot!)).toBe(true);
    world.expectEqual(b);
  });

  it('[REJ5] a copy of the profile that was not asked learns from the log that it was taken back', () => {
    const { world, a, b } = refusing('no');
    b.offline();
    b.put({ title: 'no' });
    const c = world.device('c', b.copyDisk());
    c.offline();
    c.put({ likes: 2 });
    b.online();
    world.settle();
    world.mayWrite = () => true;
    c.online();
    world.settle();
    expect(b.rejected()).toMatchObject([{ rowId: ROW, error: { code: 'FORBIDDEN' } }]);
    // What it wrote on top of it comes with it, as it would have where it was refused.
    expect(c.rejected().map(({ rowId, error }) => [rowId, error.code])).toEqual([
      [ROW, 'WITHDRAWN'],
      [ROW, 'WITHDRAWN'],
    ]);
    for (const device of [a, b, c]) expect(device.row()).toMatchObject({ title: 'one', likes: 1 });
    world.expectEqual(a, b, c);
  });

  it('[REJ5] also from a snapshot, which has nothing of it but the dot', () => {
    const { world, a, b } = refusing('no');
    b.offline();
    b.put({ title: 'no' });
    b.put({ title: 'fine' }, OTHER);
    const c = world.device('c', b.copyDisk());
    c.offline();
    b.online();
    world.settle();
    c.store.disk.space = { ...c.store.disk.space, isDiverged: true };
    c.online();
    world.settle();
    expect(c.rejected()).toMatchObject([{ rowId: ROW, error: { code: 'WITHDRAWN' } }]);
    for (const device of [a, b, c]) {
      expect(device.row()).toMatchObject({ title: 'one' });
      expect(device.row(OTHER)).toMatchObject({ title: 'fine' });
    }
    world.expectEqual(a, b, c);
  });

  for (const isCut of [false, true]) {
    const when = isCut ? ', also when the log has forgotten it' : '';
    it(`[REJ8] what a copy of the profile writes on top of a change that was taken back leaves no hole${when}`, () => {
      const { world, a, b } = refusing('no');
      b.offline();
      b.put({ title: 'seen' });
      b.put({ title: 'no' });
      const c = world.device('c', b.copyDisk());
      c.offline();
      c.put({ title: 'on top of it' });
      c.put({ title: 'elsewhere' }, OTHER);
      b.online();
      world.settle();
      if (isCut) for (const [key] of world.server.space.hashes) world.server.space.hashes.delete(key);
      c.online();
      world.settle();
      for (const device of [a, b, c]) {
        expect(device.row()).toMatchObject({ title: 'seen' });
        expect(device.row(OTHER)).toMatchObject({ title: 'elsewhere' });
        expect(device.conflicts()).toEqual([]);
      }
      const kept = c.rejected().flatMap(({ parts }) => parts.map(({ rec }) => JSON.stringify(rec.ops)));
      for (const title of ['no', 'on top of it']) expect(kept.join()).toContain(`"${title}"`);
      world.expectEqual(a, b, c);
    });
  }

  it('[REJ6] another content under its dot: it leaves the outbox, and its writer ends', () => {
    const world = new TakeBackWorld();
    const [a, b] = [world.device('a'), world.device('b')];
    b.offline();
    b.put({ title: 'mine' });
    const [dot] = dotsOf(b);
    // As if a machine had been copied while its tab was running.
    const twin = b.copyDisk();
    const [row] = [...twin.outbox.values()];
    const recs = JSON.parse(JSON.stringify(row!.recs).replace('mine', 'theirs')) as OutboxRow['recs'];
    twin.outbox.set(outboxKey([row!.order, row!.part]), { ...row!, recs });
    world.device('t', twin);
    world.settle();
    b.put({ title: 'behind' }, OTHER);
    b.online();
    world.settle();
    expect(b.rejected()).toMatchObject([{ rowId: ROW, error: { code: 'EQUIVOCATION' } }]);
    expect(b.row()).toMatchObject({ title: 'theirs' });
    expect(b.row(OTHER)).toMatchObject({ title: 'behind' });
    b.put({ title: 'later' }, OTHER);
    expect(incOf(dotsOf(b)[0]!)).not.toBe(incOf(dot!));
    world.settle();
    world.expectEqual(a, b);
  });

  it('[REJ7] what no server would read is taken back before it is sent', () => {
    const world = new TakeBackWorld();
    const b = world.device('b');
    b.offline();
    b.put({ title: 'poison' });
    b.put({ title: 'fine' }, OTHER);
    const [row] = outboxOf(b);
    // What an older version with other checks may have left behind.
    const recs = JSON.parse(JSON.stringify(row!.recs).replace('"poison"', '{"__proto__":"x"}')) as OutboxRow['recs'];
    b.store.disk.outbox.set(outboxKey([row!.order, row!.part]), { ...row!, recs });
    b.online();
    world.settle();
    expect(b.rejected()).toMatchObject([{ rowId: ROW, error: { code: 'INVALID_CHANGE' } }]);
    expect(world.recordsOn(world.server)).toEqual([`notes\u0000${OTHER}`]);
    world.expectEqual(b);
  });
});
