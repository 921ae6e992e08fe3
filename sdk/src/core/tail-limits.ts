/**
 * How much of what was applied is kept to be offered again, where nobody says what is safe: one server that knows of no
 * backup. Several servers tell each other what they know, and a server with backups what they hold: then it is all that
 * is not safe.
 */
import type { Topology } from './topology.ts';

/** The newest, within both. */
export const TAIL_LIMITS = { entries: 2_000, bytes: 1_048_576 };

export function isTailBounded({ members }: Topology): boolean {
  const [only, ...others] = Object.values(members);
  return others.length === 0 && Object.keys(only?.safe ?? {}).length === 0;
}

/** Where the newest begin that stay within the limits, when sizes are given from the oldest on. */
export function newestWithin(sizes: readonly number[], { entries, bytes }: typeof TAIL_LIMITS = TAIL_LIMITS): number {
  let first = sizes.length;
  let sum = 0;
  while (first > 0 && sizes.length - first < entries && sum + sizes[first - 1]! <= bytes) sum += sizes[--first]!;
  return first;
}
