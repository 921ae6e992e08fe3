/**
 * The rows in which is kept who may do what, by their names in the storage. A member that was removed keeps a row that says so: it is
 * how other nodes hear of it, and how a device that comes back is told what has happened.
 */
import type { AccessChange, AccessRow, AccessRows } from '../storage/access-rows.ts';
import type { Role } from './role.ts';

export interface SpaceRow {
  readonly name: string | null;
  readonly createdMs: number;
}

export interface MemberRow {
  /** Null: was one. */
  readonly role: Role | null;
  readonly name: string | null;
  /** Of this role, in milliseconds since 1970. */
  readonly sinceMs: number;
  /** Was removed: invitations that were open then, by which it does not come back. */
  readonly barred?: readonly string[];
}

export interface InvitationRow {
  readonly role: Role;
  /** Of the secret part of the code. */
  readonly hash: string;
  readonly uses: number;
  readonly expiresMs: number;
  readonly createdMs: number;
  readonly by: string;
}

export interface DeviceRow {
  readonly firstMs: number;
  readonly seenMs: number;
  /** What its browser calls itself. */
  readonly agent: string | null;
  readonly revokedMs?: number;
}

export interface SignedOutRow {
  readonly atMs: number;
}

interface Kinds {
  space: SpaceRow;
  member: MemberRow;
  invitation: InvitationRow;
  /** Of a user: which spaces there are. */
  joined: { readonly role: Role };
  device: DeviceRow;
  /** Of a device: whose it is. */
  holder: { readonly user: string };
  signedOut: SignedOutRow;
}

type Kind = keyof Kinds;

/** Whose row it is, and its name among theirs. */
const SCOPES: Readonly<Record<Kind, string>> = {
  space: 's:',
  member: 's:',
  invitation: 's:',
  joined: 'u:',
  device: 'u:',
  holder: 'd:',
  signedOut: 'u:',
};
const KEYS: Readonly<Record<Kind, string>> = {
  space: 'about',
  member: 'm:',
  invitation: 'i:',
  joined: 's:',
  device: 'd:',
  holder: 'user',
  signedOut: 'out',
};

export interface Named<T> {
  readonly id: string;
  readonly row: T;
}

export async function readRow<K extends Kind>(
  rows: Pick<AccessRows, 'get'>,
  kind: K,
  of: string,
  id = '',
): Promise<Kinds[K] | null> {
  const text = await rows.get(SCOPES[kind] + of, KEYS[kind] + id);
  return text === null ? null : (JSON.parse(text) as Kinds[K]);
}

export function writeRow<K extends Kind>(
  rows: AccessChange,
  kind: K,
  of: string,
  id: string,
  row: Kinds[K] | null,
): Promise<void> {
  return rows.set(SCOPES[kind] + of, KEYS[kind] + id, row === null ? null : JSON.stringify(row));
}

export async function listRows<K extends Kind>(
  rows: Pick<AccessRows, 'list'>,
  kind: K,
  of: string,
): Promise<readonly Named<Kinds[K]>[]> {
  return (await rows.list(SCOPES[kind] + of)).flatMap((row) => rowOf(kind, row) ?? []);
}

/** Null for a row of another kind. `of` is whose it is. */
export function rowOf<K extends Kind>(
  kind: K,
  { scope, key, text }: AccessRow,
): (Named<Kinds[K]> & { readonly of: string }) | null {
  if (!scope.startsWith(SCOPES[kind]) || !key.startsWith(KEYS[kind])) return null;
  return { of: scope.slice(2), id: key.slice(KEYS[kind].length), row: JSON.parse(text) as Kinds[K] };
}
