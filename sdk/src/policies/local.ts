/** local: the field never leaves this device. */
import type { Policy, PolicyRules } from './policy.ts';

/** For what belongs to this device alone: whether a section is folded, how far somebody has read. In no change, ever. */
export function local(): Policy<unknown> {
  return { kind: 'local' };
}

export const localRules: PolicyRules = { cell: 'local' };
