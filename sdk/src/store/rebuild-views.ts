/**
 * Rows and conflicts are views of the replicated state. When the app's schema says otherwise than the one they were
 * computed with (a new policy, a new group, a collection whose records came before the app knew it), they are
 * computed anew from the state; nothing is written to the log.
 */
import type { IDBPDatabase } from 'idb';

import type { PolicyProblem } from '../core/policy-problem.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { viewRecord } from '../core/view.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import type { MergeFunctions } from '../policies/merge.ts';
import type { CollectionPlan } from '../policies/registry.ts';
import { CONFLICTS, currentState, META, RECORDS, type RecordRow, type ViewsRow } from './layout.ts';
import { withLocal } from './local-fields.ts';
import { missingMerges } from './merge-calls.ts';

/** What a collection's views depend on; where merge functions are missing, the views are others. */
export function viewFingerprint(plan: CollectionPlan, merges: MergeFunctions): string {
  const groups = plan.groups.map((fields) => fields.toSorted());
  const missing = missingMerges(plan, merges);
  const { fields, onDeleteVsEdit } = plan;
  return canonicalJson({
    fields,
    groups,
    onDeleteVsEdit,
    ...(missing.length > 0 ? { missing } : {}),
  } as unknown as Json);
}

/**
 * One transaction: afterwards every collection's table holds what its plan says. Resolves to what the developer should
 * hear of it.
 */
export async function rebuildViews(
  db: IDBPDatabase,
  collections: readonly { readonly plan: CollectionPlan; readonly schema: CollectionSchema }[],
  merges: MergeFunctions,
): Promise<readonly PolicyProblem[]> {
  const stored = (await db.get(META, 'views')) as ViewsRow | undefined;
  const wanted = Object.fromEntries(collections.map(({ plan }) => [plan.name, viewFingerprint(plan, merges)]));
  const problems: PolicyProblem[] = [];
  const stale = collections.filter(({ plan }) => stored?.fingerprints[plan.name] !== wanted[plan.name]);
  if (stale.length === 0) return problems;
  const tx = db.transaction([RECORDS, CONFLICTS, META, ...stale.map(({ plan }) => plan.name)], 'readwrite');
  for (const { schema } of stale) {
    const rows = tx.objectStore(schema.name);
    const records = tx.objectStore(RECORDS);
    const range = IDBKeyRange.bound([schema.name], [schema.name, []]);
    for (let cursor = await records.openCursor(range); cursor; cursor = await cursor.continue()) {
      const record = cursor.value as RecordRow;
      const state = currentState(record);
      if (!state) continue;
      const view = viewRecord(schema, record.id, state);
      problems.push(...(view.problems ?? []));
      const open = view.conflicts.map((conflict) => conflict.id);
      for (const id of record.conflicts) if (!open.includes(id)) void tx.objectStore(CONFLICTS).delete(id);
      for (const conflict of view.conflicts) void tx.objectStore(CONFLICTS).put(conflict);
      if (view.row) void rows.put(withLocal(schema, view.row, record.local));
      else void rows.delete(record.id);
      void cursor.update({ ...record, conflicts: open });
    }
  }
  const row: ViewsRow = { key: 'views', fingerprints: { ...stored?.fingerprints, ...wanted } };
  void tx.objectStore(META).put(row);
  await tx.done;
  return problems;
}
