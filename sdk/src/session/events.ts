/**
 * What goes into a device's session and what comes out. Whatever takes time (store, socket, timer) is an effect, and
 * its outcome comes back as an event that carries the number of the connection it belongs to: the answer to an old
 * connection is late and counts for nothing.
 */
import type { Dot } from '../core/dot.ts';
import type { Sid, VersionVector } from '../core/version-vector.ts';
import type { Bootstrap, DeviceMessage, Page, ServerMessage, Snapshot } from '../protocol/messages.ts';
import type {
  IngestResult,
  Inspection,
  InspectionResult,
  OutboxItem,
  OutboxPosition,
  RecordName,
  Refused,
  SnapshotResult,
  StoredIdentity,
  TakeBackResult,
} from '../store/device-store.ts';
import type { Problem, SyncNews, SyncState } from './sync-state.ts';

/** Time and luck, given to every step. */
export interface Moment {
  /** Wall clock in milliseconds since 1970: for what is shown, never for deciding. */
  readonly nowMs: number;
  /** Random, in [0, 1). */
  readonly fraction: number;
}

/** `retry`: connect anew · `heartbeat`: say something · `silence`: the peer is gone · `answer`: `pushed` is overdue · `push`: push again
 * · `inspect`: look over what is stored · `watch`: see whether anything moves. */
export type TimerName = 'retry' | 'heartbeat' | 'silence' | 'answer' | 'push' | 'inspect' | 'watch';

export type SessionEvent =
  | { readonly type: 'start'; readonly paused: boolean }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  /** Somebody believes that the network is there: try at once. `ask` is answered when the attempt has led to something. */
  | { readonly type: 'wake'; readonly ask?: string }
  | { readonly type: 'stop' }
  | { readonly type: 'token-changed'; readonly token: string }
  /** The outbox has something new: a hint, never needed for correctness. */
  | { readonly type: 'local-write' }
  | { readonly type: 'timer-fired'; readonly timer: TimerName }
  | ({ readonly connection: number } & LinkEvent);

export type LinkEvent =
  | { readonly type: 'transport-opened' }
  | { readonly type: 'transport-closed'; readonly code: number; readonly reason: string }
  | { readonly type: 'frame-received'; readonly message: ServerMessage }
  /** Something arrived that is not a frame of the protocol. */
  | { readonly type: 'frame-refused'; readonly problem: Problem }
  | { readonly type: 'identity-loaded'; readonly identity: StoredIdentity }
  | { readonly type: 'outbox-loaded'; readonly items: readonly OutboxItem[] }
  /** `page`: its changes are told by their names. */
  | { readonly type: 'page-ingested'; readonly page?: Page; readonly result: IngestResult }
  /** This page cannot be taken in here; the reason is not in the log. */
  | { readonly type: 'page-refused'; readonly problem: Problem }
  | { readonly type: 'snapshot-ingested'; readonly result: SnapshotResult }
  | { readonly type: 'clock-corrected'; readonly restamped: number; readonly offsetMs: number }
  | { readonly type: 'taken-back'; readonly dot: Dot; readonly error: Problem; readonly result: TakeBackResult }
  | { readonly type: 'inspected'; readonly result: InspectionResult }
  | { readonly type: 'store-failed'; readonly problem: Problem };

export type Effect =
  | { readonly type: 'set-timer'; readonly timer: TimerName; readonly afterMs: number }
  | { readonly type: 'clear-timer'; readonly timer: TimerName }
  | { readonly type: 'report'; readonly state: SyncState }
  | { readonly type: 'announce'; readonly news: SyncNews }
  /** All that the server had when `ask` came is in the reported state; or there is no link, and that is reported. */
  | { readonly type: 'answer'; readonly ask: string }
  | ({ readonly connection: number } & LinkEffect);

export type LinkEffect =
  | { readonly type: 'load-identity' }
  | { readonly type: 'open-transport' }
  | { readonly type: 'send'; readonly message: DeviceMessage }
  /** Idempotent: a transport that is closed already stays closed. */
  | { readonly type: 'close-transport' }
  | {
      readonly type: 'load-outbox';
      readonly after: OutboxPosition | null;
      readonly max: { readonly changes: number; readonly bytes: number };
    }
  | { readonly type: 'ingest'; readonly page: Page; readonly founders: readonly Sid[] }
  | { readonly type: 'ingest-snapshot'; readonly bootstrap: Bootstrap; readonly piece: Snapshot }
  /** Nothing waits for it. */
  | { readonly type: 'note-server-time'; readonly serverNowMs: number }
  | { readonly type: 'correct-clock'; readonly after: OutboxPosition | null; readonly serverNowMs: number }
  /** A slice of it; answered by `inspected`. */
  | { readonly type: 'inspect'; readonly inspection: Inspection | null }
  /** Both answered by `taken-back`. `error`: what the server said. */
  | { readonly type: 'recover'; readonly dot: Dot; readonly record: RecordName; readonly error: Problem }
  | { readonly type: 'reject'; readonly dot: Dot; readonly error: Refused };

/** How far a vector is ahead of another one, in log entries. */
export function entriesBetween(from: VersionVector, to: VersionVector): number {
  let count = 0;
  for (const [sid, n] of Object.entries(to)) count += Math.max(0, n - (Object.hasOwn(from, sid) ? from[sid]! : 0));
  return count;
}
