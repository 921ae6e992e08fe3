/**
 * Spaces, members, invitations and devices over HTTP: JSON below `/sync/spaces` and `/sync/devices`, for who shows the token that also opens
 * a link. It is beside `/sync`, so that a proxy that passes that on passes this on.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SkerryError, type ErrorCode } from '@skerry/sdk/kernel';

import type { Access, Principal } from '../hub/access.ts';
import { failureFields } from '../log.ts';
import type { DeviceInfo } from '../spaces/devices.ts';
import type { InvitationInfo, MemberInfo } from '../spaces/directory.ts';
import { SPACES_LIMITS as LIMITS } from '../spaces/limits.ts';
import { isPlain } from '../spaces/plain.ts';
import { isRole, type Role } from '../spaces/role.ts';
import type { Spaces } from '../spaces/spaces.ts';
import { entryRefusal, mayTalk, peerAddress, type DoorOptions } from './door.ts';
import { pathOf } from './path.ts';
import { respond } from './respond.ts';

export interface SpacesHandlerOptions extends Omit<DoorOptions, 'limits'> {
  /** Null: spaces have no members, and there is nothing to ask. */
  readonly spaces: Spaces | null;
  readonly access: Access;
}

export interface SpacesHandler {
  isFor(request: IncomingMessage): boolean;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

type Body = Readonly<Record<string, unknown>>;
type Action = (principal: Principal, names: readonly string[], body: Body, spaces: Spaces) => Promise<object | void>;

const MAX_BODY_BYTES = 4_096;
const MAX_ID_LENGTH = 256;
const WEEK_MS = 7 * 86_400_000;

/** `:` is a name. */
const ROUTES: Readonly<Record<string, Action>> = {
  'GET spaces': async ({ id }, _, __, { directory }) => ({ spaces: await directory.spacesOf(id) }),
  'POST spaces': (principal, _, { name }, { directory }) => directory.create(principal, spaceName(name)),
  'POST spaces/join': (principal, _, { code }, { directory }) => directory.join(principal, text('code', code, 600)),
  'GET spaces/:/members': async ({ id }, [space], _, { directory }) => ({
    members: (await directory.members(space!, id)).map(memberOf),
  }),
  'PUT spaces/:/members/:': ({ id }, [space, user], { role }, { directory }) =>
    directory.setRole(space!, id, user!, roleOf(role)),
  'DELETE spaces/:/members/:': ({ id }, [space, user], _, { directory }) => directory.remove(space!, id, user!),
  'DELETE spaces/:/membership': ({ id }, [space], _, { directory }) => directory.remove(space!, id, id),
  'POST spaces/:/invitations': async ({ id }, [space], body, { directory }) => {
    const { code, ...about } = await directory.invite(space!, id, {
      role: body['role'] === undefined ? 'writer' : roleOf(body['role']),
      uses: count('uses', body['uses'] ?? 1, LIMITS.usesPerInvitation),
      expiresInMs: count('expiresInMs', body['expiresInMs'] ?? WEEK_MS, LIMITS.invitationMs),
    });
    return { ...invitationOf(about), code };
  },
  'GET spaces/:/invitations': async ({ id }, [space], _, { directory }) => ({
    invitations: (await directory.invitations(space!, id)).map(invitationOf),
  }),
  'DELETE spaces/:/invitations/:': ({ id }, [space, invitation], _, { directory }) =>
    directory.revoke(space!, id, invitation!),
  'GET devices': async ({ id }, _, __, { devices }) => ({ devices: (await devices.of(id)).map(deviceOf) }),
  'DELETE devices/:': ({ id }, [device], _, { devices }) => devices.revoke(id, device!),
};

const STATUSES: Partial<Readonly<Record<ErrorCode, number>>> = {
  AUTH_REQUIRED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  INVALID_VALUE: 400,
  TOO_LARGE: 409,
  RATE_LIMITED: 429,
};

export function createSpacesHandler(options: SpacesHandlerOptions): SpacesHandler {
  return {
    isFor: (request) => isSpacesPath(pathOf(request)),
    async handle(request, response) {
      if (!mayTalk(request, options))
        return respond(response, 403, problem('FORBIDDEN', 'this origin may not connect'));
      allowOrigin(request, response);
      if (request.method === 'OPTIONS') return void response.writeHead(204).end();
      const status = entryRefusal(request, options);
      if (status !== null) return turnAway(response, status);
      try {
        const answer = await carryOut(request, options);
        respond(response, 200, answer);
      } catch (failure) {
        refuse(request, response, failure, options);
      }
    },
  };
}

export function isSpacesPath(path: string): boolean {
  return /^\/sync\/(?:spaces|devices)(?:[/?#]|$)/.test(path);
}

async function carryOut(request: IncomingMessage, options: SpacesHandlerOptions): Promise<object> {
  const { spaces } = options;
  if (!spaces) throw new SkerryError('NOT_FOUND', "spaces of this server have no members (spaces: 'members')");
  const principal = await authenticated(request, options, spaces);
  const { action, names } = routeOf(request);
  const body = request.method === 'POST' || request.method === 'PUT' ? await readBody(request) : {};
  return (await action(principal, names, body, spaces)) ?? {};
}

async function authenticated(
  request: IncomingMessage,
  options: SpacesHandlerOptions,
  spaces: Spaces,
): Promise<Principal> {
  const { access, hub } = options;
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const principal = (await access.authenticate?.(token, request)) ?? null;
  if (!principal) {
    hub.tokenFailed(peerAddress(request, options));
    throw new SkerryError('AUTH_REQUIRED', 'the token is missing or not valid');
  }
  if (!hub.mayAsk(principal.id)) throw new SkerryError('RATE_LIMITED', 'too many questions in a minute');
  if (await spaces.isSignedOut(principal)) throw new SkerryError('AUTH_REQUIRED', 'this user was signed out');
  return principal;
}

/** Throws NOT_FOUND. */
function routeOf(request: IncomingMessage): { readonly action: Action; readonly names: readonly string[] } {
  const parts = pathOf(request).slice('/sync/'.length).split('/');
  for (const [route, action] of Object.entries(ROUTES)) {
    const [method, pattern] = route.split(' ') as [string, string];
    const wanted = pattern.split('/');
    const isMatch =
      method === request.method &&
      wanted.length === parts.length &&
      wanted.every((p, i) => p === ':' || p === parts[i]);
    if (isMatch) return { action, names: parts.filter((_, i) => wanted[i] === ':').map(decodeName) };
  }
  throw new SkerryError('NOT_FOUND', 'there is nothing at this address');
}

function decodeName(part: string): string {
  try {
    return text('a name in the address', decodeURIComponent(part), MAX_ID_LENGTH);
  } catch {
    throw new SkerryError('NOT_FOUND', 'there is nothing at this address');
  }
}

async function readBody(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw invalid(`the body has more than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  if (bytes === 0) return {};
  try {
    const body: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Body;
  } catch {
    // Told below.
  }
  throw invalid('the body is not a JSON object');
}

function spaceName(name: unknown): string | null {
  return name === undefined || name === null ? null : text('name', name, LIMITS.nameLength);
}

function text(what: string, value: unknown, max: number): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= max && isPlain(value)) return value;
  throw invalid(`${what} is not a text of 1 to ${max} characters`);
}

function count(what: string, value: unknown, max: number): number {
  if (Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= max) return value as number;
  throw invalid(`${what} is not an integer from 1 to ${max}`);
}

function roleOf(value: unknown): Role {
  if (isRole(value)) return value;
  throw invalid('role is none of reader, writer, owner');
}

function memberOf({ user, role, sinceMs }: MemberInfo): object {
  return { user, role, since: sinceMs };
}

function invitationOf({ id, role, uses, expiresMs }: InvitationInfo): object {
  return { id, role, uses, expires: expiresMs };
}

function deviceOf({ id, firstMs, seenMs, agent, isRevoked }: DeviceInfo): object {
  return { id, first: firstMs, seen: seenMs, agent, revoked: isRevoked };
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  failure: unknown,
  options: SpacesHandlerOptions,
): void {
  const { logger } = options;
  const from = peerAddress(request, options);
  if (!(failure instanceof SkerryError) || STATUSES[failure.code] === undefined) {
    const reference = crypto.randomUUID();
    logger.error('spaces-failed', { reference, ...failureFields(failure) });
    return respond(
      response,
      500,
      problem('INTERNAL', `something failed on the server; its log has it under ${reference}`),
    );
  }
  const { code, message } = failure;
  if (code === 'RATE_LIMITED') response.setHeader('Retry-After', '5');
  if (code === 'AUTH_REQUIRED') response.setHeader('WWW-Authenticate', 'Bearer');
  logger.info('spaces-refused', { from, code });
  // What was not read of a body is not taken for the next request.
  if (!request.complete) response.setHeader('Connection', 'close');
  respond(response, STATUSES[code]!, problem(code, message));
}

/** As a socket is, before the upgrade. */
function turnAway(response: ServerResponse, status: 403 | 426 | 429 | 503): void {
  if (status === 426) return respond(response, 426, problem('FORBIDDEN', 'devices of other machines come over TLS'));
  response.setHeader('Retry-After', '5');
  respond(response, status, problem('RATE_LIMITED', 'too many from this address, or the server is stopping'));
}

function problem(code: ErrorCode, message: string): object {
  return { error: { code, message } };
}

function invalid(message: string): SkerryError {
  return new SkerryError('INVALID_VALUE', message);
}

/** The page of an origin that was let in may read the answer, and send its token. */
function allowOrigin({ headers }: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Vary', 'Origin');
  if (headers.origin === undefined) return;
  response.setHeader('Access-Control-Allow-Origin', headers.origin);
  response.setHeader('Access-Control-Allow-Credentials', 'true');
  response.setHeader('Access-Control-Allow-Methods', 'GET, POST, PUT, DELETE');
  response.setHeader('Access-Control-Allow-Headers', 'authorization, content-type');
  response.setHeader('Access-Control-Max-Age', '600');
}
