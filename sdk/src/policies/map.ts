/** map: each key on its own, by a policy of its own; a value that a removal of its key had not seen stays. */
import type { Policy, PolicyRules } from './policy.ts';
import { ask } from './ask.ts';

/**
 * For fields that hold an object as a dictionary: labels by language, votes by person. Concurrent writes of different
 * keys never meet; those of one key are read by `policy`, one that keeps a single value (`ask()`, `lww()`, `text()` …).
 */
export function map<V = unknown>(policy: Policy<V> = ask() as Policy<V>): Policy<{ readonly [key: string]: V }> {
  return { kind: 'map', of: policy };
}

export const mapRules: PolicyRules = { cell: 'map' };
