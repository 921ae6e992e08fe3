/**
 * One connection over a network that misbehaves: every frame takes its time, one direction or both can go silent
 * without a word, and the connection can be cut with frames still on the way. Within a connection nothing is lost
 * or overtaken, as in TCP: what a silent line holds up arrives late, all of it, or the connection ends.
 */
import type { Random } from '../lib/random.ts';
import type { Timeline } from './timeline.ts';

export interface LinkEnd {
  receive(text: string): void;
  closed(code: number, reason: string): void;
}

export interface LinkWeather {
  /** Most time that a frame takes, in milliseconds. */
  maxDelayMs: number;
  isUpSilent: boolean;
  isDownSilent: boolean;
  /** A proxy in between sends some frames twice. */
  isStuttering?: boolean;
  /** The next frame in this direction ends after so much of it, and its connection with it. */
  truncate?: { readonly direction: 'up' | 'down'; readonly part: number } | null;
}

/** How soon a silent line is tried again, in milliseconds. */
const RETRY_MS = 500;

/** Frames and closes on their way in one connection. */
export class TestLink {
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #weather: LinkWeather;
  readonly #lastAtMs = { up: 0, down: 0 };
  readonly #held = { up: [] as (() => void)[], down: [] as (() => void)[] };
  readonly #isWaiting = { up: false, down: false };
  #isCut = false;
  /** The device's end is gone; what it had sent still arrives. */
  #isAbandoned = false;
  device: LinkEnd | null = null;
  server: LinkEnd | null = null;

  constructor(timeline: Timeline, random: Random, weather: LinkWeather) {
    this.#timeline = timeline;
    this.#random = random;
    this.#weather = weather;
  }

  up(text: string): void {
    this.#send('up', text, (arrived) => this.server?.receive(arrived));
  }

  down(text: string): void {
    this.#send('down', text, (arrived) => {
      if (!this.#isAbandoned) this.device?.receive(arrived);
    });
  }

  /** One end closed it; the other learns it behind the frames on the way, or never when the line is silent. */
  closedBy(end: 'device' | 'server', code: number, reason: string): void {
    if (end === 'device') this.#carry('up', () => this.#end(code, reason));
    else this.#carry('down', () => this.#end(code, reason));
  }

  /** Cut now: frames on the way are lost, both ends learn it. */
  cut(): void {
    this.#end(1006, 'cut');
  }

  /** The device learns it now; the server gets what is on its way to it, however late, and learns it then. */
  abandon(): void {
    if (this.#isCut || this.#isAbandoned) return;
    this.#isAbandoned = true;
    this.device?.closed(1006, 'cut');
    this.#carry('up', () => this.#end(1006, 'cut'));
  }

  #end(code: number, reason: string): void {
    if (this.#isCut) return;
    this.#isCut = true;
    if (!this.#isAbandoned) this.device?.closed(code, reason);
    this.server?.closed(code, reason);
  }

  #send(direction: 'up' | 'down', text: string, receive: (text: string) => void): void {
    const { truncate, isStuttering } = this.#weather;
    if (truncate?.direction === direction) {
      this.#weather.truncate = null;
      this.#carry(direction, () => receive(text.slice(0, Math.floor(text.length * truncate.part))));
      return this.#carry(direction, () => this.#end(1006, 'cut'));
    }
    this.#carry(direction, () => receive(text));
    if (isStuttering && this.#random.fraction() < 0.2) this.#carry(direction, () => receive(text));
  }

  #carry(direction: 'up' | 'down', deliver: () => void): void {
    if (this.#isCut) return;
    const delay = this.#random.fraction() * this.#weather.maxDelayMs;
    const atMs = Math.max(this.#timeline.nowMs + delay, this.#lastAtMs[direction]);
    this.#lastAtMs[direction] = atMs;
    this.#timeline.after(atMs - this.#timeline.nowMs, () => {
      this.#held[direction].push(deliver);
      this.#release(direction);
    });
  }

  /** Delivers what has arrived, unless the line is silent: then it looks again a little later. */
  #release(direction: 'up' | 'down'): void {
    if (this.#isCut) return;
    const held = this.#held[direction];
    const isSilent = direction === 'up' ? this.#weather.isUpSilent : this.#weather.isDownSilent;
    if (isSilent) return this.#retry(direction);
    while (held.length > 0) {
      const deliver = held.shift()!;
      if (!this.#isCut) deliver();
    }
  }

  #retry(direction: 'up' | 'down'): void {
    if (this.#isWaiting[direction]) return;
    this.#isWaiting[direction] = true;
    this.#timeline.after(RETRY_MS, () => {
      this.#isWaiting[direction] = false;
      this.#release(direction);
    });
  }
}
