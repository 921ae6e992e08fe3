/**
 * The frames of protocol version 1: JSON objects in WebSocket text frames. `docs/protocol.md` says the same for a
 * second implementation; `schema-hash.test.ts` forces a new version when this file's schema changes.
 *
 * device: hello · push · applied · staged · ping     server: welcome · pushed · page · snapshot · pong · error
 *
 * A server that pulls from another server speaks as a device that never pushes.
 */
import type { Change, Writer } from '../core/change.ts';
import type { Control } from '../core/control.ts';
import type { Hlc } from '../core/clock.ts';
import type { Dot, Inc } from '../core/dot.ts';
import type { RecordJson } from '../core/record-json.ts';
import type { Topology } from '../core/topology.ts';
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
  /** For servers in K, the chain hash there: shows whether both mean the same entries. */
  readonly chain?: Chain;
  /** What this device holds was found to be wrong, or it wants all of it anew: it asks for a snapshot. */
  readonly wantsSnapshot?: true;
  /** A snapshot of this server that was not finished: it goes on where it stopped if the server still has it. */
  readonly resume?: { readonly id: string; readonly next: number };
  /** The server that is pulling; absent from devices. */
  readonly peer?: Sid;
  /** Incarnations with changes in the outbox: the server answers how far it knows each. */
  readonly writers: readonly Inc[];
  readonly token?: string;
  /** This device reads deflated frames on this link. */
  readonly deflate?: true;
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
  /** The servers that the space began with: what a replica with an empty log goes on from. */
  readonly founders: readonly Sid[];
  /** The log cannot bring this receiver up to date: a snapshot follows, then the log from where that stands. */
  readonly bootstrap?: Bootstrap;
  readonly limits: {
    readonly frameBytes: number;
    readonly changeBytes: number;
    readonly changesPerPush: number;
    readonly heartbeatMs: number;
  };
  /** The answer to the hello's: from here on either may send deflated frames. */
  readonly deflate?: true;
}

/** For each server the chain hash of its stream up to a number: two histories that differ have different ones. */
export type Chain = Readonly<Record<Sid, string>>;

/** A space as it is after a stretch of its log, in numbered pieces that follow. */
export interface Bootstrap {
  readonly id: string;
  /** `truncated`: the log begins behind K · `forked`: K names entries that no server has · `asked` */
  readonly why: 'truncated' | 'forked' | 'asked';
  /** K of the receiver when it has all of it. */
  readonly cursor: VersionVector;
  readonly chain: Chain;
  readonly topology: Topology;
  /** Digest of all records in it. */
  readonly digest: string;
  /** How far each writer that hello asked about is contained. */
  readonly known: Readonly<Record<Inc, number>>;
  /** Which of their changes are contained without their content, because a device took them back. */
  readonly voids?: Readonly<Record<Inc, readonly number[]>>;
  /** Number of pieces; at least one. */
  readonly pieces: number;
  /** Number of records, for progress. */
  readonly records: number;
  /** First piece that follows: 0, or the one to resume with. */
  readonly from: number;
}

/** One piece of a snapshot, in order. */
export interface Snapshot {
  readonly type: 'snapshot';
  readonly id: string;
  readonly piece: number;
  readonly records: readonly SnapshotRecord[];
  /** Who stands behind the dots in these records. */
  readonly writers: readonly (Writer & { readonly inc: Inc })[];
  /** Changes that not every server has yet, as they stand in the log: contained in the records already. */
  readonly recent: readonly ChangeEntry[];
}

export interface SnapshotRecord {
  readonly c: string;
  readonly id: string;
  readonly state: RecordJson;
}

/** A piece of a snapshot is durable here; allows the server one more on the way. */
export interface Staged {
  readonly type: 'staged';
  readonly id: string;
  readonly piece: number;
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
  /** For GONE and LIMBO: the record that was deleted. */
  readonly record?: { readonly c: string; readonly id: string };
}

export type RefusalCode = Extract<
  ErrorCode,
  | 'CLOCK'
  | 'BEHIND'
  | 'GAP'
  | 'GONE'
  | 'LIMBO'
  | 'EQUIVOCATION'
  | 'INVALID_CHANGE'
  | 'TOO_LARGE'
  | 'FORBIDDEN'
  | 'WITHDRAWN'
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
  /** Chain hashes at `cursor` of the servers whose streams this page continues. */
  readonly chain?: Chain;
  /** Digest of the whole space at exactly `cursor`, where the server knows it. */
  readonly digest?: string;
}

/** An entry of the log, in one of three forms. */
export type LogEntry = ChangeEntry | AliasEntry | ControlEntry;

/**
 * A change. Without `change`, the receiver pushed it in this very session and has it in its outbox; `hlc` is then the
 * stamp under which the server took it.
 */
export interface ChangeEntry {
  readonly stamp: Stamp;
  readonly dot: Dot;
  readonly hlc?: Hlc;
  readonly change?: Change;
}

/** A second stamp of a change that comes earlier in the same log: it has happened once. */
export interface AliasEntry {
  readonly stamp: Stamp;
  readonly dot: Dot;
  readonly alias: true;
}

/** What a server says in its own stream. */
export interface ControlEntry {
  readonly stamp: Stamp;
  readonly control: Control;
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

export type DeviceMessage = Hello | Push | Applied | Staged | Ping;
export type ServerMessage = Welcome | Pushed | Page | Snapshot | Pong | ErrorFrame;

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
