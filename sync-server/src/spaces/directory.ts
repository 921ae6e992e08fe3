/**
 * Spaces with members: who made them, who may come in as what, and who invites whom.
 *
 * Who is not in a space learns nothing of it: what does not exist and what is somebody else's is NOT_FOUND alike. A space that has members
 * keeps an owner. What is decided here is durable when its promise resolves, and by then no socket of this node goes on with a right
 * that was taken away.
 */
import { randomBytes } from 'node:crypto';
import { SkerryError } from '@skerry/sdk/kernel';

import type { AccessChange, AccessRows } from '../storage/access-rows.ts';
import { codeText, hashOf, isSecretOf, newCode, parseCode } from './invitation.ts';
import { SPACES_LIMITS as LIMITS } from './limits.ts';
import { isMore, type Role } from './role.ts';
import { listRows, readRow, writeRow, type InvitationRow, type MemberRow } from './rows.ts';

/** Somebody who has signed in. */
export interface Person {
  readonly id: string;
  readonly name?: string;
}

export interface SpaceInfo {
  readonly id: string;
  readonly name: string | null;
  /** Of who asks. */
  readonly role: Role;
}

export interface MemberInfo {
  readonly user: { readonly id: string; readonly name: string | null };
  readonly role: Role;
  readonly sinceMs: number;
}

export interface InvitationInfo {
  readonly id: string;
  readonly role: Role;
  /** How many may still join with it. */
  readonly uses: number;
  readonly expiresMs: number;
}

export interface InviteOptions {
  readonly role: Role;
  readonly uses: number;
  readonly expiresInMs: number;
}

export interface DirectoryOptions {
  readonly rows: AccessRows;
  readonly now: () => number;
  /** Something has changed: resolves when this node acts by it. */
  readonly onChange: () => Promise<void>;
}

export class Directory {
  readonly #rows: AccessRows;
  readonly #now: () => number;
  readonly #onChange: () => Promise<void>;

  constructor({ rows, now, onChange }: DirectoryOptions) {
    this.#rows = rows;
    this.#now = now;
    this.#onChange = onChange;
  }

  /** `removed`: was a member. A space that is called after its user with a `~` is theirs alone, without having been made. */
  async roleOf(space: string, user: string): Promise<Role | 'removed' | null> {
    const row = await readRow(this.#rows, 'member', space, user);
    if (isOwnSpace(space, user)) return 'owner';
    return row ? (row.role ?? 'removed') : null;
  }

  async spacesOf(user: string): Promise<readonly SpaceInfo[]> {
    const joined = await listRows(this.#rows, 'joined', user);
    return Promise.all(joined.map(({ id, row: { role } }) => this.#info(this.#rows, id, role)));
  }

  create(by: Person, name: string | null): Promise<SpaceInfo> {
    const space = randomBytes(16).toString('base64url');
    return this.#change(async (rows) => {
      await writeRow(rows, 'space', space, '', { name, createdMs: this.#now() });
      await this.#enter(rows, space, by, 'owner');
      return { id: space, name, role: 'owner' };
    });
  }

  async members(space: string, by: string): Promise<readonly MemberInfo[]> {
    await this.#roleOfMember(this.#rows, space, by);
    return this.membersOf(space);
  }

  /** As the app that runs this server may see them. */
  async membersOf(space: string): Promise<readonly MemberInfo[]> {
    const members = await listRows(this.#rows, 'member', space);
    return members.flatMap(({ id, row: { role, name, sinceMs } }) =>
      role === null ? [] : [{ user: { id, name }, role, sinceMs }],
    );
  }

  setRole(space: string, by: string, user: string, role: Role): Promise<void> {
    return this.#change(async (rows) => {
      await this.#assertOwner(rows, space, by);
      const member = await readRow(rows, 'member', space, user);
      if (!member?.role) throw notFound('no member of this name');
      if (member.role === role) return;
      if (member.role === 'owner') await assertOwnerStays(rows, space, user);
      await this.#enter(rows, space, { id: user, ...(member.name === null ? {} : { name: member.name }) }, role);
    });
  }

  /** An owner removes somebody, or a member leaves. Who was removed does not come back by an older invitation. */
  remove(space: string, by: string, user: string): Promise<void> {
    return this.#change(async (rows) => {
      if (by === user) await this.#roleOfMember(rows, space, by);
      else await this.#assertOwner(rows, space, by);
      const member = await readRow(rows, 'member', space, user);
      if (!member?.role) throw notFound('no member of this name');
      if (member.role === 'owner') await assertOwnerStays(rows, space, user);
      await this.#leave(rows, space, user, member, by === user);
    });
  }

  /** The app that runs this server decides; nobody is asked. */
  grant(space: string, person: Person, role: Role | null): Promise<void> {
    return this.#change(async (rows) => {
      const member = await readRow(rows, 'member', space, person.id);
      if (role === null) return member?.role ? this.#leave(rows, space, person.id, member, false) : undefined;
      if (!(await readRow(rows, 'space', space)))
        await writeRow(rows, 'space', space, '', { name: null, createdMs: this.#now() });
      await this.#enter(rows, space, person, role);
    });
  }

  /** The code is told here and never again. */
  invite(
    space: string,
    by: string,
    { role, uses, expiresInMs }: InviteOptions,
  ): Promise<InvitationInfo & { code: string }> {
    return this.#change(async (rows) => {
      await this.#assertOwner(rows, space, by);
      if ((await this.#countInvitations(rows, space)) >= LIMITS.invitationsPerSpace)
        throw tooMany(LIMITS.invitationsPerSpace, 'open invitations');
      const code = newCode(space);
      const expiresMs = this.#now() + expiresInMs;
      const row = { role, uses, expiresMs, hash: hashOf(code.secret), createdMs: this.#now(), by };
      await writeRow(rows, 'invitation', space, code.id, row);
      return { ...invitationInfo(code.id, row), code: codeText(code) };
    });
  }

  async invitations(space: string, by: string): Promise<readonly InvitationInfo[]> {
    await this.#assertOwner(this.#rows, space, by);
    const all = await listRows(this.#rows, 'invitation', space);
    return all.filter(({ row }) => row.expiresMs > this.#now()).map(({ id, row }) => invitationInfo(id, row));
  }

  revoke(space: string, by: string, id: string): Promise<void> {
    return this.#change(async (rows) => {
      await this.#assertOwner(rows, space, by);
      if (!(await readRow(rows, 'invitation', space, id))) throw notFound('no invitation of this name');
      await writeRow(rows, 'invitation', space, id, null);
    });
  }

  /** Who is a member already only gains by it, and does not use it up for nothing. */
  join(by: Person, text: string): Promise<SpaceInfo> {
    const code = parseCode(text);
    if (!code) return Promise.reject(notFound(BAD_CODE));
    const { space, id, secret } = code;
    return this.#change(async (rows) => {
      const invitation = await readRow(rows, 'invitation', space, id);
      const isGood = invitation && isSecretOf(invitation.hash, secret) && invitation.expiresMs > this.#now();
      const member = await readRow(rows, 'member', space, by.id);
      if (!isGood || member?.barred?.includes(id)) throw notFound(BAD_CODE);
      const { role, uses } = invitation;
      if (member?.role && !isMore(role, member.role)) return this.#info(rows, space, member.role);
      await this.#enter(rows, space, by, role);
      await writeRow(rows, 'invitation', space, id, uses > 1 ? { ...invitation, uses: uses - 1 } : null);
      return this.#info(rows, space, role);
    });
  }

