/**
 * What a device says about its syncing: plain data, because it travels from the worker to every tab. The client makes
 * the public SyncStatus and SyncEvent of it and adds what is counted in the local database.
 */
import type { Dot, Inc } from '../core/dot.ts';
import type { PolicyProblem } from '../core/policy-problem.ts';
import type { VersionVector } from '../core/version-vector.ts';
import type { ErrorCode } from '../lib/errors.ts';

/** A SkerryError that can cross contexts. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
}

export const LINK_STATUSES = [
  'connecting',
  'online',
  'offline',
  'paused',
  'backoff',
  'auth-required',
  'upgrade-required',
  'stalled',
] as const;

export type LinkStatus = (typeof LINK_STATUSES)[number];

export interface SyncState {
  readonly connection: LinkStatus;
  readonly reason: Problem | null;
  /** `done` counts changes, or records while a snapshot arrives; `total` is null while nobody knows it. */
  readonly progress: {
    readonly direction: 'push' | 'pull';
    readonly done: number;
    readonly total: number | null;
  } | null;
  readonly firstSync: 'never' | 'running' | 'done';
  /** The last moment, in milliseconds since 1970, at which nothing was unsent and all of the server's log was applied. */
  readonly lastSyncedAt: number | null;
  /** Milliseconds since 1970. */
  readonly nextAttemptAt: number | null;
  /** Nothing is unsent and all that the server announced has been applied: true only on a live link. */
  readonly inSync: boolean;
  /** For incarnations with changes in the outbox: the highest seq that the server holds durably. */
  readonly acceptedThrough: Readonly<Record<Inc, number>>;
}

export const INITIAL_SYNC_STATE: SyncState = {
  connection: 'connecting',
  reason: null,
  progress: null,
  firstSync: 'never',
  lastSyncedAt: null,
  nextAttemptAt: null,
  inSync: false,
  acceptedThrough: {},
};

/** One step of replication, for timelines and logs. `at` is in milliseconds since 1970. */
export type SyncNews = { readonly at: number } & (
  | { readonly type: 'connection'; readonly connection: LinkStatus; readonly reason: Problem | null }
  /** `through`: place in the outbox of the last of them. Absent from tabs of an earlier version. */
  | { readonly type: 'pushed'; readonly changes: number; readonly through?: number }
  | { readonly type: 'accepted'; readonly changes: number }
  | { readonly type: 'pulled'; readonly changes: number; readonly records: number }
  /** The log is applied as far as `vector`; `dots` of a page, in its order. */
  | { readonly type: 'applied'; readonly dots: readonly Dot[]; readonly vector: VersionVector }
  /** What is stored here was found to differ from the log; it is fetched anew. */
  | { readonly type: 'diverged' }
  /** Versions of records that a snapshot did not confirm: they were put aside. */
  | { readonly type: 'repaired'; readonly records: number }
  | { readonly type: 'refused'; readonly dot: Dot; readonly error: Problem }
  /** What was written to a row that was deleted and forgotten everywhere is now in a row of its own. */
  | { readonly type: 'recovered'; readonly collection: string; readonly rowId: string; readonly copy: string }
  /** A write was taken back; it is kept until somebody decides. */
  | {
      readonly type: 'rejected';
      readonly dot: Dot;
      readonly collection: string;
      readonly rowId: string;
      readonly error: Problem;
    }
  | { readonly type: 'restamped'; readonly changes: number; readonly offsetMs: number }
  | {
      readonly type: 'merged';
      readonly collection: string;
      readonly rowId: string;
      readonly field: string;
      readonly key?: string;
      readonly losers: readonly unknown[];
    }
  | {
      readonly type: 'conflict-opened' | 'conflict-closed';
      readonly conflict: string;
      readonly collection: string;
      readonly rowId: string;
    }
  | { readonly type: 'leader'; readonly here: boolean }
  /** A link is open, and this is what carries it. */
  | { readonly type: 'transport'; readonly transport: 'websocket' | 'http' }
  | PolicyProblem
);
