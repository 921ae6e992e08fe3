/**
 * A whole device in the same process: the real session over the real storage decisions. Tabs write, the syncing one
 * can crash at any moment, the profile can be copied or put back to an earlier time.
 */
import type { Constraints } from '../constraints/registry.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { SkerryError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import { decodeServerMessage, encodeMessage } from '../protocol/codec.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import { step } from '../session/device-session.ts';
import type { Effect, LinkEvent, SessionEvent, TimerName } from '../session/events.ts';
import { createSession, SESSION_TIMES, type SessionState } from '../session/state.ts';
import type { SyncNews } from '../session/sync-state.ts';
import { storageProblemOf } from '../worker/problem.ts';
import { copyDisk, MemoryDevice, type MemoryDisk } from '../store/memory-device.ts';
import { TestLink, type LinkWeather } from './test-link.ts';
import type { TestServer } from './test-server.ts';
import type { Timeline } from './timeline.ts';

export interface TestDeviceOptions {
  readonly name: string;
  readonly schemas: ReadonlyMap<string, CollectionSchema>;
  readonly constraints?: Constraints;
  readonly timeline: Timeline;
  readonly random: Random;
  readonly server: TestServer;
  readonly disk: MemoryDisk;
  /** Added to the true time to give this device's wall clock. */
  skewMs: number;
  readonly onNews?: (news: SyncNews) => void;
}

export class TestDevice {
  readonly name: string;
  readonly weather: LinkWeather = { maxDelayMs: 50, isUpSilent: false, isDownSilent: false };
  /** Refuses every attempt to connect. */
  isUnreachable = false;
  readonly #options: TestDeviceOptions;
  #store: MemoryDevice;
  #session: SessionState | null = null;
  #link: TestLink | null = null;
  /** Counts the lives of the syncing context: what an earlier one asked for is not answered. */
  #life = 0;
  readonly #timers = new Map<TimerName, () => void>();
  readonly #events: SessionEvent[] = [];
  #isBusy = false;

  constructor(options: TestDeviceOptions) {
    this.name = options.name;
    this.#options = options;
    this.#store = this.#openStore(options.disk);
    this.start();
  }

  get store(): MemoryDevice {
    return this.#store;
  }

  get session(): SessionState | null {
    return this.#session;
  }

  /** Wall clock. */
  get nowMs(): number {
    return this.#options.timeline.nowMs + this.#options.skewMs;
  }

  set skewMs(skewMs: number) {
    this.#options.skewMs = skewMs;
  }

  start(): void {
    this.#session = createSession({ space: 'test', token: null, ...SESSION_TIMES });
    this.dispatch({ type: 'start', paused: false });
  }

  /** The syncing context dies without a word; the tabs live on. */
  crashSync(): void {
    this.#life++;
    this.#session = null;
    this.#events.length = 0;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#link?.cut();
    this.#link = null;
  }

  /** The whole browser dies and comes back: same profile, new connections. */
  restart(disk: MemoryDisk = this.#store.disk): void {
    this.crashSync();
    this.#store = this.#openStore(disk);
    this.start();
  }

  cutLink(): void {
    this.#link?.cut();
  }

