/**
 * The version vector `K`: how far each server's log has been applied. It is the cursor, and it is as long as there
 * are servers, whatever the number of devices.
 */

/** A server incarnation: 11 characters of base64url, new at creation and at every restore from a backup. */
export type Sid = string;
export type VersionVector = Readonly<Record<Sid, number>>;
/** The server that admitted a change and its number there, 1, 2, 3 … without gaps. */
export type Stamp = readonly [sid: Sid, n: number];

const SID = /^[A-Za-z0-9_-]{11}$/;

export function countOf(vector: VersionVector, sid: Sid): number {
  return Object.hasOwn(vector, sid) ? vector[sid]! : 0;
}

/** Whether `vector` knows everything that `other` knows. */
export function covers(vector: VersionVector, other: VersionVector): boolean {
  return Object.keys(other).every((sid) => countOf(vector, sid) >= other[sid]!);
}

/** For every server the greater count: what both know together. */
export function join(a: VersionVector, b: VersionVector): VersionVector {
  const joined: Record<Sid, number> = { ...a };
  for (const [sid, n] of Object.entries(b)) joined[sid] = Math.max(countOf(a, sid), n);
  return joined;
}

export function isSid(value: unknown): value is Sid {
  return typeof value === 'string' && SID.test(value);
}

export function isVersionVector(value: unknown): value is VersionVector {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return entries.length <= 64 && entries.every(([sid, n]) => isSid(sid) && isCount(n));
}

function isCount(n: unknown): boolean {
  return Number.isSafeInteger(n) && (n as number) >= 0 && !Object.is(n, -0);
}

/** By server, then by its number: the same on every replica, and of one server's numbers the order in which it took them. */
export function compareStamps(a: Stamp, b: Stamp): number {
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
  return a[1] - b[1];
}
