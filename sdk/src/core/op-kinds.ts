/**
 * What this version understands of an operation: its kind, and its keys. A kind that it does not know stops a device that
 * would have to apply it; a key that it does not know is kept where the operation leaves an entry, so that a later version
 * of the app finds in the state what it would have found in the log.
 */
import type { Json } from '../lib/json.ts';
import type { Op } from './change.ts';

/** The keys of each kind. */
const OP_KEYS: Readonly<Record<Op['t'], ReadonlySet<string>>> = {
  life: new Set(['t', 'v', 'pred']),
  set: new Set(['t', 'p', 'v', 'pred', 'base', 'first']),
  add: new Set(['t', 'p', 'pred']),
  rm: new Set(['t', 'p', 'pred']),
  inc: new Set(['t', 'p', 'n']),
};

export function isKnownKind(kind: string): boolean {
  return Object.hasOwn(OP_KEYS, kind);
}

/** Keys of an operation that a newer version wrote. */
export interface MoreKeys {
  readonly more?: Readonly<Record<string, Json>>;
}

/** The keys of `op` that this version does not know. */
export function moreKeys(op: Op): MoreKeys {
  const known = OP_KEYS[op.t];
  for (const key in op) if (!known.has(key)) return collect(op, known);
  return NOTHING_MORE;
}

const NOTHING_MORE: MoreKeys = {};

function collect(op: Op, known: ReadonlySet<string>): MoreKeys {
  return { more: Object.fromEntries(Object.entries(op).filter(([key]) => !known.has(key))) as Record<string, Json> };
}
