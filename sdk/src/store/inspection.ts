/**
 * Looking over everything that is stored. The digest that is kept follows what was applied, and so notices damage only where
 * something is written again; a value that the disk has altered and nobody touches is found by reading all of it.
 *
 * It goes by slices, each a transaction of its own, so that pages and local writes are not kept waiting. What moves meanwhile
 * ends it: the next one is for another quiet time.
 */
import { digestOfRecord, digestText, EMPTY_DIGEST, exchange } from '../core/digest.ts';
import type { VersionVector } from '../core/version-vector.ts';
import { canonicalJson } from '../lib/json.ts';
import type { Inspection } from './device-store.ts';
import type { RecordRow, SpaceRow } from './layout.ts';

/** Whole databases are read at most this often. */
export const INSPECT_EVERY_MS = 86_400_000;
/** Records in a slice: some milliseconds. */
export const INSPECT_RECORDS = 200;

/** null: it is too early for another one. */
export function beginInspection(space: SpaceRow, cursor: VersionVector, nowMs: number): Inspection | null {
  return nextInMs(space, nowMs) > 0 ? null : { after: null, digest: EMPTY_DIGEST, at: placeOf(space, cursor) };
}

export function hasMoved(space: SpaceRow, cursor: VersionVector, { at }: Inspection): boolean {
  return at !== placeOf(space, cursor);
}

/** `records`: those that follow, in the order of their keys. */
export function inspect(inspection: Inspection, records: readonly RecordRow[]): Inspection {
  const last = records.at(-1);
  const digest = records.reduce(
    (sum, { c, id, base }) => exchange(sum, EMPTY_DIGEST, digestOfRecord(c, id, base)),
    inspection.digest,
  );
  return { ...inspection, digest, after: last ? [last.c, last.id] : inspection.after };
}

/** What the space says once everything was read. A digest that differs stays, so that no later page passes for right. */
export function endInspection(space: SpaceRow, { digest }: Inspection, nowMs: number): SpaceRow {
  const isDiverged = space.digest !== null && digestText(space.digest) !== digestText(digest);
  return { ...space, inspectedAt: nowMs, digest, isDiverged: space.isDiverged || isDiverged };
}

/** A clock that was put back does not put it off. */
export function nextInMs({ inspectedAt }: SpaceRow, nowMs: number): number {
  if (inspectedAt === undefined || inspectedAt > nowMs) return 0;
  return Math.max(0, inspectedAt + INSPECT_EVERY_MS - nowMs);
}

function placeOf({ digest }: SpaceRow, cursor: VersionVector): string {
  return `${digest ? digestText(digest) : ''} ${canonicalJson({ ...cursor })}`;
}