  async #change<T>(work: (rows: AccessChange) => Promise<T>): Promise<T> {
    const result = await this.#rows.change(work);
    await this.#onChange();
    return result;
  }

  async #info(rows: Pick<AccessRows, 'get'>, space: string, role: Role): Promise<SpaceInfo> {
    return { id: space, name: (await readRow(rows, 'space', space))?.name ?? null, role };
  }

  async #roleOfMember(rows: Pick<AccessRows, 'get'>, space: string, user: string): Promise<Role> {
    const role = (await readRow(rows, 'member', space, user))?.role;
    if (!role) throw notFound('no space of this name');
    return role;
  }

  async #assertOwner(rows: Pick<AccessRows, 'get'>, space: string, user: string): Promise<void> {
    if ((await this.#roleOfMember(rows, space, user)) !== 'owner')
      throw new SkerryError('FORBIDDEN', 'only an owner of the space may do this');
  }

  /** Takes those away that are over. */
  async #countInvitations(rows: AccessChange, space: string): Promise<number> {
    const all = await listRows(rows, 'invitation', space);
    const over = all.filter(({ row }) => row.expiresMs <= this.#now());
    for (const { id } of over) await writeRow(rows, 'invitation', space, id, null);
    return all.length - over.length;
  }

  async #enter(rows: AccessChange, space: string, { id, name }: Person, role: Role): Promise<void> {
    const known = await listRows(rows, 'member', space);
    const members = known.filter(({ row }) => row.role !== null);
    const before = known.find((member) => member.id === id)?.row;
    const isNew = !before?.role;
    if (isNew && members.length >= LIMITS.membersPerSpace) throw tooMany(LIMITS.membersPerSpace, 'members');
    const joined = isNew ? await listRows(rows, 'joined', id) : [];
    if (joined.length >= LIMITS.spacesPerUser) throw tooMany(LIMITS.spacesPerUser, 'spaces of one user');
    await writeRow(rows, 'member', space, id, { role, name: name ?? before?.name ?? null, sinceMs: this.#now() });
    await writeRow(rows, 'joined', id, space, { role });
  }

  async #leave(rows: AccessChange, space: string, user: string, { name }: MemberRow, hasLeft: boolean): Promise<void> {
    const open = hasLeft ? [] : await listRows(rows, 'invitation', space);
    const barred = open.length === 0 ? {} : { barred: open.map(({ id }) => id) };
    await writeRow(rows, 'member', space, user, { role: null, name, sinceMs: this.#now(), ...barred });
    await writeRow(rows, 'joined', user, space, null);
  }
}

const BAD_CODE = 'this invitation is not known, or no longer good';

function isOwnSpace(space: string, user: string): boolean {
  return space === `~${user}`;
}

/** The last one who is there may go; somebody who leaves others behind must leave them an owner. */
async function assertOwnerStays(rows: AccessChange, space: string, user: string): Promise<void> {
  const others = (await listRows(rows, 'member', space)).filter(({ id, row }) => id !== user && row.role !== null);
  if (others.length > 0 && !others.some(({ row }) => row.role === 'owner'))
    throw new SkerryError('FORBIDDEN', 'a space keeps an owner: make somebody else one first');
}

function invitationInfo(id: string, { role, uses, expiresMs }: InvitationRow): InvitationInfo {
  return { id, role, uses, expiresMs };
}

function notFound(message: string): SkerryError {
  return new SkerryError('NOT_FOUND', message);
}

function tooMany(max: number, what: string): SkerryError {
  return new SkerryError('TOO_LARGE', `at most ${max} ${what}`);
}
