/**
 * Other nodes that serve the same storage: what they write reaches the devices of this one. A hint says where to look; the
 * storage says what is there.
 */
import type { Limits } from '@skerry/sdk/kernel';

import type { Hint, Storage } from '../storage/port.ts';
import type { Room } from './room.ts';

export interface NeighboursOptions {
  readonly storage: Storage;
  readonly limits: Limits;
  readonly rooms: ReadonlyMap<string, Room>;
  readonly onFailure: (failure: unknown) => void;
}

/** Spaces that are looked at at the same time: a round over all of them leaves room for everything else. */
const AT_ONCE = 4;

export class Neighbours {
  readonly #options: NeighboursOptions;
  readonly #waiting = new Set<string>();
  #running = 0;
  #isClosed = false;

  constructor(options: NeighboursOptions) {
    this.#options = options;
    options.storage.onHint?.((hint) => this.#heard(hint));
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting.clear();
  }

  #heard(hint: Hint | null): void {
    const { rooms } = this.#options;
    if (hint === null) for (const space of rooms.keys()) this.#waiting.add(space);
    else if ((rooms.get(hint.space)?.head.lsn ?? Infinity) < hint.lsn) this.#waiting.add(hint.space);
    while (!this.#isClosed && this.#running < AT_ONCE && this.#waiting.size > 0) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running++;
    for (const space of this.#waiting) {
      this.#waiting.delete(space);
      // What cannot be read now is looked for again by the next round.
      await this.#catchUp(space).catch(this.#options.onFailure);
    }
    this.#running--;
  }

  async #catchUp(space: string): Promise<void> {
    const { storage, limits, rooms } = this.#options;
    const room = rooms.get(space);
    if (!room) return;
    const { meta } = await storage.look(space, { writers: [], cursor: {} });
    const after = room.head.lsn;
    if (meta.lsn <= after) return;
    const max = { entries: limits.entriesPerPage, bytes: limits.pageBytes };
    const entries = (await storage.read(space, after, max)).filter(({ lsn }) => lsn <= meta.lsn);
    // Read once for all devices in the room, if it is not too much.
    const isWhole = entries[0]?.lsn === after + 1 && entries.at(-1)!.lsn === meta.lsn;
    if (isWhole) room.append(entries, meta);
    else room.raise(meta);
    room.announce();
  }
}
