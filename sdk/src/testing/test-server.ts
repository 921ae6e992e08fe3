/**
 * A server in the same process: the real session and the real admission over a log in memory. It may be killed at
 * any time; what it acknowledged survives.
 */
import { admit } from '../core/admission.ts';
import { hashOfChange, withoutDependencies, type Change } from '../core/change.ts';
import { incOf, seqOf, type Dot, type Inc } from '../core/dot.ts';
import type { Sid } from '../core/version-vector.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import { checkChange } from '../protocol/check-change.ts';
import { encodeMessage, encodePage } from '../protocol/codec.ts';
import { DEFAULT_LIMITS, type Limits } from '../protocol/limits.ts';
import type { Push, Refusal } from '../protocol/messages.ts';
import type { ServerEffect, ServerEvent, ServerSession } from '../session/server-events.ts';
import { newServerSession, stepServer } from '../session/server-session.ts';
import type { Timeline } from './timeline.ts';

/** The server's end of a connection. */
export interface ServerSocket {
  send(text: string): void;
  close(code: number, reason: string): void;
}

export interface ServerPeer {
  receive(text: string): void;
  gone(): void;
}

export interface TestServerOptions {
  readonly sid: Sid;
  readonly timeline: Timeline;
  /** Time that a durable commit takes, in milliseconds. */
  readonly commitMs: () => number;
  readonly limits?: Partial<Limits>;
}

export class TestServer {
  readonly #options: TestServerOptions;
  readonly #limits: Limits;
  /** What is durable. */
  readonly log: { readonly change: Change; readonly text: string; readonly hash: string }[] = [];
  readonly #known = new Map<Inc, number>();
  readonly #positions = new Map<Dot, number>();
  readonly #peers = new Set<Peer>();
  /** How often each verdict was given. */
  readonly verdicts = new Map<string, number>();
  #life = 0;
  /** Added to the true time to give this server's wall clock. */
  skewMs = 0;

  constructor(options: TestServerOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
  }

  get sid(): Sid {
    return this.#options.sid;
  }

  /** Wall clock. */
  get nowMs(): number {
    return this.#options.timeline.nowMs + this.skewMs;
  }

  has(dot: Dot): boolean {
    return this.#positions.has(dot);
  }

  /** Number of a change in the log, from 1; Infinity when it is not there. */
  positionOf(dot: Dot): number {
    return this.#positions.get(dot) ?? Infinity;
  }

