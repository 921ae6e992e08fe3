/** Brings a database of an earlier layout up to date, when it is opened. What it holds stays; what is new is computed from it. */
import type { Dexie, Transaction } from 'dexie';

import { digestOfRecord, EMPTY_DIGEST, exchange } from '../core/digest.ts';
import { HISTORY, INTERNAL_SCHEMA, isTombstone, LAYOUT_VERSION, META, newSpace, RECORDS } from './layout.ts';
import { recordRow, storedRow, type StoredRecordRow } from './packed-record.ts';

/** `tables`: the app's own, with their indexes. */
export function declareLayouts(dexie: Dexie, tables: Readonly<Record<string, string>>): void {
  const { [HISTORY]: history, ...before } = INTERNAL_SCHEMA;
  dexie
    .version(2)
    .stores({ ...before, ...tables })
    .upgrade(upgradeFromLayout1);
  // Layout 2 kept no history: it begins with what is replaced from now on.
  dexie.version(LAYOUT_VERSION).stores({ [HISTORY]: history });
}

/** Layout 1 knew one server: no tombstone was found by an index, and nobody summed up the records. */
async function upgradeFromLayout1(transaction: Transaction): Promise<void> {
  let digest = EMPTY_DIGEST;
  const tombstones: StoredRecordRow[] = [];
  await transaction.table(RECORDS).each((stored: StoredRecordRow) => {
    const row = recordRow(stored);
    digest = exchange(digest, EMPTY_DIGEST, digestOfRecord(row.c, row.id, row.base));
    if (isTombstone(row.id, row.base)) tombstones.push(storedRow({ ...row, dead: 1 }));
  });
  await transaction.table(RECORDS).bulkPut(tombstones);
  await transaction.table(META).put({ ...newSpace(), digest });
}
