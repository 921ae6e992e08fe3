/** What a member of a space may do: a reader reads it, a writer writes it too, an owner also says who else may. */

export type Role = 'reader' | 'writer' | 'owner';

export const ROLES: readonly Role[] = ['reader', 'writer', 'owner'];

export function isRole(value: unknown): value is Role {
  return ROLES.includes(value as Role);
}

export function mayWrite(role: Role): boolean {
  return role !== 'reader';
}

/** Whether `a` allows more than `b`. */
export function isMore(a: Role, b: Role): boolean {
  return ROLES.indexOf(a) > ROLES.indexOf(b);
}
