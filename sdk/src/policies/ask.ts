/** ask: every version is kept until someone decides; equal values are no conflict. */
import { distinctVersions } from '../core/conflict.ts';
import type { Policy, PolicyRules } from './policy.ts';
import { latest } from './ranking.ts';

/** The default: concurrent values stay side by side as an open conflict, the latest by clock is shown meanwhile. */
export function ask(): Policy<unknown> {
  return { kind: 'ask' };
}

/** Values longer than this are not carried only to be shown beside a conflict. */
const BASE_LENGTH = 1_024;

export const askRules = {
  cell: 'register',
  baseLength: BASE_LENGTH,
  read: (entries) => ({ shown: latest(entries), isConflict: distinctVersions(entries).length > 1, losers: [] }),
} satisfies PolicyRules;
