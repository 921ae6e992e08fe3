/** unique: no two rows have the same values in these fields. A row that leaves one of them empty takes no part. */
import { askClaims, type Lookup } from './ask.ts';
import { fieldOf, isEmpty, keyOf, NOWHERE, type Claim } from './claim.ts';
import { takesPart } from './condition.ts';
import type { RulesOf } from './rules.ts';

export { unique } from './declare.ts';

export const uniqueRules: RulesOf<'unique'> = ({ fields, when }) => ({
  place: (row) => {
    const values = fields.map((field) => fieldOf(row, field));
    if (values.some(isEmpty) || !takesPart(when, row)) return null;
    return { ...NOWHERE, bucket: keyOf(values.map((value) => value ?? null)) };
  },
  components: function* (name, claims) {
    const buckets = [...new Set(claims.map((claim) => claim.bucket))];
    const found = yield* askClaims(buckets.map((bucket) => wholeBucket(name, bucket)));
    return found.filter((equal) => equal.length > 1);
  },
  accepted: (component) => component.slice(0, 1),
  rivals: function* (name, claim): Lookup<readonly Claim[]> {
    const [equal = []] = yield* askClaims([wholeBucket(name, claim.bucket)]);
    return equal.filter((other) => other.id !== claim.id);
  },
});

/** Everything in a bucket without intervals. */
export function wholeBucket(
  name: string,
  bucket: string,
): {
  readonly of: 'range';
  readonly name: string;
  readonly bucket: string;
  readonly width: 0;
  readonly lower: 0;
  readonly upper: 0;
} {
  return { of: 'range', name, bucket, width: 0, lower: 0, upper: 0 };
}
