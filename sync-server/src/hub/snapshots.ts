/**
 * The snapshots that are on their way to devices: each a space held at one moment until nobody asks for its pieces any
 * more. A device that lost its connection goes on with the one it had; devices that come at the same time share one.
 */
import { randomBytes } from 'node:crypto';
import { base64Url, bootstrapOf, leadsOn } from '@skerry/sdk/kernel';
import type { Bootstrap, Hello, Inc, KnownWriter, Limits, Snapshot, SpaceMeta } from '@skerry/sdk/kernel';

import type { PinnedSpace, Storage } from '../storage/port.ts';

/** A snapshot that nobody has asked for a piece of for so long is let go: what it holds keeps the disk from being tidied. */
export const SNAPSHOT_IDLE_MS = 60_000;
/** Even one that is read is let go after so long. */
export const SNAPSHOT_MAX_MS = 3_600_000;
/** Most of them at a time. */
export const MAX_SNAPSHOTS = 32;
/** When there are so many, one that nobody has asked for a piece of for so long gives way to another. */
export const SNAPSHOT_YIELD_MS = 5_000;
/** One that is younger is given to others who want their space, when the log leads on from it: what came since is little. */
export const SNAPSHOT_SHARE_MS = 10_000;

interface Held {
  readonly id: string;
  readonly space: string;
  /** For whom it was made first. */
  readonly user: string | null;
  readonly pinned: PinnedSpace;
  readonly sinceMs: number;
  usedMs: number;
}

/** Why a device gets a snapshot, and whose it is: null where nobody is asked who they are. */
export interface SnapshotWish {
  readonly why: Bootstrap['why'];
  readonly user: string | null;
}

/** What a hello is answered by when a snapshot follows. */
export interface Opened {
  readonly meta: SpaceMeta;
  readonly bootstrap: Bootstrap;
  readonly known: ReadonlyMap<Inc, KnownWriter>;
}

export class Snapshots {
  readonly #storage: Storage;
  readonly #limits: Limits;
  readonly #held = new Map<string, Held>();
  /** For whom one is being made. */
  readonly #pinning: (string | null)[] = [];

  constructor(storage: Storage, limits: Limits) {
    this.#storage = storage;
    this.#limits = limits;
  }

  get count(): number {
    return this.#held.size;
  }

  /** `now` is where the space stands at the moment. Null when there are too many already. */
  async open(hello: Hello, { why, user }: SnapshotWish, now: SpaceMeta, atMs: number): Promise<Opened | null> {
    const resumed = this.#resumable(hello, now);
    const held = resumed ?? this.#shared(hello, now, atMs) ?? (await this.#pin(hello.space, user, atMs));
    if (!held) return null;
    held.usedMs = atMs;
    const { id, pinned } = held;
    const { meta, records } = pinned;
    const known = await this.#ask(held, () => pinned.known(hello.writers));
    const about = { why, writers: hello.writers, from: resumed ? hello.resume!.next : 0 };
    const head = {
      id,
      meta,
      records,
      pieces: { length: pinned.pieces },
      known: (inc: Inc) => known.get(inc),
    };
    return { meta, bootstrap: bootstrapOf(head, about), known };
  }

  /** Null when it was let go. */
  async piece(id: string, piece: number, atMs: number): Promise<Snapshot | null> {
    const held = this.#held.get(id);
    if (!held || isGone(held)) return null;
    held.usedMs = atMs;
    const content = await this.#ask(held, (pinned) => pinned.piece(piece));
    return { type: 'snapshot', id, piece, ...content };
  }

  /** Lets go of those whose time is up. */
  tick(atMs: number): void {
    for (const held of this.#held.values()) {
      const isInTime = atMs - held.usedMs < SNAPSHOT_IDLE_MS && atMs - held.sinceMs < SNAPSHOT_MAX_MS;
      if (isInTime && !isGone(held)) continue;
      this.#letGo(held);
    }
  }

  close(): void {
    for (const { pinned } of this.#held.values()) pinned.release();
    this.#held.clear();
  }

  /** When what held the space is gone, a connection to the database say, who comes back is given another one. */
  async #ask<T>({ id, pinned }: Held, question: (pinned: PinnedSpace) => Promise<T>): Promise<T> {
    try {
      return await question(pinned);
    } catch (failure) {
      if (this.#held.delete(id)) pinned.release();
      throw failure;
    }
  }

  /** Only if the log still leads on from it, and the device has seen nothing since that it lacks. */
  #resumable({ space, resume, cursor }: Hello, now: SpaceMeta): Held | null {
    const held = resume && this.#held.get(resume.id);
    if (!held || isGone(held) || held.space !== space || resume.next > held.pinned.pieces) return null;
    return leadsOn(held.pinned, cursor, now) ? held : null;
  }

  #shared({ space, cursor }: Hello, now: SpaceMeta, atMs: number): Held | null {
    for (const held of this.#held.values()) {
      const isYoung = held.pinned.meta.lsn === now.lsn || atMs - held.sinceMs < SNAPSHOT_SHARE_MS;
      if (held.space === space && isYoung && !isGone(held) && leadsOn(held.pinned, cursor, now)) return held;
    }
    return null;
  }

  #makeRoom(atMs: number): boolean {
    const [idlest] = [...this.#held.values()].sort((a, b) => a.usedMs - b.usedMs);
    if (!idlest || atMs - idlest.usedMs < SNAPSHOT_YIELD_MS) return false;
    this.#letGo(idlest);
    return true;
  }

  #letGo(held: Held): void {
    this.#held.delete(held.id);
    held.pinned.release();
  }

  async #pin(space: string, user: string | null, atMs: number): Promise<Held | null> {
    if (this.#hasEnough(user)) return null;
    const max = Math.min(MAX_SNAPSHOTS, this.#storage.maxPinned ?? MAX_SNAPSHOTS);
    if (this.#held.size + this.#pinning.length >= max && !this.#makeRoom(atMs)) return null;
    const id = base64Url(randomBytes(16));
    this.#pinning.push(user);
    try {
      const pinned = await this.#storage.pin(space, this.#limits);
      const held = { id, space, user, pinned, sinceMs: atMs, usedMs: atMs };
      this.#held.set(id, held);
      return held;
    } finally {
      this.#pinning.splice(this.#pinning.indexOf(user), 1);
    }
  }

  /** One user who asks for all of them would leave nothing to the others. */
  #hasEnough(user: string | null): boolean {
    if (user === null) return false;
    const users = [...[...this.#held.values()].map((held) => held.user), ...this.#pinning];
    return users.filter((other) => other === user).length >= this.#limits.snapshotsPerUser;
  }
}

function isGone({ pinned }: Held): boolean {
  return pinned.isGone?.() ?? false;
}
