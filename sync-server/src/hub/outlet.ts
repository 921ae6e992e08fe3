/**
 * What leaves for one peer, in order. Large frames are deflated where the peer reads them so; that is done beside the event
 * loop, and what comes after such a frame waits for it.
 */
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import { isSendable, isWorthDeflating } from '@skerry/sdk/kernel';

import type { Peer } from './peer.ts';

const deflate = promisify<string, Buffer>(deflateRaw);

export class Outlet {
  readonly #peer: Peer;
  #deflates = false;
  /** The last thing that waits; null when nothing does. */
  #last: Promise<void> | null = null;
  #waitingBytes = 0;

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  /** Whether deflated frames can be sent to this peer and be read from it. */
  get canDeflate(): boolean {
    return this.#peer.binaryType !== undefined;
  }

  /** Bytes that have not left. */
  get bufferedAmount(): number {
    return this.#peer.bufferedAmount + this.#waitingBytes;
  }

  /** From now on. */
  deflate(): void {
    this.#deflates = this.canDeflate;
  }

  send(text: string): void {
    if (this.#deflates && isWorthDeflating(text)) return this.#sendDeflated(text);
    this.#inOrder(() => this.#put(text));
  }

  /** Behind everything that was sent. */
  close(code: number, reason: string): void {
    this.#inOrder(() => this.#peer.close(code, reason));
  }

  #sendDeflated(text: string): void {
    this.#waitingBytes += text.length;
    const deflating = deflate(text).then(
      (bytes) => (isSendable(text, bytes) ? bytes : text),
      () => text,
    );
    this.#wait(deflating, (frame) => {
      this.#waitingBytes -= text.length;
      this.#put(frame);
    });
  }

  #inOrder(step: () => void): void {
    if (this.#last === null) step();
    else this.#wait(this.#last, step);
  }

  #wait<T>(result: Promise<T>, step: (result: T) => void): void {
    const next: Promise<void> = Promise.all([result, this.#last]).then(([value]) => {
      if (this.#last === next) this.#last = null;
      step(value);
    });
    this.#last = next;
    // Whatever it was, this peer can no longer be told anything in order.
    next.catch(() => this.#peer.terminate());
  }

  #put(frame: string | Uint8Array): void {
    if (this.#peer.readyState === this.#peer.OPEN) this.#peer.send(frame, () => undefined);
  }
}
