/**
 * What a server knows of one connection, what can happen to it and what it asks of its surroundings: the words of
 * `server-session.ts`.
 */
import type { Dot, Inc } from '../core/dot.ts';
import type { Sid, VersionVector } from '../core/version-vector.ts';
import type { ErrorCode } from '../lib/errors.ts';
import type { PagePlace, StoredEntry } from '../protocol/codec.ts';
import type { Limits } from '../protocol/limits.ts';
import type { Bootstrap, Hello, Push, Refusal, ServerMessage, Snapshot } from '../protocol/messages.ts';
import type { OwnDots } from './own-dots.ts';

export interface ServerContext {
  readonly sid: Sid;
  /** The servers that every space begins with. */
  readonly founders: readonly Sid[];
  readonly limits: Limits;
}

export type ServerSession = Waiting | Greeting | Open | Closed;

export interface Waiting {
  readonly phase: 'waiting';
  readonly sinceMs: number;
}

/** A hello came; whether this peer may come in, and what is known of its writers, is being found out. */
export interface Greeting {
  readonly phase: 'greeting';
  readonly sinceMs: number;
  readonly hello: Hello;
}

export interface Open {
  readonly phase: 'open';
  readonly heardMs: number;
  /** Where the space's log ends, in this server's own numbering. */
  readonly head: LogHead;
  /** Last entry of the log that was sent or that the receiver has already, in this server's own numbering. */
  readonly position: number;
  /** K of the receiver when everything sent is applied. */
  readonly sent: VersionVector;
  readonly isReading: boolean;
  /** `sent` after each page on the way. */
  readonly inFlight: readonly VersionVector[];
  /** The snapshot that is being sent, before anything of the log. */
  readonly snapshot: SnapshotProgress | null;
  /** Whether a push is not answered yet. */
  readonly isPushing: boolean;
  /** What was pushed and taken in this very session: the receiver has exactly this content, so its dot is enough. */
  readonly own: OwnDots;
}

export interface LogHead {
  readonly lsn: number;
  /** The server's K. */
  readonly cursor: VersionVector;
}

export interface SnapshotProgress {
  readonly id: string;
  readonly pieces: number;
  /** Next piece to send. */
  readonly next: number;
  /** Pieces on the way. */
  readonly inFlight: readonly number[];
}

export interface Closed {
  readonly phase: 'closed';
}

/** Times named `atMs` only measure durations and never jump; `nowMs` is the wall clock. */
export type ServerEvent =
  | { readonly type: 'frame'; readonly text: string; readonly atMs: number; readonly nowMs: number }
  /**
   * The hello is accepted. `head` and `known` were read together or `known` later. `position` is where the log goes on
   * for this receiver, behind the snapshot if there is one.
   */
  | {
      readonly type: 'greeted';
      readonly head: LogHead;
      readonly known: Readonly<Record<Inc, number>>;
      readonly position: number;
      readonly bootstrap?: Bootstrap;
      readonly atMs: number;
      readonly nowMs: number;
    }
  /** What the caller was asked to do for this peer did not work; nothing of it was stored. */
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string; readonly close: number }
  /**
   * The push is decided and durable. `accepted` are the changes that it added to the log: not those that were there
   * before, which may carry another stamp than the pushed ones.
   */
  | {
      readonly type: 'admitted';
      readonly accepted: readonly Dot[];
      readonly known: Readonly<Record<Inc, number>>;
      readonly refused?: Refusal;
      readonly head: LogHead;
    }
  /** The log of the space has grown. */
  | { readonly type: 'grown'; readonly head: LogHead }
  /** The entries that follow the position; `digest` is the space's after the last of them, where it is known. */
  | { readonly type: 'read'; readonly entries: readonly StoredEntry[]; readonly digest?: string }
  | { readonly type: 'piece-read'; readonly snapshot: Snapshot }
  | { readonly type: 'tick'; readonly atMs: number }
  /** The receiver does not read what was sent to it. */
  | { readonly type: 'clogged' }
  | { readonly type: 'shutdown' }
  | { readonly type: 'gone' };

export type ServerEffect =
  | { readonly type: 'send'; readonly message: ServerMessage }
  | {
      readonly type: 'send-page';
      readonly entries: readonly StoredEntry[];
      readonly place: PagePlace;
    }
  /** Check the peer and read the facts; answered by `greeted` or `failed`. */
  | { readonly type: 'greet'; readonly hello: Hello }
  /** Admit in order; answered by `admitted` or `failed`. */
  | { readonly type: 'admit'; readonly push: Push }
  /** Read the log; answered by `read`. */
  | { readonly type: 'read'; readonly after: number }
  /** Read a piece of a snapshot; answered by `piece-read`. */
  | { readonly type: 'read-piece'; readonly id: string; readonly piece: number }
  | { readonly type: 'close'; readonly code: number; readonly reason: string };

export interface ServerStep {
  readonly state: ServerSession;
  readonly effects: readonly ServerEffect[];
}
