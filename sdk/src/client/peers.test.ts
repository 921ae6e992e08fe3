import 'fake-indexeddb/auto';
import { expect, test } from 'vitest';

import { newIncarnation } from '../lib/ids.ts';
import { seededRandom } from '../lib/random.ts';
import { createTestNetwork } from '../testing/test-network.ts';
import { collection } from './definition.ts';
import { peersOf } from './peers.ts';

const collections = { notes: collection<{ title: string }>() };

test('[PEE1] devices that have written are peers, this one first; a device that only reads is none', async () => {
  const network = createTestNetwork({ seed: 1, collections });
  const [anna, ben, cleo] = [await network.device('anna'), await network.device('ben'), await network.device('cleo')];
  expect(anna.db.peers$.value).toEqual([]);
  await anna.db.notes.insert({ id: 'a', title: 'a' });
  await network.settled();
  await ben.db.notes.update('a', { title: 'b' });
  await network.expectConverged();
  const shown = (device: typeof anna): unknown =>
    device.db.peers$.value.map(({ user, here, unsent }) => [user?.id, here, unsent]);
  await expect
    .poll(() => shown(anna))
    .toEqual([
      ['anna', true, 0],
      ['ben', false, null],
    ]);
  await expect
    .poll(() => shown(ben))
    .toEqual([
      ['ben', true, 0],
      ['anna', false, null],
    ]);
  await expect
    .poll(() => shown(cleo))
    .toEqual([
      ['ben', false, null],
      ['anna', false, null],
    ]);
  const [byBen, byAnna] = cleo.db.peers$.value;
  expect(byBen!.lastSeenAt.getTime() - byAnna!.lastSeenAt.getTime()).toBeGreaterThan(0);
  expect(byBen).toMatchObject({ device: { id: byBen!.id }, lastChange: expect.stringMatching(/\.1$/) });

  await ben.db.notes.update('a', { title: 'c' });
  await network.expectConverged();
  await expect.poll(() => cleo.db.peers$.value[0]).toMatchObject({ lastChange: expect.stringMatching(/\.2$/) });
  await network.close();
});

test('[PEE2] what is unsent here is told of this device, and goes with its confirmation', async () => {
  const network = createTestNetwork({ seed: 2, collections });
  const anna = await network.device('anna');
  network.partition();
  await anna.db.notes.insert({ id: 'a', title: 'a' });
  await anna.db.notes.update('a', { title: 'b' });
  await expect.poll(() => anna.db.peers$.value).toMatchObject([{ here: true, unsent: 2 }]);
  network.heal();
  await network.settled();
  await expect
    .poll(() => anna.db.peers$.value)
    .toMatchObject([{ here: true, unsent: 0, lastChange: expect.stringMatching(/\.2$/) }]);
  await network.close();
});

test('[PEE3] a device is one peer, however often it was opened; without a change of its own it was seen when it began', () => {
  const device = { id: 'd', name: 'phone' };
  const random = seededRandom(1);
  const [old, young] = [newIncarnation(1_700_000_000_000, random), newIncarnation(1_800_000_000_000, random)];
  const parts = { deviceId: 'here', unsent: 3, wroteMs: null };
  const writers = [
    { inc: young, device, user: { id: 'u' } },
    { inc: old, device, heard: { seq: 9, hlc: 1_700_000_500_000 * 1024 } },
  ];
  const peer = { id: 'd', device, here: false, unsent: null };
  expect(peersOf({ ...parts, writers })).toEqual([
    { ...peer, user: { id: 'u' }, lastSeenAt: new Date(1_800_000_000_000), lastChange: null },
  ]);
  expect(peersOf({ ...parts, writers: writers.slice(1) })).toEqual([
    { ...peer, user: null, lastSeenAt: new Date(1_700_000_500_000), lastChange: `${old}.9` },
  ]);
});
