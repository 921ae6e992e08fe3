/** The ancestor that concurrent writes carry, for policies that merge with it. */
import { oldestBase } from '../core/conflict.ts';
import type { Entry } from '../core/record.ts';
import { jsonEqual, type Json } from '../lib/json.ts';

/**
 * `nothing`: no write started from a value. `unclear`: some carry no ancestor, or of one time different ones; then what
 * a version lacks was not removed by it.
 */
export type CommonBase =
  { readonly type: 'known'; readonly value: Json | undefined } | { readonly type: 'nothing' | 'unclear' };

export function commonBase(entries: readonly Entry[]): CommonBase {
  const bases = entries.map((entry) => entry.base);
  if (bases.every((base) => base === undefined)) return { type: 'nothing' };
  const oldest = oldestBase(entries)!;
  const isClear = bases.every((base) => base !== undefined && (base.hlc !== oldest.hlc || jsonEqual(base.v, oldest.v)));
  return isClear ? { type: 'known', value: oldest.v } : { type: 'unclear' };
}
