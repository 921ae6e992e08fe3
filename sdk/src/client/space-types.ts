/** The public types of `db.spaces`: who may do what in which space. Part of `types.ts`. */

/** A reader reads, a writer writes too, an owner also says who else may. */
export type SpaceRole = 'reader' | 'writer' | 'owner';

export interface SpaceInfo {
  readonly id: string;
  readonly name: string | null;
  /** Of this user. */
  readonly role: SpaceRole;
}

export interface SpaceMember {
  readonly user: { readonly id: string; readonly name: string | null };
  readonly role: SpaceRole;
  readonly since: Date;
}

export interface Invitation {
  readonly id: string;
  readonly role: SpaceRole;
  /** How many may still join with it. */
  readonly uses: number;
  readonly expiresAt: Date;
}

export interface InviteOptions {
  /** Default: 'writer'. */
  readonly role?: SpaceRole;
  /** Default: 1. */
  readonly uses?: number;
  /** Default: seven days. At most 90. */
  readonly expiresInMs?: number;
}

/** A device with which this user has come to the server. */
export interface UserDevice {
  readonly id: string;
  readonly here: boolean;
  readonly firstSeenAt: Date;
  readonly lastSeenAt: Date;
  /** What its browser calls itself. */
  readonly agent: string | null;
  readonly revoked: boolean;
}

/**
 * Asks the server, which must be one with members (`spaces: 'members'`); nothing of this is kept for later, so it needs the network. Where a
 * space can be left out, it is the one of this database.
 *
 * Every call fails with OFFLINE, AUTH_REQUIRED, NO_SERVER without `sync`, and NOT_FOUND for a space that this user is not in.
 */
export interface Spaces {
  /** Those that this user is a member of. */
  list(): Promise<readonly SpaceInfo[]>;
  /** Makes a space that this user owns. Open it with `sync: { space: id }`. */
  create(options?: { readonly name?: string }): Promise<SpaceInfo>;
  /** With the code of an invitation. NOT_FOUND for one that is not good, or not any more. */
  join(code: string): Promise<SpaceInfo>;
  members(space?: string): Promise<readonly SpaceMember[]>;
  /** By an owner, else FORBIDDEN. The code is told here and never again: who has it may join. */
  invite(options?: InviteOptions, space?: string): Promise<Invitation & { readonly code: string }>;
  /** The open ones; by an owner. */
  invitations(space?: string): Promise<readonly Invitation[]>;
  /** Takes an invitation back; by an owner. */
  uninvite(invitation: string, space?: string): Promise<void>;
  /** By an owner. FORBIDDEN for the last owner of a space that others are in. */
  setRole(user: string, role: SpaceRole, space?: string): Promise<void>;
  /** By an owner. Their devices are out within 5 s. */
  remove(user: string, space?: string): Promise<void>;
  leave(space?: string): Promise<void>;
  /** The devices of this user. */
  devices(): Promise<readonly UserDevice[]>;
  /** Sends a device of this user away, for good. */
  revokeDevice(id: string): Promise<void>;
}
