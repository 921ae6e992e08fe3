/** text: concurrent edits of a text are merged with their common ancestor; only overlapping ones are asked about. */
import { distinctVersions, oldestBase } from '../core/conflict.ts';
import type { Entry } from '../core/record.ts';
import type { Reading } from '../core/schema.ts';
import { jsonEqual } from '../lib/json.ts';
import { askRules } from './ask.ts';
import { mergeText } from './merge-text.ts';
import type { Policy, PolicyRules } from './policy.ts';
import { latest } from './ranking.ts';

/** For long strings that several people edit. Every write carries the text it started from. */
export function text(): Policy<string> {
  return { kind: 'text' };
}

export const textRules: PolicyRules = { cell: 'register', baseLength: Infinity, read };

/** The text that all of these started from; null when nobody can say: then what one lacks was not removed by it. */
function commonBase(entries: readonly Entry[]): string | null {
  const bases = entries.map((entry) => entry.base);
  if (bases.every((base) => base === undefined)) return '';
  const oldest = oldestBase(entries)!;
  const isClear = bases.every((base) => base !== undefined && (base.hlc !== oldest.hlc || jsonEqual(base.v, oldest.v)));
  return isClear && typeof oldest.v === 'string' ? oldest.v : null;
}

function read(entries: readonly Entry[]): Reading {
  const versions = distinctVersions(entries);
  const values = versions.map((version) => version.v);
  const base = commonBase(entries);
  // Another version of the app may have written something else than a text here.
  if (base === null || !values.every((value) => typeof value === 'string')) return askRules.read(entries);
  const merged = mergeText(base, values);
  const shown = { ...latest(entries), v: merged.text };
  return {
    shown,
    isConflict: merged.hunks.length > 0,
    losers: [],
    ...(merged.hunks.length > 0 ? { hunks: merged.hunks } : {}),
  };
}
