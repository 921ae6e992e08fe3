/** text: concurrent edits of a text are merged with their common ancestor; only overlapping ones are asked about. */
import { distinctVersions } from '../core/conflict.ts';
import type { Entry } from '../core/record.ts';
import type { Reading } from '../core/schema.ts';
import { askRules } from './ask.ts';
import { commonBase } from './common-base.ts';
import { mergeText, type Granularity } from './merge-text.ts';
import type { Policy, PolicyRules } from './policy.ts';
import { latest } from './ranking.ts';

export interface TextOptions {
  /**
   * How close edits may be to be merged. `'word'` (default): edits of one line are merged as long as they are of different
   * words. `'line'`: different edits of one line are asked about, as for code and lists, where half a line of each makes no sense.
   */
  readonly by?: 'word' | 'line';
}

/** For long strings that several people edit. Every write carries the text it started from. */
export function text({ by = 'word' }: TextOptions = {}): Policy<string> {
  return by === 'word' ? { kind: 'text' } : { kind: 'text', by };
}

export const textRules = rulesFor('word');
export const linewiseTextRules = rulesFor('line');

function rulesFor(by: Granularity): PolicyRules {
  return { cell: 'register', baseLength: Infinity, read: (entries) => read(entries, by) };
}

/** The text that all of these started from; null when nobody can say: then what one lacks was not removed by it. */
function commonText(entries: readonly Entry[]): string | null {
  const base = commonBase(entries);
  if (base.type === 'nothing') return '';
  return base.type === 'known' && typeof base.value === 'string' ? base.value : null;
}

function read(entries: readonly Entry[], by: Granularity): Reading {
  const versions = distinctVersions(entries);
  const values = versions.map((version) => version.v);
  const base = commonText(entries);
  // Another version of the app may have written something else than a text here.
  if (base === null || !values.every((value) => typeof value === 'string')) return askRules.read(entries);
  const merged = mergeText(base, values, by);
  const shown = { ...latest(entries), v: merged.text };
  return {
    shown,
    isConflict: merged.hunks.length > 0,
    losers: [],
    ...(merged.hunks.length > 0 ? { hunks: merged.hunks } : {}),
  };
}
