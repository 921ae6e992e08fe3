/**
 * Sums of counters. They are taken modulo 2^54 - 1, between the smallest and the greatest safe integer: a sum of floating
 * point numbers beyond that depends on the order of its terms, and replicas that add in another order would disagree for
 * ever. Who only counts what happens never gets there; a peer that adds 2^53 - 1 does.
 */

const MAX = Number.MAX_SAFE_INTEGER;

/** The sum of two safe integers: the same whatever the order and grouping of the terms. */
export function addCounts(a: number, b: number): number {
  const sum = a + b;
  // One of the terms is brought down first, so that no step leaves what is exact.
  if (sum > MAX) return a - MAX + (b - MAX) - 1;
  if (sum < -MAX) return a + MAX + (b + MAX) + 1;
  return sum;
}

/** What has to be added to `from` to get `to`. */
export function countBetween(from: number, to: number): number {
  return addCounts(to, -from);
}
