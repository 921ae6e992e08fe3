/**
 * Rows and conflicts are views of the replicated state. When the app's schema says otherwise than the one they were
 * computed with (a new policy, a new group, a collection whose records came before the app knew it), they are
 * computed anew from the state; nothing is written to the log.
 */
import type { IDBPDatabase } from 'idb';

import type { CollectionSchema } from '../core/schema.ts';
import { viewRecord } from '../core/view.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import type { CollectionPlan } from '../policies/registry.ts';
import { CONFLICTS, currentState, META, RECORDS, type ViewsRow } from './layout.ts';
import { recordRow, type StoredRecordRow } from './packed-record.ts';

/** What a collection's views depend on. */
export function viewFingerprint(plan: CollectionPlan): string {
  const groups = plan.groups.map((fields) => fields.toSorted());
  return canonicalJson({ fields: plan.fields, groups, onDeleteVsEdit: plan.onDeleteVsEdit } as unknown as Json);
}

/** One transaction: afterwards every collection's table holds what its plan says. */
export async function rebuildViews(
  db: IDBPDatabase,
  collections: readonly { readonly plan: CollectionPlan; readonly schema: CollectionSchema }[],
): Promise<void> {
  const stored = (await db.get(META, 'views')) as ViewsRow | undefined;
  const wanted = Object.fromEntries(collections.map(({ plan }) => [plan.name, viewFingerprint(plan)]));
  const stale = collections.filter(({ plan }) => stored?.fingerprints[plan.name] !== wanted[plan.name]);
  if (stale.length === 0) return;
  const tx = db.transaction([RECORDS, CONFLICTS, META, ...stale.map(({ plan }) => plan.name)], 'readwrite');
  for (const { schema } of stale) {
    const rows = tx.objectStore(schema.name);
    const records = tx.objectStore(RECORDS);
    const range = IDBKeyRange.bound([schema.name], [schema.name, []]);
    for (let cursor = await records.openCursor(range); cursor; cursor = await cursor.continue()) {
      const stored = cursor.value as StoredRecordRow;
      const record = recordRow(stored);
      const state = currentState(record);
      if (!state) continue;
      const view = viewRecord(schema, record.id, state);
      const open = view.conflicts.map((conflict) => conflict.id);
      for (const id of record.conflicts) if (!open.includes(id)) void tx.objectStore(CONFLICTS).delete(id);
      for (const conflict of view.conflicts) void tx.objectStore(CONFLICTS).put(conflict);
      if (view.row) void rows.put(view.row);
      else void rows.delete(record.id);
      void cursor.update({ ...stored, conflicts: open });
    }
  }
  const row: ViewsRow = { key: 'views', fingerprints: { ...stored?.fingerprints, ...wanted } };
  void tx.objectStore(META).put(row);
  await tx.done;
}
