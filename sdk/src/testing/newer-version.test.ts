/** A device of today among newer ones: whole devices and a server, in virtual time. */
import { expect, it } from 'vitest';

import type { Change } from '../core/change.ts';
import { seededRandom } from '../lib/random.ts';
import { compileCollection } from '../policies/registry.ts';
import { encodeMessage } from '../protocol/codec.ts';
import { NEWER_CHANGE, PAINT_CHANGE } from '../protocol/frames.fixture.ts';
import { emptyDisk } from '../store/memory-device.ts';
import { TestDevice } from './test-device.ts';
import { TestServer } from './test-server.ts';
import { Timeline } from './timeline.ts';

const SID = 'SSSSSSSSSSS';
const MINUTE = 60_000;
const NOTES = compileCollection({ name: 'notes', fields: {}, groups: [], onDeleteVsEdit: 'ask' });

it('[SE74] what a device of today writes reaches the others, although it can take nothing in any more', () => {
  const timeline = new Timeline(1_900_000_000_000);
  const random = seededRandom(3);
  const server = new TestServer({ sid: SID, timeline, commitMs: () => 5 });
  const wait = (ms: number): void => void timeline.runUntil(timeline.nowMs + ms);
  const open = (name: string): TestDevice => {
    const schemas = new Map([['notes', NOTES]]);
    return new TestDevice({ name, schemas, timeline, random, server, disk: emptyDisk(name), skewMs: 0 });
  };
  const put = (device: TestDevice, id: string): void => {
    device.store.write([[{ collection: 'notes', id, row: { id, by: device.name } }]]);
    device.dispatch({ type: 'local-write' });
  };
  const newer = (changes: readonly Change[]): void => {
    const peer = server.connect({ send: () => undefined, close: () => undefined });
    peer.receive(
      encodeMessage({ type: 'hello', protocol: 1, space: 'test', device: 'newer', cursor: {}, writers: [] }),
    );
    peer.receive(encodeMessage({ type: 'push', changes }));
    wait(1_000);
    peer.gone();
  };

  const today = open('today');
  put(today, 'first');
  newer([NEWER_CHANGE]);
  wait(MINUTE);
  expect(today.session!.reported).toMatchObject({ connection: 'online', inSync: true });
  newer([PAINT_CHANGE]);
  wait(MINUTE);
  expect(today.session!.reported).toMatchObject({
    connection: 'upgrade-required',
    reason: { code: 'UPGRADE_REQUIRED' },
    inSync: false,
  });
  expect(today.store.disk.replica.cursor).toEqual({ [SID]: 2 });
  put(today, 'second');
  wait(MINUTE);
  // It stays in the outbox, because it cannot come back, and is not sent twice.
  today.restart();
  put(today, 'third');
  wait(10 * MINUTE);
  expect(today.session!.reported).toMatchObject({ connection: 'upgrade-required' });
  expect(server.log.map(({ change }) => change.recs[0]!.id)).toEqual(['n-1', 'first', 'n-1', 'second', 'third']);
  expect(server.verdicts.get('duplicate')).toBeUndefined();
  expect(today.store.disk.replica.outbox.changes).toBe(2);
  expect([...today.store.disk.rows.values()].map((row) => row['id']).sort()).toEqual([
    'first',
    'n-1',
    'second',
    'third',
  ]);
});
