/** How safe what is stored here is, in words that an app can show. Pure: of what is known, the worst thing is told. */
import type { StorageHealth, StorageMode, StorageRisk } from './types.ts';

/** From so full on, or with so little left, the browser's storage counts as nearly full. */
export const NEARLY_FULL = { ratio: 0.9, leftBytes: 10_485_760 } as const;

export type StorageFacts = Pick<StorageHealth, 'persisted' | 'usage' | 'quota' | 'modes' | 'reset'>;

export function riskOf({ persisted, usage, quota, modes, reset }: StorageFacts): StorageRisk {
  for (const mode of MODES) if (modes.includes(mode)) return RISKS[mode];
  if (reset) return RISKS.reset;
  if (isNearlyFull(usage, quota)) return RISKS['nearly-full'];
  if (persisted === null) return RISKS.unknown;
  return persisted ? RISKS.none : RISKS['not-persisted'];
}

function isNearlyFull(usage: number | null, quota: number | null): boolean {
  if (usage === null || quota === null) return false;
  return usage >= quota * NEARLY_FULL.ratio || quota - usage < NEARLY_FULL.leftBytes;
}

/** The worst first. */
const MODES: readonly StorageMode[] = ['newer-version', 'disconnected', 'full', 'gave-way', 'pulls-paused'];

const RISKS: Readonly<Record<StorageRisk['reason'], StorageRisk>> = {
  'newer-version': {
    level: 'critical',
    reason: 'newer-version',
    advice: 'Another tab runs a newer version of the app, and this one can save nothing any more. Reload this tab.',
  },
  disconnected: {
    level: 'critical',
    reason: 'disconnected',
    advice: 'The browser has closed the database. The SDK opens it again by itself; until then nothing can be saved.',
  },
  full: {
    level: 'critical',
    reason: 'full',
    advice:
      'The last write was not saved, because there is no space left. Delete something, or free space on the device.',
  },
  'gave-way': {
    level: 'high',
    reason: 'gave-way',
    advice: 'Another tab is changing the database. This one goes on as soon as that is done.',
  },
  'pulls-paused': {
    level: 'high',
    reason: 'pulls-paused',
    advice: 'What others write cannot be stored here for want of space. What is written here is sent all the same.',
  },
  reset: {
    level: 'high',
    reason: 'reset',
    advice: 'The database was cleared. What the server had comes back; what had not been sent may be lost.',
  },
  'nearly-full': {
    level: 'high',
    reason: 'nearly-full',
    advice: 'There is hardly any space left for this site. Delete something, or free space on the device.',
  },
  unknown: {
    level: 'low',
    reason: 'unknown',
    advice: 'The browser does not tell whether it keeps this data when space runs short. Sync often.',
  },
  'not-persisted': {
    level: 'low',
    reason: 'not-persisted',
    advice:
      'The browser may clear this data when space runs short. Call requestPersistence(), best after the person has done something that they want to keep.',
  },
  none: { level: 'none', reason: 'none', advice: 'The browser keeps this data until the person clears it.' },
};
