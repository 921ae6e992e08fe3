/** What db.spaces asks the server, over HTTP beside the link, with the token that also opens the link. */
import { ERROR_CODES, SkerryError, type ErrorCode } from '../lib/errors.ts';
import { serverOf, type SyncLink } from '../worker/link.ts';
import { describe } from './copy.ts';
import type { Lifetime } from './lifetime.ts';
import type { Invitation, SpaceInfo, SpaceMember, Spaces, UserDevice } from './space-types.ts';
import type { SyncOptions } from './types.ts';

export interface ServerParts {
  readonly sync: SyncOptions;
  readonly link: Pick<SyncLink, 'token'>;
  readonly lifetime: Lifetime;
  readonly deviceId: string;
}

/** For an answer of the server. */
const ANSWER_MS = 15_000;
const MAX_NAME_LENGTH = 256;

type Ask = <T>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: readonly string[], body?: object) => Promise<T>;

export function askServer({ sync, link, lifetime, deviceId }: ServerParts): Spaces {
  const base = baseOf(serverOf(sync));
  const ask: Ask = async (method, path, body) => {
    const address = [base, ...path.map(encodeURIComponent)].join('/');
    let token = await link.token();
    let response = await request(address, { method, body, token, lifetime });
    if (response.status === 401) {
      token = await link.token(token);
      if (token !== null) response = await request(address, { method, body, token, lifetime });
    }
    return (await answerOf(response)) as never;
  };
  const of = (space: string | undefined, ...rest: readonly string[]): readonly string[] => [
    'spaces',
    name('space', space ?? sync.space ?? 'default'),
    ...rest,
  ];
  return {
    list: async () => (await ask<{ spaces: SpaceInfo[] }>('GET', ['spaces'])).spaces,
    create: ({ name: title } = {}) => ask('POST', ['spaces'], { name: title }),
    join: (code) => ask('POST', ['spaces', 'join'], { code }),
    members: async (space) => {
      const { members } = await ask<{ members: MemberAnswer[] }>('GET', of(space, 'members'));
      return members.map(({ since, ...member }): SpaceMember => ({ ...member, since: new Date(since) }));
    },
    invite: async (options = {}, space) => {
      const answer = await ask<InvitationAnswer & { code: string }>('POST', of(space, 'invitations'), options);
      return { ...invitationOf(answer), code: answer.code };
    },
    invitations: async (space) => {
      const { invitations } = await ask<{ invitations: InvitationAnswer[] }>('GET', of(space, 'invitations'));
      return invitations.map(invitationOf);
    },
    uninvite: (invitation, space) => done(ask('DELETE', of(space, 'invitations', name('invitation', invitation)))),
    setRole: (user, role, space) => done(ask('PUT', of(space, 'members', name('user', user)), { role })),
    remove: (user, space) => done(ask('DELETE', of(space, 'members', name('user', user)))),
    leave: (space) => done(ask('DELETE', of(space, 'membership'))),
    devices: async () => {
      const { devices } = await ask<{ devices: DeviceAnswer[] }>('GET', ['devices']);
      return devices.map((device) => deviceOf(device, deviceId));
    },
    revokeDevice: (id) => done(ask('DELETE', ['devices', name('device', id)])),
  };
}

interface MemberAnswer extends Omit<SpaceMember, 'since'> {
  readonly since: number;
}

interface InvitationAnswer extends Omit<Invitation, 'expiresAt'> {
  readonly expires: number;
}

interface DeviceAnswer {
  readonly id: string;
  readonly first: number;
  readonly seen: number;
  readonly agent: string | null;
  readonly revoked: boolean;
}

function invitationOf({ id, role, uses, expires }: InvitationAnswer): Invitation {
  return { id, role, uses, expiresAt: new Date(expires) };
}

function deviceOf({ id, first, seen, agent, revoked }: DeviceAnswer, here: string): UserDevice {
  return { id, here: id === here, firstSeenAt: new Date(first), lastSeenAt: new Date(seen), agent, revoked };
}

async function done(answer: Promise<unknown>): Promise<void> {
  await answer;
}

/** Beside what speaks the protocol, so that a proxy that passes that on passes this on. */
function baseOf(server: string): string {
  const url = new URL(server.replace(/^ws/, 'http'));
  return `${url.origin}${url.pathname.replace(/\/$/, '')}`;
}

interface RequestParts {
  readonly method: string;
  readonly body: object | undefined;
  readonly token: string | null;
  readonly lifetime: Lifetime;
}

async function request(address: string, { method, body, token, lifetime }: RequestParts): Promise<Response> {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), ANSWER_MS);
  try {
    return await fetch(address, {
      method,
      ...(token === null ? {} : { headers: { Authorization: `Bearer ${token}` } }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      cache: 'no-store',
      credentials: 'include',
      redirect: 'error',
      signal: end.signal,
    });
  } catch (cause) {
    throw new SkerryError('OFFLINE', 'The server cannot be reached; whether it has done this is not known.', { cause });
  } finally {
    clearTimeout(timer);
    lifetime.assertOpen();
  }
}

/** Throws what the server says of what did not succeed. */
async function answerOf(response: Response): Promise<unknown> {
  const answer: unknown = await response.json().catch(() => null);
  const isOurs = typeof answer === 'object' && answer !== null;
  if (response.ok && isOurs) return answer;
  const { code, message } = (isOurs && (answer as { error?: { code?: unknown; message?: unknown } }).error) || {};
  if (typeof code === 'string' && Object.hasOwn(ERROR_CODES, code))
    throw new SkerryError(code as ErrorCode, typeof message === 'string' ? message : code);
  // Somebody else has answered: a portal, a proxy, or a server that knows nothing of spaces.
  throw new SkerryError('OFFLINE', `What answered is not a server of Skerry (status ${response.status}).`);
}

/** Throws INVALID_VALUE. */
function name(what: string, value: unknown): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= MAX_NAME_LENGTH && value.isWellFormed())
    return value;
  throw new SkerryError(
    'INVALID_VALUE',
    `${what} must be a text of 1 to ${MAX_NAME_LENGTH} characters; got ${describe(value)}.`,
  );
}
