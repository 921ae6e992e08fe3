/**
 * How fast a peer is read: what it sends faster than it may waits in the network, where it costs this server nothing and
 * slows the sender down. Nobody is sent away for being fast.
 *
 * Frames, their bytes and the time that it takes to read them are counted, of the peer and of its user. Whoever owes
 * something is not read until that is paid; what had come already is held until then, in order.
 */
import type { Limits } from '@skerry/sdk/kernel';

import { Bucket } from './bucket.ts';
import type { Peer } from './peer.ts';

/** What was used: how many frames, how many bytes, how many milliseconds of a processor. */
export interface Usage {
  readonly frames: number;
  readonly bytes: number;
  readonly workMs: number;
}

/** So many seconds' worth may be saved up. */
const BURST_SECONDS = 5;
/** Of a processor; less of it may be saved up, because it is what others wait for. */
const WORK_MS_PER_SECOND = 100;
const WORK_BURST_MS = 200;

export class Allowance {
  readonly #frames: Bucket;
  readonly #bytes: Bucket;
  readonly #work: Bucket;

  /** `share`: how many times what one peer may. */
  constructor({ framesPerSecond, bytesPerSecond }: Limits, share: number, atMs: number) {
    const bucket = (perSecond: number, most: number): Bucket => new Bucket(perSecond * share, most * share, atMs);
    this.#frames = bucket(framesPerSecond, framesPerSecond * BURST_SECONDS);
    this.#bytes = bucket(bytesPerSecond, bytesPerSecond * BURST_SECONDS);
    this.#work = bucket(WORK_MS_PER_SECOND, WORK_BURST_MS);
  }

  /** The milliseconds until nothing is owed. */
  take({ frames, bytes, workMs }: Usage, atMs: number): number {
    return Math.max(this.#frames.take(frames, atMs), this.#bytes.take(bytes, atMs), this.#work.take(workMs, atMs));
  }

  isFull(atMs: number): boolean {
    return [this.#frames, this.#bytes, this.#work].every((bucket) => bucket.isFull(atMs));
  }
}

const NOTHING: Usage = { frames: 0, bytes: 0, workMs: 0 };

export class Pace {
  readonly #peer: Peer;
  readonly #own: Allowance;
  /** Charges the user too, and says how long that makes it wait. */
  readonly #charge: (usage: Usage) => number;
  /** What came before the peer was paused. */
  #held: (() => void)[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(peer: Peer, limits: Limits, charge: (usage: Usage) => number) {
    this.#peer = peer;
    this.#own = new Allowance(limits, 1, performance.now());
    this.#charge = charge;
  }

  /** Now, or when nothing is owed any more. */
  run(step: () => void): void {
    if (this.#timer === null && this.take(NOTHING) === 0) step();
    else this.#held.push(step);
  }

  /** Counts what was used, and pauses the peer when that is more than it may. */
  take(usage: Usage): number {
    const waitMs = Math.max(this.#own.take(usage, performance.now()), this.#charge(usage));
    if (waitMs > 0 && this.#timer === null) {
      this.#peer.pause();
      this.#wait(waitMs);
    }
    return waitMs;
  }

  /** Nothing is run any more; its close is still to be heard. */
  stop(): void {
    this.#held = [];
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#peer.resume();
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => this.#goOn(), ms).unref();
  }

  #goOn(): void {
    while (this.#timer !== null) {
      const waitMs = Math.max(this.#own.take(NOTHING, performance.now()), this.#charge(NOTHING));
      if (waitMs > 0) return this.#wait(waitMs);
      const step = this.#held.shift();
      if (step) step();
      else {
        this.#timer = null;
        this.#peer.resume();
      }
    }
  }
}
