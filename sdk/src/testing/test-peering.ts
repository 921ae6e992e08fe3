/**
 * A server that pulls from another one: the real session in the role of a peer, over a network that misbehaves. What it
 * gets becomes durable in its own space; it pushes nothing. When the server that pulls is killed, its peering goes with it
 * and begins anew.
 */
import type { Random } from '../lib/random.ts';
import type { LinkEvent } from '../session/events.ts';
import { SESSION_TIMES, type SessionState } from '../session/state.ts';
import type { IngestResult } from '../store/device-store.ts';
import { SessionDriver, type StoreEffect } from './session-driver.ts';
import type { LinkWeather } from './test-link.ts';
import type { TestServer } from './test-server.ts';
import type { Timeline } from './timeline.ts';

export interface TestPeeringOptions {
  readonly timeline: Timeline;
  readonly random: Random;
  /** The server that pulls. */
  readonly to: TestServer;
  readonly from: TestServer;
}

export class TestPeering {
  readonly weather: LinkWeather = { maxDelayMs: 50, isUpSilent: false, isDownSilent: false };
  /** Refuses every attempt to connect. */
  isUnreachable = false;
  /** Pages that it has got. */
  pages = 0;
  /** Entries in these pages: nothing should come over a link twice. */
  entries = 0;
  readonly #options: TestPeeringOptions;
  #driver: SessionDriver | null = null;

  constructor(options: TestPeeringOptions) {
    this.#options = options;
    options.to.onKilled(() => this.#driver && this.restart());
    this.start();
  }

  /** The server that pulls. */
  get to(): TestServer {
    return this.#options.to;
  }

  get session(): SessionState | null {
    return this.#driver?.session ?? null;
  }

  start(): void {
    const { timeline, random, to, from } = this.#options;
    this.#driver = new SessionDriver({
      session: { space: 'test', token: null, peer: to.sid, ...SESSION_TIMES },
      timeline,
      random,
      weather: this.weather,
      nowMs: () => to.nowMs,
      connect: (socket) => (this.isUnreachable ? null : from.connect(socket)),
      useStore: (effect, answer) => this.#useStore(effect, answer),
    });
    this.#driver.start();
  }

  stop(): void {
    this.#driver?.crash();
    this.#driver = null;
  }

  /** Anew, also under another name: a server that was restored has a new sid. */
  restart(): void {
    this.stop();
    this.start();
  }

  /** Whether it is at one of its ends. */
  of(server: TestServer): boolean {
    return server === this.#options.to || server === this.#options.from;
  }

  cutLink(): void {
    this.#driver?.cutLink();
  }

  #useStore(effect: StoreEffect, answer: (event: LinkEvent) => void): void {
    const { timeline, to } = this.#options;
    switch (effect.type) {
      case 'load-identity':
        return void timeline.after(1, () => answer({ type: 'identity-loaded', identity: identityOf(to) }));
      case 'ingest': {
        const { page } = effect;
        this.pages++;
        this.entries += page.entries.length;
        return to.take(page, (outcome) =>
          answer({
            type: 'page-ingested',
            result: outcome.type === 'taken' ? taken(page.cursor, page.entries.length) : outcome,
          }),
        );
      }
      case 'note-server-time':
        return;
      default:
        throw new Error(`a peer does not ask for ${effect.type}`);
    }
  }
}

function identityOf({ sid, cursor, space }: TestServer): Extract<LinkEvent, { type: 'identity-loaded' }>['identity'] {
  return { deviceId: sid, cursor, chain: space.meta.chain, writers: [], heard: [], isDiverged: false };
}

function taken(cursor: Extract<IngestResult, { type: 'ingested' }>['cursor'], applied: number): IngestResult {
  return {
    type: 'ingested',
    cursor,
    applied,
    confirmed: 0,
    touched: {},
    conflictsChanged: [],
    merged: [],
    isDiverged: false,
    discarded: 0,
  };
}
