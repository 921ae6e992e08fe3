/** fww: the first write wins. Whoever edits a claim goes on from it, so the owner of a claim does not lose it by editing. */
import { compareMarks, type Entry } from '../core/record.ts';
import { jsonEqual } from '../lib/json.ts';
import type { Policy, PolicyRules } from './policy.ts';

/** The first write by hybrid logical clock wins, ties by writer. For claims: a name, a seat, a task. */
export function fww(): Policy<unknown> {
  return { kind: 'fww' };
}

export const fwwRules: PolicyRules = {
  cell: 'register',
  baseLength: 0,
  inheritsClaim: true,
  read: (entries) => {
    const shown = entries.reduce((best, entry) => (isEarlier(entry, best) ? entry : best));
    return { shown, isConflict: false, losers: entries.filter((entry) => !jsonEqual(entry.v, shown.v)) };
  },
};

function isEarlier(a: Entry, b: Entry): boolean {
  return (claimOf(a) - claimOf(b) || compareMarks(a, b)) < 0;
}

/** When the value that this one goes on from was claimed first. */
function claimOf(entry: Entry): number {
  return entry.first ?? entry.hlc;
}
