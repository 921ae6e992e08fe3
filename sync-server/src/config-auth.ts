/** The part of the configuration that says who may come in. Without it the command serves this machine only. */
import { readFileSync } from 'node:fs';

import { isLoopback } from './http/loopback.ts';

/** What `jwt()` is given. */
export interface AuthConfig {
  readonly jwks?: string;
  readonly secret?: Uint8Array;
  readonly issuer: readonly string[];
  readonly audience: readonly string[];
  readonly leeway: number;
  readonly type?: string;
}

export const AUTH_SETTINGS = {
  jwks: {
    variable: 'SKERRY_JWKS',
    placeholder: '<address>',
    fallback: '',
    help: 'where the issuer of tokens publishes its keys; with it, or a secret, everybody must sign in',
  },
  'jwt-secret-file': {
    variable: 'SKERRY_JWT_SECRET_FILE',
    placeholder: '<path>',
    fallback: '',
    help: 'file with the secret that tokens are signed with (HS256), instead of --jwks',
  },
  'jwt-issuer': {
    variable: 'SKERRY_JWT_ISSUER',
    placeholder: '<list>',
    fallback: '',
    help: 'who tokens must be from (iss)',
  },
  'jwt-audience': {
    variable: 'SKERRY_JWT_AUDIENCE',
    placeholder: '<list>',
    fallback: '',
    help: 'whom tokens must be for (aud)',
  },
  'jwt-leeway': {
    variable: 'SKERRY_JWT_LEEWAY',
    placeholder: '<seconds>',
    fallback: '5',
    help: 'how far the clocks of issuer and server may be apart',
  },
  'jwt-type': {
    variable: 'SKERRY_JWT_TYPE',
    placeholder: '<name>',
    fallback: '',
    help: 'what tokens must call themselves (typ), at+jwt say',
  },
  spaces: {
    variable: 'SKERRY_SPACES',
    placeholder: 'members|open',
    fallback: '',
    help: 'who may come into a space: its members, or everybody who signs in; members with --jwks or a secret',
  },
} as const;

const MIN_SECRET_BYTES = 32;
const MAX_LEEWAY_SECONDS = 300;

/** Null when nobody has to sign in. */
export function readAuth(valueOf: (name: keyof typeof AUTH_SETTINGS) => string, problems: string[]): AuthConfig | null {
  const [jwks, file] = [valueOf('jwks'), valueOf('jwt-secret-file')];
  const [issuer, audience] = [listOf(valueOf('jwt-issuer')), listOf(valueOf('jwt-audience'))];
  const [leeway, type] = [readLeeway(valueOf('jwt-leeway'), problems), valueOf('jwt-type')];
  if (jwks === '' && file === '') {
    for (const name of ['jwt-issuer', 'jwt-audience', 'jwt-type'] as const) {
      if (valueOf(name) !== '') problems.push(`${name}: says nothing without jwks or jwt-secret-file`);
    }
    return null;
  }
  if (jwks !== '' && file !== '') problems.push('jwks: not together with jwt-secret-file');
  if (issuer.length === 0) problems.push('jwt-issuer: is missing; it says whose tokens are good');
  if (audience.length === 0) problems.push('jwt-audience: is missing; an issuer signs tokens for other services too');
  if (jwks !== '') checkAddress(jwks, problems);
  const rest = { issuer, audience, leeway, ...(type === '' ? {} : { type }) };
  return jwks === '' ? { secret: readSecret(file, problems), ...rest } : { jwks, ...rest };
}

function checkAddress(jwks: string, problems: string[]): void {
  const url = URL.canParse(jwks) ? new URL(jwks) : null;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  if (!isSafe) problems.push(`jwks: ${jwks} is not an address with https:`);
}

/** The line break that an editor leaves at its end is not meant. */
function readSecret(path: string, problems: string[]): Uint8Array {
  try {
    const secret = readFileSync(path)
      .toString('latin1')
      .replace(/\r?\n$/, '');
    if (secret.length < MIN_SECRET_BYTES)
      problems.push(`jwt-secret-file: ${path} holds fewer than ${MIN_SECRET_BYTES} bytes`);
    return Buffer.from(secret, 'latin1');
  } catch {
    problems.push(`jwt-secret-file: ${path} cannot be read`);
    return new Uint8Array();
  }
}

function readLeeway(text: string, problems: string[]): number {
  const leeway = Number(text);
  if (!/^\d{1,3}$/.test(text) || leeway > MAX_LEEWAY_SECONDS)
    problems.push(`jwt-leeway: ${text} is not a number of seconds up to ${MAX_LEEWAY_SECONDS}`);
  return leeway;
}

/** Signing in alone would let everybody in the world into every space. */
export function readSpaces(text: string, hasAuth: boolean, problems: string[]): 'members' | 'open' {
  if (text === '') return hasAuth ? 'members' : 'open';
  if (text !== 'members' && text !== 'open') problems.push(`spaces: ${text} is none of members, open`);
  if (text === 'members' && !hasAuth) problems.push('spaces: members need authentication (jwks): who is who?');
  return text === 'open' ? 'open' : 'members';
}

function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}
