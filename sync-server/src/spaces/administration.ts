/** What the app that runs a server may do about members, devices and sessions: everything, and nobody is asked. */
import { SkerryError } from '@skerry/sdk/kernel';

import type { DeviceInfo } from './devices.ts';
import type { MemberInfo, Person } from './directory.ts';
import { isPlain } from './plain.ts';
import { isRole, type Role } from './role.ts';
import type { Spaces } from './spaces.ts';

/** Every call has taken effect on the open sockets of this process when it resolves, and within 5 s on those of others. */
export class Administration {
  readonly #spaces: Spaces;

  constructor(spaces: Spaces) {
    this.#spaces = spaces;
  }

  /** Lets somebody in, or changes what they may; null removes them. A space that was not there is made. */
  async grant(space: string, person: Person, role: Role | null): Promise<void> {
    checkName('space', space);
    checkName('person.id', person.id);
    if (role !== null && !isRole(role)) throw invalid(`role is none of reader, writer, owner`);
    return this.#spaces.directory.grant(space, person, role);
  }

  members(space: string): Promise<readonly MemberInfo[]> {
    return this.#spaces.directory.membersOf(space);
  }

  devices(user: string): Promise<readonly DeviceInfo[]> {
    return this.#spaces.devices.of(user);
  }

  /** Fails with NOT_FOUND for a device that this user has never come with. */
  revokeDevice(user: string, device: string): Promise<void> {
    return this.#spaces.devices.revoke(user, device);
  }

  /** Ends all sessions of a user, after a change of password say. Tokens that were issued before are not good any more. */
  signOut(user: string): Promise<void> {
    return this.#spaces.signOut(user);
  }
}

const MAX_ID_LENGTH = 256;

function checkName(what: string, name: unknown): void {
  const isName = typeof name === 'string' && name.length > 0 && name.length <= MAX_ID_LENGTH && isPlain(name);
  if (!isName) throw invalid(`${what} is not a text of 1 to ${MAX_ID_LENGTH} characters`);
}

function invalid(message: string): SkerryError {
  return new SkerryError('INVALID_VALUE', message);
}
