/**
 * references: the row that a field names is there. Each row that names a missing one is a conflict of its own: it can be
 * pointed elsewhere, be deleted, or stay as it is, without regard to the others.
 */
import { askClaims } from './ask.ts';
import { fieldOf, NOWHERE, presenceName } from './claim.ts';
import type { FieldOf } from './constraint.ts';
import type { RulesOf } from './rules.ts';

export interface ReferencesOptions<Row> {
  /** Holds the id of a row; empty: refers to nothing. */
  readonly field: FieldOf<Row, string>;
  readonly collection: string;
}

export { references } from './declare.ts';

export const referencesRules: RulesOf<'references'> = ({ field, collection }) => ({
  target: collection,
  place: (row) => {
    const target = fieldOf(row, field);
    return typeof target === 'string' && target !== '' ? { ...NOWHERE, bucket: target } : null;
  },
  components: function* (_name, claims) {
    const targets = [...new Set(claims.map((claim) => claim.bucket))];
    const found = yield* askClaims(targets.map((id) => ({ of: 'claim', name: presenceName(collection), id }) as const));
    const missing = new Set(targets.filter((_target, i) => found[i]!.length === 0));
    return claims.filter((claim) => missing.has(claim.bucket)).map((claim) => [claim]);
  },
  accepted: () => [],
});