  /** The profile as it is on disk now; later writes do not show in it. */
  copyDisk(): MemoryDisk {
    return copyDisk(this.#store.disk);
  }

  dispatch(event: SessionEvent): void {
    if (!this.#session) return;
    this.#events.push(event);
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let next = this.#events.shift(); next && this.#session; next = this.#events.shift()) {
      const result = step(this.#session, next, { nowMs: this.nowMs, fraction: this.#options.random.fraction() });
      this.#session = result.state;
      for (const effect of result.effects) this.#perform(effect);
    }
    this.#isBusy = false;
  }

  #openStore(disk: MemoryDisk): MemoryDevice {
    const { schemas, constraints, random } = this.#options;
    const constrained = constraints ? { constraints } : {};
    return new MemoryDevice({
      ...constrained,
      schemas,
      random,
      disk,
      user: { id: this.name },
      nowMs: () => this.nowMs,
    });
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'set-timer':
        this.#timers.get(effect.timer)?.();
        this.#timers.set(
          effect.timer,
          this.#later(effect.afterMs, () => this.dispatch({ type: 'timer-fired', timer: effect.timer })),
        );
        return;
      case 'clear-timer':
        this.#timers.get(effect.timer)?.();
        this.#timers.delete(effect.timer);
        return;
      case 'announce':
        return this.#options.onNews?.(effect.news);
      case 'report':
        return;
      case 'open-transport':
        return this.#connect(effect.connection);
      case 'close-transport':
        this.#link?.closedBy('device', 1000, 'closed');
        this.#link = null;
        return;
      case 'send':
        return this.#link?.up(encodeMessage(effect.message));
      case 'load-identity':
        return this.#useStore(effect.connection, () => ({
          type: 'identity-loaded',
          identity: this.#store.readIdentity(),
        }));
      case 'load-outbox':
        return this.#useStore(effect.connection, () => ({
          type: 'outbox-loaded',
          items: this.#store.readOutbox(effect.after, effect.max),
        }));
      case 'ingest':
        return this.#useStore(effect.connection, () => ({
          type: 'page-ingested',
          result: this.#store.ingest(effect.page),
        }));
      case 'note-server-time':
        // Before anything is pushed: the store takes one call after the other.
        return this.#store.noteServerTime(effect.serverNowMs, effect.sid);
      case 'recover':
        return this.#useStore(effect.connection, () => ({
          type: 'taken-back',
          dot: effect.dot,
          error: effect.error,
          result: this.#store.recover(effect.dot, effect.record),
        }));
      case 'reject':
        return this.#useStore(effect.connection, () => ({
          type: 'taken-back',
          dot: effect.dot,
          error: effect.error,
          result: this.#store.reject(effect.dot, effect.error),
        }));
      case 'correct-clock':
        return this.#useStore(effect.connection, () => ({
          type: 'clock-corrected',
          ...this.#store.correctClock(effect.after, effect.serverNowMs),
        }));
    }
  }

  /** A transaction takes a while; a crash comes before it or after it, never in its middle. */
  #useStore(connection: number, use: () => LinkEvent): void {
    this.#later(this.#options.random.fraction() * 20, () => {
      const event = attempt(use);
      this.#later(this.#options.random.fraction() * 20, () => this.dispatch({ ...event, connection }));
    });
  }

  #connect(connection: number): void {
    const { timeline, random, server } = this.#options;
    const link = new TestLink(timeline, random, this.weather);
    const life = this.#life;
    const tell = (event: LinkEvent): void => {
      if (life === this.#life && this.#link === link) this.dispatch({ ...event, connection });
    };
    this.#link = link;
    link.device = {
      receive: (text) => tell(decode(text)),
      closed: (code, reason) => tell({ type: 'transport-closed', code, reason }),
    };
    this.#later(random.fraction() * this.weather.maxDelayMs, () => {
      if (this.isUnreachable) return link.cut();
      const peer = server.connect({
        send: (text) => link.down(text),
        close: (code, reason) => link.closedBy('server', code, reason),
      });
      link.server = { receive: (text) => peer.receive(text), closed: () => peer.gone() };
      tell({ type: 'transport-opened' });
    });
  }

  /** Not after this life of the syncing context. */
  #later(delayMs: number, run: () => void): () => void {
    const life = this.#life;
    return this.#options.timeline.after(delayMs, () => {
      if (life === this.#life) run();
    });
  }
}

function attempt(use: () => LinkEvent): LinkEvent {
  try {
    return use();
  } catch (error) {
    // Anything else is a bug, and must not pass for trouble with the disk.
    if (!(error instanceof SkerryError)) throw error;
    return { type: 'store-failed', problem: storageProblemOf(error) };
  }
}

function decode(text: string): LinkEvent {
  const decoded = decodeServerMessage(text, DEFAULT_LIMITS);
  if (decoded.type === 'ok') return { type: 'frame-received', message: decoded.message };
  return { type: 'frame-refused', problem: { code: decoded.code, message: decoded.reason } };
}
