/**
 * A text that was merged except at a few places: what each version says at each place with a little of the text around it,
 * and the whole text with the places decided. Pure.
 *
 * Keeping a version keeps its words where the versions clash; what the others wrote elsewhere stays merged.
 */
import type { FieldConflict, Hunk } from '@skerry/sdk';

export interface Place {
  readonly before: string;
  /** What a version has here; empty where it took something out. */
  readonly words: string;
  readonly after: string;
}

/** The places of a text where its versions clash; null where they cannot be told apart. */
export function hunksOf(conflict: FieldConflict): readonly Hunk[] | null {
  return conflict.hunks?.length && typeof conflict.provisional[fieldOf(conflict)] === 'string' ? conflict.hunks : null;
}

/** What a version, or with null the text before all of them, has at each place. What is around it is the same for all. */
export function placesOf(conflict: FieldConflict, version: number | null): readonly Place[] {
  const text = mergedText(conflict);
  const hunks = hunksOf(conflict) ?? [];
  return hunks.map((hunk, index) => {
    const end = hunk.offset + hunk.length;
    const shown = text.slice(hunk.offset, end);
    const [previous, next] = [hunks[index - 1], hunks[index + 1]];
    const start = previous ? previous.offset + previous.length : 0;
    const before = text.slice(start, hunk.offset);
    const after = text.slice(end, next?.offset);
    return {
      before: shown.startsWith('\n') ? '' : lastWords(before, previous !== undefined && text[start - 1] !== '\n'),
      words: wordsOf(hunk, version),
      after: shown.endsWith('\n') ? '' : firstWords(after, next !== undefined && text[next.offset] !== '\n'),
    };
  });
}

/** The fields of the conflict with one version's words at every place. */
export function withVersion(conflict: FieldConflict, version: number): Readonly<Record<string, string>> {
  return decided(conflict, (hunk) => wordsOf(hunk, version));
}

/** The same with the words that all versions put there, one after the other. */
export function withAll(conflict: FieldConflict): Readonly<Record<string, string>> {
  return decided(conflict, (hunk) => {
    const written = hunk.versions.filter((words) => words.trim() !== '' && words !== hunk.base);
    const [first = '', ...others] = new Set(written);
    const isLong = [first, ...others].some((words) => words.trim().includes('\n') || words.startsWith('\n'));
    const end = first.endsWith('\n') ? '\n' : '';
    return [first.trimEnd(), ...others.map((words) => words.trim())].join(isLong ? '\n' : ' / ') + end;
  });
}

/** Whether the text that everybody sees for now has this version's words. */
export function isShown(conflict: FieldConflict, version: number): boolean {
  return withVersion(conflict, version)[fieldOf(conflict)] === mergedText(conflict);
}

function decided(conflict: FieldConflict, choose: (hunk: Hunk) => string): Readonly<Record<string, string>> {
  const text = mergedText(conflict);
  let result = '';
  let at = 0;
  for (const hunk of hunksOf(conflict) ?? []) {
    result += text.slice(at, hunk.offset) + choose(hunk);
    at = hunk.offset + hunk.length;
  }
  return { [fieldOf(conflict)]: result + text.slice(at) };
}

function wordsOf(hunk: Hunk, version: number | null): string {
  return version === null ? hunk.base : (hunk.versions[version] ?? '');
}

function fieldOf(conflict: FieldConflict): string {
  return conflict.fields[0] ?? '';
}

function mergedText(conflict: FieldConflict): string {
  return String(conflict.provisional[fieldOf(conflict)] ?? '');
}

const AROUND = 48;

/** The last line of a text, from a whole word; `goesOn`: the line has more before the text. */
function lastWords(text: string, goesOn: boolean): string {
  const line = text.slice(text.lastIndexOf('\n') + 1);
  if (line.length > AROUND) return `… ${line.slice(-AROUND).replace(/^\S*\s*/, '')}`;
  return goesOn && line === text ? `… ${line.trimStart()}` : line;
}

/** The first line of a text, to a whole word; `goesOn`: the line has more after the text. */
function firstWords(text: string, goesOn: boolean): string {
  const [line = ''] = text.split('\n', 1);
  if (line.length > AROUND) return `${line.slice(0, AROUND).replace(/\s*\S*$/, '')} …`;
  return goesOn && line === text ? `${line.trimEnd()} …` : line;
}
