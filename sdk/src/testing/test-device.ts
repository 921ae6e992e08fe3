/**
 * A whole device in the same process: the real session over the real storage decisions. Tabs write, the syncing one
 * can crash at any moment, the profile can be copied or put back to an earlier time.
 */
import type { Constraints } from '../constraints/registry.ts';
import type { Dot } from '../core/dot.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { SkerryError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import type { LinkEvent, SessionEvent } from '../session/events.ts';
import { SESSION_TIMES, type SessionState } from '../session/state.ts';
import type { Problem, SyncNews } from '../session/sync-state.ts';
import type { TakeBackResult } from '../store/device-store.ts';
import { copyDisk, MemoryDevice, type MemoryDeviceOptions, type MemoryDisk } from '../store/memory-device.ts';
import { storageProblemOf } from '../worker/problem.ts';
import { SessionDriver, type StoreEffect } from './session-driver.ts';
import type { LinkWeather } from './test-link.ts';
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
  /** Another storage than the plain one, to watch it or to make it fail. */
  readonly openStore?: (options: MemoryDeviceOptions) => MemoryDevice;
  readonly onNews?: (news: SyncNews) => void;
}

export class TestDevice {
  readonly name: string;
  readonly weather: LinkWeather = { maxDelayMs: 50, isUpSilent: false, isDownSilent: false };
  /** Refuses every attempt to connect. */
  isUnreachable = false;
  /** Where the next connection goes. */
  server: TestServer;
  readonly #options: TestDeviceOptions;
  readonly #driver: SessionDriver;
  #store: MemoryDevice;

  constructor(options: TestDeviceOptions) {
    const { name, server, timeline, random, onNews } = options;
    this.name = name;
    this.server = server;
    this.#options = options;
    this.#store = this.#openStore(options.disk);
    this.#driver = new SessionDriver({
      session: { space: 'test', token: null, ...SESSION_TIMES },
      timeline,
      random,
      weather: this.weather,
      nowMs: () => this.nowMs,
      connect: (socket) => (this.isUnreachable ? null : this.server.connect(socket)),
      useStore: (effect, answer) => this.#useStore(effect, answer),
      ...(onNews ? { onNews } : {}),
    });
    this.start();
  }

  get store(): MemoryDevice {
    return this.#store;
  }

  get session(): SessionState | null {
    return this.#driver.session;
  }

  /** Wall clock. */
  get nowMs(): number {
    return this.#options.timeline.nowMs + this.#options.skewMs;
  }

  set skewMs(skewMs: number) {
    this.#options.skewMs = skewMs;
  }

  start(): void {
    this.#driver.start();
  }

  /** The syncing context dies without a word; the tabs live on. */
  crashSync(): void {
    this.#driver.crash();
  }

  /** The whole browser dies and comes back: same profile, new connections. */
  restart(disk: MemoryDisk = this.#store.disk): void {
    this.crashSync();
    this.#store = this.#openStore(disk);
    this.start();
  }

  cutLink(): void {
    this.#driver.cutLink();
  }

  /** The link is gone for this device; what it has sent still arrives, however late. */
  abandonLink(): void {
    this.#driver.abandonLink();
  }

  /** The profile as it is on disk now; later writes do not show in it. */
  copyDisk(): MemoryDisk {
    return copyDisk(this.#store.disk);
  }

  dispatch(event: SessionEvent): void {
    this.#driver.dispatch(event);
  }

  #openStore(disk: MemoryDisk): MemoryDevice {
    const { schemas, constraints, random, openStore } = this.#options;
    const options: MemoryDeviceOptions = {
      ...(constraints ? { constraints } : {}),
      schemas,
      random,
      disk,
      user: { id: this.name },
      nowMs: () => this.nowMs,
    };
    return openStore ? openStore(options) : new MemoryDevice(options);
  }

  /** A transaction takes a while; a crash comes before it or after it, never in its middle. */
  #useStore(effect: StoreEffect, answer: (event: LinkEvent) => void): void {
    const { random } = this.#options;
    // Before anything is pushed: the store takes one call after the other.
    if (effect.type === 'note-server-time') return void askStore(this.#store, effect);
    this.#driver.later(random.fraction() * 20, () => {
      const event = attempt(() => askStore(this.#store, effect));
      if (event) this.#driver.later(random.fraction() * 20, () => answer(event));
    });
  }
}

function askStore(store: MemoryDevice, effect: StoreEffect): LinkEvent | null {
  switch (effect.type) {
    case 'load-identity':
      return { type: 'identity-loaded', identity: store.readIdentity() };
    case 'load-outbox':
      return { type: 'outbox-loaded', items: store.readOutbox(effect.after, effect.max) };
    case 'ingest':
      return { type: 'page-ingested', result: store.ingest(effect.page, effect.founders) };
    case 'ingest-snapshot':
      return { type: 'snapshot-ingested', result: store.ingestSnapshot(effect.bootstrap, effect.piece) };
    case 'note-server-time':
      store.noteServerTime(effect.serverNowMs);
      return null;
    case 'recover':
      return takenBack(effect, store.recover(effect.dot, effect.record));
    case 'reject':
      return takenBack(effect, store.reject(effect.dot, effect.error));
    case 'inspect':
      return { type: 'inspected', result: store.inspect(effect.inspection) };
    case 'correct-clock':
      return { type: 'clock-corrected', ...store.correctClock(effect.after, effect.serverNowMs) };
  }
}

function takenBack({ dot, error }: { dot: Dot; error: Problem }, result: TakeBackResult): LinkEvent {
  return { type: 'taken-back', dot, error, result };
}

function attempt(use: () => LinkEvent | null): LinkEvent | null {
  try {
    return use();
  } catch (error) {
    // Anything else is a bug, and must not pass for trouble with the disk.
    if (!(error instanceof SkerryError)) throw error;
    return { type: 'store-failed', problem: storageProblemOf(error) };
  }
}
