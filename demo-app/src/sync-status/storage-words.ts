/** How safe what is stored here is, for people. Pure. */
import type { StorageHealth, SyncStatus } from '@skerry/sdk';

/** '1.2 MB of 2.1 GB'; null where the browser does not tell. */
export function usageText({ usage, quota }: Pick<StorageHealth, 'usage' | 'quota'>): string | null {
  if (usage === null) return null;
  return quota === null ? bytesText(usage) : `${bytesText(usage)} of ${bytesText(quota)}`;
}

export function protectionText(persisted: boolean | null): string {
  if (persisted === null) return 'This browser does not say whether it keeps it.';
  return persisted ? 'Yes, until you clear it' : 'No, the browser may delete it when space runs short';
}

/** What to do, where something happened or is about to. That the browser may delete it is said by protectionText(). */
export function dangerText({ risk, reset }: Pick<StorageHealth, 'risk' | 'reset'>): string | null {
  if (risk.level !== 'high' && risk.level !== 'critical') return null;
  return risk.reason === 'reset' && reset ? resetText(reset) : risk.advice;
}

/** What the sync chip says of the storage; null as long as nothing is in danger. */
export type StorageTrouble = 'cannot-save' | 'may-be-deleted';

/** How long changes may be nowhere but here before it matters that the browser keeps them. */
const LONG_MS = 24 * 60 * 60_000;

/**
 * A browser that promises nothing is the rule and no trouble, as long as the server has it all. It is one where this device has
 * the only copy, or when space runs short, which is when browsers delete.
 */
export function storageTrouble(
  { persisted, risk }: Pick<StorageHealth, 'persisted' | 'risk'>,
  { connection, pending }: Pick<SyncStatus, 'connection' | 'pending'>,
  now: Date,
): StorageTrouble | null {
  if (risk.level === 'critical') return 'cannot-save';
  if (persisted === true) return null;
  const waitsLong = pending.oldestAt !== null && now.getTime() - pending.oldestAt.getTime() > LONG_MS;
  const isOnlyHere = connection === 'local-only' || waitsLong;
  return isOnlyHere || risk.reason === 'nearly-full' ? 'may-be-deleted' : null;
}

function resetText({ lost }: NonNullable<StorageHealth['reset']>): string {
  const cleared = 'What was stored here was deleted, by the browser or by hand. What the server had comes back';
  if (lost === 0) return `${cleared}, and nothing else was lost.`;
  return lost === null
    ? `${cleared}; what had not been sent may be lost.`
    : `${cleared}; ${lost === 1 ? 'one change' : `${lost} changes`} that had not been sent ${lost === 1 ? 'is' : 'are'} lost.`;
}

const UNITS = ['KB', 'MB', 'GB', 'TB'] as const;

/** 340 KB, 1.2 MB, 12 GB; a browser may say zero where something is. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return 'less than 1 KB';
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 9.95 && unit > 0 ? value.toFixed(1) : Math.ceil(value - 0.5)} ${UNITS[unit]}`;
}
