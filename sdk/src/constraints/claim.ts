/**
 * What one record claims of one constraint: its place in the index, where everything that it could break the constraint
 * with is found, and its rank among them. Made from the record alone, so it is the same on every replica.
 */
import type { Hlc } from '../core/clock.ts';
import type { Dot } from '../core/dot.ts';
import { compareDots } from '../core/dot.ts';
import { compareMarks, type Entry, type Mark, type RecordState } from '../core/record.ts';
import { registerFields } from '../core/conflict.ts';
import { compareStamps, type Stamp } from '../core/version-vector.ts';
import type { Row } from '../core/view.ts';
import { hash128 } from '../lib/hash.ts';
import { canonicalJson, type Json } from '../lib/json.ts';

/** A place in the index: claims that may break the constraint together have a bucket in common. */
export interface Place {
  readonly bucket: string;
  /** Of an interval: the power of 4 that it is not longer than. Else 0. */
  readonly width: number;
  /** Of an interval: its first moment. Else 0. */
  readonly from: number;
  /** Of an interval: the first moment after it. Else 0. */
  readonly to: number;
}

export interface Claim extends Place {
  /** The constraint (`events/rooms`), or what else is looked up by constraints: see names below. */
  readonly name: string;
  readonly id: string;
  /** The latest write of the constrained fields. */
  readonly hlc: Hlc;
  readonly dot: Dot;
  /** Live dots of the constrained fields, in order. */
  readonly dots: readonly Dot[];
  /** Where the home server has put it; absent while it has not, and where nobody asked. */
  readonly stamp?: Stamp;
  /** Of a waiver: hashes of what it allows. */
  readonly waives?: readonly string[];
}

/** No collection of an app has such a name. */
export const WAIVERS = '$waivers';

export function constraintName(collection: string, constraint: string): string {
  return `${collection}/${constraint}`;
}

/** Under this name every row of the collection is found, for those that refer to it. */
export function presenceName(collection: string): string {
  return `@${collection}`;
}

export const NOWHERE: Place = { bucket: '', width: 0, from: 0, to: 0 };

/** The earliest claim first: total, the same on every replica. One change may write several rows. */
export function compareClaims(a: Claim, b: Claim): number {
  return compareMarks(a, b) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** Values as a key: equal values have equal keys, of a length that every index takes. */
export function keyOf(value: Json): string {
  const text = canonicalJson(value);
  return text.length <= 100 ? text : `#${hash128(text)}`;
}

/** A field of a row; what every object has is none. */
export function fieldOf(row: Row, field: string): Json | undefined {
  return Object.hasOwn(row, field) ? row[field] : undefined;
}

/** Nothing in it: takes part in no constraint. */
export function isEmpty(value: Json | undefined): value is null | undefined {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

/** The live entries of every register in which one of the fields is, whatever version of the app wrote it. */
export function entriesOf(fields: readonly string[], state: RecordState): readonly Entry[] {
  return [...state.cells].flatMap(([path, entries]) =>
    registerFields(path).some((field) => fields.includes(field)) ? entries : [],
  );
}

/** Rank and identity of a claim that these entries make. */
export function marksOf(entries: readonly Entry[], state: RecordState): Pick<Claim, 'hlc' | 'dot' | 'dots'> {
  // A field that shows through from a cell of another kind has no entries of its own: the record as a whole claims.
  const marks: readonly Mark[] = entries.length > 0 ? entries : state.rv;
  const latest = marks.toSorted(compareMarks).at(-1) ?? { hlc: 0, dot: '' };
  const dots = [...new Set(marks.map((mark) => mark.dot))].sort(compareDots);
  return { hlc: latest.hlc, dot: latest.dot, dots };
}

/**
 * The place of a claim in the home server's log: of the latest of its entries. Null while one of them has none. Where no
 * server is named, of each entry the number counts that is the same for everybody who has all of them.
 */
export function stampOf(entries: readonly Entry[], home: string | undefined): Stamp | null {
  let latest: Stamp | null = null;
  for (const { stamps = [] } of entries) {
    const stamp = home === undefined ? stamps[0] : stamps.find(([sid]) => sid === home);
    if (!stamp) return null;
    if (!latest || compareStamps(stamp, latest) > 0) latest = stamp;
  }
  return latest;
}