  connect(socket: ServerSocket): ServerPeer {
    const peer = new Peer(this, socket, this.#options.timeline, { sid: this.sid, limits: this.#limits });
    this.#peers.add(peer);
    return { receive: (text) => peer.receive(text), gone: () => this.#drop(peer) };
  }

  /** SIGKILL: every connection is cut, every push that is not durable yet is forgotten. */
  kill(): void {
    this.#life++;
    for (const peer of this.#peers) {
      this.#drop(peer);
      peer.socket.close(1006, 'killed');
    }
  }

  known(incs: readonly Inc[]): Readonly<Record<Inc, number>> {
    return Object.fromEntries(incs.map((inc) => [inc, this.#known.get(inc) ?? 0]));
  }

  read(after: number): { readonly n: number; readonly dot: Dot; readonly change: string }[] {
    const end = Math.min(this.log.length, after + this.#limits.entriesPerPage);
    return this.log
      .slice(after, end)
      .map(({ change, text }, i) => ({ n: after + i + 1, dot: change.dot, change: text }));
  }

  /** Durable after a while; the answer goes to the peer only then. */
  admit(push: Push, answer: (event: ServerEvent) => void): void {
    const life = this.#life;
    this.#options.timeline.after(this.#options.commitMs(), () => {
      if (life !== this.#life) return;
      const event = this.#decide(push);
      answer(event);
      for (const peer of this.#peers) peer.handle({ type: 'grown', head: this.log.length });
    });
  }

  #decide(push: Push): ServerEvent {
    const incs = [...new Set(push.changes.map((change) => incOf(change.dot)))];
    const accepted: Dot[] = [];
    let refused: Refusal | undefined;
    for (const untrusted of push.changes) {
      const before = this.log.length;
      const refusal = this.#admitOne(untrusted);
      if (refusal) {
        refused = { dot: untrusted.dot, ...refusal, serverTime: this.nowMs };
        break;
      }
      if (this.log.length > before) accepted.push(untrusted.dot);
    }
    return {
      type: 'admitted',
      accepted,
      known: this.known(incs),
      head: this.log.length,
      ...(refused ? { refused } : {}),
    };
  }

  #admitOne(untrusted: Change): Pick<Refusal, 'code' | 'message'> | null {
    const checked = checkChange(untrusted, this.#limits);
    if (checked.type === 'bad') return { code: checked.code, message: checked.reason };
    const { change } = checked;
    const hash = hashOfChange(change);
    const position = this.#positions.get(change.dot);
    const facts = {
      known: this.known([incOf(change.dot), ...(change.ex ?? []).map(incOf)]),
      storedHash: position === undefined ? null : this.log[position - 1]!.hash,
      hash,
      cursor: { [this.sid]: this.log.length },
      permitted: true,
    };
    const admission = admit(facts, change, this.nowMs, this.#limits.driftMs);
    const verdict = admission.type === 'refused' ? admission.code : admission.type;
    this.verdicts.set(verdict, (this.verdicts.get(verdict) ?? 0) + 1);
    if (admission.type === 'refused') return { code: admission.code, message: admission.message };
    if (admission.type === 'accepted') this.#append(change, hash);
    return null;
  }

  #append(change: Change, hash: string): void {
    const stored = withoutDependencies(change);
    this.log.push({ change: stored, text: canonicalJson(stored as unknown as Json), hash });
    this.#positions.set(change.dot, this.log.length);
    this.#known.set(incOf(change.dot), seqOf(change.dot));
  }

  #drop(peer: Peer): void {
    this.#peers.delete(peer);
    peer.handle({ type: 'gone' });
  }
}

class Peer {
  readonly socket: ServerSocket;
  readonly #server: TestServer;
  readonly #timeline: Timeline;
  readonly #context: { readonly sid: Sid; readonly limits: Limits };
  #state: ServerSession;
  readonly #events: ServerEvent[] = [];
  #isHandling = false;

  constructor(
    server: TestServer,
    socket: ServerSocket,
    timeline: Timeline,
    context: { readonly sid: Sid; readonly limits: Limits },
  ) {
    this.#server = server;
    this.socket = socket;
    this.#timeline = timeline;
    this.#context = context;
    this.#state = newServerSession(timeline.nowMs);
    this.#watch();
  }

  receive(text: string): void {
    this.handle({ type: 'frame', text, atMs: this.#timeline.nowMs, nowMs: this.#server.nowMs });
  }

  handle(event: ServerEvent): void {
    this.#events.push(event);
    if (this.#isHandling) return;
    this.#isHandling = true;
    for (let next = this.#events.shift(); next; next = this.#events.shift()) {
      const { state, effects } = stepServer(this.#state, next, this.#context);
      this.#state = state;
      effects.forEach((effect) => this.#perform(effect));
    }
    this.#isHandling = false;
  }

  #perform(effect: ServerEffect): void {
    switch (effect.type) {
      case 'send':
        return this.socket.send(encodeMessage(effect.message));
      case 'send-page':
        return this.socket.send(encodePage(this.#context.sid, effect.entries, effect.cursor, effect.head));
      case 'greet': {
        const { nowMs } = this.#server;
        const known = this.#server.known(effect.hello.writers);
        return this.handle({
          type: 'greeted',
          head: this.#server.log.length,
          known,
          atMs: this.#timeline.nowMs,
          nowMs,
        });
      }
      case 'admit':
        return this.#server.admit(effect.push, (event) => this.handle(event));
      case 'read':
        return this.handle({ type: 'read', entries: this.#server.read(effect.after) });
      case 'close':
        return this.socket.close(effect.code, effect.reason);
    }
  }

  #watch(): void {
    this.#timeline.after(1_000, () => {
      this.handle({ type: 'tick', atMs: this.#timeline.nowMs });
      if (this.#state.phase !== 'closed') this.#watch();
    });
  }
}
