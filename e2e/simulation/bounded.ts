/**
 * What is kept when nothing happens any more: nothing that nobody needs, and a quiet world is silent. Called when all
 * replicas are equal.
 */
import { isUuidV7, lifeStatus, type RecordState } from '@skerry/sdk/kernel';

import { MOST_SKEW_MS } from './actions.ts';
import { show } from './closed-form.ts';
import { SERVER_CLOCK } from './counters.ts';
import { Violation } from './violation.ts';
import type { World } from './world.ts';

/** Deletes that are kept longer than this stay: nobody waits for them in a test. */
const LONGEST_WAIT_MS = 25 * 60_000;
const IDLE_MS = 5 * 60_000;

/** [I11] [I12] Lets the time pass that deletes are remembered for, and some more in which nothing may happen. */
export function checkSettled(world: World): void {
  const { timeline, script, servers, devices } = world;
  const { retention, maintainMs } = script.shape;
  const alive = servers.filter((server) => !server.isLost);
  // A server remembers where its log stood in steps of a part of the longest time that it keeps anything.
  const longestMs = Math.max(retention.tombstoneMs, retention.logMs);
  const forgets = longestMs <= LONGEST_WAIT_MS;
  const horizonMs = retention.tombstoneMs <= LONGEST_WAIT_MS ? retention.tombstoneMs : 0;
  // One whose clock was ahead waits until it is that late again.
  const aheadMs = world.counters.all.has(SERVER_CLOCK) ? MOST_SKEW_MS : 0;
  const waitMs = aheadMs + 1.5 * (forgets ? longestMs : horizonMs) + 3 * maintainMs + 60_000;
  timeline.runUntil(timeline.nowMs + waitMs);
  if (forgets) {
    for (const { name, test } of alive) checkNoTombstones(name, test.space.records);
    for (const { name, disk } of devices)
      checkNoTombstones(name, new Map([...disk.records].flatMap(([key, { base }]) => (base ? [[key, base]] : []))));
  }
  if (alive.length > 1) for (const device of devices) checkNothingKept(device.name, device.disk.space);
  const entries = alive.map(({ test }) => test.space.meta.lsn);
  timeline.runUntil(timeline.nowMs + IDLE_MS);
  alive.forEach(({ name, test }, i) => {
    const grown = test.space.meta.lsn - entries[i]!;
    if (grown > 0) throw new Violation('I12', `${name} wrote ${grown} entries into its log while nothing happened`);
  });
}

/** Deletes of generated ids are forgotten in time. */
function checkNoTombstones(name: string, records: ReadonlyMap<string, RecordState>): void {
  for (const [key, record] of records) {
    const [, id] = key.split('\u0000') as [string, string];
    if (isUuidV7(id) && lifeStatus(record) === 'dead')
      throw new Violation('I11', `${name} still remembers that ${show(key)} was deleted`);
  }
}

function checkNothingKept(
  name: string,
  { seen, tail }: { readonly seen: object; readonly tail: { readonly entries: number } },
): void {
  const writers = Object.keys(seen).length;
  if (writers > 0) throw new Violation('I11', `${name} still keeps what it has seen of ${writers} writers`);
  if (tail.entries > 0) throw new Violation('I11', `${name} still keeps ${tail.entries} changes that every server has`);
}
