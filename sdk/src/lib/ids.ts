/** Identifiers: random, made where they are needed, never asked from a server. Time and randomness are arguments. */
import { base64Url, fromBase64Url } from './base64url.ts';
import type { Random } from './random.ts';

/** A UUIDv7 (RFC 9562): sorts by creation time, 74 random bits. */
export function uuidV7(nowMs: number, random: Random): string {
  const bytes = random.bytes(16);
  writeTime(bytes, nowMs);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Whether an id looks like a generated one: those are never used again after a delete. */
export function isUuidV7(id: string): boolean {
  return UUID_V7.test(id);
}

/** A new writer incarnation: 48 bits of creation time and 48 random bits, 16 characters. */
export function newIncarnation(nowMs: number, random: Random): string {
  const bytes = random.bytes(12);
  writeTime(bytes, nowMs);
  return base64Url(bytes);
}

/** When it was made, by the clock of its device, in milliseconds since 1970. */
export function incarnationMs(incarnation: string): number {
  const bytes = fromBase64Url(incarnation.slice(0, 8));
  return bytes.reduce((ms, byte) => ms * 256 + byte, 0);
}

/** A random name of 64 bits (server incarnations) or 128 bits (devices). */
export function randomName(bits: 64 | 128, random: Random): string {
  return base64Url(random.bytes(bits / 8));
}

function writeTime(bytes: Uint8Array, nowMs: number): void {
  let rest = Math.max(0, Math.floor(nowMs));
  for (let i = 5; i >= 0; i--) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}
