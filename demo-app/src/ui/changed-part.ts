/**
 * What differs between two texts, as one stretch: enough to see at a glance what someone changed, cheap for any length.
 * Also keeps a caret in its place when the text around it is replaced.
 */

export interface ChangedPart {
  readonly before: string;
  readonly changed: string;
  readonly after: string;
}

/**
 * `text` in three parts; what `base` has in common with it at both ends is `before` and `after`. Cuts at words. Where
 * something was only taken out, nothing is `changed`.
 */
export function changedPart(base: string, text: string): ChangedPart {
  const [start, end] = commonEnds(base, text);
  const isAddition = start < text.length - end;
  const from = isAddition ? toWordStart(text, start) : start;
  const to = isAddition ? toWordEnd(text, text.length - end) : start;
  return { before: text.slice(0, from), changed: text.slice(from, to), after: text.slice(to) };
}

/** Where a caret at `position` of `before` belongs in `after`: beside the same letter as far as that is still there. */
export function movedCaret(before: string, after: string, position: number): number {
  const [start, end] = commonEnds(before, after);
  if (position <= start) return position;
  if (position >= before.length - end) return position + after.length - before.length;
  return Math.min(position, after.length - end);
}

/** The ends of a long text are cut, so that what changed is in view. */
export function abridged(part: ChangedPart, around = 60): ChangedPart {
  return {
    before: part.before.length > around ? `…${part.before.slice(-around)}` : part.before,
    changed: part.changed,
    after: part.after.length > around ? `${part.after.slice(0, around)}…` : part.after,
  };
}

/** The colon is for the time of day. */
const LETTER = /[\p{L}\p{N}:]/u;

/** How many letters the two texts share at the start and, of the rest, at the end. */
function commonEnds(a: string, b: string): [start: number, end: number] {
  const most = Math.min(a.length, b.length);
  let start = 0;
  while (start < most && a[start] === b[start]) start++;
  let end = 0;
  while (end < most - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  return [start, end];
}

/** From inside a word to its beginning. */
function toWordStart(text: string, index: number): number {
  while (isInsideWord(text, index)) index--;
  return index;
}

/** From inside a word to its end. */
function toWordEnd(text: string, index: number): number {
  while (isInsideWord(text, index)) index++;
  return index;
}

function isInsideWord(text: string, index: number): boolean {
  return LETTER.test(text[index - 1] ?? '') && LETTER.test(text[index] ?? '');
}
