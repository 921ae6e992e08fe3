/** Brings a database of an earlier layout up to date, when it is opened. What it holds stays; what is new is computed from it. */
import type { Transaction } from 'dexie';

import { digestOfRecord, EMPTY_DIGEST, exchange } from '../core/digest.ts';
import { isTombstone, META, newSpace, RECORDS } from './layout.ts';
import { recordRow, storedRow, type StoredRecordRow } from './packed-record.ts';

/** Layout 1 knew one server: no tombstone was found by an index, and nobody summed up the records. */
export async function upgradeFromLayout1(transaction: Transaction): Promise<void> {
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
