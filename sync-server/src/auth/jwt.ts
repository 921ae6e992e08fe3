/**
 * Tells by a JSON Web Token who somebody is: the tokens of an identity provider, checked with the keys that it publishes
 * (`jwks`), or those that the app's own backend signs with a secret it shares with this server.
 *
 * Nothing that a token says about how it is to be checked is believed: the algorithm must be one that was allowed beforehand, the key
 * one of the issuer's own, whatever `alg`, `kid`, `jku`, `jwk` or `x5u` the token names. A token without an end is none.
 */
import { SkerryError } from '@skerry/sdk/kernel';
import { createLocalJWKSet, createRemoteJWKSet, errors, jwtVerify } from 'jose';
import type { JSONWebKeySet, JWTPayload, JWTVerifyGetKey } from 'jose';

import type { Authenticate, Principal } from '../hub/access.ts';
import { isPlain } from '../spaces/plain.ts';
import { isLoopback } from '../http/loopback.ts';

export interface JwtOptions {
  /** Where the issuer publishes its keys, `https:`; or the keys themselves. They are fetched again when a token names an unknown one. */
  readonly jwks?: string | JSONWebKeySet;
  /** Instead of `jwks`: what the backend signs with, at least 32 bytes. */
  readonly secret?: string | Uint8Array;
  /** Who the tokens must be from (`iss`). */
  readonly issuer: string | readonly string[];
  /** Whom they must be for (`aud`): the name of this service at the issuer, not that of the app in the browser. */
  readonly audience: string | readonly string[];
  /** With `jwks` RS256, PS256, ES256 and EdDSA, with `secret` HS256. */
  readonly algorithms?: readonly string[];
  /** How far the clocks of issuer and server may be apart, in seconds: 5 without it, at most 300. */
  readonly leeway?: number;
  /** What the token must call itself in its header (`typ`), `at+jwt` say, for an issuer whose other tokens have the same audience. */
  readonly type?: string;
  /** Who that is, of claims that were verified. Without it: `sub` is the id, `name` the name. */
  readonly principal?: (claims: JwtClaims) => Principal | null;
}

export type JwtClaims = Readonly<Record<string, unknown>>;

const WITH_KEYS = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const WITH_SECRET = ['HS256'];
const MIN_SECRET_BYTES = 32;
const LEEWAY_SECONDS = 5;
const MAX_LEEWAY_SECONDS = 300;
/** A key that is unknown makes the keys be fetched anew, at most this often. */
const REFETCH_MS = 10_000;
const FETCH_MS = 5_000;
const MAX_ID_LENGTH = 256;
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
/** What an access token may call itself. Logout tokens, events and proofs of possession are signed with the same keys. */
const ACCESS_TYPES: ReadonlySet<unknown> = new Set([undefined, 'jwt', 'at+jwt']);

/** Throws INVALID_OPTION. */
export function jwt(options: JwtOptions): Authenticate {
  const { issuer, audience, type, principal = principalOf } = options;
  const leeway = leewayOf(options);
  const key = keyOf(options);
  const rules = {
    algorithms: algorithmsOf(options),
    issuer: namesOf('issuer', issuer),
    audience: namesOf('audience', audience),
    clockTolerance: leeway,
    requiredClaims: ['exp', 'sub'],
    ...(type === undefined ? {} : { typ: type }),
  };
  return async (token) => {
    // Decoders of base64 are lenient: of one token there would be many spellings.
    if (token === undefined || !COMPACT.test(token)) return null;
    const claims = await verified(token, key, rules, type);
    const found = claims && principal(claims);
    // Null, or what an app without types has given.
    if (!found || !isId(found.id)) return null;
    const issuedAt = claims.iat === undefined ? {} : { issuedAt: claims.iat * 1_000 };
    return { ...issuedAt, ...found, expiresAt: Math.min(found.expiresAt ?? Infinity, (claims.exp! + leeway) * 1_000) };
  };
}

