/** Base64url without padding (RFC 4648, section 5), written out because neither atob nor Buffer is everywhere. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

export function base64Url(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const group = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    const characters = Math.min(bytes.length - i, 3) + 1;
    for (let c = 0; c < characters; c++) text += ALPHABET[(group >>> (18 - 6 * c)) & 63];
  }
  return text;
}

/** Of whole groups of four characters; what is not of the alphabet counts as 0. */
export function fromBase64Url(text: string): number[] {
  const bytes: number[] = [];
  for (let i = 0; i + 4 <= text.length; i += 4) {
    let group = 0;
    for (let c = 0; c < 4; c++) group = group * 64 + Math.max(0, ALPHABET.indexOf(text[i + c]!));
    bytes.push(Math.floor(group / 65_536), Math.floor(group / 256) % 256, group % 256);
  }
  return bytes;
}
