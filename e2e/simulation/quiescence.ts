/** The end of a world: everything heals, everybody is running, and after a while nothing is left to do. */
import { contentOfRecord, lifeStatus } from '@skerry/sdk/kernel';
import { recordKey, type MemoryDisk } from '@skerry/sdk/testing';

import type { SimServer } from './sim-server.ts';
import { COLLECTION } from './workload.ts';
import type { World } from './world.ts';
import { Violation } from './violation.ts';

const SLICE_MS = 20_000;
/** Longest wait of a session that works, upkeep, and a clock that was a few minutes wrong. */
const LONGEST_MS = 45 * 60_000;

export class Quiescence {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** [I8] Throws what is still not done when it should be. */
  reach(): void {
    const { timeline } = this.#world;
    const endsAtMs = timeline.nowMs + LONGEST_MS;
    for (;;) {
      this.#heal();
      this.#passDay();
      timeline.runUntil(timeline.nowMs + SLICE_MS);
      const left = this.#leftToDo();
      if (left === null) return;
      if (timeline.nowMs > endsAtMs) throw new Violation('I8', left);
    }
  }

  /** Again and again: some trouble ends by itself, and some begins late. */
  #heal(): void {
    const { devices, servers, links } = this.#world;
    for (const server of servers) server.test.skewMs = 0;
    links.heal();
    for (const device of devices) {
      const { test } = device;
      device.isFull = false;
      test.isUnreachable = false;
      Object.assign(test.weather, { maxDelayMs: 50, isUpSilent: false, isDownSilent: false, isStuttering: false });
      test.weather.truncate = null;
      if (device.home.isLost) device.moveTo(servers.find((server) => !server.isLost)!);
      if (test.session === null) test.start();
      test.dispatch({ type: 'local-write' });
    }
  }

  /** Everything is looked over once a day: a day has passed, and the page is loaded anew. One session also repairs seldom. */
  #passDay(): void {
    for (const device of this.#world.devices) {
      if (device.corrupted === null) continue;
      if (device.disk.space.isDiverged) device.test.restart();
      else if (device.disk.space.inspectedAt !== undefined) device.passDay();
    }
  }

  #leftToDo(): string | null {
    const { devices, servers, links } = this.#world;
    const alive = servers.filter((server) => !server.isLost);
    const unequal = links.unequal();
    if (unequal) return unequal;
    for (const { name, disk, corrupted } of devices) {
      if (disk.outbox.size > 0) return `${name} still has ${disk.outbox.size} rows in its outbox`;
      const behind = Object.keys(alive[0]!.test.cursor).find(
        (sid) => (disk.replica.cursor[sid] ?? 0) !== alive[0]!.test.cursor[sid],
      );
      if (behind)
        return `${name} has applied ${disk.replica.cursor[behind] ?? 0} of ${alive[0]!.test.cursor[behind]} of ${behind}`;
      if (corrupted !== null && !isRight(corrupted, disk, alive[0]!))
        return `${name} has not noticed that its disk has altered a record`;
    }
    return null;
  }
}

/** A later write has replaced what was altered, or the record was deleted: nothing is left to repair. */
function isRight(id: string, disk: MemoryDisk, { test }: SimServer): boolean {
  const key = recordKey(COLLECTION, id);
  const [mine, theirs] = [disk.records.get(key)?.base, test.space.records.get(key)].map((record) =>
    record && lifeStatus(record) !== 'dead' ? contentOfRecord(record) : '',
  );
  return mine === theirs;
}
