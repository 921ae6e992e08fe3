/**
 * All connections of a server: who is in which space, what arrives goes to the group commit, what became durable goes
 * to everybody else in the space.
 */
import type { IncomingMessage } from 'node:http';
import { bytesTouched, CLOSE, decidePush, greet, incOf, knownRecord } from '@skerry/sdk/kernel';
import type { Hello, Limits, Push, Retention, Snapshot } from '@skerry/sdk/kernel';

import { networkOf } from '../http/address.ts';
import { failureFields, type Logger } from '../log.ts';
import { sumUp, type Figures, type HubMeter } from '../metrics/meter.ts';
import { StorageError, type Look, type Storage } from '../storage/port.ts';
import { questionOfPushes } from '../storage/questions.ts';
import { mayWrite, type Role } from '../spaces/role.ts';
import { DEVICE_DENIED, REMOVED, SIGNED_OUT, type Spaces, type Turn } from '../spaces/spaces.ts';
import type { Access } from './access.ts';
import { Committer } from './committer.ts';
import { Connection, type ConnectionHost, type Greeted, type Guest } from './connection.ts';
import { Crowd } from './crowd.ts';
import { denied, type Denied } from './denied.ts';
import { Maintenance } from './maintenance.ts';
import { Neighbours } from './neighbours.ts';
import type { Peer } from './peer.ts';
import { forbidden, preparePush } from './prepare.ts';
import { QueueBudget } from './queue-budget.ts';
import { Room } from './room.ts';
import { Snapshots, type SnapshotWish } from './snapshots.ts';

export interface HubOptions {
  readonly storage: Storage;
  readonly limits: Limits;
  readonly access: Access;
  /** Null: spaces have no members, and `access` says it all. */
  readonly spaces: Spaces | null;
  /** Whether a change has to be by who sends it. */
  readonly verifiesAuthors: boolean;
  /** Peers that were not let in yet; more are turned away at the door. */
  readonly maxWaiting: number;
  /** Bytes that all peers together may leave unread. */
  readonly maxQueueBytes: number;
  readonly retention: Retention;
  /** How often a space is maintained at most, in milliseconds. */
  readonly maintenanceMs: number;
  readonly logger: Logger;
  readonly meter: HubMeter;
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
  readonly #peers = new Set<Peer>();
  readonly #rooms = new Map<string, Room>();
  readonly #snapshots: Snapshots;
  readonly #crowd: Crowd;
  readonly #maintenance: Maintenance;
  readonly #neighbours: Neighbours;
  readonly #ticker: NodeJS.Timeout;
  #count = 0;
  #isHealthy = true;
  #isClosing = false;

