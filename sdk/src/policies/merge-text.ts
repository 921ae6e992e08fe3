/**
 * Merging any number of edits of one text with their common ancestor (after diff3: Khanna, Kunal, Pierce 2007).
 *
 * Every version is compared with the ancestor, and edits that touch the same place form a region. A region that one
 * version changed, or several alike, is merged; one that they changed differently is a hunk for a person. Regions are
 * found among lines first and, where lines clash, among words. The result depends on the set of versions, not on their
 * order, so every replica merges alike.
 */
import { diffIndices } from 'node-diff3';

import type { Hunk } from '../core/schema.ts';

export interface MergedText {
  readonly text: string;
  readonly hunks: readonly Hunk[];
}

/** The smallest piece of a text that only one version may change without a clash. */
export type Granularity = 'word' | 'line';

/** `versions` are ordered by clock, the latest last: it gives the words that a hunk shows for now. */
export function mergeText(base: string, versions: readonly string[], by: Granularity = 'word'): MergedText {
  return mergeAt(base, versions, by === 'line' ? LEVELS.slice(0, 1) : LEVELS);
}

/** The merged text with one version's words where the versions clash: what the others wrote elsewhere stays. */
export function keepVersion({ text, hunks }: MergedText, version: number): string {
  let kept = '';
  let at = 0;
  for (const hunk of hunks) {
    kept += text.slice(at, hunk.offset) + (hunk.versions[version] ?? '');
    at = hunk.offset + hunk.length;
  }
  return kept + text.slice(at);
}

/** How a text falls into tokens, the coarsest first. Joined, the tokens are the text. */
const LEVELS: readonly ((text: string) => string[])[] = [
  (text) => text.match(/[^\n]*\n|[^\n]+/g) ?? [],
  (text) => text.match(/\s*[^\s]+|\s+$/g) ?? [],
];

function mergeAt(base: string, versions: readonly string[], [split, ...finer]: typeof LEVELS): MergedText {
  const tokens = split!(base);
  const edits = versions.flatMap((version, i) => editsOf(tokens, split!(version), i));
  let text = '';
  const hunks: Hunk[] = [];
  let at = 0;
  for (const region of regionsOf(edits)) {
    text += tokens.slice(at, region.from).join('');
    const merged = mergeRegion(tokens, versions.length, region, finer);
    hunks.push(...merged.hunks.map((hunk) => ({ ...hunk, offset: text.length + hunk.offset })));
    text += merged.text;
    at = region.to;
  }
  return { text: text + tokens.slice(at).join(''), hunks };
}

/** `version` has these tokens in place of the ancestor's from `from` to `to`. */
interface Edit {
  readonly version: number;
  readonly from: number;
  readonly to: number;
  readonly tokens: readonly string[];
}

interface Region {
  from: number;
  to: number;
  readonly edits: Edit[];
}

function editsOf(base: readonly string[], version: readonly string[], index: number): Edit[] {
  // Most texts begin and end alike; what is equal there needs no comparison.
  const shorter = Math.min(base.length, version.length);
  let head = 0;
  while (head < shorter && base[head] === version[head]) head++;
  let tail = 0;
  while (tail < shorter - head && base[base.length - 1 - tail] === version[version.length - 1 - tail]) tail++;
  const changes = diffIndices(base.slice(head, base.length - tail), version.slice(head, version.length - tail));
  return changes.map(({ buffer1: [start, length], buffer2Content }) => ({
    version: index,
    from: head + start,
    to: head + start + length,
    tokens: buffer2Content,
  }));
}

/** Edits that touch the same tokens, or the same gap between them, belong together. */
function regionsOf(edits: readonly Edit[]): Region[] {
  const regions: Region[] = [];
  for (const edit of edits.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    const last = regions.at(-1);
    if (last && touches(last, edit)) {
      last.to = Math.max(last.to, edit.to);
      last.edits.push(edit);
    } else {
      regions.push({ from: edit.from, to: edit.to, edits: [edit] });
    }
  }
  return regions;
}

/** Neighbouring replacements stay apart; an insertion at the edge of another edit has no place of its own. */
function touches(region: Region, edit: Edit): boolean {
  const isInsertion = edit.from === edit.to || region.from === region.to;
  return edit.from < region.to || (isInsertion && edit.from === region.to);
}

function mergeRegion(base: readonly string[], count: number, region: Region, finer: typeof LEVELS): MergedText {
  const original = base.slice(region.from, region.to).join('');
  const versions = Array.from({ length: count }, (_, i) => contentOf(base, region, i));
  const changed = versions.filter((version) => version !== original);
  const distinct = new Set(changed);
  if (distinct.size <= 1) return { text: changed[0] ?? original, hunks: [] };
  if (finer.length > 0) return mergeAt(original, versions, finer);
  const text = changed.at(-1)!;
  return { text, hunks: [{ offset: 0, length: text.length, base: original, versions }] };
}

/** What a version has in a region: the ancestor's tokens with its own edits. */
function contentOf(base: readonly string[], region: Region, version: number): string {
  let content = '';
  let at = region.from;
  for (const edit of region.edits) {
    if (edit.version !== version) continue;
    content += base.slice(at, edit.from).join('') + edit.tokens.join('');
    at = edit.to;
  }
  return content + base.slice(at, region.to).join('');
}
