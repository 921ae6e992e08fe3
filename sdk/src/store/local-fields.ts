/**
 * Fields that never leave the device. They are in the app's rows like all others, but in no record's state and in no
 * change: they lie beside the state, in the same row of `$records`, and are laid over whatever row it gives.
 *
 * They stay with the record when the row is deleted, so that a row that is kept after all has them again. Only who
 * makes the row again on this device starts without them.
 */
import type { CollectionSchema } from '../core/schema.ts';
import type { Row } from '../core/view.ts';
import { jsonEqual, type Json } from '../lib/json.ts';

export type LocalFields = Readonly<Record<string, Json>>;

/** A row as the app reads it. Values of fields that are local no longer stay where they are, unseen. */
export function withLocal<R extends Row | null>(schema: CollectionSchema, row: R, local: LocalFields | undefined): R {
  if (!row || !local || schema.localFields.length === 0) return row;
  const mine = schema.localFields.filter((field) => Object.hasOwn(local, field));
  return mine.length === 0 ? row : { ...row, ...Object.fromEntries(mine.map((field) => [field, local[field]!])) };
}

/**
 * What a write leaves of `held`: the local fields of the row as it should be. Of a form that was opened earlier only
 * what was changed in it counts; a delete leaves everything.
 */
export function writtenLocal(
  schema: CollectionSchema,
  held: LocalFields | undefined,
  next: Row | null,
  seen: { readonly local?: LocalFields } | undefined,
): LocalFields | undefined {
  if (!next || schema.localFields.length === 0) return held;
  const local: Record<string, Json> = { ...held };
  for (const field of schema.localFields) {
    const value = Object.hasOwn(next, field) ? next[field] : undefined;
    const shown = seen?.local && Object.hasOwn(seen.local, field) ? seen.local[field] : undefined;
    if (seen && jsonEqual(value, shown)) continue;
    if (value === undefined) delete local[field];
    else local[field] = value;
  }
  return Object.keys(local).length === 0 ? undefined : local;
}