  constructor(options: HubOptions) {
    const { storage, limits, retention, maintenanceMs, logger, meter, now } = options;
    this.#options = options;
    this.#committer = new Committer({
      storage,
      now,
      onDurable: (space, entries, meta) => this.#rooms.get(space)?.append(entries, meta),
      onReported: (space) => this.#rooms.get(space)?.announce(),
      meter,
    });
    const committer = this.#committer;
    this.#snapshots = new Snapshots(storage, limits);
    this.#crowd = new Crowd(limits, options.maxWaiting);
    this.#maintenance = new Maintenance({
      storage,
      committer,
      retention,
      logger,
      now,
      everyMs: maintenanceMs,
      onFailure: (failure) => this.#maintenanceFailed(failure),
    });
    this.#neighbours = new Neighbours({
      storage,
      limits,
      rooms: this.#rooms,
      // What passes is no news: it is tried again by and by, and who writes meanwhile tells of it.
      onFailure: (failure) => logger[isPassing(failure) ? 'debug' : 'error']('catch-up-failed', failureFields(failure)),
    });
    const budget = new QueueBudget(options.maxQueueBytes, () => this.#connections);
    this.#host = {
      context: { sid: storage.sid, founders: [storage.sid], limits },
      logger,
      meter,
      noticed: (failure) => this.#noticed(failure),
      sent: (bytes) => budget.sent(bytes),
      now,
      greet: (hello, request, connection) => this.#greet(hello, request, connection),
      admit: (push, guest, connection) => void this.#admit(push, guest, connection),
      readPiece: (id, piece) => this.#readPiece(id, piece),
      left: (connection, room) => this.#left(connection, room),
      work: (seat, usage) => this.#crowd.work(seat, usage, performance.now()),
    };
    // After what the sockets have brought is read: a process that was held up does not blame its peers for the silence.
    this.#ticker = setInterval(() => setImmediate(() => this.#tick()), tickMs(limits)).unref();
  }

  /** Whether new connections are welcome: not while shutting down, and never again after the disk has failed. */
  get isReady(): boolean {
    return this.#isHealthy && !this.#isClosing;
  }

  /** Somebody from there has shown a token that was not good, outside of a connection. */
  tokenFailed(address: string | null): void {
    this.#crowd.failed({ network: networkOf(address) }, performance.now());
  }

  /** Whether this user may ask once more, outside of a connection. */
  mayAsk(user: string): boolean {
    return this.#crowd.asks(user, performance.now());
  }

  /** The status that says why nobody from there is let in just now. */
  refusal(address: string | null): 429 | 503 | null {
    return this.isReady ? this.#crowd.refusal(networkOf(address), performance.now()) : 503;
  }

  get figures(): Figures {
    const loads = Array.from(this.#connections, ({ load }) => load);
    return sumUp(loads, {
      spaces: this.#rooms.size,
      snapshots: this.#snapshots.count,
      pushes: this.#committer.waiting,
    });
  }

  /** `address`: of the peer. Answers whether it has been let in by now. */
  connect(peer: Peer, request: IncomingMessage, address: string | null): () => boolean {
    const id = `c${++this.#count}`;
    this.#peers.add(peer);
    peer.on('close', () => this.#peers.delete(peer));
    const seat = this.#crowd.arrive(networkOf(address), performance.now());
    const connection = new Connection(id, peer, { request, from: address, seat }, this.#host);
    this.#connections.add(connection);
    this.#options.logger.debug('connected', { connection: id });
    return () => connection.isWelcome;
  }

  /** Finishes the commit under way and its acknowledgements, then says goodbye to everybody. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosing = true;
    this.#neighbours.close();
    const stop = AbortSignal.timeout(timeoutMs);
    await Promise.race([Promise.all([this.#committer.close(), this.#maintenance.close()]), aborted(stop)]);
    for (const connection of this.#connections) connection.handle({ type: 'shutdown' });
    clearInterval(this.#ticker);
    await Promise.race([Promise.all([...this.#peers].map(closed)), aborted(stop)]);
    await Promise.race([this.#options.spaces?.close(), aborted(stop)]);
    for (const peer of this.#peers) peer.terminate();
    this.#snapshots.close();
  }

  async #greet(hello: Hello, request: IncomingMessage, connection: Connection): Promise<Greeted | Denied> {
    const { access, logger, storage, spaces } = this.#options;
    const principal = access.authenticate ? await access.authenticate(hello.token, request) : null;
    if (access.authenticate && !principal) {
      this.#crowd.failed(connection.seat, performance.now());
      logger.info('unauthenticated', { from: connection.from });
      return denied('AUTH_REQUIRED', 'the token is missing or not valid', CLOSE.unauthenticated);
    }
    const excess = principal && this.#crowd.admit(connection.seat, principal.id, hello, performance.now());
    if (excess) {
      logger.info('rate-limited', { from: connection.from, principal: principal.id });
      return denied('RATE_LIMITED', excess, CLOSE.tryLater);
    }
    if (access.authorize && !(await access.authorize(principal, 'read', hello.space))) {
      logger.info('forbidden', { from: connection.from, principal: principal?.id ?? null });
      return denied('FORBIDDEN', 'this user may not read this space', CLOSE.forbidden);
    }
    let role: Role | null = null;
    if (spaces) {
      let version: number;
      do {
        ({ version } = spaces);
        const found = await spaces.admit(principal!, hello, request.headers['user-agent']);
        if (typeof found === 'object') {
          logger.info('forbidden', { from: connection.from, principal: principal!.id });
          return found;
        }
        role = found;
        // What others have changed meanwhile was told to those who were in already.
      } while (version !== spaces.version);
    }
    if (connection.isClosed) return denied('CLOSED', 'the peer has gone', CLOSE.normal);
    // In the room first: what becomes durable while the storage is asked is then heard of, and nothing falls between.
    const room = this.#roomOf(hello.space);
    connection.enter({ room, principal, device: hello.device, role });
    this.#crowd.seated(connection.seat);
    const look = await storage.look(hello.space, hello);
    room.raise(look.meta);
    return this.#answer(hello, look, principal?.id ?? null);
  }

  /** The log from the cursor on, a snapshot, or why neither. */
  async #answer(hello: Hello, { meta, known, chain, position }: Look, user: string | null): Promise<Greeted | Denied> {
    const { storage, logger } = this.#options;
    const chainAt = (sid: string, n: number): string | undefined => (hello.cursor[sid] === n ? chain[sid] : undefined);
    const handshake = greet(hello, { sid: storage.sid, meta, chainAt });
    switch (handshake.type) {
      case 'log': {
        const head = { lsn: meta.lsn, cursor: meta.cursor };
        return { type: 'greeted', head, known: knownRecord(hello.writers, known), position };
      }
      case 'snapshot': {
        logger.info('snapshot', { why: handshake.why });
        return this.#openSnapshot(hello, { why: handshake.why, user }, meta);
      }
      case 'replaced':
        return denied('SERVER_REPLACED', handshake.message, CLOSE.serverReplaced);
      case 'behind':
        return denied('BEHIND', handshake.message, CLOSE.tryLater);
    }
  }

  async #openSnapshot(hello: Hello, about: SnapshotWish, now: Look['meta']): Promise<Greeted | Denied> {
    const opened = await this.#snapshots.open(hello, about, now, performance.now());
    if (!opened) return denied('RATE_LIMITED', 'too many devices are being given a snapshot', CLOSE.tryLater);
    const { meta, bootstrap, known } = opened;
    return {
      type: 'greeted',
      head: { lsn: meta.lsn, cursor: meta.cursor },
      known: knownRecord(hello.writers, known),
      position: meta.lsn,
      bootstrap,
    };
  }

  #readPiece(id: string, piece: number): Promise<Snapshot | null> {
    return this.#snapshots.piece(id, piece, performance.now());
  }

  async #admit(push: Push, { room, principal }: Guest, connection: Connection): Promise<void> {
    const { access, limits, meter, verifiesAuthors } = this.#options;
    const startMs = performance.now();
    try {
      const prepared = await preparePush(push, { space: room.space, principal, access, verifiesAuthors, limits });
      this.#committer.submit({
        question: questionOfPushes(room.space, [prepared]),
        changes: prepared.changes.length,
        bytes: prepared.changes.reduce((sum, { text }) => sum + text.length, 0),
        // Between the arrival of a push and this moment its sender may have lost the right to it.
        decide: (view, nowMs) => {
          if (this.#isOver(connection, nowMs)) return null;
          const touched = bytesTouched(view, prepared.changes);
          const allowed = mayPush(connection) ? prepared : forbidden(prepared);
          return { touched, ...decidePush(allowed, view, { nowMs, driftMs: limits.driftMs, limits }) };
        },
        done: (decided, head) => {
          if (!decided) return connection.shutOut(TOKEN_OVER);
          const { accepted, known, refused, touched } = decided;
          connection.charge(TOUCH_FACTOR * touched);
          if (refused) {
            meter.refused(refused.code);
            this.#options.logger.info('refused', {
              connection: connection.id,
              from: connection.from,
              principal: principal?.id ?? null,
              code: refused.code,
            });
          }
          connection.handle({ type: 'admitted', accepted, known, head, ...(refused ? { refused } : {}) });
          meter.acknowledged(performance.now() - startMs);
        },
        failed: (failure) => void this.#failed(failure, push, room, connection),
      });
    } catch (failure) {
      connection.fail(failure);
    }
  }

  /** Nothing of the push was stored. A full disk is told as a refusal, because reading goes on. */
  async #failed(failure: unknown, push: Push, room: Room, connection: Connection): Promise<void> {
    if (!(failure instanceof StorageError) || failure.kind !== 'full') return connection.fail(failure);
    const { dot } = push.changes[0]!;
    this.#options.logger.error('storage-full', { connection: connection.id });
    this.#options.meter.refused('STORAGE_FULL');
    const refused = {
      dot,
      code: 'STORAGE_FULL',
      message: 'the server has no space left',
      serverTime: this.#options.now(),
    } as const;
    try {
      const incs = [...new Set(push.changes.map((change) => incOf(change.dot)))];
      const look = await this.#options.storage.look(room.space, { writers: incs, cursor: {} });
      const known = knownRecord(incs, look.known);
      connection.handle({ type: 'admitted', accepted: [], known, refused, head: room.head });
    } catch (other) {
      connection.fail(other);
    }
  }

  #maintenanceFailed(failure: unknown): void {
    this.#options.logger.error('maintenance-failed', failureFields(failure));
    this.#noticed(failure);
  }

  #noticed(failure: unknown): void {
    if (failure instanceof StorageError && failure.kind === 'broken') this.#stopWriting(failure);
  }

  /** What the disk has acknowledged is no longer certain: nothing is acknowledged any more, and somebody must look. */
  #stopWriting(failure: StorageError): void {
    if (!this.#isHealthy) return;
    this.#isHealthy = false;
    void this.#maintenance.close();
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
    this.#crowd.leave(connection.seat);
    if (room?.isEmpty && this.#rooms.get(room.space) === room) this.#rooms.delete(room.space);
  }

  #tick(): void {
    const event = { type: 'tick', atMs: performance.now() } as const;
    const nowMs = this.#options.now();
    this.#snapshots.tick(event.atMs);
    this.#options.spaces?.tick(event.atMs);
    this.#crowd.tick(event.atMs);
    for (const connection of this.#connections) {
      connection.handle(event);
      if (this.#isOver(connection, nowMs)) connection.shutOut(TOKEN_OVER);
    }
  }

  /** Tells open connections what has become of their rights. */
  turn(turns: readonly Turn[]): void {
    for (const connection of this.#connections) {
      for (const turn of turns) turnOne(connection, turn);
    }
  }

  #isOver({ guest, isShutOut }: Connection, nowMs: number): boolean {
    return isShutOut || (guest?.principal?.expiresAt ?? Infinity) <= nowMs;
  }
}

/** A record is read, parsed, written out and hashed for each push that changes it. */
const TOUCH_FACTOR = 4;

function turnOne(connection: Connection, turn: Turn): void {
  const { guest } = connection;
  if (guest?.principal?.id !== turn.user) return;
  switch (turn.type) {
    case 'role':
      if (guest.room.space !== turn.space) return;
      return turn.role === null ? connection.shutOut(REMOVED) : connection.setRole(turn.role);
    case 'device':
      return guest.device === turn.device ? connection.shutOut(DEVICE_DENIED.revoked) : undefined;
    case 'signed-out':
      return connection.shutOut(SIGNED_OUT);
  }
}

function mayPush({ guest }: Connection): boolean {
  return guest?.role == null || mayWrite(guest.role);
}

const TOKEN_OVER = denied('AUTH_REQUIRED', 'the token has expired', CLOSE.unauthenticated);

function isPassing(failure: unknown): boolean {
  return failure instanceof StorageError && failure.kind === 'busy';
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

function closed(peer: Peer): Promise<void> {
  return new Promise((resolve) => peer.once('close', () => resolve()));
}
