/** lww: last write wins. Only truly concurrent writes are ranked by the clock; what it passes over is reported. */
import { jsonEqual } from '../lib/json.ts';
import type { Policy, PolicyRules } from './policy.ts';
import { latest } from './ranking.ts';

/** The last write by hybrid logical clock wins, ties by writer. For fields where nobody minds. */
export function lww(): Policy<unknown> {
  return { kind: 'lww' };
}

export const lwwRules: PolicyRules = {
  cell: 'register',
  baseLength: 0,
  read: (entries) => {
    const shown = latest(entries);
    return { shown, isConflict: false, losers: entries.filter((entry) => !jsonEqual(entry.v, shown.v)) };
  },
};
