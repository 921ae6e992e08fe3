/** A value that flips in the records of a server, after the log that it came from was cut. */
import { expect, it } from 'vitest';

import type { RecordState } from '../core/record.ts';
import { recordKey } from '../store/record-key.ts';
import { OTHER, ROW, TakeBackWorld } from './take-back.fixture.ts';
import { TestServer } from './test-server.ts';

const MINUTE_MS = 60_000;

class CutWorld extends TakeBackWorld {
  override newServer(sid: string): TestServer {
    const retention = { tombstoneMs: 1e12, logMs: MINUTE_MS };
    return new TestServer({ sid, timeline: this.timeline, commitMs: () => 5, retention });
  }
}

it('[DIG4] nobody takes it: who has the record keeps it, who needs it waits and says why, and all goes on when it is right again', () => {
  const world = new CutWorld();
  const a = world.device('a');
  a.put({ title: 'first' });
  a.put({ title: 'other' }, OTHER);
  for (let i = 0; i < 3; i++) {
    world.settle(2 * MINUTE_MS);
    world.server.maintain();
    if (i === 0) a.put({ likes: 1 });
  }
  const records = world.server.space.records as Map<string, RecordState>;
  const key = recordKey('notes', ROW);
  const right = records.get(key)!;
  const flipped = right.cells.get('title')!.map((entry) => ({ ...entry, v: 'flipped' }));
  records.set(key, { ...right, cells: new Map(right.cells).set('title', flipped) });
  const b = world.device('b');
  b.put({ title: 'written meanwhile' }, 'mine');
  a.put({ title: 'changed' }, OTHER);
  world.settle(5 * MINUTE_MS);
  expect(world.server.verdicts.get('hello: truncated')).toBeGreaterThan(1);
  expect(b.rows().map(({ title }) => title)).toEqual(['written meanwhile']);
  expect(b.session?.reported).toMatchObject({ connection: 'backoff', inSync: false, firstSync: 'never' });
  expect(a.row()).toMatchObject({ title: 'first', likes: 1 });
  expect(a.row(OTHER)).toMatchObject({ title: 'changed' });
  records.set(key, right);
  world.settle(5 * MINUTE_MS);
  expect(b.row()).toMatchObject({ title: 'first', likes: 1 });
  world.expectEqual(a, b);
});
