/**
 * Adopts the rows of a plain Dexie database: what lies in a collection's table and has no record becomes the first
 * changes of this device. Everything is checked before anything is written. It goes on where it stopped when the page
 * dies in the middle: a collection counts as adopted when its views are known (`views.ts`), which comes last. Loaded
 * when there is something to adopt.
 */
import type { Dexie, Transaction } from 'dexie';

import type { CollectionSchema } from '../core/schema.ts';
import type { Row } from '../core/view.ts';
import { SkerryError } from '../lib/errors.ts';
import { checkId, checkRow } from './check-row.ts';
import { RECORDS } from './layout.ts';
import { rowIntent, type RecordIntent } from './step.ts';
import type { Tracking } from './track.ts';
import type { Unadopted } from './unadopted.ts';

/** So many rows are one transaction: who dies in the middle has them, and repeats no more. */
const BATCH = 200;

export interface Adoption {
  readonly dexie: Dexie;
  readonly tracking: Tracking;
  /** Makes a row of what a plain database held, by collection: migrate() for version 0. */
  readonly converters: ReadonlyMap<string, (old: unknown) => unknown>;
}

/** Throws NOT_ADOPTABLE, and has written nothing of that collection, where a row cannot be one of ours. */
export async function adoptRows(adoption: Adoption, found: readonly Unadopted[]): Promise<void> {
  for (const { schema, keys } of found) await eachBatch(keys, (some) => checkBatch(adoption, schema, some));
  for (const { schema, keys } of found) await eachBatch(keys, (some) => writeBatch(adoption, schema, some as string[]));
}

async function eachBatch(keys: readonly unknown[], fn: (some: readonly unknown[]) => Promise<void>): Promise<void> {
  for (let i = 0; i < keys.length; i += BATCH) await fn(keys.slice(i, i + BATCH));
}

async function checkBatch(adoption: Adoption, schema: CollectionSchema, keys: readonly unknown[]): Promise<void> {
  for (const key of keys) adopting(schema, key, () => checkId(schema.name, key));
  await adoption.dexie.transaction('r', schema.name, RECORDS, () =>
    intentsOf(adoption, schema, keys as readonly string[]),
  );
}

async function writeBatch(adoption: Adoption, schema: CollectionSchema, ids: readonly string[]): Promise<void> {
  const { dexie, tracking } = adoption;
  await dexie.transaction('rw', schema.name, RECORDS, async (transaction) => {
    const intents = await intentsOf(adoption, schema, ids);
    if (intents.length === 0) return;
    const native = nativeTransaction(transaction);
    tracking.describe(native, { isSplittable: true, label: 'Adopted' });
    await tracking.write(native, intents);
  });
}

/** Of the rows that have no record yet: another tab may adopt them too. */
async function intentsOf(
  { dexie, converters }: Adoption,
  schema: CollectionSchema,
  ids: readonly string[],
): Promise<RecordIntent[]> {
  const records = await dexie.table(RECORDS).bulkGet(ids.map((id) => [schema.name, id]));
  const free = ids.filter((_, i) => records[i] === undefined);
  const rows = (await dexie.table(schema.name).bulkGet(free)) as unknown[];
  const convert = converters.get(schema.name);
  return rows.flatMap((old, i) => {
    const id = free[i]!;
    return old === undefined
      ? []
      : [
          rowIntent(
            schema,
            id,
            adopting(schema, id, () => rowOf(schema, id, old, convert)),
          ),
        ];
  });
}

function rowOf(
  schema: CollectionSchema,
  id: string,
  old: unknown,
  convert: ((old: unknown) => unknown) | undefined,
): Row {
  const made = convert ? convert(old) : old;
  return checkRow(schema, typeof made === 'object' && made !== null && !Array.isArray(made) ? { ...made, id } : made);
}

function adopting<T>(schema: CollectionSchema, key: unknown, fn: () => T): T {
  try {
    return fn();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SkerryError(
      'NOT_ADOPTABLE',
      `The row ${String(key)} of ${schema.name} in the existing database cannot be adopted: ${reason} Nothing of it was changed.`,
      { cause },
    );
  }
}

function nativeTransaction(transaction: Transaction): IDBTransaction {
  return (transaction as unknown as { readonly idbtrans: IDBTransaction }).idbtrans;
}
