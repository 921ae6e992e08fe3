/** max and min: the greater or the smaller of concurrent values wins. Numbers come before texts, texts by code units. */
import type { Entry } from '../core/record.ts';
import type { Json } from '../lib/json.ts';
import type { Policy, PolicyRules } from './policy.ts';
import { latest } from './ranking.ts';

/** For high scores, last read positions, latest versions. */
export function max(): Policy<number | string> {
  return { kind: 'max' };
}

/** For earliest dates, lowest prices. */
export function min(): Policy<number | string> {
  return { kind: 'min' };
}

export const maxRules: PolicyRules = extremum((a, b) => compareValues(a, b) > 0);
export const minRules: PolicyRules = extremum((a, b) => compareValues(a, b) < 0);

function extremum(wins: (a: Json, b: Json) => boolean): PolicyRules {
  return {
    cell: 'register',
    baseLength: 0,
    read: (entries) => ({ shown: best(entries, wins), isConflict: false, losers: [] }),
  };
}

/** Values that cannot be compared lose to those that can; among themselves the latest is shown. */
function best(entries: readonly Entry[], wins: (a: Json, b: Json) => boolean): Entry {
  const comparable = entries.filter((entry) => typeof entry.v === 'number' || typeof entry.v === 'string');
  if (comparable.length === 0) return latest(entries);
  const winner = comparable.reduce((found, entry) => (wins(entry.v!, found.v!) ? entry : found));
  return latest(comparable.filter((entry) => entry.v === winner.v));
}

function compareValues(a: Json, b: Json): number {
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
  return a! < b! ? -1 : a! > b! ? 1 : 0;
}
