/** db.spaces as the handle holds it: what asks the server is loaded with the first question. */
import { SkerryError } from '../lib/errors.ts';
import type { SyncLink } from '../worker/link.ts';
import type { Lifetime } from './lifetime.ts';
import type { Spaces } from './space-types.ts';
import type { SyncOptions } from './types.ts';

export interface SpacesParts {
  readonly sync: SyncOptions | undefined;
  readonly link: SyncLink | null;
  readonly lifetime: Lifetime;
  readonly deviceId: string;
}

export function createSpaces({ sync, link, lifetime, deviceId }: SpacesParts): Spaces {
  const ask = async (): Promise<Spaces> => {
    lifetime.assertOpen();
    if (!sync || !link)
      throw new SkerryError('NO_SERVER', 'There are no spaces without a server: open() was given no sync.');
    const { askServer } = await import('./spaces-on-server.ts');
    return askServer({ sync, link, lifetime, deviceId });
  };
  return {
    list: async () => (await ask()).list(),
    create: async (options) => (await ask()).create(options),
    join: async (code) => (await ask()).join(code),
    members: async (space) => (await ask()).members(space),
    invite: async (options, space) => (await ask()).invite(options, space),
    invitations: async (space) => (await ask()).invitations(space),
    uninvite: async (invitation, space) => (await ask()).uninvite(invitation, space),
    setRole: async (user, role, space) => (await ask()).setRole(user, role, space),
    remove: async (user, space) => (await ask()).remove(user, space),
    leave: async (space) => (await ask()).leave(space),
    devices: async () => (await ask()).devices(),
    revokeDevice: async (id) => (await ask()).revokeDevice(id),
  };
}
