/**
 * What can be said about the text of a frame before it is parsed, in one pass: its size in bytes, its nesting, and how many
 * members its objects have.
 *
 * JSON.parse accepts five million levels and takes seconds for them; this looks at one character at a time and stops
 * at the first that is too much. JSON.parse also keeps the last of two members of one name, where another reader may keep
 * the first: an object that has fewer members than its text named one twice.
 */
import { MAX_JSON_DEPTH } from '../lib/json.ts';
import { exceedsBytes } from '../lib/utf8.ts';

/** page > entries > entry > change > recs > record > ops > op > base, and then a value. */
const ENVELOPE_DEPTH = 9;
export const MAX_FRAME_DEPTH = MAX_JSON_DEPTH + ENVELOPE_DEPTH;

export type FrameText = { readonly type: 'ok'; readonly members: number } | { readonly type: 'too-large' | 'too-deep' };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const COLON = 0x3a;

/** Linear in the text and without allocation. Text that is not JSON passes: JSON.parse will say so. */
export function scanFrameText(text: string, maxBytes: number): FrameText {
  if (exceedsBytes(text, maxBytes)) return { type: 'too-large' };
  let depth = 0;
  let members = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === QUOTE) i = endOfString(text, i);
    else if (unit === OPEN_OBJECT || unit === OPEN_LIST) {
      if (++depth > MAX_FRAME_DEPTH) return { type: 'too-deep' };
    } else if (unit === CLOSE_OBJECT || unit === CLOSE_LIST) depth--;
    else if (unit === COLON) members++;
  }
  return { type: 'ok', members };
}

/** How many members the objects in a value have together; of what JSON.parse gave, no deeper than a frame may be. */
export function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let members = 0;
  if (Array.isArray(value)) {
    for (const item of value) members += countMembers(item);
    return members;
  }
  for (const key in value) members += 1 + countMembers((value as Readonly<Record<string, unknown>>)[key]);
  return members;
}

/** Where the string that opens at `start` closes. Most of a frame is inside of strings, and indexOf() is far faster than a loop. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}
