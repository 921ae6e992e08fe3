/** Most texts have nothing of it, and the engine says so faster than a loop does. */
const BEYOND_ASCII = /[^\0-\x7f]/;

/** Length of a string in bytes of UTF-8, without making the bytes. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  const first = text.search(BEYOND_ASCII);
  if (first < 0) return bytes;
  for (let i = first; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    const isHighSurrogate = code >= 0xd800 && code < 0xdc00;
    // A surrogate pair is two code units and four bytes; other units beyond ASCII are two or three bytes.
    bytes += code < 0x800 ? 1 : 2;
    if (isHighSurrogate) i++;
  }
  return bytes;
}

/** Whether the text is longer than so many bytes of UTF-8; counts only when its length leaves a doubt. */
export function exceedsBytes(text: string, maxBytes: number): boolean {
  if (text.length > maxBytes) return true;
  return text.length * 3 > maxBytes && utf8Length(text) > maxBytes;
}
