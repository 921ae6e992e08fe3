/**
 * Drives a session over a network that misbehaves, in virtual time: timers, frames, effects, and lives. Whoever uses it
 * says what the storage answers and whom to connect to; a device does, and a server that pulls from another one.
 */
import type { Random } from '../lib/random.ts';
import { decodeServerMessage, encodeMessage } from '../protocol/codec.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import { step } from '../session/device-session.ts';
import type { Effect, LinkEffect, LinkEvent, SessionEvent, TimerName } from '../session/events.ts';
import { createSession, type SessionOptions, type SessionState } from '../session/state.ts';
import type { SyncNews } from '../session/sync-state.ts';
import { TestLink, type LinkWeather } from './test-link.ts';
import type { ServerPeer, ServerSocket } from './test-server.ts';
import type { Timeline } from './timeline.ts';

/** What a session asks of its storage. */
export type StoreEffect = Exclude<LinkEffect, { type: 'open-transport' | 'send' | 'close-transport' }>;

export interface SessionDriverOptions {
  readonly session: SessionOptions;
  readonly timeline: Timeline;
  readonly random: Random;
  readonly weather: LinkWeather;
  /** Wall clock in milliseconds since 1970. */
  readonly nowMs: () => number;
  /** The server's end of a new connection; null when nobody can be reached. */
  readonly connect: (socket: ServerSocket) => ServerPeer | null;
  /** Asks the storage. The answer of a life that has ended is not heard. */
  readonly useStore: (effect: StoreEffect, answer: (event: LinkEvent) => void) => void;
  readonly onNews?: (news: SyncNews) => void;
}

export class SessionDriver {
  readonly #options: SessionDriverOptions;
  #session: SessionState | null = null;
  #link: TestLink | null = null;
  /** Counts the lives: what an earlier one asked for is not answered. */
  #life = 0;
  readonly #timers = new Map<TimerName, () => void>();
  readonly #events: SessionEvent[] = [];
  #isBusy = false;

  constructor(options: SessionDriverOptions) {
    this.#options = options;
  }

  get session(): SessionState | null {
    return this.#session;
  }

  start(): void {
    this.#session = createSession(this.#options.session);
    this.dispatch({ type: 'start', paused: false });
  }

  /** Dies without a word. */
  crash(): void {
    this.#life++;
    this.#session = null;
    this.#events.length = 0;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#link?.cut();
    this.#link = null;
  }

  cutLink(): void {
    this.#link?.cut();
  }

  /** The link is gone for this end; what it has sent still arrives, however late. */
  abandonLink(): void {
    this.#link?.abandon();
  }

  dispatch(event: SessionEvent): void {
    if (!this.#session) return;
    this.#events.push(event);
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let next = this.#events.shift(); next && this.#session; next = this.#events.shift()) {
      const { nowMs, random } = this.#options;
      const result = step(this.#session, next, { nowMs: nowMs(), fraction: random.fraction() });
      this.#session = result.state;
      for (const effect of result.effects) this.#perform(effect);
    }
    this.#isBusy = false;
  }

  /** Not after this life. */
  later(delayMs: number, run: () => void): () => void {
    const life = this.#life;
    return this.#options.timeline.after(delayMs, () => {
      if (life === this.#life) run();
    });
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'set-timer':
        this.#timers.get(effect.timer)?.();
        this.#timers.set(
          effect.timer,
          this.later(effect.afterMs, () => this.dispatch({ type: 'timer-fired', timer: effect.timer })),
        );
        return;
      case 'clear-timer':
        this.#timers.get(effect.timer)?.();
        this.#timers.delete(effect.timer);
        return;
      case 'announce':
        return this.#options.onNews?.(effect.news);
      case 'report':
      case 'answer':
        return;
      case 'open-transport':
        return this.#connect(effect.connection);
      case 'close-transport':
        this.#link?.closedBy('device', 1000, 'closed');
        this.#link = null;
        return;
      case 'send':
        return this.#link?.up(encodeMessage(effect.message));
      default:
        return this.#useStore(effect);
    }
  }

  #useStore(effect: StoreEffect & { readonly connection: number }): void {
    const life = this.#life;
    this.#options.useStore(effect, (event) => {
      if (life === this.#life) this.dispatch({ ...event, connection: effect.connection });
    });
  }

  #connect(connection: number): void {
    const { timeline, random, weather, connect } = this.#options;
    const link = new TestLink(timeline, random, weather);
    const life = this.#life;
    const tell = (event: LinkEvent): void => {
      if (life === this.#life && this.#link === link) this.dispatch({ ...event, connection });
    };
    this.#link = link;
    link.device = {
      receive: (text) => tell(decode(text)),
      closed: (code, reason) => tell({ type: 'transport-closed', code, reason }),
    };
    this.later(random.fraction() * weather.maxDelayMs, () => {
      const peer = connect({
        send: (text) => link.down(text),
        close: (code, reason) => link.closedBy('server', code, reason),
      });
      if (!peer) return link.cut();
      link.server = { receive: (text) => peer.receive(text), closed: () => peer.gone() };
      tell({ type: 'transport-opened' });
    });
  }
}

function decode(text: string): LinkEvent {
  const decoded = decodeServerMessage(text, DEFAULT_LIMITS);
  if (decoded.type === 'ok') return { type: 'frame-received', message: decoded.message };
  return { type: 'frame-refused', problem: { code: decoded.code, message: decoded.reason } };
}
