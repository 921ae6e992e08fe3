/** Rows of a plain Dexie database: what lies in the table of a collection that is not known yet. */
import type { Dexie } from 'dexie';

import type { CollectionSchema } from '../core/schema.ts';
import { META, type ViewsRow } from './layout.ts';

export interface Unadopted {
  readonly schema: CollectionSchema;
  readonly keys: readonly unknown[];
}

export async function findUnadopted(
  dexie: Dexie,
  schemas: ReadonlyMap<string, CollectionSchema>,
): Promise<readonly Unadopted[]> {
  const views = (await dexie.table(META).get('views')) as ViewsRow | undefined;
  const isNew = (name: string): boolean => !views || !Object.hasOwn(views.fingerprints, name);
  const found: Unadopted[] = [];
  for (const schema of [...schemas.values()].filter(({ name }) => isNew(name))) {
    const keys = await dexie.table(schema.name).toCollection().primaryKeys();
    if (keys.length > 0) found.push({ schema, keys });
  }
  return found;
}
