/**
 * A server in the same process: the real session and the real decisions over a space in memory. It may be killed at
 * any time; what it acknowledged survives. Several of them pull from one another.
 */
import { hashOfChange, withoutDependencies, type Change } from '../core/change.ts';
import { digestText } from '../core/digest.ts';
import { incOf, type Dot, type Inc } from '../core/dot.ts';
import type { Sid, VersionVector } from '../core/version-vector.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import { checkChange } from '../protocol/check-change.ts';
import { encodeMessage, encodePage } from '../protocol/codec.ts';
import { DEFAULT_LIMITS, type Limits } from '../protocol/limits.ts';
import { CLOSE, type Hello, type Page, type Push } from '../protocol/messages.ts';
import type { LogHead, ServerEffect, ServerEvent, ServerSession } from '../session/server-events.ts';
import { newServerSession, stepServer } from '../session/server-session.ts';
import { decidePull, type PullOutcome } from '../space/decide-pull.ts';
import { decidePush, knownRecord, type PreparedPush } from '../space/decide-push.ts';
import { greet } from '../space/handshake.ts';
import { DEFAULT_RETENTION, evict, publish, type Retention } from '../space/retention.ts';
import { bootstrapOf, leadsOn, pieceOf, prepareSnapshot, type PreparedSnapshot } from '../space/snapshot.ts';
import type { NewEntry, SpaceView } from '../space/space.ts';
import { takeOver } from '../space/take-over.ts';
import {
  chainAt,
  compact,
  copySpace,
  emptySpace,
  entriesAfter,
  positionFor,
  snapshotSource,
  transact,
  type SpaceDisk,
} from './memory-space.ts';
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
  /** The servers that the space begins with; by default this one alone. */
  readonly founders?: readonly Sid[];
  readonly timeline: Timeline;
  /** Time that a durable commit takes, in milliseconds. */
  readonly commitMs: () => number;
  readonly limits?: Partial<Limits>;
  readonly retention?: Retention;
  /** Whether this user may write this change. */
  readonly authorize?: (change: Change) => boolean;
  /** Everything that became durable here, as it does. */
  readonly onAppended?: (server: TestServer, entries: readonly NewEntry[]) => void;
  /** A snapshot of what is here now was prepared under this id. */
  readonly onSnapshot?: (server: TestServer, id: string) => void;
}

/** What outlives the process. */
export interface ServerDisk {
  readonly sid: Sid;
  readonly space: SpaceDisk;
}

export class TestServer {
  readonly #options: TestServerOptions;
  readonly limits: Limits;
  readonly #founders: readonly Sid[];
  #disk: ServerDisk;
  readonly #peers = new Set<Peer>();
  readonly #snapshots = new Map<string, PreparedSnapshot>();
  /** How often each verdict was given. */
  readonly verdicts = new Map<string, number>();
  /** Added to the true time to give this server's wall clock. */
  skewMs = 0;
  #life = 0;
  #isStopped = false;
  readonly #mourners: (() => void)[] = [];
  #made = 0;

  constructor(options: TestServerOptions) {
    this.#options = options;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#founders = options.founders ?? [options.sid];
    this.#disk = { sid: options.sid, space: emptySpace(this.#founders) };
  }

  get sid(): Sid {
    return this.#disk.sid;
  }

  get space(): SpaceDisk {
    return this.#disk.space;
  }

  /** The changes that its log still has, in order. */
  get log(): readonly { readonly change: Change; readonly text: string }[] {
    return this.space.log.flatMap(({ kind, text }) =>
      kind === 'change' ? [{ change: JSON.parse(text!) as Change, text: text! }] : [],
    );
  }

  get cursor(): VersionVector {
    return this.space.meta.cursor;
  }

  /** Wall clock. */
  get nowMs(): number {
    return this.#options.timeline.nowMs + this.skewMs;
  }

