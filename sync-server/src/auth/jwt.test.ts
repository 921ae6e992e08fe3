import type { IncomingMessage } from 'node:http';
import { CLOSE, DEFAULT_LIMITS } from '@skerry/sdk/kernel';
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { TestDevice, TestWriter } from '../device.fixture.ts';
import type { Principal } from '../hub/access.ts';
import { startServer, type TestServer } from '../server.fixture.ts';
import { AUDIENCE, Issuer, ISSUER, type TokenParts } from './issuer.fixture.ts';
import { jwt, type JwtOptions } from './jwt.ts';

const SECRET = 'a secret of thirty-two characters';
const HOUR = 3_600;
const seconds = (): number => Math.floor(Date.now() / 1_000);

let issuer: Issuer;
let server: TestServer | undefined;

beforeEach(async () => {
  issuer = await Issuer.start();
});

afterEach(async () => {
  vi.useRealTimers();
  await server?.[Symbol.asyncDispose]();
  server = undefined;
  await issuer[Symbol.asyncDispose]();
});

/** Asked the way the server asks; every call with options is another server. */
function checker(options: Partial<JwtOptions> = {}): (token: string | undefined) => Promise<Principal | null> {
  const check = jwt({ jwks: issuer.jwks, issuer: ISSUER, audience: AUDIENCE, ...options });
  return (token) => check(token, {} as IncomingMessage);
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** A good token with another header, or with claims that nobody has signed. */
function forged(token: string, header: object | null, claims: object | null = null, signature?: string): string {
  const [oldHeader, oldClaims, oldSignature] = token.split('.') as [string, string, string];
  const read = (part: string): object => JSON.parse(Buffer.from(part, 'base64url').toString()) as object;
  return [
    header ? encoded({ ...read(oldHeader), ...header }) : oldHeader,
    claims ? encoded({ ...read(oldClaims), ...claims }) : oldClaims,
    signature ?? oldSignature,
  ].join('.');
}

describe('jwt()', { timeout: 30_000 }, () => {
  it('[JWT1] tells who the subject of a good token is, and until when', async () => {
    const exp = seconds() + 60;
    const token = await issuer.token({ claims: { sub: 'u-1', name: 'Anna', exp } });
    expect(await checker({ leeway: 0 })(token)).toEqual({
      id: 'u-1',
      name: 'Anna',
      issuedAt: expect.any(Number),
      expiresAt: exp * 1_000,
    });
    const principal = ({ email }: Readonly<Record<string, unknown>>): Principal | null =>
      email === undefined ? null : { id: String(email) };
    const mapped = checker({ principal });
    expect(await mapped(await issuer.token({ claims: { email: 'a@b.example' } }))).toMatchObject({ id: 'a@b.example' });
    expect(await mapped(token)).toBeNull();
    expect(await checker()(undefined)).toBeNull();
  });

  it.each<readonly [string, TokenParts]>([
    ['for another audience', { claims: { aud: 'https://other.example' } }],
    ['for an audience that only begins alike', { claims: { aud: `${AUDIENCE}.evil.example` } }],
    ['for nobody', { claims: { aud: undefined } }],
    ['from another issuer', { claims: { iss: 'https://evil.example' } }],
    ['from nobody', { claims: { iss: undefined } }],
    ['not good yet', { claims: { nbf: seconds() + HOUR } }],
    ['over', { claims: { exp: seconds() - HOUR } }],
    ['without an end', { claims: { exp: undefined } }],
    ['with an end that is no number', { claims: { exp: '9999999999' } }],
    ['about nobody', { claims: { sub: undefined } }],
    ['about an empty name', { claims: { sub: '' } }],
    ['about a number', { claims: { sub: 7 } }],
    ['about a name of 257 characters', { claims: { sub: 'x'.repeat(257) } }],
    ['that is for logging out', { header: { typ: 'logout+jwt' } }],
    ['that is a proof of possession', { header: { typ: 'dpop+jwt' } }],
    ['of a key that is called otherwise', { header: { kid: 'second' } }],
  ])('[JWT2] a token %s is none', async (_, parts) => {
    expect(await checker()(await issuer.token(parts))).toBeNull();
  });

  it('[JWT2] with a type required, a token of another one is none: an ID token is no access token', async () => {
    const check = checker({ type: 'at+jwt' });
    expect(await check(await issuer.token({ header: { typ: 'at+jwt' } }))).toMatchObject({ id: 'anna' });
    expect(await check(await issuer.token({ header: { typ: 'application/at+jwt' } }))).toMatchObject({ id: 'anna' });
    expect(await check(await issuer.token({ header: { typ: 'JWT' } }))).toBeNull();
    expect(await check(await issuer.token())).toBeNull();
  });

  it('[JWT3] an algorithm that was not allowed is refused, whatever the token says of it', async () => {
    const check = checker();
    const good = await issuer.token();
    expect(await check(good)).not.toBeNull();
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '', 'HS256', 'ES384']) {
      expect([alg, await check(forged(good, { alg }))]).toEqual([alg, null]);
      expect([alg, await check(forged(good, { alg }, null, ''))]).toEqual([alg, null]);
    }
    expect(await check(forged(good, null, null, ''))).toBeNull();
    expect(await check(forged(good, null, { sub: 'eve' }))).toBeNull();
    expect(await check(forged(good, { crit: ['x'], x: 1 }))).toBeNull();
    for (const text of ['', '.', '..', 'a.b.c', good.slice(0, -3), `${good}.x`, `${good} `, 'x'.repeat(9_999)])
      expect([text, await check(text)]).toEqual([text, null]);
  });

  it('[JWT3] the public key of the issuer is not a secret that one can sign with', async () => {
    await issuer.rotate('first', 'RS256');
    const token = await new SignJWT({ sub: 'eve' })
      .setProtectedHeader({ alg: 'HS256', kid: 'first' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(await issuer.pem()));
    expect(await checker()(token)).toBeNull();
    for (const algorithms of [['RS256', 'HS256'], ['none'], []])
      expect(() => checker({ algorithms })).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });

  it('[JWT4] keys come from the issuer alone: nothing that a token names is fetched or used as a name of a file', async () => {
    await using evil = await Issuer.start();
    const check = checker();
    const kids = ['../../dev/null', "' OR 1=1--", evil.jwks, '__proto__', 'constructor', '\0', 'x'.repeat(9_999)];
    for (const kid of kids) expect([kid, await check(await evil.token({ header: { kid } }))]).toEqual([kid, null]);
    const jwk = evil.published[0]!;
    const headers = [{ jku: evil.jwks }, { x5u: evil.jwks }, { jwk }, { jku: evil.jwks, jwk, kid: 'first' }];
    for (const header of headers) expect(await check(await evil.token({ header }))).toBeNull();
    expect(evil.asked).toEqual([]);
    expect(new Set(issuer.asked)).toEqual(new Set(['/keys']));
    // Nor are they asked for again and again, for every name that somebody thinks of.
    expect(issuer.asked.length).toBe(1);
  });

  it('[JWT5] a key of another name makes the keys be fetched anew; those that are no longer published are none', async () => {
    const check = checker();
    const before = await issuer.token();
    expect(await check(before)).not.toBeNull();
    await issuer.rotate('second');
    const after = await issuer.token({ kid: 'second' });
    // Within ten seconds of the last time: not yet.
    expect(await check(after)).toBeNull();
    expect(issuer.asked).toHaveLength(1);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11_000 });
    expect(await check(after)).not.toBeNull();
    expect(await check(before)).toBeNull();
    expect(issuer.asked).toHaveLength(2);
  });

  it('[JWT6] that the keys cannot be had is not the fault of a token: it throws, and goes on by itself', async () => {
    const check = checker();
    const token = await issuer.token();
    issuer.isDown = true;
    await expect(check(token)).rejects.toThrow('the keys of the issuer cannot be had');
    issuer.isDown = false;
    expect(await check(token)).not.toBeNull();
    // What is known goes on being known.
    issuer.isDown = true;
    expect(await check(token)).not.toBeNull();
  });

  it('[JWT7] clocks may differ by the leeway, and not by more', async () => {
    const at = async (leeway: number, claims: TokenParts['claims']): Promise<unknown> =>
      checker({ leeway })(await issuer.token({ claims: claims! }));
    const now = seconds();
    expect(await at(60, { exp: now - 30 })).toMatchObject({ expiresAt: (now + 30) * 1_000 });
    expect(await at(60, { exp: now - 90 })).toBeNull();
    expect(await at(60, { nbf: now + 30 })).not.toBeNull();
    expect(await at(60, { nbf: now + 90 })).toBeNull();
    expect(await at(0, { exp: now - 1 })).toBeNull();
  });

  it('[JWT8] with a secret, tokens that are signed with it and no others', async () => {
    const signed = (secret: string, alg = 'HS256'): Promise<string> =>
      new SignJWT({ sub: 'anna' })
        .setProtectedHeader({ alg })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setExpirationTime('1h')
        .sign(new TextEncoder().encode(secret));
    const check = jwt({ secret: SECRET, issuer: ISSUER, audience: [AUDIENCE, 'other'] });
    const ask = (token: string): Promise<Principal | null> => check(token, {} as IncomingMessage);
    expect(await ask(await signed(SECRET))).toMatchObject({ id: 'anna' });
    expect(await ask(await signed(SECRET, 'HS512'))).toBeNull();
    expect(await ask(await signed(`${SECRET}!`))).toBeNull();
    expect(await ask(await issuer.token())).toBeNull();
  });

  it.each<readonly [string, Partial<JwtOptions>]>([
    ['neither keys nor a secret', { jwks: undefined as never }],
    ['both', { secret: SECRET }],
    ['a short secret', { jwks: undefined as never, secret: 'short' }],
    ['keys from an address that anybody can answer for', { jwks: 'http://issuer.example/keys' }],
    ['no address', { jwks: 'keys.json' }],
    ['no keys', { jwks: {} as never }],
    ['no issuer', { issuer: [] }],
    ['no audience', { audience: undefined as never }],
    ['an empty audience', { audience: '' }],
    ['a leeway below nothing', { leeway: -1 }],
    ['a leeway of an hour', { leeway: HOUR }],
  ])('[JWT9] %s: INVALID_OPTION, before anything is opened', (_, options) => {
    expect(() => checker(options)).toThrow(expect.objectContaining({ name: 'SkerryError', code: 'INVALID_OPTION' }));
  });
});

