/**
 * How fast a peer is read: what it sends faster than it may waits in the network, where it costs this server nothing and
 * slows the sender down. Nobody is sent away for being fast.
 */
import type { Limits } from '@skerry/sdk/kernel';

import { Bucket } from './bucket.ts';
import { BURST_SECONDS } from './crowd.ts';
import type { Peer } from './peer.ts';

export class Pace {
  readonly #peer: Peer;
  readonly #frames: Bucket;
  readonly #bytes: Bucket;
  /** Charges the user too, and says how long that makes it wait. */
  readonly #charge: (frames: number, bytes: number) => number;
  #timer: NodeJS.Timeout | null = null;
  #untilMs = 0;

  constructor(peer: Peer, limits: Limits, charge: (frames: number, bytes: number) => number) {
    const atMs = performance.now();
    const bucket = (perSecond: number): Bucket => new Bucket(perSecond, perSecond * BURST_SECONDS, atMs);
    this.#peer = peer;
    this.#frames = bucket(limits.framesPerSecond);
    this.#bytes = bucket(limits.bytesPerSecond);
    this.#charge = charge;
  }

  take(frames: number, bytes: number, atMs: number): void {
    const own = Math.max(this.#frames.take(frames, atMs), this.#bytes.take(bytes, atMs));
    const waitMs = Math.max(own, this.#charge(frames, bytes));
    if (waitMs === 0) return;
    this.#untilMs = Math.max(this.#untilMs, atMs + waitMs);
    if (this.#timer !== null) return;
    this.#peer.pause();
    this.#waitUntil(atMs);
  }

  stop(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    // Its close is still to be heard.
    this.#peer.resume();
  }

  #waitUntil(atMs: number): void {
    this.#timer = setTimeout(() => {
      const nowMs = performance.now();
      if (nowMs < this.#untilMs) return this.#waitUntil(nowMs);
      this.#timer = null;
      this.#peer.resume();
    }, this.#untilMs - atMs).unref();
  }
}