async function verified(
  token: string,
  key: JWTVerifyGetKey,
  rules: Parameters<typeof jwtVerify>[2],
  type: string | undefined,
): Promise<JWTPayload | null> {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, key, rules);
    return type !== undefined || ACCESS_TYPES.has(shortType(protectedHeader.typ)) ? payload : null;
  } catch (failure) {
    if (isOfToken(failure)) return null;
    // Not the token's fault: its device is to come again with the same one.
    throw new Error('the keys of the issuer cannot be had', { cause: failure });
  }
}

/** `application/at+jwt` and `at+jwt` are one. */
function shortType(type: string | undefined): string | undefined {
  return type?.toLowerCase().replace(/^application\//, '');
}

function isOfToken(failure: unknown): boolean {
  return (
    failure instanceof errors.JOSEAlgNotAllowed ||
    failure instanceof errors.JOSENotSupported ||
    failure instanceof errors.JWSInvalid ||
    failure instanceof errors.JWSSignatureVerificationFailed ||
    failure instanceof errors.JWTInvalid ||
    failure instanceof errors.JWTExpired ||
    failure instanceof errors.JWTClaimValidationFailed ||
    failure instanceof errors.JWKSNoMatchingKey ||
    failure instanceof errors.JWKSMultipleMatchingKeys
  );
}

function principalOf({ sub, name }: JwtClaims): Principal {
  return { id: sub as string, ...(typeof name === 'string' ? { name } : {}) };
}

function isId(id: unknown): boolean {
  return typeof id === 'string' && id.length > 0 && id.length <= MAX_ID_LENGTH && isPlain(id);
}

function keyOf({ jwks, secret }: JwtOptions): JWTVerifyGetKey {
  if ((jwks === undefined) === (secret === undefined)) throw wrong('either jwks or secret, and not both');
  if (secret !== undefined) return secretKey(secret);
  if (typeof jwks === 'object') return localKeys(jwks);
  const url = URL.canParse(jwks!) ? new URL(jwks!) : null;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  if (!url || !isSafe) throw wrong('jwks is not an address with https:');
  return createRemoteJWKSet(url, { cooldownDuration: REFETCH_MS, timeoutDuration: FETCH_MS });
}

function secretKey(secret: string | Uint8Array): JWTVerifyGetKey {
  const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret;
  if (bytes.length < MIN_SECRET_BYTES) throw wrong(`secret has fewer than ${MIN_SECRET_BYTES} bytes`);
  return async () => bytes;
}

function localKeys(jwks: JSONWebKeySet): JWTVerifyGetKey {
  try {
    return createLocalJWKSet(jwks);
  } catch {
    throw wrong('jwks is no JSON Web Key Set');
  }
}

/** A public key is no secret: with both kinds allowed, everybody could sign with it (RFC 8725, 2.1). */
function algorithmsOf({ algorithms, secret }: JwtOptions): string[] {
  const isShared = secret !== undefined;
  const given = algorithms ?? (isShared ? WITH_SECRET : WITH_KEYS);
  const isOne = isShared ? /^HS(?:256|384|512)$/ : /^(?:(?:RS|PS|ES)(?:256|384|512)|EdDSA|Ed25519)$/;
  const bad = given.length === 0 ? 'none at all' : given.find((name) => !isOne.test(name));
  if (bad !== undefined) throw wrong(`algorithms: ${bad} cannot be used with ${isShared ? 'a secret' : 'jwks'}`);
  return [...given];
}

function leewayOf({ leeway = LEEWAY_SECONDS }: JwtOptions): number {
  if (!Number.isFinite(leeway) || leeway < 0 || leeway > MAX_LEEWAY_SECONDS)
    throw wrong(`leeway is not a number of seconds up to ${MAX_LEEWAY_SECONDS}`);
  return leeway;
}

/** Not optional: an issuer's keys sign the tokens of all its services. */
function namesOf(option: string, given: string | readonly string[] | undefined): string[] {
  const names = typeof given === 'string' ? [given] : [...(given ?? [])];
  if (names.length === 0 || names.includes('')) throw wrong(`${option} is missing`);
  return names;
}

function wrong(message: string): SkerryError {
  return new SkerryError('INVALID_OPTION', `jwt(): ${message}`);
}
