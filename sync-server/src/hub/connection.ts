/**
 * One device's socket, or link over HTTP: turns what happens into events of its session and carries out what the session asks for.
 *
 * Whatever goes wrong in here ends this connection and no other.
 */
import type { IncomingMessage } from 'node:http';
import { CLOSE, encodeMessage, encodePage, newServerSession, stepServer } from '@skerry/sdk/kernel';
import type {
  ErrorCode,
  Hello,
  LogHead,
  Push,
  ServerContext,
  ServerEffect,
  ServerEvent,
  ServerSession,
  Snapshot,
  Welcome,
} from '@skerry/sdk/kernel';
import type { RawData } from 'ws';

import { failureFields, type Logger } from '../log.ts';
import type { HubMeter, Load } from '../metrics/meter.ts';
import { StorageError } from '../storage/port.ts';
import type { Role } from '../spaces/role.ts';
import type { Principal } from './access.ts';
import type { Seat } from './crowd.ts';
import { inflateFrame, type Inflated } from './inflate.ts';
import { Outlet } from './outlet.ts';
import type { Denied } from './denied.ts';
import { Pace, type Usage } from './pace.ts';
import type { Peer } from './peer.ts';
import type { Listener, Room } from './room.ts';

/** What a connection needs from the hub. */
export interface ConnectionHost {
  readonly context: ServerContext;
  readonly logger: Logger;
  readonly meter: HubMeter;
  /** Hears of every failure that a connection tells its peer of. */
  noticed(failure: unknown): void;
  /** Hears how much was sent, about as many bytes. */
  sent(bytes: number): void;
  /** Wall clock. */
  now(): number;
  /** Checks the peer, lets it into its room and tells what is known of its writers, or why not. */
  greet(hello: Hello, request: IncomingMessage, connection: Connection): Promise<Greeted | Denied>;
  admit(push: Push, guest: Guest, connection: Connection): void;
  /** Null when the snapshot is held no more. */
  readPiece(id: string, piece: number): Promise<Snapshot | null>;
  left(connection: Connection, room: Room | null): void;
  /** What this connection's user has used; the milliseconds to wait before more is read. */
  work(seat: Seat, usage: Usage): number;
}

/** Where a connection comes from, found out when it was there. */
export interface Origin {
  readonly request: IncomingMessage;
  /** Address of the peer, for the log. */
  readonly from: string | null;
  readonly seat: Seat;
}

export interface Guest {
  readonly room: Room;
  readonly principal: Principal | null;
  readonly device: string;
  /** Null where spaces have no members. */
  readonly role: Role | null;
}

export type Greeted = Omit<ServerEvent & { readonly type: 'greeted' }, 'atMs' | 'nowMs'>;

/** A peer that does not answer a close is cut off. */
const CLOSE_TIMEOUT_MS = 2_000;

/** Characters; what is shorter cannot cost much. */
const LARGE_FRAME = 32_768;
/** What was hard to read is about as hard to write. */
const WORK_FACTOR = 2;

/** It was so slow that what it should get next is gone. It connects again, and is told how to go on. */
const LEFT_BEHIND: ServerEvent = {
  type: 'failed',
  code: 'INTERNAL',
  message: 'what comes next is no longer here; connect anew',
  close: CLOSE.tryLater,
};

const NOT_AGREED: Inflated = { type: 'bad', code: 'BAD_FRAME', message: 'binary frames were not agreed on' };

export class Connection implements Listener {
  readonly id: string;
  readonly #host: ConnectionHost;
  readonly #peer: Peer;
  readonly #outlet: Outlet;
  readonly #origin: Origin;
  readonly #pace: Pace;
  readonly #events: ServerEvent[] = [];
  #state: ServerSession;
  #guest: Guest | null = null;
  /** The peer said that it reads deflated frames, and was told that it may send them. */
  #deflates = false;
  #isHandling = false;
  #isShutOut = false;

