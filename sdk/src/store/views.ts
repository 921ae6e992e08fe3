/** Which views were computed with another schema than the app has now, told by their fingerprints. */
import type { IDBPDatabase } from 'idb';

import { canonicalJson, type Json } from '../lib/json.ts';
import type { MergeFunctions } from '../policies/merge.ts';
import type { CollectionPlan } from '../policies/registry.ts';
import { META, RECORDS, type ViewsRow } from './layout.ts';
import { missingMerges } from './merge-calls.ts';
import { begun, issue } from './unawaited.ts';

/**
 * What a collection's views depend on; where merge functions are missing, the views are others. `all`: the other
 * collections, whose constraints may be about its rows.
 */
export function viewFingerprint(plan: CollectionPlan, all: readonly CollectionPlan[], merges: MergeFunctions): string {
  const groups = plan.groups.map((fields) => fields.toSorted());
  const constraints = constraintsAbout(plan, all);
  const missing = missingMerges(plan, merges);
  const { fields, onDeleteVsEdit } = plan;
  return canonicalJson({
    fields,
    groups,
    onDeleteVsEdit,
    ...(plan.version === undefined ? {} : { version: plan.version }),
    ...(constraints.length > 0 ? { constraints } : {}),
    ...(missing.length > 0 ? { missing } : {}),
  } as unknown as Json);
}

/** Of a function nothing can be told but that it is there: whoever changes it gives the constraint another name. */
function constraintsAbout(
  { name, constraints = [] }: CollectionPlan,
  all: readonly CollectionPlan[],
): readonly unknown[] {
  const own = constraints.map((one) =>
    'when' in one && typeof one.when === 'function' ? { ...one, when: '()' } : one,
  );
  const isTarget = all.some((other) =>
    other.constraints?.some((one) => one.kind === 'references' && one.collection === name),
  );
  return isTarget ? [...own, 'is referred to'] : own;
}

export function viewFingerprints(plans: readonly CollectionPlan[], merges: MergeFunctions): ViewsRow['fingerprints'] {
  return Object.fromEntries(plans.map((plan) => [plan.name, viewFingerprint(plan, plans, merges)]));
}

/** Whether all collections are adopted and shown as this schema shows them. */
export function areViewsFresh(
  stored: ViewsRow | undefined,
  plans: readonly CollectionPlan[],
  merges: MergeFunctions,
): boolean {
  const wanted = viewFingerprints(plans, merges);
  return plans.every(({ name }) => stored?.fingerprints[name] === wanted[name]);
}

/** Whether rebuildViews() has work. Where there is no record at all, there are no views either: that is noted here. */
export async function hasStaleViews(
  db: IDBPDatabase,
  plans: readonly CollectionPlan[],
  merges: MergeFunctions,
): Promise<boolean> {
  const stored = (await db.get(META, 'views')) as ViewsRow | undefined;
  if (areViewsFresh(stored, plans, merges)) return false;
  if (stored) return true;
  const wanted = viewFingerprints(plans, merges);
  const tx = begun(db.transaction([RECORDS, META], 'readwrite'));
  const isEmpty = (await tx.objectStore(RECORDS).count()) === 0;
  if (isEmpty) issue(tx.objectStore(META).put({ key: 'views', fingerprints: wanted } satisfies ViewsRow));
  await tx.done;
  return !isEmpty;
}
