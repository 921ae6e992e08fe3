/**
 * What travels between the contexts of one device: from a host to its page over a MessagePort, and between the hosts of
 * all tabs over a BroadcastChannel. Plain data; what does not have the right shape is ignored, because a tab of another
 * version may be open.
 */
import { isVersionVector } from '../core/version-vector.ts';
import { ERROR_CODES } from '../lib/errors.ts';
import { LINK_STATUSES, type SyncNews, type SyncState } from '../session/sync-state.ts';
import type { Touched } from './engine.ts';

/** Host to page, and the syncing host to the others. */
export type HostReport =
  | { readonly type: 'state'; readonly state: SyncState }
  | { readonly type: 'changed'; readonly touched: Touched }
  | { readonly type: 'news'; readonly news: SyncNews }
  /** What was reported until now answers the wake with this `ask`. */
  | { readonly type: 'answer'; readonly ask: string };

/** From a host to its own page only: what it does with the store, null when that is done. */
export interface CallReport {
  readonly type: 'calling';
  readonly call: string | null;
}

export function isCallReport(value: unknown): value is CallReport {
  return isObject(value) && value['type'] === 'calling' && (value['call'] === null || isText(value['call']));
}

/** Any host to the syncing one; pause and resume to all, so that a new leader knows. */
export type TabRequest =
  /** A newcomer wants to know the state. */
  | { readonly type: 'ask' }
  /** A new leader is here: whoever waits for an answer asks again. */
  | { readonly type: 'leading' }
  /** Whoever leads says so. */
  | { readonly type: 'who-leads' }
  /** A sign of life of the leader. */
  | { readonly type: 'beat' }
  /** A new token, for whoever leads now or later. */
  | { readonly type: 'token'; readonly token: string }
  | { readonly type: 'local-write' }
  | { readonly type: 'wake'; readonly ask?: string }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' };

export type TabMessage = HostReport | TabRequest;

export function isTabMessage(value: unknown): value is TabMessage {
  return isHostReport(value) || isTabRequest(value);
}

function isTabRequest(value: unknown): value is TabRequest {
  if (!isObject(value) || !REQUESTS.has(value['type'] as string)) return false;
  if (value['type'] === 'token' && !isText(value['token'])) return false;
  return value['ask'] === undefined || typeof value['ask'] === 'string';
}

export function isHostReport(value: unknown): value is HostReport {
  if (!isObject(value)) return false;
  switch (value['type']) {
    case 'state':
      return isSyncState(value['state']);
    case 'changed':
      return isTouched(value['touched']);
    case 'news':
      return isNews(value['news']);
    case 'answer':
      return typeof value['ask'] === 'string';
    default:
      return false;
  }
}

const REQUESTS: ReadonlySet<string> = new Set([
  'ask',
  'leading',
  'who-leads',
  'beat',
  'token',
  'local-write',
  'wake',
  'pause',
  'resume',
] satisfies TabRequest['type'][]);
const FIRST_SYNC: ReadonlySet<string> = new Set(['never', 'running', 'done'] satisfies SyncState['firstSync'][]);
const CONNECTIONS: ReadonlySet<unknown> = new Set(LINK_STATUSES);

function isSyncState(value: unknown): value is SyncState {
  if (!isObject(value)) return false;
  const { connection, reason, progress, firstSync, lastSyncedAt, nextAttemptAt, inSync, acceptedThrough } = value;
  return (
    CONNECTIONS.has(connection) &&
    FIRST_SYNC.has(firstSync as string) &&
    (reason === null || isProblem(reason)) &&
    (progress === null || isProgress(progress)) &&
    (lastSyncedAt === null || isNumber(lastSyncedAt)) &&
    (nextAttemptAt === null || isNumber(nextAttemptAt)) &&
    typeof inSync === 'boolean' &&
    isObject(acceptedThrough) &&
    Object.values(acceptedThrough).every(isNumber)
  );
}

function isProgress(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { direction, done, total } = value;
  return (direction === 'push' || direction === 'pull') && isNumber(done) && (total === null || isNumber(total));
}

/** News of a kind that is not known here is of a tab of another version: nobody here could show it. */
function isNews(value: unknown): value is SyncNews {
  if (!isObject(value) || typeof value['type'] !== 'string' || !isNumber(value['at'])) return false;
  const fields = Object.hasOwn(NEWS_FIELDS, value['type']) ? NEWS_FIELDS[value['type'] as SyncNews['type']] : undefined;
  return fields !== undefined && Object.entries(fields).every(([field, isGood]) => isGood(value[field]));
}

function isProblem(value: unknown): boolean {
  if (!isObject(value) || typeof value['code'] !== 'string') return false;
  return Object.hasOwn(ERROR_CODES, value['code']) && typeof value['message'] === 'string';
}

function isTouched(value: unknown): value is Touched {
  return (
    isObject(value) &&
    Object.values(value).every((ids) => Array.isArray(ids) && ids.every((id) => typeof id === 'string'))
  );
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const CONFLICT_MOVE = { conflict: isText, collection: isText, rowId: isText };
const POLICY = { collection: isText, rowId: isText, field: isText };
const NEWS_FIELDS: Readonly<Record<SyncNews['type'], Readonly<Record<string, (value: unknown) => boolean>>>> = {
  connection: {
    connection: (value) => CONNECTIONS.has(value),
    reason: (value) => value === null || isProblem(value),
  },
  pushed: { changes: isNumber, through: (value) => value === undefined || isNumber(value) },
  accepted: { changes: isNumber },
  pulled: { changes: isNumber, records: isNumber },
  applied: { dots: isTexts, vector: isVersionVector },
  diverged: {},
  repaired: { records: isNumber },
  refused: { dot: isText, error: isProblem },
  recovered: { collection: isText, rowId: isText, copy: isText },
  rejected: { dot: isText, collection: isText, rowId: isText, error: isProblem },
  restamped: { changes: isNumber, offsetMs: isNumber },
  merged: { collection: isText, rowId: isText, field: isText, losers: Array.isArray },
  'conflict-opened': CONFLICT_MOVE,
  'conflict-closed': CONFLICT_MOVE,
  leader: { here: (value) => typeof value === 'boolean' },
  transport: { transport: (value) => value === 'websocket' || value === 'http' },
  'policy-failed': { ...POLICY, policy: isText, reason: isText },
  'policy-slow': { ...POLICY, policy: isText, tookMs: isNumber },
  'many-siblings': { ...POLICY, siblings: isNumber },
};
