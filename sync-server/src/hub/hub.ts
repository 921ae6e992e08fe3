/**
 * All connections of a server: who is in which space, what arrives goes to the group commit, what became durable goes
 * to everybody else in the space.
 */
import type { IncomingMessage } from 'node:http';
import { CLOSE, incOf, type Hello, type Limits, type Push } from '@skerry/sdk/kernel';
import type { WebSocket } from 'ws';

import { failureFields, type Logger } from '../log.ts';
import { StorageError, type Storage } from '../storage/port.ts';
import type { Access } from './access.ts';
import { Committer } from './committer.ts';
import { Connection, type ConnectionHost, type Denied, type Greeted, type Guest } from './connection.ts';
import { knownRecord } from './decide.ts';
import { preparePush } from './prepare.ts';
import { Room } from './room.ts';

export interface HubOptions {
  readonly storage: Storage;
  readonly limits: Limits;
  readonly access: Access;
  /** Sockets that were not let in yet; more are turned away at the door. */
  readonly maxWaiting: number;
  readonly logger: Logger;
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number;
  /** The storage failed for good, once. */
  readonly onBroken: (failure: Error) => void;
}

export class Hub {
  readonly #options: HubOptions;
  readonly #committer: Committer;
  readonly #host: ConnectionHost;
  readonly #connections = new Set<Connection>();
  readonly #sockets = new Set<WebSocket>();
  readonly #rooms = new Map<string, Room>();
  readonly #ticker: NodeJS.Timeout;
  #count = 0;
  #isHealthy = true;
  #isClosing = false;

