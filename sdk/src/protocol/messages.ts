/**
 * The frames of protocol version 1: JSON objects in WebSocket text frames. `docs/protocol.md` says the same for a
 * second implementation; `schema-hash.test.ts` forces a new version when this file's schema changes.
 *
 * device: hello · push · applied · ping            server: welcome · pushed · page · pong · error
 */
import type { Change } from '../core/change.ts';
import type { Hlc } from '../core/clock.ts';
import type { Dot, Inc } from '../core/dot.ts';
import type { Sid, Stamp, VersionVector } from '../core/version-vector.ts';
import type { ErrorCode } from '../lib/errors.ts';

export const PROTOCOL_VERSION = 1;

/** First frame of a device; anything before it closes the connection with 4401. */
export interface Hello {
  readonly type: 'hello';
  readonly protocol: number;
  readonly space: string;
  /** The device's id: display and audit, never identity. */
  readonly device: string;
  /** K: what this device has applied. */
  readonly cursor: VersionVector;
  /** Incarnations with changes in the outbox: the server answers how far it knows each. */
  readonly writers: readonly Inc[];
  readonly token?: string;
}

/** The server agrees to talk; from here on it sends pages by itself. */
export interface Welcome {
  readonly type: 'welcome';
  readonly protocol: number;
  readonly sid: Sid;
  /** The server's own K. */
  readonly cursor: VersionVector;
  /** For each incarnation asked about, the highest seq that is durable here; 0 for none. */
  readonly known: Readonly<Record<Inc, number>>;
  /** Milliseconds since 1970. */
  readonly serverTime: number;
  readonly limits: {
    readonly frameBytes: number;
    readonly changeBytes: number;
    readonly changesPerPush: number;
    readonly heartbeatMs: number;
  };
}

/** Changes in outbox order. One push is on the way at a time; the next follows its `pushed`. */
export interface Push {
  readonly type: 'push';
  readonly changes: readonly Change[];
}

/** The fate of a push, sent after what it accepts is durable. Changes behind a refused one were not looked at. */
export interface Pushed {
  readonly type: 'pushed';
  /** Highest durable seq of every incarnation in the push. */
  readonly known: Readonly<Record<Inc, number>>;
  readonly refused?: Refusal;
}

export interface Refusal {
  readonly dot: Dot;
  readonly code: RefusalCode;
  readonly message: string;
  /** Milliseconds since 1970, for CLOCK. */
  readonly serverTime: number;
}

export type RefusalCode = Extract<
  ErrorCode,
  | 'CLOCK'
  | 'BEHIND'
  | 'GAP'
  | 'EQUIVOCATION'
  | 'INVALID_CHANGE'
  | 'TOO_LARGE'
  | 'FORBIDDEN'
  | 'STORAGE_FULL'
  | 'INTERNAL'
>;

/** A piece of the log in log order. */
export interface Page {
  readonly type: 'page';
  readonly entries: readonly LogEntry[];
  /** K of the receiver after this page. */
  readonly cursor: VersionVector;
  /** The server's own K, for progress. */
  readonly head: VersionVector;
}

/**
 * An entry of the log. Without `change`, the receiver pushed it in this very session and has it in its outbox; `hlc` is
 * then the stamp under which the server took it.
 */
export interface LogEntry {
  readonly stamp: Stamp;
  readonly dot: Dot;
  readonly hlc?: Hlc;
  readonly change?: Change;
}

/** The device made a page durable; allows the server one more on the way. */
export interface Applied {
  readonly type: 'applied';
  readonly cursor: VersionVector;
}

export interface Ping {
  readonly type: 'ping';
}

export interface Pong {
  readonly type: 'pong';
  /** Milliseconds since 1970. */
  readonly serverTime: number;
}

/** The last frame before the connection is closed with the code of the same meaning. */
export interface ErrorFrame {
  readonly type: 'error';
  readonly code: ErrorCode;
  readonly message: string;
}

export type DeviceMessage = Hello | Push | Applied | Ping;
export type ServerMessage = Welcome | Pushed | Page | Pong | ErrorFrame;

/** WebSocket close codes and what they mean. */
export const CLOSE = {
  normal: 1000,
  tooLarge: 1009,
  restart: 1012,
  tryLater: 1013,
  badFrame: 4400,
  unauthenticated: 4401,
  forbidden: 4403,
  tooSlow: 4408,
  outOfOrder: 4409,
  serverReplaced: 4410,
  upgradeRequired: 4426,
} as const;
