/** counter: concurrent increments and decrements add up. */
import type { Policy, PolicyRules } from './policy.ts';

/** For fields that hold an integer of which only the differences matter: likes, stock. */
export function counter(): Policy<number> {
  return { kind: 'counter' };
}

export const counterRules: PolicyRules = { cell: 'counter' };
