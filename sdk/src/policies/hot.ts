/** hot: the last write wins and nothing else is kept: no siblings, no trace that would make a delete a conflict. */
import type { Policy, PolicyRules } from './policy.ts';

/**
 * For fields that everyone writes all the time: who is typing, a cursor, a last-seen time. What it passes over is gone,
 * and a delete of the row wins over it; use `lww()` where that matters.
 */
export function hot(): Policy<unknown> {
  return { kind: 'hot' };
}

export const hotRules: PolicyRules = { cell: 'hot' };
