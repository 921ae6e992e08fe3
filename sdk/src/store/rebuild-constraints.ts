/**
 * Claims and constraint conflicts are views too: with another schema they are computed anew, from all records that any
 * constraint is about, in the transaction that computes the rows anew.
 */
import type { IDBPTransaction } from 'idb';

import { WAIVERS } from '../constraints/claim.ts';
import { ClaimIndex } from '../constraints/claim-index.ts';
import { maintainConstraints } from '../constraints/maintain.ts';
import type { Constraints } from '../constraints/registry.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { changedRecords } from './changed-records.ts';
import { CLAIMS, COMPONENTS, CONFLICTS, RECORDS, type ConflictRow } from './layout.ts';
import { recordRow, type StoredRecordRow } from './packed-record.ts';
import { issue } from './unawaited.ts';

export async function rebuildConstraints(
  tx: IDBPTransaction<unknown, string[], 'readwrite'>,
  constraints: Constraints,
  schemas: ReadonlyMap<string, CollectionSchema>,
): Promise<void> {
  const [claims, components, conflicts] = [
    tx.objectStore(CLAIMS),
    tx.objectStore(COMPONENTS),
    tx.objectStore(CONFLICTS),
  ];
  // A database without constraints has nothing to read for them.
  if (constraints.all.length === 0 && (await claims.count()) === 0) return;
  const index = new ClaimIndex();
  for (const collection of [...schemas.keys(), WAIVERS].filter(constraints.concerns)) {
    const range = IDBKeyRange.bound([collection], [collection, []]);
    const records = ((await tx.objectStore(RECORDS).getAll(range)) as StoredRecordRow[]).map(recordRow);
    index.run(maintainConstraints(constraints, changedRecords(constraints, schemas, records)));
  }
  const stored = (await conflicts.getAll()) as ConflictRow[];
  for (const { kind, id } of stored) if (kind === 'constraint') issue(conflicts.delete(id));
  issue(claims.clear());
  issue(components.clear());
  for (const claim of index.claims.values()) issue(claims.put(claim));
  for (const component of index.components.values()) issue(components.put(component));
  for (const conflict of index.conflicts.values()) issue(conflicts.put(conflict));
}
