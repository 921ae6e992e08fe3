/** What was put into a text and what was taken out of it, word by word. Pure. */
import { diffIndices } from 'node-diff3';

export interface Stretch {
  readonly kind: 'same' | 'added' | 'removed';
  readonly text: string;
}

/** Comparing takes more than the length: of longer texts what lies between the common ends is one stretch. */
const MOST_WORDS = 4_000;

/** In the order of the text. What is the same and added makes `after`, what is the same and removed makes `before`. */
export function wordDiff(before: string, after: string): readonly Stretch[] {
  const [old, now] = [wordsOf(before), wordsOf(after)];
  const shorter = Math.min(old.length, now.length);
  let head = 0;
  while (head < shorter && old[head] === now[head]) head++;
  let tail = 0;
  while (tail < shorter - head && old.at(-1 - tail) === now.at(-1 - tail)) tail++;

  const [oldMiddle, newMiddle] = [old.slice(head, old.length - tail), now.slice(head, now.length - tail)];
  const middle = Math.max(oldMiddle.length, newMiddle.length) > MOST_WORDS ? replaced : compared;
  return joined([
    stretch('same', old.slice(0, head)),
    ...middle(oldMiddle, newMiddle),
    stretch('same', old.slice(old.length - tail)),
  ]);
}

/** What changed, with a few words around it: the same in between is cut. */
export function abridgedDiff(stretches: readonly Stretch[], around = 40): readonly Stretch[] {
  // Of a space that goes along with what was added next to it there is nothing to see.
  const seen = stretches.filter(
    ({ kind, text }, index) => kind !== 'removed' || !SPACES.test(text) || stretches[index + 1]?.kind !== 'added',
  );
  const last = seen.length - 1;
  return seen.map(({ kind, text }, index) => {
    const [end, start] = [index > 0 ? around : 0, index < last ? around : 0];
    if (kind !== 'same' || text.length <= end + start + 10) return { kind, text: shortened(kind, text) };
    const lead = text.slice(0, end).replace(/\S*$/, '');
    const trail = start === 0 ? '' : text.slice(-start).replace(/^\S*/, '');
    return { kind, text: `${lead}…${trail}` };
  });
}

const MOST_SHOWN = 600;
const SPACES = /^[^\S\n]+$/;

/** Even what changed is cut where it is a whole page. */
function shortened(kind: Stretch['kind'], text: string): string {
  return kind === 'same' || text.length <= MOST_SHOWN ? text : `${text.slice(0, MOST_SHOWN).trimEnd()}…`;
}

function compared(old: readonly string[], now: readonly string[]): readonly Stretch[] {
  const stretches: Stretch[] = [];
  let at = 0;
  for (const { buffer1, buffer1Content, buffer2Content } of diffIndices([...old], [...now])) {
    stretches.push(stretch('same', old.slice(at, buffer1[0])), ...replaced(buffer1Content, buffer2Content));
    at = buffer1[0] + buffer1[1];
  }
  return [...stretches, stretch('same', old.slice(at))];
}

function replaced(old: readonly string[], now: readonly string[]): readonly Stretch[] {
  return [stretch('removed', old), stretch('added', now)];
}

function stretch(kind: Stretch['kind'], words: readonly string[]): Stretch {
  return { kind, text: words.join('') };
}

/** Neighbours of one kind are one, and so are changed words with nothing but a space between them. */
function joined(stretches: readonly Stretch[]): readonly Stretch[] {
  const result: Stretch[] = [];
  let [removed, added, space] = ['', '', ''];
  const flush = (): void => {
    for (const one of [
      { kind: 'removed', text: removed },
      { kind: 'added', text: added },
    ] as const)
      if (one.text !== '') result.push(one);
    if (space !== '') result.push({ kind: 'same', text: space });
    [removed, added, space] = ['', '', ''];
  };
  for (const { kind, text } of stretches) {
    if (text === '') continue;
    if (kind === 'same') {
      if (SPACES.test(text) && removed + added !== '' && space === '') space = text;
      else {
        flush();
        result.push({ kind, text });
      }
      continue;
    }
    removed += space + (kind === 'removed' ? text : '');
    added += space + (kind === 'added' ? text : '');
    space = '';
  }
  flush();
  return result;
}

/** Words, what stands between them, and each end of a line. */
function wordsOf(text: string): string[] {
  return text.match(/[\p{L}\p{N}\p{M}_'’]+|\n|[^\S\n]+|./gsu) ?? [];
}
