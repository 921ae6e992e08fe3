/**
 * The code of an invitation: which one it is, and a secret of 144 random bits. The server keeps only the secret's hash, so that who reads
 * its storage, or a copy of it, cannot join.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export interface Code {
  readonly space: string;
  readonly id: string;
  readonly secret: string;
}

export function newCode(space: string): Code {
  return { space, id: randomBytes(8).toString('base64url'), secret: randomBytes(18).toString('base64url') };
}

export function codeText({ space, id, secret }: Code): string {
  return `${space}.${id}.${secret}`;
}

/** Null for what cannot be one. */
export function parseCode(text: string): Code | null {
  const match = /^(.{1,256})\.([\w-]{11})\.([\w-]{24})$/s.exec(text.trim());
  return match ? { space: match[1]!, id: match[2]!, secret: match[3]! } : null;
}

export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

export function isSecretOf(hash: string, secret: string): boolean {
  return timingSafeEqual(Buffer.from(hash), Buffer.from(hashOf(secret)));
}
