/**
 * One device's link over HTTP: to the hub it is a socket, to the device a few requests that may be lost and repeated.
 *
 * Frames are numbered in each direction. What the hub sends is kept until a poll says that it has arrived; what the
 * device sends again is known by its number. So a lost answer costs time and nothing else.
 */
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { CLOSE, type Limits, type PolledHead } from '@skerry/sdk/kernel';

import type { Peer } from '../hub/peer.ts';

/** A request that waits for frames. */
export interface Poll {
  readonly after: number;
  /** Called once. `delivered` is called when the answer has left, or is lost. */
  answer(head: PolledHead, frames: readonly string[], delivered: () => void): void;
  /** Ends it without an answer, as a lost connection does. */
  drop(): void;
}

interface Kept {
  readonly text: string;
  readonly bytes: number;
}

const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

export class HttpLink extends EventEmitter implements Peer {
  /** Whoever knows it can speak for the device, as whoever holds a socket can. */
  readonly id: string = randomBytes(24).toString('base64url');
  readonly OPEN = OPEN;
  readonly #limits: Limits;
  #state: typeof OPEN | typeof CLOSING | typeof CLOSED = OPEN;
  /** Frames that the device has not confirmed, the oldest first. */
  #kept: Kept[] = [];
  #keptBytes = 0;
  /** Number of the newest frame that was sent, and up to which they were confirmed. */
  #sent = 0;
  #confirmed = 0;
  #received = 0;
  #poll: Poll | null = null;
  #ending: { readonly code: number; readonly reason: string } | null = null;
  #timer: NodeJS.Timeout | undefined;
  #isFlushing = false;
  #isPaused = false;

  constructor(limits: Limits) {
    super();
    this.#limits = limits;
    this.#waitForPoll();
  }

  get readyState(): number {
    return this.#state;
  }

  get bufferedAmount(): number {
    return this.#keptBytes;
  }

  /** Up to which number the frames of the device have arrived. */
  get received(): number {
    return this.#received;
  }

  /** Whether a device that asks late can still be told how it ended. */
  get hasEnding(): boolean {
    return this.#ending !== null;
  }

  send(frame: string | Uint8Array): void {
    if (this.#state !== OPEN) return;
    // Nobody asks this peer to carry anything but text.
    const text = String(frame);
    const bytes = Buffer.byteLength(text);
    this.#kept.push({ text, bytes });
    this.#keptBytes += bytes;
    this.#sent++;
    this.#flushSoon();
  }

  close(code: number, reason: string): void {
    if (this.#state !== OPEN) return;
    this.#state = CLOSING;
    this.#ending = { code, reason };
    this.#flushSoon();
  }

  terminate(): void {
    this.#finish();
  }

  /** Whether the answer to what was sent last is held back; 'resume' says when it need not be any more. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.emit('resume');
  }

  /** Takes in frames of the device; false when some before them are missing. Those that came before count once. */
  take(from: number, frames: readonly string[]): boolean {
    if (from > this.#received + 1) return false;
    for (const [i, text] of frames.entries()) {
      if (from + i <= this.#received) continue;
      this.#received++;
      if (this.#state !== OPEN) continue;
      if (Buffer.byteLength(text) > this.#limits.frameBytes) this.#breakOff(CLOSE.tooLarge, 'frame too large');
      else this.emit('message', text, false);
    }
    return true;
  }

  /** False when it claims to have what was never sent. */
  poll(poll: Poll): boolean {
    const { after } = poll;
    if (after > this.#sent) return false;
    if (after < this.#confirmed) {
      // A copy of an earlier question that comes late: nobody waits for its answer.
      poll.answer({ from: after + 1 }, [], () => undefined);
      return true;
    }
    this.#confirm(after);
    this.#answer([], false);
    this.#poll = poll;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#answer([], false), this.#limits.pollMs).unref();
    this.#flushSoon();
    return true;
  }

  /** The request of a poll has ended without its answer: its device asks again, or is gone. */
  lost(poll: Poll): void {
    if (this.#poll !== poll) return;
    this.#poll = null;
    this.#waitForPoll();
  }

  /** The device has said goodbye. */
  leave(): void {
    this.#ending = null;
    this.#finish();
  }

  #confirm(upTo: number): void {
    for (const { bytes } of this.#kept.splice(0, upTo - this.#confirmed)) this.#keptBytes -= bytes;
    this.#confirmed = upTo;
  }

  /** What is sent together leaves together. */
  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      // Nobody is asking now. Who asks later is told how it ended, as long as that is remembered.
      if (this.#ending !== null && this.#poll === null) this.#finish();
      else this.#flush();
    });
  }

  #flush(): void {
    const frames = this.#nextFrames();
    const isLast = this.#ending !== null && frames.length === this.#kept.length;
    if (frames.length > 0 || isLast) this.#answer(frames, isLast);
  }

  /** As many as fit into one answer, and one in any case. */
  #nextFrames(): readonly string[] {
    let bytes = 0;
    const texts: string[] = [];
    for (const kept of this.#kept) {
      bytes += kept.bytes;
      if (texts.length > 0 && (bytes > this.#limits.frameBytes || texts.length >= MOST_FRAMES)) break;
      texts.push(kept.text);
    }
    return texts;
  }

  #answer(frames: readonly string[], isLast: boolean): void {
    const poll = this.#poll;
    if (poll === null) return;
    this.#poll = null;
    this.#waitForPoll();
    const closed = isLast && this.#ending ? { closed: this.#ending } : {};
    poll.answer({ from: poll.after + 1, ...closed }, frames, () => isLast && this.#finish());
  }

  #waitForPoll(): void {
    clearTimeout(this.#timer);
    if (this.#state === CLOSED) return;
    this.#timer = setTimeout(() => this.#breakOff(CLOSE.tooSlow, 'nobody polls'), this.#limits.linkIdleMs).unref();
  }

  /** Ends it from this side: the hub hears at once, the device when it asks. */
  #breakOff(code: number, reason: string): void {
    this.#ending ??= { code, reason };
    this.#flush();
    this.#finish();
  }

  #finish(): void {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    clearTimeout(this.#timer);
    if (this.#ending === null) this.#poll?.drop();
    else this.#flush();
    this.#poll = null;
    this.emit('close');
  }
}

const MOST_FRAMES = 128;