  constructor(id: string, peer: Peer, origin: Origin, host: ConnectionHost) {
    this.id = id;
    this.#host = host;
    this.#peer = peer;
    this.#outlet = new Outlet(peer);
    this.#origin = origin;
    this.#pace = new Pace(peer, host.context.limits, (usage) => host.work(origin.seat, usage));
    this.#state = newServerSession(performance.now());
    peer.on('message', (data, isBinary) => this.#receive(data, isBinary));
    peer.on('close', () => this.handle({ type: 'gone' }));
    peer.on('error', (failure) => host.logger.info('bad-peer', { connection: id, ...failureFields(failure) }));
  }

  /** Address of the peer, for the log. */
  get from(): string | null {
    return this.#origin.from;
  }

  get seat(): Seat {
    return this.#origin.seat;
  }

  /** Whether this peer has been let in. */
  get isWelcome(): boolean {
    return this.#guest !== null;
  }

  get load(): Load {
    return {
      isWelcome: this.isWelcome,
      queueBytes: this.#outlet.bufferedAmount,
      lagEntries: this.#state.phase === 'open' ? this.#state.head.lsn - this.#state.position : 0,
    };
  }

  /** Ends it without waiting for what it has not read, as slow as that is read. */
  cut(): void {
    this.handle({ type: 'clogged' });
    this.#peer.terminate();
  }

  /** From here on the growth of the room's log is heard of. */
  enter(guest: Guest): void {
    this.#guest = guest;
    guest.room.join(this);
  }

  get isClosed(): boolean {
    return this.#state.phase === 'closed';
  }

  grown(head: LogHead): void {
    this.handle({ type: 'grown', head });
  }

  /** Events are taken one at a time; what an effect causes waits for its turn. */
  handle(event: ServerEvent): void {
    this.#events.push(event);
    if (this.#isHandling) return;
    this.#isHandling = true;
    try {
      while (this.#events.length > 0) this.#step(this.#events.shift()!);
    } catch (failure) {
      this.#breakDown(failure);
    } finally {
      this.#isHandling = false;
    }
  }

  /** Its token, its device or its user is no longer welcome: nothing of it that is under way is written. */
  shutOut(denied: Denied): void {
    if (this.isClosed) return;
    this.#isShutOut = true;
    this.#host.logger.info('shut-out', { connection: this.id, code: denied.code });
    this.handle({ ...denied, type: 'failed' });
  }

  get isShutOut(): boolean {
    return this.#isShutOut;
  }

  get guest(): Guest | null {
    return this.#guest;
  }

  /** From the next decision on; what was allowed is not taken back. */
  setRole(role: Role): void {
    if (this.#guest) this.#guest = { ...this.#guest, role };
  }

  /** Something that never should have happened, told to the peer by a reference only. */
  fail(failure: unknown): void {
    this.handle({ type: 'failed', ...this.#describe(failure) });
  }

  #step(event: ServerEvent): void {
    const wasClosed = this.isClosed;
    const { state, effects } = stepServer(this.#state, event, this.#host.context);
    this.#state = state;
    for (const effect of effects) this.#carryOut(effect);
    if (!wasClosed && state.phase === 'closed') this.#leave();
  }

  #carryOut(effect: ServerEffect): void {
    switch (effect.type) {
      case 'send':
        if (effect.message.type === 'error') this.#host.meter.refused(effect.message.code);
        return effect.message.type === 'welcome'
          ? this.#welcome(effect.message)
          : this.#send(encodeMessage(effect.message));
      case 'send-page':
        return this.#send(encodePage(effect.entries, effect.place));
      case 'greet':
        this.#deflates = effect.hello.deflate === true && this.#outlet.canDeflate;
        return void this.#greet(effect.hello);
      case 'admit':
        return this.#host.admit(effect.push, this.#guest!, this);
      case 'read':
        return void this.#read(effect.after);
      case 'read-piece':
        return void this.#readPiece(effect.id, effect.piece);
      case 'close':
        return this.#close(effect.code, effect.reason);
    }
  }

  /** What this peer had others do for it, beyond the bytes that it sent. */
  charge(bytes: number): void {
    if (!this.isClosed) this.#pace.take({ frames: 0, bytes, workMs: 0 });
  }

  #receive(data: RawData | string, isBinary: boolean): void {
    if (!this.isClosed) this.#pace.run(() => this.#takeIn(data, isBinary));
  }

  #takeIn(data: RawData | string, isBinary: boolean): void {
    if (this.isClosed) return;
    this.#pace.take({ frames: 1, bytes: sizeOf(data), workMs: 0 });
    if (!isBinary) return this.#hear(String(data));
    // Before the welcome nobody has anything to say that is worth unpacking.
    const inflated = this.isWelcome && this.#deflates ? inflateFrame(data, this.#host.context.limits) : NOT_AGREED;
    if (inflated.type === 'ok') {
      // What was spared on the way is read all the same.
      this.charge(inflated.text.length);
      return this.#hear(inflated.text);
    }
    const close = inflated.code === 'TOO_LARGE' ? CLOSE.tooLarge : CLOSE.badFrame;
    this.handle({ type: 'failed', code: inflated.code, message: inflated.message, close });
  }

  #hear(text: string): void {
    const before = text.length > LARGE_FRAME ? process.cpuUsage() : null;
    this.handle({ type: 'frame', text, atMs: performance.now(), nowMs: this.#host.now() });
    if (before === null || this.isClosed) return;
    const { user, system } = process.cpuUsage(before);
    this.#pace.take({ frames: 0, bytes: 0, workMs: (WORK_FACTOR * (user + system)) / 1_000 });
  }

  /** Itself it is text: its receiver learns from it what may follow. */
  #welcome(welcome: Welcome): void {
    this.#send(encodeMessage(this.#deflates ? { ...welcome, deflate: true } : welcome));
    if (this.#deflates) this.#outlet.deflate();
  }

  #send(text: string): void {
    if (this.#peer.readyState !== this.#peer.OPEN) return;
    this.#outlet.send(text);
    this.#host.sent(text.length);
    if (this.#outlet.bufferedAmount > this.#host.context.limits.bufferedBytes) this.handle({ type: 'clogged' });
  }

  async #greet(hello: Hello): Promise<void> {
    try {
      const answer = await this.#host.greet(hello, this.#origin.request, this);
      if (answer.type === 'denied') return this.handle({ ...answer, type: 'failed' });
      this.handle({ ...answer, atMs: performance.now(), nowMs: this.#host.now() });
      // What the log has grown by since the storage was asked.
      this.grown(this.#guest!.room.head);
    } catch (failure) {
      this.fail(failure);
    }
  }

  async #read(after: number): Promise<void> {
    try {
      const piece = await this.#guest!.room.read(after);
      this.handle(piece ? { type: 'read', ...piece } : LEFT_BEHIND);
    } catch (failure) {
      this.fail(failure);
    }
  }

  async #readPiece(id: string, piece: number): Promise<void> {
    try {
      const snapshot = await this.#host.readPiece(id, piece);
      this.handle(snapshot ? { type: 'piece-read', snapshot } : LEFT_BEHIND);
    } catch (failure) {
      this.fail(failure);
    }
  }

  #close(code: number, reason: string): void {
    this.#host.logger.info('closed', { connection: this.id, code, reason });
    this.#host.meter.closed(code);
    this.#outlet.close(code, reason);
    setTimeout(() => this.#peer.terminate(), CLOSE_TIMEOUT_MS).unref();
  }

  #leave(): void {
    this.#pace.stop();
    this.#guest?.room.leave(this);
    this.#host.left(this, this.#guest?.room ?? null);
  }

  #describe(failure: unknown): { code: ErrorCode; message: string; close: number } {
    const reference = crypto.randomUUID();
    this.#host.noticed(failure);
    this.#host.logger.error('failed', { connection: this.id, reference, ...failureFields(failure) });
    const isFull = failure instanceof StorageError && failure.kind === 'full';
    return {
      code: isFull ? 'STORAGE_FULL' : 'INTERNAL',
      message: `something failed on the server; its log has it under ${reference}`,
      close: CLOSE.tryLater,
    };
  }

  /** The session itself threw: a bug. Its state cannot be trusted, so it is left without a step. */
  #breakDown(failure: unknown): void {
    const { code, message, close } = this.#describe(failure);
    const wasClosed = this.isClosed;
    this.#events.length = 0;
    this.#state = { phase: 'closed' };
    this.#host.meter.refused(code);
    this.#outlet.send(encodeMessage({ type: 'error', code, message }));
    this.#close(close, code);
    if (!wasClosed) this.#leave();
  }
}

function sizeOf(data: RawData | string): number {
  return Array.isArray(data) ? data.reduce((sum, part) => sum + part.length, 0) : Buffer.byteLength(data);
}
