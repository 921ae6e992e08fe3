/** How safe what is stored here is, for people. Pure. */
import type { StorageHealth } from '@skerry/sdk';

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
