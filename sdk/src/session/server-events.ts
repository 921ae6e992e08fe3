/**
 * What a server knows of one connection, what can happen to it and what it asks of its surroundings: the words of
 * `server-session.ts`.
 */
import type { Dot, Inc } from '../core/dot.ts';
import type { Sid, VersionVector } from '../core/version-vector.ts';
import type { ErrorCode } from '../lib/errors.ts';
import type { StoredEntry } from '../protocol/codec.ts';
import type { Limits } from '../protocol/limits.ts';
import type { Hello, Push, Refusal, ServerMessage } from '../protocol/messages.ts';
import type { OwnDots } from './own-dots.ts';

export interface ServerContext {
  readonly sid: Sid;
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
  /** Number of the last entry in the space's log. */
  readonly head: number;
  /** Number of the last entry sent. */
  readonly position: number;
  readonly isReading: boolean;
  /** Last entry of each page on the way. */
  readonly inFlight: readonly number[];
  /** Whether a push is not answered yet. */
  readonly isPushing: boolean;
  /** What was pushed and taken in this very session: the receiver has exactly this content, so its dot is enough. */
  readonly own: OwnDots;
}

export interface Closed {
  readonly phase: 'closed';
}

/** Times named `atMs` only measure durations and never jump; `nowMs` is the wall clock. */
export type ServerEvent =
  | { readonly type: 'frame'; readonly text: string; readonly atMs: number; readonly nowMs: number }
  /** The hello is accepted. `head` and `known` were read together or `known` later. */
  | {
      readonly type: 'greeted';
      readonly head: number;
      readonly known: Readonly<Record<Inc, number>>;
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
      readonly head: number;
    }
  /** The log of the space has grown. */
  | { readonly type: 'grown'; readonly head: number }
  /** The entries that follow the position. */
  | { readonly type: 'read'; readonly entries: readonly StoredEntry[] }
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
      readonly cursor: VersionVector;
      readonly head: VersionVector;
    }
  /** Check the peer and read the facts; answered by `greeted` or `failed`. */
  | { readonly type: 'greet'; readonly hello: Hello }
  /** Admit in order; answered by `admitted` or `failed`. */
  | { readonly type: 'admit'; readonly push: Push }
  /** Read the log; answered by `read`. */
  | { readonly type: 'read'; readonly after: number }
  | { readonly type: 'close'; readonly code: number; readonly reason: string };

export interface ServerStep {
  readonly state: ServerSession;
  readonly effects: readonly ServerEffect[];
}
