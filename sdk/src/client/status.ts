/** What status$ says: the link's word about syncing, and what the local database knows of pending work. */
import { SkerryError } from '../lib/errors.ts';
import type { Pending } from '../store/local-database.ts';
import type { SyncState } from '../worker/link.ts';
import type { SyncStatus } from './types.ts';

export interface StatusParts {
  /** null: there is no link, this device works for itself. */
  readonly link: SyncState | null;
  readonly pending: Pending;
  readonly conflicts: number;
  /** When the database was cleared, in milliseconds since 1970: what was synced before is not in it. */
  readonly resetMs?: number;
}

export const NOTHING_PENDING: Pending = { changes: 0, bytes: 0, oldestMs: null, position: 0 };

export function composeStatus({ link: told, pending, conflicts, resetMs }: StatusParts): SyncStatus {
  const link = told && resetMs !== undefined && isBefore(told, resetMs) ? asNew(told) : told;
  const { changes, bytes, oldestMs } = pending;
  return {
    connection: link?.connection ?? 'local-only',
    ...(link?.reason ? { reason: new SkerryError(link.reason.code, link.reason.message) } : {}),
    pending: { changes, bytes, oldestAt: dateOf(oldestMs) },
    progress: link?.progress ?? null,
    firstSync: link?.firstSync ?? 'never',
    lastSyncedAt: dateOf(link?.lastSyncedAt ?? null),
    nextAttemptAt: dateOf(link?.nextAttemptAt ?? null),
    conflicts,
  };
}

function isBefore({ lastSyncedAt }: SyncState, resetMs: number): boolean {
  return lastSyncedAt === null || lastSyncedAt < resetMs;
}

function asNew(link: SyncState): SyncState {
  const firstSync = link.connection === 'online' && link.progress !== null ? 'running' : 'never';
  return { ...link, firstSync, lastSyncedAt: null };
}

/** Whether two statuses say the same to a reader. */
export function isSameStatus(a: SyncStatus, b: SyncStatus): boolean {
  return textOf(a) === textOf(b);
}

/** An error's message is not among what JSON.stringify sees. */
function textOf(status: SyncStatus): string {
  return JSON.stringify([status, status.reason?.message]);
}

function dateOf(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms);
}
