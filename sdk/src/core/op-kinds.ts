/**
 * What this version understands of an operation: its kind, and its keys. A kind that it does not know stops a device that
 * would have to apply it; a key that it does not know is kept where the operation leaves an entry, so that a later version
 * of the app finds in the state what it would have found in the log.
 */
import type { Json } from '../lib/json.ts';
import type { Op } from './change.ts';

/** The keys of each kind: exactly those of its interface, which the compiler holds. */
const OP_KEYS: { readonly [T in Op['t']]: Readonly<Record<keyof Extract<Op, { t: T }>, true>> } = {
  life: { t: true, v: true, pred: true, of: true },
  set: { t: true, p: true, v: true, pred: true, base: true, first: true, claim: true },
  add: { t: true, p: true, pred: true },
  rm: { t: true, p: true, pred: true },
  inc: { t: true, p: true, n: true },
  lww: { t: true, p: true, v: true, over: true },
};

const KNOWN_KEYS = new Map<string, ReadonlySet<string>>(
  Object.entries(OP_KEYS).map(([kind, keys]) => [kind, new Set(Object.keys(keys))]),
);

export function isKnownKind(kind: string): boolean {
  return KNOWN_KEYS.has(kind);
}

/** Keys of an operation that a newer version wrote. */
export interface MoreKeys {
  readonly more?: Readonly<Record<string, Json>>;
}

/** The keys of `op` that this version does not know. */
export function moreKeys(op: Op): MoreKeys {
  const known = KNOWN_KEYS.get(op.t)!;
  for (const key in op) if (!known.has(key)) return collect(op, known);
  return NOTHING_MORE;
}

const NOTHING_MORE: MoreKeys = {};

function collect(op: Op, known: ReadonlySet<string>): MoreKeys {
  return { more: Object.fromEntries(Object.entries(op).filter(([key]) => !known.has(key))) as Record<string, Json> };
}