  /** Whether the change is, or was, in the log. */
  has(dot: Dot): boolean {
    return (this.space.known.get(incOf(dot))?.seq ?? 0) >= Number(dot.slice(dot.indexOf('.') + 1));
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  connect(socket: ServerSocket): ServerPeer {
    if (this.#isStopped) {
      socket.close(1006, 'nobody listens');
      return { receive: () => undefined, gone: () => undefined };
    }
    const peer = new Peer(this, socket, this.#options.timeline, this.#founders);
    this.#peers.add(peer);
    return { receive: (text) => peer.receive(text), gone: () => this.#drop(peer) };
  }

  /** SIGKILL: every connection is cut, every push that is not durable yet is forgotten. */
  kill(): void {
    this.#die();
    for (const mourn of this.#mourners) mourn();
  }

  #die(): void {
    this.#life++;
    this.#snapshots.clear();
    for (const peer of this.#peers) {
      this.#drop(peer);
      peer.socket.close(1006, 'killed');
    }
  }

  /** Called after every kill: what goes with the process is begun anew by its owner. */
  onKilled(call: () => void): void {
    this.#mourners.push(call);
  }

  /** Killed, and nobody listens until it is started again. */
  stop(): void {
    this.kill();
    this.#isStopped = true;
  }

  start(): void {
    this.#isStopped = false;
  }

  /** What is on its disk now; later writes do not show in it. */
  copyDisk(): ServerDisk {
    return { sid: this.sid, space: copySpace(this.space) };
  }

  /**
   * Comes back with an earlier disk. An operator who does it right gives it a new identity, and the stream that it had
   * ends where the backup does.
   */
  restore(disk: ServerDisk, sid: Sid = disk.sid): void {
    this.#die();
    this.#disk = { sid, space: copySpace(disk.space) };
    if (sid !== disk.sid) this.#transact((view) => takeOver(view, disk.sid));
    for (const mourn of this.#mourners) mourn();
  }

  known(incs: readonly Inc[]): Readonly<Record<Inc, number>> {
    return knownRecord(incs, this.space.known);
  }

  head(): LogHead {
    return { lsn: this.space.meta.lsn, cursor: this.cursor };
  }

  read(after: number): ServerEvent {
    const entries = entriesAfter(this.space, after, this.limits.entriesPerPage);
    const isCut = entries.length > 0 ? entries[0]!.lsn !== after + 1 : after < this.space.meta.lsn;
    if (isCut)
      return { type: 'failed', code: 'INTERNAL', message: 'what comes next is no longer here', close: CLOSE.tryLater };
    const isEnd = entries.at(-1)?.lsn === this.space.meta.lsn;
    return { type: 'read', entries, ...(isEnd ? { digest: digestText(this.space.meta.digest) } : {}) };
  }

  readPiece(id: string, piece: number): ServerEvent {
    const snapshot = this.#snapshots.get(id);
    const content = snapshot && pieceOf(snapshot, piece);
    if (content) return { type: 'piece-read', snapshot: content };
    return { type: 'failed', code: 'INTERNAL', message: 'the snapshot is gone', close: CLOSE.tryLater };
  }

  greet(hello: Hello, atMs: number): ServerEvent {
    const { space, sid } = this;
    const facts = { sid, meta: space.meta, chainAt: (of: Sid, n: number) => chainAt(space, of, n) };
    const handshake = greet(hello, facts);
    const known = this.known(hello.writers);
    const greeted = { type: 'greeted', head: this.head(), known, atMs, nowMs: this.nowMs } as const;
    this.#tally(`hello: ${handshake.type === 'snapshot' ? handshake.why : handshake.type}`);
    switch (handshake.type) {
      case 'replaced':
        return { type: 'failed', code: 'SERVER_REPLACED', message: handshake.message, close: CLOSE.serverReplaced };
      case 'behind':
        return { type: 'failed', code: 'BEHIND', message: handshake.message, close: CLOSE.tryLater };
      case 'log':
        return { ...greeted, position: positionFor(space, hello.cursor) };
      case 'snapshot': {
        const held = hello.resume && this.#snapshots.get(hello.resume.id);
        const resumed = held && leadsOn(held, hello.cursor, space.meta) ? held : undefined;
        const snapshot = resumed ?? this.#makeSnapshot();
        if (resumed) this.#tally('snapshot resumed');
        const about = { why: handshake.why, writers: hello.writers, from: resumed ? hello.resume!.next : 0 };
        return { ...greeted, position: snapshot.meta.lsn, bootstrap: bootstrapOf(snapshot, about) };
      }
    }
  }

  /** Durable after a while; the answer goes to the peer only then. */
  admit(push: Push, answer: (event: ServerEvent) => void): void {
    this.#later(() => {
      const decision = this.#transact((view) =>
        decidePush(this.#prepare(push), view, { nowMs: this.nowMs, driftMs: this.limits.driftMs }),
      );
      for (const _dot of decision.accepted) this.#tally('accepted');
      if (decision.refused) this.#tally(decision.refused.code);
      const isRepeated = decision.accepted.length === 0 && !decision.refused;
      if (isRepeated) this.#tally('duplicate');
      answer({ type: 'admitted', ...decision, head: this.head() });
      this.#announce();
    });
  }

  /** A page that another server sent: durable after a while. */
  take(page: Page, answer: (outcome: PullOutcome) => void): void {
    this.#later(() => {
      const before = this.space.meta.lsn;
      const outcome = this.#transact((view) => decidePull(page.entries, view));
      this.#tally(outcome.type === 'taken' ? 'pulled' : outcome.type);
      if (outcome.type === 'taken') for (const _clash of outcome.clashes) this.#tally('EQUIVOCATION');
      answer(outcome);
      if (this.space.meta.lsn > before) this.#announce();
    });
  }

