/** set: elements come and go on their own; an add that a removal had not seen wins (observed-remove set). */
import type { Policy, PolicyRules } from './policy.ts';

/** For fields that hold an array without order or repetition: tags, members. Read in canonical order. */
export function set(): Policy<readonly unknown[]> {
  return { kind: 'set' };
}

export const setRules: PolicyRules = { cell: 'set' };
