/**
 * A dot is the identity of a change for ever: which writer incarnation made it and the how-manieth it was.
 *
 * It is one string, `<inc>.<seq>`, so that it can be a key and a JSON value. An incarnation is 16 characters of
 * base64url; it lives in memory, as long as one database connection, and is never resumed, so that a restored,
 * truncated or cloned profile cannot use a dot twice.
 */

export type Inc = string;
/** `<inc>.<seq>`; seq counts 1, 2, 3 … without gaps. */
export type Dot = string;

const DOT = /^([A-Za-z0-9_-]{16})\.([1-9][0-9]{0,15})$/;
const INC = /^[A-Za-z0-9_-]{16}$/;

export function dotOf(inc: Inc, seq: number): Dot {
  return `${inc}.${seq}`;
}

export function incOf(dot: Dot): Inc {
  return dot.slice(0, dot.indexOf('.'));
}

export function seqOf(dot: Dot): number {
  return Number(dot.slice(dot.indexOf('.') + 1));
}

export function isDot(value: unknown): value is Dot {
  if (typeof value !== 'string' || !DOT.test(value)) return false;
  // 15 digits are always a safe integer.
  return value.length < 16 + 1 + 16 || Number.isSafeInteger(seqOf(value));
}

export function isInc(value: unknown): value is Inc {
  return typeof value === 'string' && INC.test(value);
}

/** Orders dots by incarnation, then number: the tie-break of equal clocks, the same on every replica. */
export function compareDots(a: Dot, b: Dot): number {
  const incA = incOf(a);
  const incB = incOf(b);
  if (incA !== incB) return incA < incB ? -1 : 1;
  return seqOf(a) - seqOf(b);
}