  /** Publishes, cuts the log and forgets deleted records, each if it is time. */
  maintain(safe?: VersionVector): void {
    const { retention = DEFAULT_RETENTION } = this.#options;
    const hasPublished = this.#transact((view) => publish(view, this.nowMs, retention, safe));
    if (hasPublished) this.#tally('published');
    const { entries, records } = compact(this.space, this.nowMs, retention);
    if (entries > 0) this.#tally('log cut');
    if (records > 0) this.#tally('tombstone expired', records);
    if (hasPublished) this.#announce();
  }

  /** Writes off a server that is gone for good. Only by one that has everything any other has of it. */
  evict(sid: Sid): void {
    this.#transact((view) => evict(view, sid));
    this.#announce();
  }

  #makeSnapshot(): PreparedSnapshot {
    const id = `${this.sid}-${this.#life}-${++this.#made}`;
    const snapshot = prepareSnapshot(snapshotSource(this.space, id), this.limits);
    this.#snapshots.set(id, snapshot);
    this.#options.onSnapshot?.(this, id);
    return snapshot;
  }

  #transact<T>(work: (view: SpaceView) => T): T {
    let appended: readonly NewEntry[] = [];
    const result = transact(this.space, this.sid, (view) => {
      const outcome = work(view);
      appended = view.entries;
      return outcome;
    });
    if (appended.length > 0) this.#options.onAppended?.(this, appended);
    return result;
  }

  #prepare(push: Push): PreparedPush {
    const incs = [...new Set(push.changes.map(({ dot }) => incOf(dot)))];
    const changes: PreparedPush['changes'][number][] = [];
    for (const untrusted of push.changes) {
      const checked = checkChange(untrusted, this.limits);
      if (checked.type === 'bad') {
        const bad = { dot: untrusted.dot, code: checked.code, message: checked.reason };
        return { owner: null, changes, bad, incs };
      }
      const { change } = checked;
      const text = canonicalJson(withoutDependencies(change) as unknown as Json);
      const isPermitted = this.#options.authorize?.(change) ?? true;
      changes.push({ change, hash: hashOfChange(change), text, isPermitted });
    }
    return { owner: null, changes, bad: null, incs };
  }

  #later(run: () => void): void {
    const life = this.#life;
    this.#options.timeline.after(this.#options.commitMs(), () => {
      if (life === this.#life) run();
    });
  }

  #announce(): void {
    for (const peer of this.#peers) peer.handle({ type: 'grown', head: this.head() });
  }

  #drop(peer: Peer): void {
    this.#peers.delete(peer);
    peer.handle({ type: 'gone' });
  }

  #tally(what: string, by = 1): void {
    this.verdicts.set(what, (this.verdicts.get(what) ?? 0) + by);
  }
}

class Peer {
  readonly socket: ServerSocket;
  readonly #server: TestServer;
  readonly #timeline: Timeline;
  readonly #founders: readonly Sid[];
  #state: ServerSession;
  readonly #events: ServerEvent[] = [];
  #isHandling = false;

  constructor(server: TestServer, socket: ServerSocket, timeline: Timeline, founders: readonly Sid[]) {
    this.#server = server;
    this.socket = socket;
    this.#timeline = timeline;
    this.#founders = founders;
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
    const context = { sid: this.#server.sid, founders: this.#founders, limits: this.#server.limits };
    for (let next = this.#events.shift(); next; next = this.#events.shift()) {
      const { state, effects } = stepServer(this.#state, next, context);
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
        return this.socket.send(encodePage(effect.entries, effect.place));
      case 'greet':
        return this.handle(this.#server.greet(effect.hello, this.#timeline.nowMs));
      case 'admit':
        return this.#server.admit(effect.push, (event) => this.handle(event));
      case 'read':
        return this.handle(this.#server.read(effect.after));
      case 'read-piece':
        return this.handle(this.#server.readPiece(effect.id, effect.piece));
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