describe('a server with jwt()', { timeout: 30_000 }, () => {
  it('[JWT6] sends away with 1013 who comes while the keys cannot be had, and writes no token to its log', async () => {
    server = await startServer({ authenticate: jwt({ jwks: issuer.jwks, issuer: ISSUER, audience: AUDIENCE }) });
    const token = await issuer.token();
    issuer.isDown = true;
    const peer = await TestDevice.open(server.url);
    peer.hello({ token });
    expect(await peer.closed).toEqual({ code: CLOSE.tryLater, reason: 'INTERNAL' });
    issuer.isDown = false;
    await (await TestDevice.connect(server.url, { token })).close();
    for (const part of token.split('.')) expect(JSON.stringify(server.logs)).not.toContain(part);
  });

  it('[EXP1] an open connection ends with 4401 when its token does, and goes on with another', async () => {
    let nowMs = Date.now();
    server = await startServer({
      authenticate: async (token) => ({ id: 'anna', ...(token === 'short' ? { expiresAt: nowMs + 60_000 } : {}) }),
      now: () => nowMs,
      limits: { helloMs: 200 },
    });
    const [short, endless] = [
      await TestDevice.connect(server.url, { token: 'short' }),
      await TestDevice.connect(server.url, { token: 'endless' }),
    ];
    const writer = new TestWriter('w');
    expect(await short.push(writer.next())).not.toHaveProperty('refused');
    nowMs += 60_001;
    expect(await short.closed).toEqual({ code: CLOSE.unauthenticated, reason: 'AUTH_REQUIRED' });
    expect(short.messages.at(-1)).toMatchObject({ type: 'error', code: 'AUTH_REQUIRED' });
    expect(await endless.push(new TestWriter('v').next())).not.toHaveProperty('refused');
    const again = await TestDevice.connect(server.url, { token: 'short', writers: [writer.inc] });
    expect(again.welcome.known).toEqual({ [writer.inc]: 1 });
  });

  it('[EXP2] what is under way when the token ends is not written', async () => {
    let nowMs = Date.now();
    let go: () => void = () => undefined;
    let noteAsked: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => (noteAsked = resolve));
    server = await startServer({
      authenticate: async (token) => ({ id: 'anna', ...(token === 'short' ? { expiresAt: nowMs + 60_000 } : {}) }),
      // The app takes its time over the question whether this may be written.
      authorize: (_, action) => {
        if (action === 'read') return true;
        noteAsked();
        return new Promise((resolve) => (go = () => resolve(true)));
      },
      now: () => nowMs,
      // No tick comes first.
      limits: { helloMs: DEFAULT_LIMITS.helloMs },
    });
    const device = await TestDevice.connect(server.url, { token: 'short' });
    const writer = new TestWriter('w');
    device.send({ type: 'push', changes: [writer.next()] });
    await asked;
    nowMs += 60_001;
    go();
    expect(await device.closed).toEqual({ code: CLOSE.unauthenticated, reason: 'AUTH_REQUIRED' });
    expect(device.messages.some(({ type }) => type === 'pushed')).toBe(false);
    const other = await TestDevice.connect(server.url, { token: 'endless', writers: [writer.inc] });
    expect(other.welcome.known).toEqual({ [writer.inc]: 0 });
  });
});
