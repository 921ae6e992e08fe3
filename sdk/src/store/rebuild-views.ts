/**
 * Rows and conflicts are views of the replicated state. When the app's schema says otherwise than the one they were
 * computed with (a new policy, a new group, a collection whose records came before the app knew it), they are
 * computed anew from the state; nothing is written to the log. Loaded when that is so (`views.ts`).
 */
import type { IDBPDatabase } from 'idb';

import type { Constraints } from '../constraints/registry.ts';
import type { PolicyProblem } from '../core/policy-problem.ts';
import type { CollectionSchema } from '../core/schema.ts';
import { viewRecord } from '../core/view.ts';
import type { MergeFunctions } from '../policies/merge.ts';
import type { CollectionPlan } from '../policies/registry.ts';
import { CLAIMS, COMPONENTS, CONFLICTS, currentState, META, RECORDS, type ViewsRow } from './layout.ts';
import { withLocal } from './local-fields.ts';
import { recordRow, type StoredRecordRow } from './packed-record.ts';
import { rebuildConstraints } from './rebuild-constraints.ts';
import { viewFingerprints } from './views.ts';
import { begun, issue } from './unawaited.ts';

/**
 * One transaction: afterwards every collection's table holds what its plan says. Resolves to what the developer should
 * hear of it.
 */
export async function rebuildViews(
  db: IDBPDatabase,
  collections: readonly { readonly plan: CollectionPlan; readonly schema: CollectionSchema }[],
  { merges, constraints }: { readonly merges: MergeFunctions; readonly constraints: Constraints },
): Promise<readonly PolicyProblem[]> {
  const plans = collections.map(({ plan }) => plan);
  const stored = (await db.get(META, 'views')) as ViewsRow | undefined;
  const wanted = viewFingerprints(plans, merges);
  const problems: PolicyProblem[] = [];
  const stale = collections.filter(({ plan }) => stored?.fingerprints[plan.name] !== wanted[plan.name]);
  if (stale.length === 0) return problems;
  const tx = begun(
    db.transaction([RECORDS, CONFLICTS, CLAIMS, COMPONENTS, META, ...stale.map(({ plan }) => plan.name)], 'readwrite'),
  );
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
      problems.push(...(view.problems ?? []));
      const open = view.conflicts.map((conflict) => conflict.id);
      for (const id of record.conflicts) if (!open.includes(id)) issue(tx.objectStore(CONFLICTS).delete(id));
      for (const conflict of view.conflicts) issue(tx.objectStore(CONFLICTS).put(conflict));
      if (view.row) issue(rows.put(withLocal(schema, view.row, record.local)));
      else issue(rows.delete(record.id));
      issue(cursor.update({ ...stored, conflicts: open }));
    }
  }
  await rebuildConstraints(tx, constraints, new Map(collections.map(({ plan, schema }) => [plan.name, schema])));
  const row: ViewsRow = { key: 'views', fingerprints: { ...stored?.fingerprints, ...wanted } };
  issue(tx.objectStore(META).put(row));
  await tx.done;
  return problems;
}