  constructor(options: HubOptions) {
    const { storage, limits, logger, now } = options;
    this.#options = options;
    this.#committer = new Committer({
      storage,
      driftMs: limits.driftMs,
      now,
      onDurable: (space, entries) => this.#rooms.get(space)?.append(entries),
      onReported: (space) => this.#rooms.get(space)?.announce(),
    });
    this.#host = {
      context: { sid: storage.sid, limits },
      logger,
      now,
      greet: (hello, request, connection) => this.#greet(hello, request, connection),
      admit: (push, guest, connection) => void this.#admit(push, guest, connection),
      left: (connection, room) => this.#left(connection, room),
    };
    // After what the sockets have brought is read: a process that was held up does not blame its peers for the silence.
    this.#ticker = setInterval(() => setImmediate(() => this.#tick()), tickMs(limits)).unref();
  }

  /** Whether new connections are welcome: not while shutting down, and never again after the disk has failed. */
  get isReady(): boolean {
    return this.#isHealthy && !this.#isClosing;
  }

  get isCrowded(): boolean {
    let waiting = 0;
    for (const connection of this.#connections) if (!connection.isWelcome) waiting++;
    return waiting >= this.#options.maxWaiting;
  }

  connect(socket: WebSocket, request: IncomingMessage): void {
    const id = `c${++this.#count}`;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    this.#connections.add(new Connection(id, socket, request, this.#host));
    this.#options.logger.debug('connected', { connection: id });
  }

  /** Finishes the commit under way and its acknowledgements, then says goodbye to everybody. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosing = true;
    const stop = AbortSignal.timeout(timeoutMs);
    await Promise.race([this.#committer.close(), aborted(stop)]);
    for (const connection of this.#connections) connection.handle({ type: 'shutdown' });
    clearInterval(this.#ticker);
    await Promise.race([Promise.all([...this.#sockets].map(closed)), aborted(stop)]);
    for (const socket of this.#sockets) socket.terminate();
  }

  async #greet(hello: Hello, request: IncomingMessage, connection: Connection): Promise<Greeted | Denied> {
    const { access, logger, storage } = this.#options;
    const principal = access.authenticate ? await access.authenticate(hello.token, request) : null;
    if (access.authenticate && !principal) {
      logger.info('unauthenticated', { from: request.socket.remoteAddress ?? null });
      return {
        type: 'denied',
        code: 'AUTH_REQUIRED',
        message: 'the token is missing or not valid',
        close: CLOSE.unauthenticated,
      };
    }
    if (access.authorize && !(await access.authorize(principal, 'read', hello.space))) {
      logger.info('forbidden', { from: request.socket.remoteAddress ?? null, principal: principal?.id ?? null });
      return {
        type: 'denied',
        code: 'FORBIDDEN',
        message: 'this user may not read this space',
        close: CLOSE.forbidden,
      };
    }
    if (connection.isClosed)
      return { type: 'denied', code: 'CLOSED', message: 'the peer has gone', close: CLOSE.normal };
    // In the room first: what becomes durable while the storage is asked is then heard of, and nothing falls between.
    const room = this.#roomOf(hello.space);
    connection.enter({ room, principal });
    const known = knownRecord(hello.writers, await storage.known(hello.space, hello.writers));
    room.raise(await storage.head(hello.space));
    return { type: 'greeted', known };
  }

  async #admit(push: Push, { room, principal }: Guest, connection: Connection): Promise<void> {
    const { access, limits } = this.#options;
    try {
      const prepared = await preparePush(push, { space: room.space, principal, access, limits });
      this.#committer.submit({
        push: prepared,
        admitted: ({ accepted, known, refused, head }) => {
          if (refused)
            this.#options.logger.info('refused', {
              connection: connection.id,
              from: connection.from,
              principal: principal?.id ?? null,
              code: refused.code,
            });
          connection.handle({ type: 'admitted', accepted, known, head, ...(refused ? { refused } : {}) });
        },
        failed: (failure) => this.#failed(failure, push, room, connection),
      });
    } catch (failure) {
      connection.fail(failure);
    }
  }

  /** Nothing of the push was stored. A full disk is told as a refusal, because reading goes on. */
  async #failed(failure: unknown, push: Push, room: Room, connection: Connection): Promise<void> {
    if (failure instanceof StorageError && failure.kind === 'broken') this.#stopWriting(failure);
    if (!(failure instanceof StorageError) || failure.kind !== 'full') return connection.fail(failure);
    const { dot } = push.changes[0]!;
    this.#options.logger.error('storage-full', { connection: connection.id });
    const refused = {
      dot,
      code: 'STORAGE_FULL',
      message: 'the server has no space left',
      serverTime: this.#options.now(),
    } as const;
    try {
      const incs = [...new Set(push.changes.map((change) => incOf(change.dot)))];
      const known = knownRecord(incs, await this.#options.storage.known(room.space, incs));
      connection.handle({ type: 'admitted', accepted: [], known, refused, head: room.head });
    } catch (other) {
      connection.fail(other);
    }
  }

  /** What the disk has acknowledged is no longer certain: nothing is acknowledged any more, and somebody must look. */
  #stopWriting(failure: StorageError): void {
    if (!this.#isHealthy) return;
    this.#isHealthy = false;
    this.#options.logger.error('storage-broken', failureFields(failure));
    this.#options.onBroken(failure);
  }

  #roomOf(space: string): Room {
    const room = this.#rooms.get(space) ?? new Room(space, this.#options.storage, this.#options.limits);
    this.#rooms.set(space, room);
    return room;
  }

  #left(connection: Connection, room: Room | null): void {
    this.#connections.delete(connection);
    if (room?.isEmpty && this.#rooms.get(room.space) === room) this.#rooms.delete(room.space);
  }

  #tick(): void {
    const event = { type: 'tick', atMs: performance.now() } as const;
    for (const connection of this.#connections) connection.handle(event);
  }
}

/** Often enough for the shortest time limit, and not more often than every 20 ms. */
function tickMs({ helloMs, silenceMs }: Limits): number {
  return Math.max(20, Math.min(1_000, helloMs / 8, silenceMs / 8));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function closed(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}
