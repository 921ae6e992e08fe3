/**
 * Allowing a violation: an ordinary record in a collection of our own, so that it replicates, merges and is in history
 * like any other. It names the rows and the live writes of the constrained fields; whoever writes one of those fields
 * later makes it say something that is no longer so, and the conflict is open again.
 */
import type { OpenConstraintConflict } from '../core/constraint.ts';
import type { CollectionSchema } from '../core/schema.ts';
import type { RecordState } from '../core/record.ts';
import { isVisible, type Row } from '../core/view.ts';
import { hash128 } from '../lib/hash.ts';
import { canonicalJson, type Json } from '../lib/json.ts';
import { compileCollection } from '../policies/registry.ts';
import { NOWHERE, WAIVERS, type Claim } from './claim.ts';

const FIELD = 'allows';

/** Equal waivers are no conflict, and different ones hold side by side: nobody is asked about them. */
export const WAIVER_SCHEMA: CollectionSchema = compileCollection({
  name: WAIVERS,
  fields: { [FIELD]: { kind: 'lww' } },
  groups: [],
  onDeleteVsEdit: 'edit-wins',
});

type Allowed = Pick<OpenConstraintConflict, 'collection' | 'constraint' | 'claims'>;

/** The row that allows a conflict as it is. Its id is the conflict's: who allows the same writes the same record. */
export function waiverRow(conflict: OpenConstraintConflict): Row {
  return { id: conflict.id, [FIELD]: allowed(conflict) };
}

export function waivedBy(conflict: Allowed): string {
  return hash128(canonicalJson(allowed(conflict)));
}

/** What a waiver's record says; null when it was taken back. */
export function waiverClaim(id: string, state: RecordState | undefined): Claim | null {
  const entries = state?.cells.get(FIELD) ?? [];
  if (!state || entries.length === 0 || !isVisible(WAIVER_SCHEMA, state)) return null;
  const waives = entries.flatMap(({ v }) => (v === undefined ? [] : [hash128(canonicalJson(v))]));
  return { ...NOWHERE, name: WAIVERS, id, hlc: 0, dot: '', dots: [], waives: waives.sort() };
}

function allowed({ collection, constraint, claims }: Allowed): Json {
  return { collection, constraint, claims: claims as unknown as Json };
}
