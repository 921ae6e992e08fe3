/**
 * noOverlap: rows of one room (or person, or machine) may not share a moment. Intervals are half-open: what begins when
 * another ends does not overlap it.
 *
 * The index has intervals by how long they are, so that whoever asks what overlaps a meeting looks a few hours back for
 * meetings, a few weeks back for the rare long ones, and never at the whole past.
 */
import type { NoOverlapPlan } from '../core/constraint.ts';
import { askClaims, type Lookup } from './ask.ts';
import { fieldOf, isEmpty, keyOf, type Claim, type Place } from './claim.ts';
import { takesPart } from './condition.ts';
import type { ClaimOptions, FieldOf } from './constraint.ts';
import { momentOf } from './moment.ts';
import type { RulesOf } from './rules.ts';

export interface NoOverlapOptions<Row> extends ClaimOptions<Row> {
  /** What may be used once at a time: a room, a person. A row that leaves it empty takes no part. */
  readonly by: FieldOf<Row, string | number | boolean>;
  /** Numbers, instants (ISO 8601 with a zone) or wall time (ISO 8601 without one); of one kind in a row. */
  readonly from: FieldOf<Row, string | number>;
  /** The first moment after it. */
  readonly to: FieldOf<Row, string | number>;
}

export { noOverlap } from './declare.ts';

export const noOverlapRules: RulesOf<'noOverlap'> = (plan) => ({
  place: (row) => (takesPart(plan.when, row) ? intervalOf(plan, row) : null),
  components: overlappingComponents,
  accepted: (component) => {
    const accepted: Claim[] = [];
    for (const claim of component) if (!accepted.some((other) => overlaps(claim, other))) accepted.push(claim);
    return accepted;
  },
  rivals: function* (name, claim) {
    const [overlapping = []] = yield* overlappingEach(name, [claim], new Map());
    return overlapping;
  },
});

function intervalOf({ by, from, to }: NoOverlapPlan, row: Parameters<typeof takesPart>[1]): Place | null {
  const what = fieldOf(row, by);
  const first = momentOf(fieldOf(row, from));
  const end = momentOf(fieldOf(row, to));
  if (isEmpty(what) || what === undefined || !first || !end || first.kind !== end.kind || !(first.at < end.at))
    return null;
  return { bucket: `${first.kind} ${keyOf(what)}`, width: widthOf(end.at - first.at), from: first.at, to: end.at };
}

/** Of the same bucket. */
export function overlaps(a: Place, b: Place): boolean {
  return a.from < b.to && b.from < a.to;
}

/** The power of 4 that the length does not exceed and is more than a quarter of. */
function widthOf(length: number): number {
  let width = 1;
  if (width < length) while (width < length) width *= 4;
  else while (width / 4 >= length) width /= 4;
  return width;
}

/** From each claim to all that overlap it, and on from there. */
function* overlappingComponents(name: string, claims: readonly Claim[]): Lookup<readonly (readonly Claim[])[]> {
  const widths = new Map<string, readonly number[]>();
  const groups = new Map<Claim, Claim[]>();
  const known = new Map(claims.map((claim) => [claim.id, claim]));
  for (const claim of known.values()) groups.set(claim, [claim]);
  let reached: readonly Claim[] = [...known.values()];
  while (reached.length > 0) {
    const found = yield* overlappingEach(name, reached, widths);
    const next: Claim[] = [];
    for (const [i, claim] of reached.entries()) {
      for (const each of found[i]!) {
        const other = known.get(each.id) ?? each;
        if (!known.has(other.id)) {
          known.set(other.id, other);
          groups.set(other, [other]);
          next.push(other);
        }
        join(groups, claim, other);
      }
    }
    reached = next;
  }
  return [...new Set(groups.values())].filter((group) => group.length > 1);
}

/** The smaller group goes over into the larger one. */
function join(groups: Map<Claim, Claim[]>, a: Claim, b: Claim): void {
  const [one, other] = [groups.get(a)!, groups.get(b)!];
  if (one === other) return;
  const [small, large] = one.length < other.length ? [one, other] : [other, one];
  for (const claim of small) {
    large.push(claim);
    groups.set(claim, large);
  }
}

/** For each claim those that overlap it. */
function* overlappingEach(
  name: string,
  claims: readonly Claim[],
  widths: Map<string, readonly number[]>,
): Lookup<readonly (readonly Claim[])[]> {
  for (const bucket of new Set(claims.map((claim) => claim.bucket)))
    if (!widths.has(bucket)) widths.set(bucket, yield* widthsOf(name, bucket));
  const asks = claims.flatMap((claim) =>
    (widths.get(claim.bucket) ?? []).map((width) => ({
      claim,
      // Twice as far back as anything of this width can reach: what is rounded away must not hide anything.
      ask: { of: 'range', name, bucket: claim.bucket, width, lower: claim.from - 2 * width, upper: claim.to } as const,
    })),
  );
  const answers = yield* askClaims(asks.map(({ ask }) => ask));
  const found = new Map<Claim, Claim[]>(claims.map((claim) => [claim, []]));
  for (const [i, { claim }] of asks.entries())
    for (const other of answers[i]!) if (other.id !== claim.id && overlaps(claim, other)) found.get(claim)!.push(other);
  return claims.map((claim) => found.get(claim)!);
}

/** How long, roughly, the intervals of a bucket are: few different widths, because they are powers of 4. */
function* widthsOf(name: string, bucket: string): Lookup<readonly number[]> {
  const widths: number[] = [];
  for (let width = 0; ; width = widths.at(-1)!) {
    const [[claim] = []] = yield* askClaims([{ of: 'wider', name, bucket, width }]);
    if (!claim) return widths;
    widths.push(claim.width);
  }
}
