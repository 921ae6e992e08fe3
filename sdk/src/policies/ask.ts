/** ask: every version is kept until someone decides; equal values are no conflict. */
import { distinctVersions } from '../core/conflict.ts';
import type { Policy, PolicyRules } from './policy.ts';
import { latest } from './ranking.ts';

/** The default: concurrent values stay side by side as an open conflict, the latest by clock is shown meanwhile. */
export function ask(): Policy {
  return { kind: 'ask' };
}

export const askRules: PolicyRules = {
  cell: 'register',
  carriesBase: true,
  read: (entries) => ({ shown: latest(entries), isConflict: distinctVersions(entries).length > 1, losers: [] }),
};
